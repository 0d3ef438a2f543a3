"""`t5g webhook`: registers JIRA's webhook for this installation, lists it, takes it away."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from redis.asyncio import Redis
from rich.console import Console

from t5g.board import Board
from t5g.cli import terminal
from t5g.cli.terminal import new_table, record
from t5g.connection import open_store, open_syncs
from t5g.derived import Rules
from t5g.errors import RefusedError
from t5g.settings import Settings

if TYPE_CHECKING:
    from workers.jira.hooks import Hook, Hooks

webhook = typer.Typer(help="The webhook with which JIRA sends its events.", no_args_is_help=True)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(webhook, name="webhook")


@webhook.command("list")
def show_all() -> None:
    """List the webhooks of JIRA that lead here, and what is wrong with them; 1 if anything is."""

    async def read(settings: Settings, redis: Redis) -> tuple[list["Hook"], list[str], int]:
        from workers.jira.hooks import faults_of, is_ours

        projects = await _projects(settings, redis)
        async with _open(settings) as hooks:
            found = await hooks.all()
            ours = [hook for hook in found if is_ours(hook, settings)]
            faults = [
                "; ".join(faults_of(hook, signs=hooks.signs, projects=projects)) for hook in ours
            ]
            return ours, faults, len(found) - len(ours)

    ours, faults, others = terminal.run(read, "jira")
    console = Console(highlight=False)
    if ours:
        table = new_table("Webhooks that lead here", "id", "name", "address", "of", "state")
        for hook, fault in zip(ours, faults, strict=True):
            table.add_row(hook.id, hook.name, hook.shown_url, hook.filter or "all issues",
                          fault or "as it should be")  # fmt: skip
        console.print(table)
    else:
        console.print("No webhook of JIRA leads here; `t5g webhook register` makes one.")
    if others:
        console.print(f"{others} more lead elsewhere.")
    if not ours or any(faults):
        if any(faults):
            console.print("`t5g webhook register` replaces it by one that is right.")
        raise typer.Exit(1)


@webhook.command("register")
def register(
    jql: Annotated[
        str, typer.Option(help="Of which issues; by itself: the projects that are known here.")
    ] = "",
    dry_run: DryRun = False,
) -> None:
    """Register the webhook in JIRA, in place of one that leads here already."""

    async def work(settings: Settings, redis: Redis) -> tuple[str, str, int]:
        from workers.jira.hooks import filter_of, is_ours, wanted_of

        filter = jql or filter_of(await _projects(settings, redis))
        async with _open(settings) as hooks:
            ours = [hook for hook in await hooks.all() if is_ours(hook, settings)]
            wanted = wanted_of(settings, filter, signs=hooks.signs)
            if dry_run:
                return "", wanted.filter, len(ours)
            _may_change(settings)
            made = await hooks.register(wanted, ours)
        await record(settings, redis, "webhook register", f"{made.id} {made.shown_url}")
        return made.id, wanted.filter, len(ours)

    id, filter, replaced = terminal.run(work, "jira")
    typer.echo(f"Registered as {id}." if id else "Would register a webhook.")
    typer.echo(f"Events of: {filter}")
    if replaced:
        typer.echo(f"In place of {replaced} that led here.")


@webhook.command("unregister")
def unregister(dry_run: DryRun = False) -> None:
    """Take away every webhook of JIRA that leads here."""

    async def work(settings: Settings, redis: Redis) -> Sequence["Hook"]:
        from workers.jira.hooks import is_ours

        async with _open(settings) as hooks:
            ours = [hook for hook in await hooks.all() if is_ours(hook, settings)]
            if ours and not dry_run:
                _may_change(settings)
                for hook in ours:
                    await hooks.remove(hook)
                    await record(
                        settings, redis, "webhook unregister", f"{hook.id} {hook.shown_url}"
                    )
        return ours

    gone = terminal.run(work, "jira")
    for hook in gone:
        typer.echo(f"{'Would remove' if dry_run else 'Removed'} {hook.id}: {hook.shown_url}")
    if not gone:
        typer.echo("No webhook of JIRA leads here.")


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator["Hooks"]:
    from workers.checks import PATIENCE
    from workers.jira.hooks import Hooks

    hooks = Hooks(settings, PATIENCE)
    try:
        yield hooks
    finally:
        hooks.close()


async def _projects(settings: Settings, redis: Redis) -> set[str]:
    """Return the projects whose issues concern us: cards, escalations, linked issues."""
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    await board.refresh()
    linked = {
        issue.key.rpartition("-")[0]
        for entry in board.entries.values()
        for issue in entry.case.issues
    }
    return {settings.jira_project, settings.jira_escalation_project, *linked} - {""}


def _may_change(settings: Settings) -> None:
    if settings.read_only:
        raise RefusedError(
            "T5G_READ_ONLY is true, so nothing is changed in JIRA. For this one command: "
            "`T5G_READ_ONLY=false t5g webhook …`, or by hand: docs/jira-webhooks.md."
        )
