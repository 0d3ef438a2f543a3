"""Who is alive: long-running processes leave a mark in Redis that fades when they stop."""

import os
import socket
import time
from collections.abc import Mapping

from msgspec import Struct
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.clock import believable
from t5g.keys import Keys

KINDS = ("worker", "scheduler", "bot")
LASTS = 90
BEAT_EVERY = 20


class Alive(Struct, frozen=True):
    """A process that was alive at `seen` (seconds since the epoch)."""

    kind: str
    name: str
    seen: float


def process_name(pid: int | None = None) -> str:
    """Name this process (or that of `pid` on this machine) among all: host and process id."""
    return f"{socket.gethostname()}.{pid or os.getpid()}"


def beat(redis: SyncRedis, keys: Keys, kind: str, name: str) -> None:
    """Say that the process is alive; call it every BEAT_EVERY seconds."""
    key = keys.named("alive", kind)
    pipe = redis.pipeline(transaction=True)
    pipe.hset(key, name, repr(time.time()))
    pipe.expire(key, 24 * 3600)
    pipe.execute()


def leave(redis: SyncRedis, keys: Keys, kind: str, name: str) -> None:
    """Take the mark away when the process ends in order."""
    redis.hdel(keys.named("alive", kind), name)


async def alive(redis: Redis, keys: Keys, kind: str, now: float) -> list[Alive]:
    """List the processes of a kind that gave a sign lately."""
    rows: Mapping[bytes, bytes] = await redis.hgetall(keys.named("alive", kind))  # type: ignore[assignment]
    found = [Alive(kind, name.decode(), float(seen)) for name, seen in rows.items()]
    recent = (x for x in found if now - x.seen <= LASTS and believable(x.seen, now))
    return sorted(recent, key=lambda x: x.name)
