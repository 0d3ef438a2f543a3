"""Answers of the API as bytes: made once for each state of the board, 304 if the asker has them."""

import gzip
import hashlib
import time
from collections.abc import Callable, Hashable
from typing import Any, Final

import msgspec
from aiohttp import web

from t5g.board import Board
from webhooks.pages.rendering import Kept
from webhooks.viewer import viewer_of

MINUTE = 60
MOST_KEPT = 256
COMPRESSION = 4
SMALLEST_COMPRESSED = 1_000
JSON = "application/json"


class Encoded:
    """One answer."""

    def __init__(self, stamp: Hashable, body: bytes) -> None:
        self.stamp = stamp
        self.body = body
        self.etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._gzip: bytes | None = None

    def respond(self, request: web.Request) -> web.Response:
        """Return the answer in the form the asker takes."""
        headers = {
            "Cache-Control": "private, no-cache",
            "ETag": self.etag,
            "Vary": "Authorization, Cookie, Accept-Encoding",
        }
        if asker_has(request, self.etag):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = JSON
        body = self.body
        if "gzip" in request.headers.get("Accept-Encoding", "") and len(body) > SMALLEST_COMPRESSED:
            if self._gzip is None:
                self._gzip = gzip.compress(body, COMPRESSION, mtime=0)
            body, headers["Content-Encoding"] = self._gzip, "gzip"
        return web.Response(body=body, headers=headers)


def asker_has(request: web.Request, etag: str) -> bool:
    """Say whether `If-None-Match` names the answer (RFC 9110, 13.1.2: compared weakly)."""
    given = request.headers.get("If-None-Match", "")
    named = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return "*" in named or etag.removeprefix("W/") in named


class Answers:
    """Makes and keeps the answers of one web process."""

    def __init__(self, board: Board, *, clock: Callable[[], float] = time.time) -> None:
        self.board = board
        self.clock = clock
        self._kept: Kept[Encoded] = Kept(MOST_KEPT)

    def give(
        self,
        request: web.Request,
        key: Hashable,
        make: Callable[[float], Any],
        *,
        personal: bool = False,
        depends: Hashable = (),
    ) -> web.Response:
        """Answer with what `make(now)` returns, or returned for this state of the board.

        Call `board.refresh` before. `personal`: another answer for each asker.
        """
        now = self.clock()
        stamp = (self.board.version, int(now // MINUTE), depends)
        key = (key, viewer_of(request).id if personal else "")
        found = self._kept.get(key)
        if found is None or found.stamp != stamp:
            found = self._kept.put(key, Encoded(stamp, msgspec.json.encode(make(now))))
        return found.respond(request)


ANSWERS: Final = web.AppKey("ANSWERS", Answers)
