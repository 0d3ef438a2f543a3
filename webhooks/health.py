"""`/healthz`: the process is alive. `/readyz`: it can answer, and how fresh what it answers is.

Only what makes every answer impossible, a Redis that does not answer, makes the process not ready.
A sync that is late is told here and in every answer, but taking the process away helps nobody.
"""

import asyncio
import time

import msgspec
from aiohttp import web
from msgspec import Struct
from redis.exceptions import RedisError

from t5g.errors import StoreError
from webhooks.keys import BOARD, INBOX

PATIENCE = 3.0


class SyncHealth(Struct, frozen=True, kw_only=True):
    """How one sync is doing; `age` in seconds since its last success, None if there was none."""

    state: str
    age: float | None
    stale: bool
    why: str = ""


class Readiness(Struct, frozen=True, kw_only=True):
    """The answer of `/readyz`."""

    ready: bool
    redis: str = "ok"
    cases: int = 0
    syncs: dict[str, SyncHealth] = msgspec.field(default_factory=dict)
    last_event: float | None = None
    parked: int = 0


def add_routes(app: web.Application) -> None:
    """Mount both addresses."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


async def healthz(_: web.Request) -> web.Response:
    """Answer as long as the event loop turns."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """Ask Redis, and tell how fresh each sync is."""
    try:
        async with asyncio.timeout(PATIENCE):
            found = await _look(request.app, time.time())
    except (StoreError, RedisError, OSError, TimeoutError):
        found = Readiness(ready=False, redis="does not answer")
    return web.Response(
        status=200 if found.ready else 503,
        body=msgspec.json.encode(found),
        content_type="application/json",
    )


async def _look(app: web.Application, now: float) -> Readiness:
    board, inbox = app[BOARD], app[INBOX]
    await board.refresh()
    parked = await inbox.count()
    last = (await inbox.arrivals()).last
    return Readiness(
        ready=True,
        cases=len(board.entries),
        syncs={
            name.value: SyncHealth(
                state=record.state.value,
                age=round(now - record.last_success, 1) if record.last_success else None,
                stale=record.stale(now),
                why=record.why_stale(now),
            )
            for name, record in board.syncs.items()
        },
        last_event=last,
        parked=parked,
    )
