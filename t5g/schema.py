"""Which version of what is kept in Redis this program speaks, and the way from older ones.

Every process looks at its start. An older version is brought forward, once, under a lock; a newer
one is refused, because this program might spoil what it does not understand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from redis.asyncio import Redis

from t5g.errors import T5GError
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.logs import logger

#: The version that this program writes. A change of it needs a step in `STEPS`.
VERSION = 1
#: What a Redis has that was written before versions were kept.
UNNAMED = 1
#: Seconds that a process waits for another that is bringing the data forward.
PATIENCE = 120.0
PAUSE = 0.1

Step = Callable[[Redis, Keys], Awaitable[None]]
"""Brings data from one version to the next. It may be cut short and begun again."""

#: By the version they begin at.
STEPS: Mapping[int, Step] = {}

log = logger(__name__)


class SchemaError(T5GError):
    """What Redis holds is of a newer version than this program."""


async def ensure_schema(
    redis: Redis, keys: Keys, *, steps: Mapping[int, Step] = STEPS, version: int = VERSION
) -> int:
    """Bring the data to `version`; return the version it had. Raises SchemaError if it is newer."""
    found = await schema_of(redis, keys, version)
    check_version(found, version)
    if found == version:
        await redis.setnx(keys.named("schema"), str(version))
        return found
    lock = Lock(redis, keys.lock("schema"))
    for _ in range(int(PATIENCE / PAUSE)):
        if await lock.acquire():
            break
        await asyncio.sleep(PAUSE)
    async with lock:
        lock.check()
        at = await schema_of(redis, keys, version)
        check_version(at, version)
        while at < version:
            log.info("schema_step", begin=at, end=at + 1)
            await steps[at](redis, keys)
            lock.check()
            at += 1
            await redis.set(keys.named("schema"), str(at))
    return found


async def schema_of(redis: Redis, keys: Keys, version: int = VERSION) -> int:
    """Return the version of what Redis holds; `version` for an empty one."""
    raw = await redis.get(keys.named("schema"))
    if raw is not None:
        return int(raw)
    written = await redis.exists(keys.cases, keys.epoch, keys.named("statistics"))
    return UNNAMED if written else version


def check_version(found: int, version: int = VERSION) -> None:
    """Raise SchemaError if data of version `found` is newer than this program."""
    if found > version:
        raise SchemaError(
            f"The data in Redis is of version {found}, this program speaks {version}: it was "
            "written by a newer release. Start that one, or restore a backup of this version."
        )
