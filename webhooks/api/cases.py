"""`/api/v1/cases` and `/api/v1/cases/NUMBER`."""

from collections.abc import Iterable
from urllib.parse import urlencode

from aiohttp import web

from t5g.errors import NotFoundError
from t5g.query import Query, parse_query
from t5g.syncs import SyncRecord
from webhooks.api.answers import ANSWERS
from webhooks.api.asking import limit_of, only
from webhooks.api.cursors import Cursor, cursor_after, read_cursor, rest
from webhooks.api.shapes import CaseShape, FullCaseShape, Shape, case, full_case
from webhooks.keys import BOARD, SETTINGS
from webhooks.viewer import viewer_of

PATH = "/api/v1/cases"


class LateShape(Shape, frozen=True):
    """A source whose data may be older than people expect, and why."""

    source: str
    why: str


class CaseListShape(Shape, frozen=True):
    """A page of cases. `total` counts all that match; `next` leads to the rest, null: no more."""

    query: str
    total: int
    items: tuple[CaseShape, ...]
    next: str | None
    late: tuple[LateShape, ...]


def late(records: Iterable[SyncRecord], now: float) -> tuple[LateShape, ...]:
    """Name the sources whose data may be older than people expect."""
    found = ((record.name.value, record.why_stale(now)) for record in records)
    return tuple(LateShape(source=name, why=why) for name, why in found if why)


async def list_cases(request: web.Request) -> web.Response:
    """The cases that match `q`, in the query's order."""
    only(request, "q", "limit", "cursor")
    answers, board = request.app[ANSWERS], request.app[BOARD]
    limit, given = limit_of(request), request.query.get("cursor")
    await board.refresh()
    query = parse_query(request.query.get("q", ""), board.words)
    cursor = read_cursor(given, query, answers.clock()) if given is not None else None

    def make(now: float) -> CaseListShape:
        return _page(request, query, limit, cursor, now)

    return answers.give(request, ("cases", query.text, limit, given), make, personal=query.personal)


def _page(
    request: web.Request, query: Query, limit: int, cursor: Cursor | None, now: float
) -> CaseListShape:
    board, settings = request.app[BOARD], request.app[SETTINGS]
    at = cursor.at if cursor else now
    found = board.select(query, at, viewer_of(request).me)
    if cursor or len(found) > limit:
        found = query.order(found, at)  # the board's own order is of the minute, not of `at`
    left = rest(found, cursor, query) if cursor else found
    shown = left[:limit]
    more = cursor_after(shown[-1], query, at) if len(left) > limit else None
    return CaseListShape(
        query=query.text,
        total=len(found),
        items=tuple(case(entry, now, settings.base_url) for entry in shown),
        next=_next(query, limit, more) if more else None,
        late=late(board.syncs.values(), now),
    )


def _next(query: Query, limit: int, cursor: Cursor) -> str:
    return f"{PATH}?{urlencode({'q': query.text, 'limit': limit, 'cursor': str(cursor)})}"


async def get_case(request: web.Request) -> web.Response:
    """All of one case."""
    only(request)
    board, number = request.app[BOARD], request.match_info["number"]
    await board.refresh()
    entry = board.get(number)
    if entry is None:
        raise NotFoundError(f"There is no case {number[:20]} here.")

    def make(now: float) -> FullCaseShape:
        return full_case(entry, now, request.app[SETTINGS].base_url)

    return request.app[ANSWERS].give(request, ("case", number), make)
