"""What a sync remembers from one run to the next, in Redis: how far it came, and whose turn it is.

A `Mark` is the moment up to which everything is known, and when all was last listed. `Turns` spread
the twelve-hourly look at each thing over the twelve hours: everything has its own minute in the
period, worked out from its name, and a changed thing is due at once.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import believable
from t5g.keys import Keys
from t5g.syncs import Sync

BATCH = 1_000
NEVER = 1e12


class Mark(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a sync came, in seconds since the epoch.

    `upto`: by the upstream's clock, the newest change known; `at`: by our clock, when the last
    successful run began; `full`: when everything was last listed; `listed`: how many it then were;
    `again`: what that run could not read, so that the next one asks for it by name.
    """

    upto: float = 0.0
    at: float = 0.0
    full: float = 0.0
    listed: int = 0
    again: tuple[str, ...] = ()

    def healed(self, now: float) -> "Mark":
        """Return the mark itself, or, if a stamp lies in the future, one that lets all be listed.

        It stays the mark of a sync that has run before.
        """
        if all(believable(stamp, now) for stamp in (self.upto, self.at, self.full)):
            return self
        return msgspec.structs.replace(self, upto=0.0, at=min(self.at, now), full=0.0)


class Marks:
    """The marks of all syncs, one hash."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.named("marks")

    async def read(self, name: Sync) -> Mark:
        """Return the mark of a sync; an empty one before its first success."""
        raw = await self._redis.hget(self._key, name.value)
        return _DECODE(raw) if raw else Mark()

    async def write(self, name: Sync, mark: Mark) -> None:
        """Keep the mark of a run that succeeded."""
        await self._redis.hset(self._key, name.value, _ENCODE(mark).decode())


class Turn(Struct, frozen=True, array_like=True):
    """When a thing was last looked at, and what its inputs were then."""

    at: float
    inputs: str


class Turns:
    """Whose turn it is among the things of one kind (cases, issues, bugs)."""

    def __init__(self, redis: Redis, keys: Keys, kind: str, *, period: float) -> None:
        self._redis = redis
        self._key = keys.named("turns", kind)
        self._period = period

    async def due(
        self,
        wanted: Mapping[str, str],
        now: float,
        *,
        once: Collection[str] = (),
        all_: bool = False,
    ) -> list[str]:
        """Return those of `wanted` (inputs by name) that are to be looked at now.

        Those in `once` are looked at when their inputs change, and never else; `all_`: all others.
        What is not wanted any more is forgotten.
        """
        known = await self._read()
        gone = [name for name in known if name not in wanted]
        for start in range(0, len(gone), BATCH):
            await self._redis.hdel(self._key, *gone[start : start + BATCH])
        return [
            name
            for name, inputs in wanted.items()
            if (all_ and name not in once)
            or is_due(name, inputs, known.get(name), now, NEVER if name in once else self._period)
        ]

    async def done(self, looked_at: Iterable[tuple[str, str]], now: float) -> None:
        """Take note that things (name and inputs) were looked at."""
        rows = {name: _ENCODE_TURN(Turn(now, inputs)) for name, inputs in looked_at}
        if rows:
            await self._redis.hset(self._key, mapping=rows)  # type: ignore[arg-type]

    async def again(self, names: Iterable[str]) -> None:
        """Let things be due in the next run: they could not be looked at."""
        if rows := list(names):
            await self._redis.hdel(self._key, *rows)

    async def _read(self) -> dict[str, Turn]:
        rows: Mapping[Any, Any] = await self._redis.hgetall(self._key)
        return {name.decode(): _DECODE_TURN(raw) for name, raw in rows.items()}


def is_due(name: str, inputs: str, last: Turn | None, now: float, period: float) -> bool:
    """Say whether a thing is to be looked at: never was, has changed, or its minute has come.

    A thing's minute comes once in each period; which minute follows from its name.
    """
    if last is None or last.inputs != inputs or not believable(last.at, now):
        return True
    if now - last.at >= period:
        return True
    offset = zlib.crc32(name.encode()) % int(period)
    return int((now - offset) // period) > int((last.at - offset) // period)


_DECODE = msgspec.json.Decoder(Mark).decode
_ENCODE = msgspec.json.Encoder().encode
_DECODE_TURN = msgspec.json.Decoder(Turn).decode
_ENCODE_TURN = _ENCODE
