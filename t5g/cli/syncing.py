"""`t5g sync`: one sync in the foreground, with a progress bar and a summary."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from t5g.cli.processes import ready
from t5g.settings import Settings
from t5g.syncs import Sync, SyncRecord, SyncState


class What(StrEnum):
    """The syncs by name, and all of them."""

    CASES = Sync.CASES.value
    CARDS = Sync.CARDS.value
    DETAILS = Sync.DETAILS.value
    ISSUES = Sync.ISSUES.value
    BUGS = Sync.BUGS.value
    ESCALATIONS = Sync.ESCALATIONS.value
    STATS = Sync.STATS.value
    ALL = "all"


WORDS = {
    SyncState.OK: "[green]done[/]",
    SyncState.PARTIAL: "[yellow]partly[/]",
    SyncState.FAILED: "[red]failed[/]",
}


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(sync)


def sync(
    what: Annotated[What, typer.Argument(help="Which sync to run")] = What.ALL,
    full: Annotated[bool, typer.Option(help="Ask for everything, not only for changes")] = False,
    accept_shrink: Annotated[
        bool,
        typer.Option(help="Believe a listing that is empty or less than half of what is known"),
    ] = False,
) -> None:
    """Run one sync (or all) here and now; exit code 1 if any did not work."""
    settings = ready("portal", "jira", "bugzilla")
    names = list(Sync) if what is What.ALL else [Sync(what.value)]
    console = Console()
    records = [
        asyncio.run(_run(settings, name, console, full=full, accept_shrink=accept_shrink))
        for name in names
    ]
    console.print(summary(records))
    if not worked(records):
        raise typer.Exit(1)


async def _run(
    settings: Settings, name: Sync, console: Console, *, full: bool, accept_shrink: bool
) -> SyncRecord:
    from workers.runner import run_sync

    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[what]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name.value, total=None, what="")

        def shown(record: SyncRecord) -> None:
            if record.state is not SyncState.RUNNING:
                return  # it counts nothing any more; the summary follows
            bar.update(task, completed=record.current, total=record.total or None, what=record.what)

        return await run_sync(
            settings, name, full=full, accept_shrink=accept_shrink, on_progress=shown
        )


def worked(records: list[SyncRecord]) -> bool:
    """Say whether all went well: only then the exit code is 0."""
    return all(record.state in (SyncState.OK, SyncState.RUNNING) for record in records)


def summary(records: list[SyncRecord]) -> Table:
    """A row for each sync: how it ended and what it did."""
    table = Table(box=None, pad_edge=False)
    for title in ("sync", "result", "seen", "changed", "removed", "failed", "requests", "took"):
        table.add_column(title, justify="left" if title in ("sync", "result") else "right")
    for record in records:
        took = f"{max(0.0, record.ended - record.started):.1f} s"
        counts = (record.seen, record.changed, record.removed, record.failed, record.requests)
        result = WORDS.get(record.state, record.state.value)
        table.add_row(record.name.value, result, *map(str, counts), took)
        for note in (record.error, *record.notes):
            if note:
                table.add_row("", f"[dim]{note}[/]")
    return table
