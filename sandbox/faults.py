"""Bad days on demand: what a server of the sandbox does wrong, how slowly, and what it was asked.

`Faults` is mounted on a server's application and used in-process (`faults.add(...)`) or over HTTP
(`/_sandbox/faults`, `/_sandbox/requests`). It knows HTTP, and nothing of any upstream.
"""

import asyncio
import dataclasses
import itertools
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self
from urllib.parse import unquote_plus

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refusal = Callable[[web.Request], web.StreamResponse]

CONTROL: Final = "/_sandbox/"
DENIED_PAGE: Final = (
    "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\n"
    "You don't have permission to access this server.<P>\nReference #18.sandbox\n</BODY>\n</HTML>\n"
)
DOWN_PAGE: Final = "<html><body><h1>503 Service Unavailable</h1></body></html>\n"
_POLL: Final = 0.02
_REMEMBERED: Final = 20_000


class Kind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"  # everything works, `seconds` later
    STATUS = "status"  # `status` and `body` instead of the work
    THROTTLE = "throttle"  # 429 with Retry-After
    DENY = "deny"  # 403 with a page, as a web application firewall does
    DOWN = "down"  # 503 with a page
    REFUSE_TOKEN = "refuse_token"  # as the upstream refuses a token
    HANG = "hang"  # no answer for `seconds`, then the connection closes
    DROP = "drop"  # the connection closes, nothing was done
    LOSE_ANSWER = "lose_answer"  # the work is done, then the connection closes
    TRUNCATE = "truncate"  # the work is done, the answer ends in the middle
    REPEAT = "repeat"  # the last answer of the same path, once more


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, for which requests, and how often.

    It concerns requests whose path begins with `path` (and, if given, whose `method` is that, and
    whose address or body names `item`: a case number, a key or an id, alone or in a batch). Of
    these the first `after` go well, then each `every`-th fails, at most `times` of them.
    """

    kind: Kind
    path: str = "/"
    method: str = ""
    item: str = ""
    after: int = 0
    every: int = 1
    times: int | None = None
    status: int = 500
    body: str = ""
    retry_after: str = "1"
    seconds: float = 0.0
    id: int = 0
    seen: int = field(default=0, init=False)
    done: int = field(default=0, init=False)

    async def concerns(self, request: web.Request) -> bool:
        """Whether the request is one of those that may fail."""
        if not request.path.startswith(self.path):
            return False
        if self.method.upper() not in ("", request.method):
            return False
        return not self.item or await self._named_in(request)

    async def _named_in(self, request: web.Request) -> bool:
        """Whether the request names the item as a whole word (the bug 7, not the bug 77)."""
        body = (await request.read()).decode(errors="replace")
        whole = re.compile(rf"(?<![\w-]){re.escape(self.item)}(?![\w-])")
        return bool(whole.search(f"{unquote_plus(request.raw_path)} {body}"))

    def strikes(self) -> bool:
        """Count a request that it concerns; whether this one fails."""
        self.seen += 1
        turn = self.seen - self.after
        due = turn > 0 and turn % self.every == 0
        if not due or (self.times is not None and self.done >= self.times):
            return False
        self.done += 1
        return True

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a fault as the control route gets it. Raises ValueError or TypeError."""
        if not isinstance(body, dict):
            raise TypeError(f"a fault is an object with a kind, not {body!r}")
        known = {one.name for one in dataclasses.fields(cls) if one.init} - {"id"}
        if unknown := sorted(set(body) - known):
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        if body.get("kind") not in list(Kind):
            raise ValueError(f"kind {body.get('kind')!r} is none of {', '.join(Kind)}")
        fault = cls(**{**body, "kind": Kind(body["kind"])})
        if fault.every < 1:
            raise ValueError(f"every is {fault.every}, must be 1 or more")
        return fault


class Seen(NamedTuple):
    """A request that came."""

    method: str
    path: str
    query: str
    #: The id that the caller gave to the request.
    trace: str = ""


class Faults:
    """The faults of one server, and its count of requests (the control routes not counted)."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        """`refusal` answers as the upstream does when it does not accept a token."""
        self.latency = 0.0
        self.requests: Counter[str] = Counter()
        self.recent: deque[Seen] = deque(maxlen=_REMEMBERED)
        self.peak = 0
        self._refusal = refusal or _unauthorized
        self._active: dict[int, Fault] = {}
        self._running = 0
        self._ids = itertools.count(1)
        self._last: dict[tuple[str, str], tuple[int, str, bytes]] = {}

    # in-process control

    def add(self, kind: Kind | str, **how: Any) -> Fault:
        """Let something go wrong from now on; `how` are the fields of `Fault`."""
        return self._put(Fault.from_json({"kind": kind, **how}))

    def remove(self, fault: Fault) -> None:
        """Take one fault away."""
        self._active.pop(fault.id, None)

    def clear(self) -> None:
        """Everything works again, without delay."""
        self._active.clear()
        self._last.clear()
        self.latency = 0.0

    def reset_requests(self) -> None:
        """Count from nought."""
        self.requests.clear()
        self.recent.clear()
        self.peak = self._running

    @property
    def total(self) -> int:
        """Requests that came since the last reset."""
        return self.requests.total()

    @property
    def active(self) -> tuple[Fault, ...]:
        """What goes wrong at present."""
        return tuple(self._active.values())

    def as_json(self) -> dict[str, Any]:
        """The delay of every answer in seconds, and what goes wrong."""
        return {"latency": self.latency, "faults": [dataclasses.asdict(one) for one in self.active]}

    def _put(self, fault: Fault) -> Fault:
        fault.id = next(self._ids)
        self._active[fault.id] = fault
        return fault

    # the server's side

    def mount(self, app: web.Application) -> None:
        """Stand before everything else of the application, and add the control routes."""
        app.middlewares.insert(0, self._middleware())
        app.router.add_get(f"{CONTROL}faults", self._list)
        app.router.add_post(f"{CONTROL}faults", self._add)
        app.router.add_delete(f"{CONTROL}faults", self._clear)
        app.router.add_delete(CONTROL + r"faults/{id:\d+}", self._remove)
        app.router.add_get(f"{CONTROL}requests", self._counts)
        app.router.add_delete(f"{CONTROL}requests", self._reset)

    def _middleware(self) -> Any:
        @web.middleware
        async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(CONTROL):
                return await handler(request)
            self._count(request)
            self._running += 1
            self.peak = max(self.peak, self._running)
            try:
                return await self._answer(request, handler)
            finally:
                self._running -= 1

        return fail

    def _count(self, request: web.Request) -> None:
        resource = request.match_info.route.resource
        route = resource.canonical if resource else request.path
        self.requests[f"{request.method} {route}"] += 1
        trace = request.headers.get("X-Request-Id", "")
        self.recent.append(Seen(request.method, request.path, request.query_string, trace))

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._active and not self.latency:
            return await handler(request)
        struck = [one for one in self.active if await one.concerns(request) and one.strikes()]
        delay = self.latency + sum(one.seconds for one in struck if one.kind is Kind.LATENCY)
        if delay:
            await asyncio.sleep(delay)
        fault = next((one for one in struck if one.kind is not Kind.LATENCY), None)
        response = await (self._fail(fault, request, handler) if fault else handler(request))
        for one in self.active:
            if one.kind is Kind.REPEAT and await one.concerns(request):
                self._remember(request, response)
        return response

    async def _fail(
        self, fault: Fault, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        match fault.kind:
            case Kind.REFUSE_TOKEN:
                return self._refusal(request)
            case Kind.REPEAT:
                return self._again(request) or await handler(request)
            case Kind.HANG:
                return await _hang(request, fault.seconds or 600.0)
            case Kind.DROP:
                return _drop(request)
            case Kind.LOSE_ANSWER:
                await handler(request)
                return _drop(request)
            case Kind.TRUNCATE:
                return await _truncate(request, await handler(request))
            case _:
                return _page(fault)

    def _remember(self, request: web.Request, response: web.StreamResponse) -> None:
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            key = (request.method, request.path)
            self._last[key] = (response.status, response.content_type, response.body)

    def _again(self, request: web.Request) -> web.Response | None:
        last = self._last.get((request.method, request.path))
        return last and web.Response(status=last[0], content_type=last[1], body=last[2])

    # control over HTTP

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(self.as_json())

    async def _add(self, request: web.Request) -> web.Response:
        """Add a fault; `{"latency": SECONDS}` alone delays every answer."""
        try:
            body = await request.json()
            if isinstance(body, dict) and body.keys() == {"latency"}:
                self.latency = float(body["latency"])
                return web.json_response(self.as_json())
            fault = self._put(Fault.from_json(body))
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(dataclasses.asdict(fault), status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        self.clear()
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.Response:
        gone = self._active.pop(int(request.match_info["id"]), None)
        return web.Response(status=204 if gone else 404)

    async def _counts(self, request: web.Request) -> web.Response:
        counts = {
            "total": self.total,
            "peak": self.peak,
            "requests": dict(self.requests),
            "traces": sorted({seen.trace for seen in self.recent} - {""}),
        }
        return web.json_response(counts)

    async def _reset(self, request: web.Request) -> web.Response:
        self.reset_requests()
        return web.Response(status=204)


def _page(fault: Fault) -> web.Response:
    match fault.kind:
        case Kind.THROTTLE:
            body = fault.body or '{"message": "Too many requests"}'
            return _text(body, 429, {"Retry-After": fault.retry_after})
        case Kind.DENY:
            return _text(fault.body or DENIED_PAGE, 403)
        case Kind.DOWN:
            return _text(fault.body or DOWN_PAGE, 503)
        case _:
            return _text(fault.body or '{"message": "The sandbox fails on request"}', fault.status)


def _text(body: str, status: int, headers: dict[str, str] | None = None) -> web.Response:
    kind = "application/json" if body.lstrip().startswith(("{", "[")) else "text/html"
    return web.Response(text=body, status=status, headers=headers, content_type=kind)


def _unauthorized(request: web.Request) -> web.Response:
    return web.json_response({"message": "Unauthorized"}, status=401)


async def _hang(request: web.Request, seconds: float) -> web.Response:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end and not _gone(request):  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(_POLL)
    return _drop(request)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    # Nobody reads it: aiohttp only wants a response to be returned.
    return web.Response(status=500)


async def _truncate(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) < 2:
        return response
    cut = web.StreamResponse(status=response.status)
    cut.content_type = response.content_type
    cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut
