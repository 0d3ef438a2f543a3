"""Renders pages and keeps what is rendered: a change costs one rendering, not one per viewer.

A page is rendered once for each state of the board and minute, with two gaps: who looks at it, and
how fresh it is. The gaps are filled for each viewer by joining bytes. Nothing here knows what is
on a page.
"""

import gzip
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final, Generic, TypeVar

from aiohttp import web
from jinja2 import Environment
from msgspec import Struct
from multidict import CIMultiDict

from t5g.board import Board
from t5g.team import Role
from webhooks.pages.views.freshness import freshness
from webhooks.viewer import VIEWER, Viewer, viewer_of

MINUTE = 60
MOST_PAGES = 128
MOST_ANSWERS = 192
SMALLEST_COMPRESSED = 1_000
COMPRESSION = 4
CACHE_CONTROL = "private, no-cache"

V = TypeVar("V")


class Page(Struct, frozen=True):
    """What to render: a template, the values it lays out, and the status of the answer."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


class Parts(Struct, frozen=True):
    """A rendered page around its two gaps."""

    stamp: Hashable
    status: int
    head: bytes
    middle: bytes
    tail: bytes


class Answer:
    """A whole page as bytes, compressed when that is first asked for."""

    def __init__(self, stamp: Hashable, status: int, body: bytes) -> None:
        self.stamp = stamp
        self.status = status
        self.body = body
        self.etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._gzip: tuple[bytes, CIMultiDict[str]] | None = None
        self._plain = self._headers("")

    def respond(self, request: web.Request) -> web.Response:
        """Return the page in the form that the browser takes; 304 if it has it already."""
        given = request.headers
        if self.etag in given.get("If-None-Match", ""):
            return web.Response(status=304, headers=self._headers(""))
        if len(self.body) > SMALLEST_COMPRESSED and "gzip" in given.get("Accept-Encoding", ""):
            if self._gzip is None:
                packed = gzip.compress(self.body, COMPRESSION, mtime=0)
                self._gzip = packed, self._headers("gzip")
            body, headers = self._gzip
        else:
            body, headers = self.body, self._plain
        # A copy: aiohttp takes a CIMultiDict as it is, and others add to it.
        return web.Response(status=self.status, body=body, headers=headers.copy())

    def _headers(self, coding: str) -> CIMultiDict[str]:
        headers = CIMultiDict(
            {
                "Content-Type": "text/html; charset=utf-8",
                "Cache-Control": CACHE_CONTROL,
                "ETag": self.etag,
                "Vary": "Cookie, Accept-Encoding",
            }
        )
        if coding:
            headers["Content-Encoding"] = coding
        return headers


class Kept(Generic[V]):
    """The last used values by key, so many at most."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return the value of `key` and count it as used."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: V) -> V:
        """Keep a value; the one that was not used for longest goes."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)
        return value


class Pages:
    """Renders the pages of one web process."""

    def __init__(
        self,
        environment: Environment,
        board: Board,
        parked: Callable[[], Awaitable[int]],
        *,
        login: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.board = board
        self.clock = clock
        self.renderings = 0
        self._environment = environment
        self._parked = parked
        self._login = login
        self._parts: Kept[Parts] = Kept(MOST_PAGES)
        self._answers: Kept[Answer] = Kept(MOST_ANSWERS)
        self._again: Kept[tuple[Hashable, Answer]] = Kept(MOST_ANSWERS)
        self._foot: tuple[Hashable, bytes] = ((), b"")
        self._gaps = [f"gap-{secrets.token_hex(16)}" for _ in range(2)]

    async def again(self, request: web.Request) -> web.Response | None:
        """Bring the board up to date; answer at once if the same address was and nothing changed.

        Every page asks this first, so that the second viewer costs next to nothing.
        """
        await self.board.refresh()
        found = self._again.get((request.raw_path, viewer_of(request).key))
        if found is None or found[0] != (self.board.version, int(self.clock() // MINUTE)):
            return None
        return found[1].respond(request)

    async def show(
        self,
        request: web.Request,
        key: Hashable,
        make: Callable[[float], Page],
        *,
        personal: bool = False,
        depends: Hashable = (),
    ) -> web.Response:
        """Answer with the page of `key`; `make(now)` is called if it is not rendered yet.

        Call `again` before. `personal`: another page for each viewer. `depends`: what the page is
        made of beside the board.
        """
        now, viewer = self.clock(), viewer_of(request)
        version = self.board.version
        stamp = (version[0], version[1], int(now // MINUTE), depends)
        foot_stamp, foot = await self._freshness(now)
        whole, whole_stamp = (key, viewer.key), (stamp, foot_stamp)
        answer = self._answers.get(whole)
        if answer is None or answer.stamp != whole_stamp:
            parts = self._rendered((key, viewer.id) if personal else key, stamp, make, now)
            body = b"".join((parts.head, self._who(viewer), parts.middle, foot, parts.tail))
            answer = self._answers.put(whole, Answer(whole_stamp, parts.status, body))
        self._again.put((request.raw_path, viewer.key), ((version, int(now // MINUTE)), answer))
        return answer.respond(request)

    async def foot(self) -> bytes:
        """Return the foot of every page as it is now."""
        return (await self._freshness(self.clock()))[1]

    def plain(self, request: web.Request, page: Page) -> web.Response:
        """Answer with a page that needs no board: errors, login. It is not kept."""
        parts = self._cut((), page)
        who = self._who(request[VIEWER]) if VIEWER in request else b""
        body = b"".join((parts.head, who, parts.middle, parts.tail))
        headers = {"Cache-Control": "no-store"}
        return web.Response(
            status=page.status,
            body=body,
            content_type="text/html",
            charset="utf-8",
            headers=headers,
        )

    def _rendered(
        self, key: Hashable, stamp: Hashable, make: Callable[[float], Page], now: float
    ) -> Parts:
        parts = self._parts.get(key)
        if parts is None or parts.stamp != stamp:
            parts = self._parts.put(key, self._cut(stamp, make(now)))
        return parts

    def _cut(self, stamp: Hashable, page: Page) -> Parts:
        self.renderings += 1
        values = {
            "viewer_gap": self._gaps[0],
            "freshness_gap": self._gaps[1],
            "sequence": self.board.version[1],
            **page.values,
        }
        text = self._environment.get_template(page.template).render(values)
        head, rest = text.split(self._gaps[0], 1)
        middle, tail = rest.split(self._gaps[1], 1)
        return Parts(stamp, page.status, head.encode(), middle.encode(), tail.encode())

    def _who(self, viewer: Viewer) -> bytes:
        return self.fragment(
            "viewer.html",
            viewer=viewer,
            login=self._login,
            acts=viewer.may(Role.ENGINEER),
            audits=viewer.may(Role.ADMIN),
        ).encode()

    async def _freshness(self, now: float) -> tuple[Hashable, bytes]:
        stamp = (self.board.version[2], int(now // MINUTE))
        if self._foot[0] != stamp:
            found = freshness(self.board.syncs, await self._parked(), now)
            foot = self.fragment("freshness.html", freshness=found, revision=stamp[0])
            self._foot = stamp, foot.encode()
        return self._foot

    def fragment(self, template: str, **values: Any) -> str:
        """Render a part of a page; parts that seldom change are kept by whoever asks for them."""
        return self._environment.get_template(template).render(values)


PAGES: Final = web.AppKey("PAGES", Pages)
