"""`t5g cards`: what would become of the cards of cases, and why; and going ahead by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from t5g.cli.processes import ready
from t5g.cli.terminal import new_table, who

cards = typer.Typer(help="Cards of cases: what would be done, and why.", no_args_is_help=True)
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done; nothing is called.")
]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(cards, name="cards")


@cards.command()
def plan() -> None:
    """Show which cards would be made or reopened, for whom, and why; changes nothing."""
    _show(_create(dry=True))


@cards.command()
def create(
    confirm: Annotated[
        int | None, typer.Option(min=1, help="Go ahead with exactly so many, past the guard.")
    ] = None,
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Make and reopen cards now; exit code 1 if a card could not be made."""
    report = _create(dry=dry_run, confirmed=confirm or 0)
    _show(report)
    if report.failed or (report.plan.stopped and not dry_run):
        raise typer.Exit(1)


@cards.command()
def priorities(dry_run: DryRun = False) -> None:
    """Let the priority of each card follow the severity of its case."""
    from workers.cards.priorities import follow_severity

    _change(follow_severity, "Every card has the priority of its case.", dry_run)


@cards.command()
def close(dry_run: DryRun = False) -> None:
    """Propose the cards of closed cases for closing (or close them, with T5G_CLOSE_CARDS)."""
    from workers.cards.closing import close_cards

    _change(close_cards, "No card is to be proposed for closing.", dry_run)


@cards.command()
def tag(dry_run: DryRun = False) -> None:
    """Put the team's keywords on the bugs and issues behind open cases."""
    from workers.cards.tagging import tag_linked

    _change(tag_linked, "Every linked bug and issue has the keywords.", dry_run)


def _create(*, dry: bool, confirmed: int = 0) -> Any:
    from workers.cards.run import run_cards

    return _at_desk(lambda desk: run_cards(desk, confirmed=confirmed, dry=dry))


def _at_desk(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from workers.cards.desk import open_desk

    settings = ready("jira", "portal")

    async def run() -> Any:
        console = Console()
        quiet = not console.is_terminal
        columns = (TextColumn("cards"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
            task = bar.add_task("cards", total=None)
            async with open_desk(settings, who=who(), origin="cli") as desk:
                desk.on_progress = lambda done, total: bar.update(task, completed=done, total=total)
                return await work(desk)

    return asyncio.run(run())


def _show(report: Any) -> None:
    console = Console(highlight=False)
    if report.busy:
        console.print("Another run is at work on the cards; look again in a minute.")
        return
    if not report.plan.rows:
        console.print("Every open case has its card.")
    else:
        console.print(_table(report.plan.rows, report.made))
    if report.plan.stopped:
        _tell_guard(console, report.plan)
    if not report.dry and report.plan.rows:
        console.print(f"{len(report.made)} made, {len(report.failed)} failed")
    for number, why in report.failed:
        console.print(f"  {number} failed: {why}", markup=False)
    for number, why in report.waiting:
        console.print(f"  {number} waits for the next run: {why}", markup=False)
    for key, name, why in report.lacking:
        console.print(f"  {key} lacks {name}: {why}", markup=False)


def _tell_guard(console: Console, found: Any) -> None:
    count = found.count
    if found.confirmed:
        asked = f"You confirmed {found.confirmed}, but there are {count} now: none is made."
    else:
        asked = f"{count} are more than {found.limit}: none is made by itself."
    console.print(
        f"{asked} If this is right: t5g cards create --confirm {count}", style="bold yellow"
    )


def _table(rows: Any, made: Any) -> Table:
    keys = {record.number: record.key for record in made}
    table = new_table("", "case", "about", "what", "card", "assignee", "chosen", "why")
    for row in rows:
        key = keys.get(row.number) or row.card or "–"
        who_why = (row.assignee or "nobody", row.reason)
        table.add_row(row.number, row.about, row.action.value, key, *who_why, row.why)
    return table


def _change(work: Callable[..., Awaitable[Any]], nothing: str, dry: bool) -> None:
    """Do one of the changes of many and show it; exit code 1 if something failed."""
    found = _at_desk(lambda desk: work(desk, dry=dry))
    console = Console(highlight=False)
    if not found.planned:
        console.print(nothing)
        return
    outcome = dict(found.failed) | {what: "left alone" for what, _ in found.spared}
    done = {change.card for change in found.done}
    table = new_table("", "case", "what", "before", "after", "why", "outcome")
    for one in found.planned:
        came = "would be done" if dry else "done" if one.card in done else "was so already"
        told = outcome.get(one.card, came)
        table.add_row(one.number, one.card, one.before or "–", one.after, one.why, told)
    console.print(table)
    if not dry:
        console.print(
            f"{len(found.done)} done, {len(found.failed)} failed, {len(found.spared)} left alone"
        )
    if found.failed:
        raise typer.Exit(1)
