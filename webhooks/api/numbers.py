"""`/api/v1/stats`, its history, and the accounts, engineers and syncs."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import web

from t5g.derived import Entry
from t5g.digest import differences
from t5g.figures import HEADLINES, Durations, Figures, Tally, engineer_of
from t5g.statistics import DayRow
from t5g.syncs import SyncRecord
from webhooks.api.answers import ANSWERS
from webhooks.api.asking import ParameterError, limit_of, only
from webhooks.api.cursors import unpacked
from webhooks.api.shapes import Shape
from webhooks.keys import BOARD, SETTINGS
from webhooks.pages import addresses
from webhooks.pages.keys import DAYS

MOST_DAYS = 3660


class DurationShape(Shape, frozen=True):
    """Days something took: of how many cases, mean and median."""

    cases: int
    mean_days: float | None
    median_days: float | None


class StatsShape(Shape, frozen=True):
    """All numbers now. `by_…` count open cases; `since_…`: the change of each headline number."""

    headlines: Mapping[str, int]
    since_yesterday: Mapping[str, int]
    since_last_week: Mapping[str, int]
    by_severity: Mapping[str, int]
    by_status: Mapping[str, int]
    by_internal_status: Mapping[str, int]
    by_account: Mapping[str, int]
    by_engineer: Mapping[str, int]
    by_product: Mapping[str, int]
    relief: Mapping[str, DurationShape]
    resolution: Mapping[str, DurationShape]


class DayShape(Shape, frozen=True):
    """The numbers of one day, in the installation's time zone."""

    day: str
    headlines: Mapping[str, int]
    by_severity: Mapping[str, int]
    by_status: Mapping[str, int]
    by_internal_status: Mapping[str, int]
    by_account: Mapping[str, int]
    by_engineer: Mapping[str, int]


class HistoryShape(Shape, frozen=True):
    """The daily rows, oldest first; a day without a row has none."""

    items: tuple[DayShape, ...]


class GroupShape(Shape, frozen=True):
    """The open cases of one account or engineer, by headline number."""

    name: str
    url: str
    headlines: Mapping[str, int]


class GroupListShape(Shape, frozen=True):
    """A page of accounts or engineers, by name."""

    total: int
    items: tuple[GroupShape, ...]
    next: str | None


class SyncShape(Shape, frozen=True):
    """One sync. `late`: its data may be older than people expect, and `why`."""

    name: str
    state: str
    last_success: datetime | None
    late: bool
    why: str
    current: int
    total: int


class SyncListShape(Shape, frozen=True):
    """All syncs, in the order in which a first run makes sense."""

    items: tuple[SyncShape, ...]


async def get_stats(request: web.Request) -> web.Response:
    """All numbers as they are now."""
    only(request)
    board, days = request.app[BOARD], request.app[DAYS]
    await board.refresh()
    yesterday, last_week = await days.before(1), await days.before(7)

    def make(now: float) -> StatsShape:
        return _stats(board.figures(now), yesterday, last_week)

    depends = (yesterday and yesterday.at, last_week and last_week.at)
    return request.app[ANSWERS].give(request, "stats", make, depends=depends)


def _stats(numbers: Figures, yesterday: DayRow | None, last_week: DayRow | None) -> StatsShape:
    return StatsShape(
        headlines=numbers.headlines,
        since_yesterday=differences(numbers, yesterday),
        since_last_week=differences(numbers, last_week),
        by_severity=numbers.by_severity,
        by_status=numbers.by_status,
        by_internal_status=numbers.by_internal_status,
        by_account=numbers.by_account,
        by_engineer=numbers.by_engineer,
        by_product=numbers.by_product,
        relief=_durations(numbers.relief),
        resolution=_durations(numbers.resolution),
    )


def _durations(found: Mapping[str, Durations]) -> dict[str, DurationShape]:
    return {
        severity: DurationShape(
            cases=one.count,
            mean_days=None if one.mean is None else round(one.mean, 3),
            median_days=None if one.median is None else round(one.median, 3),
        )
        for severity, one in found.items()
    }


async def get_history(request: web.Request) -> web.Response:
    """The daily rows of numbers."""
    only(request, "days")
    days = _days(request)
    await request.app[BOARD].refresh()
    rows = await request.app[DAYS].rows()

    def make(_: float) -> HistoryShape:
        return HistoryShape(items=tuple(_day(row) for row in rows[-days:]))

    newest = rows[-1].at if rows else 0.0
    answers = request.app[ANSWERS]
    return answers.give(request, ("history", days), make, depends=(len(rows), newest))


def _days(request: web.Request) -> int:
    text = request.query.get("days", "90")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= MOST_DAYS:
        raise ParameterError(f"days is a number from 1 to {MOST_DAYS}, not “{text[:20]}”.")
    return number


def _day(row: DayRow) -> DayShape:
    return DayShape(
        day=row.day,
        headlines=row.headlines,
        by_severity=row.by_severity,
        by_status=row.by_status,
        by_internal_status=row.by_internal_status,
        by_account=row.by_account,
        by_engineer=row.by_engineer,
    )


async def list_accounts(request: web.Request) -> web.Response:
    """The accounts with open cases, by name."""
    return await _groups(request, "accounts", lambda e: e.case.portal.account, addresses.account)


async def list_engineers(request: web.Request) -> web.Response:
    """The engineers with open cases, by name."""
    return await _groups(
        request, "engineers", lambda e: engineer_of(e) if e.assignee else "", addresses.engineer
    )


async def _groups(
    request: web.Request,
    kind: str,
    name: Callable[[Entry], str],
    page: Callable[[str], str],
) -> web.Response:
    only(request, "limit", "cursor")
    board, base = request.app[BOARD], request.app[SETTINGS].base_url
    limit, cursor = limit_of(request), request.query.get("cursor")
    after = _read(cursor) if cursor is not None else None
    await board.refresh()

    def make(now: float) -> GroupListShape:
        groups = _grouped(board.entries.values(), name)
        left = sorted((x for x in groups if after is None or _place(x) > after), key=_place)
        shown = left[:limit]
        items = tuple(
            GroupShape(
                name=x,
                url=base + addresses.ascii_only(page(x)),
                headlines=_headlines(groups[x], now),
            )
            for x in shown
        )
        more = None
        if len(left) > limit:
            query = urlencode({"limit": limit, "cursor": _write(shown[-1])})
            more = f"/api/v1/{kind}?{query}"
        return GroupListShape(total=len(groups), items=items, next=more)

    return request.app[ANSWERS].give(request, (kind, limit, cursor), make)


def _grouped(entries: Iterable[Entry], name: Callable[[Entry], str]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.open and (found := name(entry)):
            groups.setdefault(found, []).append(entry)
    return groups


def _headlines(entries: Iterable[Entry], now: float) -> dict[str, int]:
    tally = Tally(list(entries), now)
    return {line.name: tally.of(line) for line in HEADLINES}


def _place(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _write(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _read(cursor: str) -> tuple[str, str]:
    try:
        return _place(unpacked(cursor).decode())
    except (ValueError, binascii.Error) as error:
        raise ParameterError("The cursor is not one of ours; begin without one.") from error


async def list_syncs(request: web.Request) -> web.Response:
    """How fresh each source is."""
    only(request)
    board = request.app[BOARD]
    await board.refresh()

    def make(now: float) -> SyncListShape:
        return SyncListShape(items=tuple(_sync(record, now) for record in board.syncs.values()))

    return request.app[ANSWERS].give(request, "syncs", make)


def _sync(record: SyncRecord, now: float) -> SyncShape:
    success = record.last_success
    return SyncShape(
        name=record.name.value,
        state=record.state.value,
        last_success=datetime.fromtimestamp(int(success), UTC) if success else None,
        late=record.stale(now),
        why=record.why_stale(now),
        current=record.current,
        total=record.total,
    )
