"""Follows the change feed and tells the pages that are open (server-sent events).

One follower a process asks Redis while anybody listens; each listener is told only of the cases
that its page is about. Nothing is promised: a listener that is slow or was away is told to look.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct
from redis.exceptions import RedisError

from t5g.board import Board
from t5g.errors import QueryError, StoreError
from t5g.logs import logger
from t5g.query import Query, parse_query
from t5g.team import Me
from webhooks.pages.asking import LONGEST_QUERY
from webhooks.pages.rendering import PAGES, Pages
from webhooks.viewer import still_welcome, viewer_of

EVERY = 0.5
PING = 15.0
#: Seconds between two questions whether who listens may still, and is still there.
LOOK = 3.0
#: Looks in a row that got no answer before a stream is ended: what is not known is not shown.
BLIND = 3
LONGEST_BACKLOG = 50
MOST_LISTENERS = 1_000
#: Streams of one viewer or token: pages open in browsers at once.
MOST_OF_ONE = 20
MOST_CAUGHT_UP = 2_000
TOLD_AT_ONCE = 5
RETRY_MILLIS = 3_000

log = logger(__name__)


class News(Struct, frozen=True):
    """What happened up to `sequence`. `numbers` None: too much to tell, anything may differ."""

    sequence: int
    numbers: frozenset[str] | None = frozenset()
    syncs: bool = False


#: Told when there was nothing to tell for some seconds.
NOTHING: Final = News(-1)


class Follower:
    """Asks for changes while there are listeners, and tells all of them."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._listeners: dict[asyncio.Queue[News | None], web.Request] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def refuse_too_many(self, request: web.Request) -> None:
        """Raise the answer to who listens too often already, or where nobody has room any more."""
        who = viewer_of(request).id
        if who and sum(viewer_of(one).id == who for one in self._there()) >= MOST_OF_ONE:
            raise web.HTTPTooManyRequests(
                text=f"You have {MOST_OF_ONE} pages open that are kept current; close some.",
                headers={"Retry-After": str(int(LOOK))},
            )
        if len(self._there()) >= MOST_LISTENERS:
            raise web.HTTPServiceUnavailable(text="Too many pages are open; reload to see changes.")

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def _there(self) -> list[web.Request]:
        """Return the requests whose askers are there; who left is noticed some seconds later."""
        return [request for request in self._listeners.values() if not _gone(request)]

    @contextlib.asynccontextmanager
    async def listen(self, request: web.Request) -> AsyncIterator[asyncio.Queue[News | None]]:
        """Give a queue of news; None: no more will come."""
        queue: asyncio.Queue[News | None] = asyncio.Queue(LONGEST_BACKLOG)
        self._listeners[queue] = request
        if self._closed:  # the process stops: who comes now is not waited for
            _put(queue, None)
        elif self._task is None:
            self._task = asyncio.create_task(self._follow())
        try:
            yield queue
        finally:
            del self._listeners[queue]

    async def close(self) -> None:
        """Send everybody home, also those who come later."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for queue in self._listeners:
            _put(queue, None)

    async def _follow(self) -> None:
        version = self._board.version
        while self._listeners:
            try:
                await self._board.refresh()
                if self._board.version != version:
                    news = await self._news(version)
                    version = self._board.version
                    await self._spread(news)
            except StoreError:
                log.warning("the change feed does not answer; trying again")
            await asyncio.sleep(EVERY)
        self._task = None

    async def _spread(self, news: News) -> None:
        """Tell some at a time, so that many open pages do not hold up the answers to others."""
        for place, queue in enumerate(list(self._listeners), start=1):
            _put(queue, news)
            if place % TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _news(self, before: tuple[str, int, int]) -> News:
        epoch, sequence, revision = self._board.version
        syncs = revision != before[2]
        if epoch != before[0]:
            return News(sequence, None, syncs)
        return News(sequence, await self.changed_after(before[1]), syncs)

    async def changed_after(self, sequence: int) -> frozenset[str] | None:
        """Return the numbers of the cases that changed since; None: too many to tell."""
        if self._board.version[1] == sequence:
            return frozenset()
        feed = await self._board.changes_after(sequence, MOST_CAUGHT_UP)
        if not feed or feed[-1].sequence < self._board.version[1]:
            return None
        return frozenset(entry.number for entry in feed)


def _gone(request: web.Request) -> bool:
    """Say whether nobody is at the other end any more."""
    return request.transport is None or request.transport.is_closing()


def _put(queue: asyncio.Queue[News | None], news: News | None) -> None:
    """Tell a listener; one that does not keep up loses the oldest and is told to look anew."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        news = News(news.sequence, None, True) if news else None
    queue.put_nowait(news)


class Scope:
    """Which cases a page is about: all, those of a query, or one."""

    def __init__(self, board: Board, query: Query | None, number: str, me: Me) -> None:
        self._board = board
        self._query = query
        self._number = number
        self._me = me
        self._shown: set[str] = set()

    def begin(self, now: float) -> None:
        """Remember what the page shows."""
        if self._query is not None:
            found = self._query.filter(self._board.entries.values(), now, self._me)
            self._shown = {entry.number for entry in found}

    def concerned(self, numbers: frozenset[str], now: float) -> list[str]:
        """Return those of `numbers` that the page shows, showed or would show."""
        if self._number:
            return [self._number] if self._number in numbers else []
        if self._query is None:
            return sorted(numbers)
        changed = [entry for number in numbers if (entry := self._board.get(number))]
        after = {entry.number for entry in self._query.filter(changed, now, self._me)}
        before = self._shown & numbers
        self._shown = (self._shown - before) | after
        return sorted(before | after)


FOLLOWER: Final = web.AppKey("FOLLOWER", Follower)


async def closing(app: web.Application) -> None:
    """End the streams, so that the process can stop."""
    await app[FOLLOWER].close()


async def follow(request: web.Request) -> web.StreamResponse:
    """`/live`: what changes, as it happens. `q` or `case` narrow it.

    `since` and `revision` say what the page shows: the place in the change feed, and the state of
    the syncs at its foot.
    """
    follower, pages = request.app[FOLLOWER], request.app[PAGES]
    follower.refuse_too_many(request)
    await pages.board.refresh()
    scope = _scope(request, pages)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
            "X-Content-Type-Options": "nosniff",
        }
    )
    async with follower.listen(request) as queue:
        scope.begin(pages.clock())
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        with contextlib.suppress(ConnectionError):
            await response.write(f"retry: {RETRY_MILLIS}\n\n".encode())
            await _catch_up(request, response, follower)
            await _tell(request, response, queue, scope)
    return response


def _scope(request: web.Request, pages: Pages) -> Scope:
    text, number = request.query.get("q"), request.query.get("case", "")
    query = None
    if text is not None:
        with contextlib.suppress(QueryError):
            query = parse_query(text[:LONGEST_QUERY], pages.board.words)
    return Scope(pages.board, query, number, viewer_of(request).me)


async def _catch_up(request: web.Request, response: web.StreamResponse, follower: Follower) -> None:
    """Tell what happened between the rendering of the page and now."""
    pages = request.app[PAGES]
    if request.query.get("revision", "") not in {"", str(pages.board.version[2])}:
        await _freshness(response, pages)
    since = request.headers.get("Last-Event-ID") or request.query.get("since", "")
    if not (since.isascii() and since.isdigit() and len(since) < 16):
        return
    numbers = await follower.changed_after(int(since))
    if numbers is None or numbers:
        sequence = pages.board.version[1]
        await _change(response, sequence, None if numbers is None else sorted(numbers))


async def _tell(
    request: web.Request,
    response: web.StreamResponse,
    queue: asyncio.Queue[News | None],
    scope: Scope,
) -> None:
    pages, loop = request.app[PAGES], asyncio.get_running_loop()
    ping, blind = loop.time() + PING, 0
    while True:
        news = await _next(queue)
        if news is None or _gone(request):
            return
        # Asked before each word, and every few seconds: the session or token may have ended.
        welcome = await _welcome(request)
        blind = blind + 1 if welcome is None else 0
        if welcome is False or blind >= BLIND or (welcome is None and news is not NOTHING):
            return  # who may stay comes again, and is told what they missed
        if news is NOTHING:
            if welcome and loop.time() >= ping:
                await response.write(b": still here\n\n")
                ping = loop.time() + PING
            continue
        numbers = news.numbers
        concerned = None if numbers is None else scope.concerned(numbers, pages.clock())
        if concerned is None or concerned:
            await _change(response, news.sequence, concerned)
        if news.syncs:
            await _freshness(response, pages)


async def _next(queue: asyncio.Queue[News | None]) -> News | None:
    """Wait for news; NOTHING after a while without any."""
    try:
        return await asyncio.wait_for(queue.get(), LOOK)
    except TimeoutError:
        return NOTHING


async def _welcome(request: web.Request) -> bool | None:
    """Say whether who listens may still; None while nobody can say, as Redis is away."""
    try:
        async with asyncio.timeout(LOOK):
            return await still_welcome(request)
    except (StoreError, RedisError, OSError):
        return None


async def _change(response: web.StreamResponse, sequence: int, numbers: list[str] | None) -> None:
    await _event(response, "change", {"sequence": sequence, "numbers": numbers}, sequence)


async def _freshness(response: web.StreamResponse, pages: Pages) -> None:
    await _event(response, "freshness", (await pages.foot()).decode())


async def _event(
    response: web.StreamResponse, name: str, data: object, identity: int | None = None
) -> None:
    head = f"event: {name}\n" + (f"id: {identity}\n" if identity is not None else "")
    await response.write(head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n")
