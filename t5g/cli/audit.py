"""`t5g audit`: who asked for or did what, from where, on which case, and what came of it."""

import sys
import time
from typing import Annotated

import msgspec
import typer
from redis.asyncio import Redis
from rich.console import Console

from t5g.audit import COLUMNS, Audit, AuditEntry, Filter, Outcome, row_of
from t5g.cli import terminal
from t5g.cli.terminal import moment, new_table, record
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.spreadsheet import csv_pieces
from t5g.timestamps import asked_time

Moment = Annotated[str, typer.Option(help="A day (2026-11-24), a moment, or 12h, 7d, 2w ago")]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command("audit")(show)


def show(
    *,
    who: Annotated[str, typer.Option(help="Part of the id or name of a person")] = "",
    action: Annotated[str, typer.Option(help="What was done, as the list says it")] = "",
    case: Annotated[str, typer.Option(help="A case's number")] = "",
    origin: Annotated[str, typer.Option(help="slack, page, api, cli or job")] = "",
    outcome: Annotated[Outcome | None, typer.Option(help="What came of it")] = None,
    since: Moment = "",
    until: Moment = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table for spreadsheets")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each")] = False,
) -> None:
    """List what people and jobs asked for and did, the newest first."""
    now = time.time()
    wanted = Filter(
        who=who, action=action, case=case, origin=origin, outcome=outcome or "",
        since=asked_time(since, now), until=asked_time(until, now),
    )  # fmt: skip
    if as_csv and as_json:
        raise typer.BadParameter("say --csv or --json, not both")
    exported = as_csv or as_json

    async def read(settings: Settings, redis: Redis) -> list[AuditEntry]:
        audit = Audit(redis, Keys(settings.redis_prefix), days=settings.audit_days)
        found = await audit.read(wanted, limit=limit or None)
        if exported:
            await record(settings, redis, "audit export", f"{len(found)} lines")
        return found

    entries = terminal.run(read)
    if as_csv:
        for piece in csv_pieces(COLUMNS, map(row_of, entries)):
            sys.stdout.write(piece)
    elif as_json:
        for entry in entries:
            sys.stdout.write(msgspec.json.encode(entry).decode() + "\n")
    else:
        _print(entries, limit)


def _print(entries: list[AuditEntry], limit: int) -> None:
    console = Console(highlight=False)
    if not entries:
        console.print("Nothing in the audit log is like that.")
        return
    table = new_table("", "when", "who", "from", "did", "case", "outcome", "detail")
    for one in entries:
        who = one.name or one.who
        table.add_row(
            moment(one.at), who, f"{one.origin} {one.place}".strip(), one.action, one.case,
            one.outcome.value, one.detail,
        )  # fmt: skip
    console.print(table)
    if len(entries) == limit:
        console.print(f"The newest {limit}; `--limit 0` for all.", style="dim")
