"""The days before a demo began: rows of numbers as they would have been written each night.

A new installation has no past, and its charts are empty for a day. The cases tell what the last
weeks were like, but for those that were closed before the demo began, which nobody lists any more:
each case stands for those that came before it in its place.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from t5g.board import Board
from t5g.census import figures
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import DAY, Entry, Rules
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.statistics import DayRow, History

DAYS: Final = 60
#: Of more cases than this only every second, third, … is looked at, and counts for so many.
MOST_CASES: Final = 2_000
#: The part of the time that a place is not empty.
OPEN_FOR: Final = 0.8
#: What a case that is closed now was before.
REOPENED: Final = "Waiting on Red Hat"


async def write_past(settings: Settings, now: float) -> int:
    """Write the rows of the days before `now` unless there are any; return how many."""
    redis = open_redis(settings.redis_url)
    try:
        rules = Rules.of(settings)
        history = History(redis, Keys(settings.redis_prefix))
        if len(await history.read_all()) > 1:  # one may have been written since the start
            return 0
        board = Board(open_store(settings, redis), open_syncs(settings, redis), rules)
        await board.refresh()
        rows = past_rows(list(board.entries.values()), rules, settings, now)
        return sum([await history.write(row) for row in rows])
    finally:
        await redis.aclose()


def past_rows(
    entries: Sequence[Entry], rules: Rules, settings: Settings, now: float
) -> Iterator[DayRow]:
    """Work out the row of each of the days before, the first of them first."""
    step = 1 + len(entries) // MOST_CASES
    for days in range(DAYS, 0, -1):
        at = now - days * DAY
        known = [found for e in entries[::step] if (found := as_it_was(e, rules, at, now))]
        row = DayRow.of(figures(known, at), settings.zone)
        yield row if step == 1 else _times(row, step)


def as_it_was(entry: Entry, rules: Rules, at: float, now: float) -> Entry | None:
    """Return a case, or the one before it in its place, as it was at an earlier time.

    None while the place was empty. When a case was touched last is not told: it is taken to have
    been as idle then as it is now.
    """
    created = _created(entry, at, now)
    if created is None:
        return None
    case = entry.case
    escalations = tuple(x for x in case.escalations if x.since and x.since.timestamp() <= at)
    if not entry.open and entry.closed <= at:
        return entry
    idle = now - entry.activity if entry.open else 0.0
    touched = datetime.fromtimestamp(max(created, at - idle), UTC)
    status = case.portal.status if entry.open else REOPENED
    opened = datetime.fromtimestamp(created, UTC)
    portal = replace(case.portal, status=status, created=opened, updated=touched, closed=None)
    cards = tuple(replace(card, updated=touched) for card in case.cards)
    return Entry(replace(case, portal=portal, cards=cards, escalations=escalations), rules)


def _created(entry: Entry, at: float, now: float) -> float | None:
    """When the case that was open then in the place of this one was opened."""
    if not entry.created or entry.created <= at:
        return entry.created or None
    chance = random.Random(entry.number)  # the same for each of the days
    span = (now - entry.created) * chance.uniform(1.1, 1.6) + chance.uniform(2, 10) * DAY
    created = entry.created - math.ceil((entry.created - at) / span) * span
    return created if at - created < span * OPEN_FOR else None


def _times(row: DayRow, step: int) -> DayRow:
    def more(counts: Mapping[str, int]) -> dict[str, int]:
        return {name: count * step for name, count in counts.items()}

    return replace(
        row,
        headlines=more(row.headlines),
        by_severity=more(row.by_severity),
        by_status=more(row.by_status),
        by_internal_status=more(row.by_internal_status),
        by_account=more(row.by_account),
        by_engineer=more(row.by_engineer),
    )
