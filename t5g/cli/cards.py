"""`t5g cards`: what would become of the cards of cases, and why; and going ahead by hand."""

import asyncio
import getpass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from t5g.cli.processes import ready
from t5g.settings import Settings

cards = typer.Typer(help="Cards of cases: what would be done, and why.", no_args_is_help=True)


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(cards, name="cards")


@cards.command()
def plan() -> None:
    """Show which cards would be made or reopened, for whom, and why; changes nothing."""
    report = asyncio.run(_run(ready("jira", "portal"), dry=True))
    _show(report)


@cards.command()
def create(
    confirm: Annotated[
        int | None, typer.Option(min=1, help="Go ahead with so many, past the guard.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Make and reopen cards now; exit code 1 if a card could not be made."""
    report = asyncio.run(_run(ready("jira", "portal"), dry=dry_run, confirmed=confirm))
    _show(report)
    if report.failed or (report.plan.stopped and not dry_run):
        raise typer.Exit(1)


async def _run(settings: Settings, *, dry: bool, confirmed: int | None = None) -> Any:
    from workers.cards.desk import open_desk
    from workers.cards.run import run_cards

    async with open_desk(settings, who=getpass.getuser(), origin="cli") as desk:
        return await run_cards(desk, confirmed=confirmed, dry=dry)


def _show(report: Any) -> None:
    console = Console()
    if report.busy:
        console.print("Another run is at work on the cards; look again in a minute.")
        return
    if not report.plan.rows:
        console.print("Every open case has its card.")
    else:
        console.print(_table(report.plan.rows))
    if report.plan.stopped:
        count = len(report.plan.rows)
        console.print(
            f"{count} are more than {report.plan.limit}: none is made by itself. If this is right: "
            f"t5g cards create --confirm {count}",
            style="bold yellow",
        )
    if not report.dry and report.plan.rows:
        console.print(f"{len(report.made)} made, {len(report.failed)} failed")
    for number, why in (*report.failed, *report.waiting):
        console.print(f"  {number}: {why}", markup=False)


def _table(rows: Any) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("Case", "What", "Assignee", "Chosen", "Why"):
        table.add_column(title)
    for row in rows:
        what = f"{row.action.value} {row.card}".strip()
        table.add_row(row.number, what, row.assignee or "nobody", row.reason, row.why)
    return table
