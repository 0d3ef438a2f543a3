"""`export [query]`: the cases that match as a CSV file."""

from datetime import UTC, datetime

from bot.answers import Answer, Export
from bot.commands.cases import understood
from bot.router import Request, router
from t5g.derived import Entry
from t5g.figures import engineer_of
from t5g.spreadsheet import csv_pieces

COLUMNS = (
    "number", "severity", "status", "account", "summary", "product", "created", "updated",
    "days_open", "sla_used_percent", "escalated", "crit_sit", "card", "internal_status",
    "assignee", "issues", "bugs", "stale", "breaching",
)  # fmt: skip


@router.command(
    "export",
    keeps=True,
    usage="[query]",
    summary="Get the cases that match as a CSV file",
    examples=("export status:any closed<30d",),
)
async def export(request: Request) -> Answer:
    """Answer with a file."""
    query = await understood(request, request.text)
    now = request.now
    found = request.context.board.select(query, now, request.asker.me)
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    return Export(
        name=f"cases-{day}.csv",
        content=csv_of(found, now),
        count=len(found),
        query=query.text,
    )


def csv_of(entries: list[Entry], now: float) -> str:
    """Write cases as CSV."""
    return "".join(csv_pieces(COLUMNS, (_row(entry, now) for entry in entries)))


def _row(entry: Entry, now: float) -> tuple[object, ...]:
    portal, used = entry.case.portal, entry.sla_used(now)
    return (
        portal.number,
        entry.severity,
        portal.status,
        portal.account,
        portal.summary,
        f"{portal.product} {portal.version}".strip(),
        portal.created.isoformat() if portal.created else "",
        portal.updated.isoformat() if portal.updated else "",
        f"{entry.days_open(now):.1f}",
        "" if used is None else round(used * 100),
        _yes(entry.escalated),
        "" if entry.crit_sit is None else _yes(entry.crit_sit),
        entry.card.key if entry.card else "",
        entry.internal_status,
        engineer_of(entry) if entry.assignee else "",
        " ".join(issue.key for issue in entry.case.issues),
        " ".join(str(bug.id) for bug in entry.case.bugs),
        _yes(entry.stale(now)),
        _yes(entry.breaching(now)),
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
