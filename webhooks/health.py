"""`/healthz`: the process is alive. `/readyz`: it can answer, and how fresh what it answers is.

Only what makes every answer impossible, a Redis that does not answer, makes the process not ready.
A sync that is late is told here and in every answer, but taking the process away helps nobody.
Everybody is told a word for each part; the reasons, which quote upstreams, are for the operators.
"""

import asyncio
import time

import msgspec
from aiohttp import web
from msgspec import Struct
from redis.exceptions import RedisError

from t5g.errors import StoreError
from t5g.heartbeat import alive
from t5g.keys import Keys
from t5g.operations import Operations
from t5g.team import Role
from webhooks.keys import BOARD, INBOX, LOGIN_TROUBLE, REDIS, SETTINGS
from webhooks.viewer import viewer_of

PATIENCE = 3.0
#: Seconds after which the schedule counts as late, and a job as waiting too long.
LATE = 60.0
LONG = 900.0
#: Who is told the reasons: they see the same on the page of the jobs.
OPERATORS = Role.ENGINEER


class SyncHealth(Struct, frozen=True, kw_only=True):
    """How one sync is doing; `age` in seconds since its last success, None if there was none.

    `error`: what its last run said, also while the data is fresh enough; `why`: why it is stale.
    """

    state: str
    age: float | None
    stale: bool
    why: str = ""
    error: str = ""


class PartHealth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether one part works, and if not, why."""

    ok: bool
    why: str = ""


class Readiness(Struct, frozen=True, kw_only=True):
    """What operators are told by `/readyz`. `parts`: each with the reason if it does not work."""

    ready: bool
    redis: str = "ok"
    parts: dict[str, PartHealth] = msgspec.field(default_factory=dict)
    cases: int = 0
    syncs: dict[str, SyncHealth] = msgspec.field(default_factory=dict)
    last_event: float | None = None
    parked: int = 0


class Word(Struct, frozen=True, kw_only=True):
    """What everybody else is told: `ok` or `not ok` for each part."""

    ready: bool
    parts: dict[str, str]

    @classmethod
    def of(cls, found: Readiness) -> "Word":
        """Leave out everything that was said by an upstream, or is only the team's to know."""
        words = {name: "ok" if part.ok else "not ok" for name, part in found.parts.items()}
        return cls(ready=found.ready, parts=words)


def add_routes(app: web.Application) -> None:
    """Mount both addresses."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


async def healthz(_: web.Request) -> web.Response:
    """Answer as long as the event loop turns."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """Ask Redis and each part; tell operators why one does not work, everybody else that."""
    try:
        async with asyncio.timeout(PATIENCE):
            found = await _look(request.app, time.time())
    except (StoreError, RedisError, OSError, TimeoutError):
        why = "does not answer"
        parts = {"redis": PartHealth(ok=False, why=why)}
        found = Readiness(ready=False, redis=why, parts=parts)
    return web.Response(
        status=200 if found.ready else 503,
        body=msgspec.json.encode(found if viewer_of(request).may(OPERATORS) else Word.of(found)),
        content_type="application/json",
    )


async def _look(app: web.Application, now: float) -> Readiness:
    board, inbox = app[BOARD], app[INBOX]
    await board.refresh()
    parked = await inbox.count()
    last = (await inbox.arrivals()).last
    return Readiness(
        ready=True,
        parts=await _parts(app, parked, now),
        cases=len(board.entries),
        syncs={
            name.value: SyncHealth(
                state=record.state.value,
                age=round(now - record.last_success, 1) if record.last_success else None,
                stale=record.stale(now),
                why=record.why_stale(now),
                error=record.error,
            )
            for name, record in board.syncs.items()
        },
        last_event=last,
        parked=parked,
    )


async def _parts(app: web.Application, parked: int, now: float) -> dict[str, PartHealth]:
    """Look at each part; what is late or missing says so in a sentence."""
    redis, keys = app[REDIS], Keys(app[SETTINGS].redis_prefix)
    operations = Operations(redis, keys)
    whys = {"redis": "", "events": f"{parked} could not be applied yet" if parked else ""}
    for kind in ("worker", "scheduler"):
        whys[kind] = "" if await alive(redis, keys, kind, now) else "gives no sign of life"
    late = max((now - entry.at for entry in await operations.planned()), default=0.0)
    whys["schedule"] = f"is {late:.0f} seconds late" if late > LATE else ""
    oldest = max(queue.oldest_age(now) for queue in await operations.queues())
    whys["queues"] = f"the oldest job waits {oldest:.0f} seconds" if oldest > LONG else ""
    stale = {name: record.why_stale(now) for name, record in app[BOARD].syncs.items()}
    whys["data"] = "; ".join(f"{name}: {why}" for name, why in stale.items() if why)
    if (login := app.get(LOGIN_TROUBLE)) is not None:
        whys["login"] = login()
    return {name: PartHealth(ok=not why, why=why) for name, why in whys.items()}
