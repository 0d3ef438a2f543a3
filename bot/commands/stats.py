"""`stats [account|engineer]`: the headline numbers, or who has how much."""

from collections.abc import Callable, Iterable

from bot.answers import Answer, Freshness, Stats, StatsRow
from bot.router import Request, router
from t5g.derived import Entry
from t5g.errors import QueryError
from t5g.figures import engineer_of
from t5g.query.fields import nearest
from t5g.statistics import day_of

ROWS = 20
KINDS: dict[str, Callable[[Entry], str]] = {
    "account": lambda entry: entry.case.portal.account or "unknown",
    "engineer": engineer_of,
}


@router.command(
    "stats",
    usage="[account|engineer]",
    summary="Show the headline numbers, or the open cases by account or engineer",
    examples=("stats engineer",),
)
async def stats(request: Request) -> Answer:
    """Answer with the numbers, compared with a week ago, or with a table."""
    by = request.text.strip().casefold().removeprefix("by ").removesuffix("s")
    if by and by not in KINDS:
        guess = nearest(by, list(KINDS))
        raise QueryError(
            f"“{by[:20]}” is nothing to count by.",
            text=f"stats {request.text}",
            suggestion=f"stats {guess}" if guess else "",
            example="" if guess else "stats engineer",
        )
    context, now = request.context, request.now
    numbers = context.board.figures(now)
    freshness = Freshness.of(context.board.syncs, now)
    if not by:
        week_ago = await context.history.before(day_of(now, context.settings.zone), 7)
        return Stats(figures=numbers, freshness=freshness, before=week_ago)
    rows = counted(context.board.entries.values(), KINDS[by], now)
    return Stats(
        figures=numbers, freshness=freshness, by=by, rows=tuple(rows[:ROWS]), total=len(rows)
    )


def counted(entries: Iterable[Entry], name: Callable[[Entry], str], now: float) -> list[StatsRow]:
    """Count open cases by a name, the most burdened first."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.open:
            grouped.setdefault(name(entry), []).append(entry)
    rows = [
        StatsRow(
            name=key,
            open=len(found),
            urgent=sum(1 for e in found if e.rank <= 2),
            escalated=sum(1 for e in found if e.escalated),
            breaching=sum(1 for e in found if e.breaching(now)),
            stale=sum(1 for e in found if e.stale(now)),
        )
        for key, found in grouped.items()
    ]
    return sorted(rows, key=lambda row: (-row.open, -row.breaching, row.name.casefold()))
