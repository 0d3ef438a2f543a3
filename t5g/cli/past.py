"""The days before a demo began: rows of numbers as they would have been written each night.

A new installation has no past, and its charts are empty for a day. The cases tell what the last
weeks were like, but for many of those that were closed before the demo began, which nobody lists:
each open case stands for those that came before it in its place.
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
from t5g.derived import DAY, NEW_DAYS, Entry, Rules
from t5g.keys import Keys
from t5g.model import Status
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
        known = [found for e in entries[::step] for found in as_it_was(e, rules, at, now)]
        row = DayRow.of(figures(known, at), settings.zone)
        yield row if step == 1 else _times(row, step)


def as_it_was(entry: Entry, rules: Rules, at: float, now: float) -> Iterator[Entry]:
    """Yield what there was of a case at an earlier time: itself, or those before it in its place.

    Nothing while the place was empty for long. When a case was touched last is not told: it is
    taken to have been as idle then as it is now.
    """
    if not entry.created:
        return
    if entry.created <= at:
        yield _open_then(entry, rules, entry.created, at, now) if _is_open(entry, at) else entry
    if entry.open:
        for created, closed in _before(entry, at, now):
            if closed > at:
                yield _open_then(entry, rules, created, at, now)
            elif at - closed <= NEW_DAYS * DAY:
                yield _closed_then(entry, rules, created, closed)


def _is_open(entry: Entry, at: float) -> bool:
    return entry.open or entry.closed > at


def _before(entry: Entry, at: float, now: float) -> Iterator[tuple[float, float]]:
    """Yield when the last cases in the place of this one were opened and closed, up to `at`."""
    chance = random.Random(entry.number)  # the same for each of the days
    span = (now - entry.created) * chance.uniform(1.1, 1.6) + chance.uniform(2, 10) * DAY
    newest = max(1, math.ceil((entry.created - at) / span))
    for back in (newest, newest + 1):
        created = entry.created - back * span
        yield created, created + span * OPEN_FOR


def _open_then(entry: Entry, rules: Rules, created: float, at: float, now: float) -> Entry:
    case = entry.case
    idle = now - entry.activity if entry.open else 0.0
    touched = datetime.fromtimestamp(max(created, at - idle), UTC)
    status = case.portal.status if entry.open else REOPENED
    opened = datetime.fromtimestamp(created, UTC)
    portal = replace(case.portal, status=status, created=opened, updated=touched, closed=None)
    cards = tuple(replace(card, updated=touched) for card in case.cards)
    escalations = tuple(x for x in case.escalations if x.since and x.since.timestamp() <= at)
    return Entry(replace(case, portal=portal, cards=cards, escalations=escalations), rules)


def _closed_then(entry: Entry, rules: Rules, created: float, closed: float) -> Entry:
    opened, ended = (datetime.fromtimestamp(moment, UTC) for moment in (created, closed))
    status = Status.CLOSED.value
    portal = replace(entry.case.portal, status=status, created=opened, updated=ended, closed=ended)
    return Entry(replace(entry.case, portal=portal, cards=(), escalations=()), rules)


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
