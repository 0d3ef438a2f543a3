"""The record of each sync: when it last worked, how far it is, what went wrong.

Workers write the records; everyone reads them to say how fresh an answer is. Times are seconds
since the epoch. All records are one hash, with a revision that readers can compare cheaply.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import believable
from t5g.keys import Keys


class Sync(StrEnum):
    """The syncs by name, in the order in which a first run makes sense."""

    CASES = "cases"
    CARDS = "cards"
    DETAILS = "details"
    ISSUES = "issues"
    BUGS = "bugs"
    ESCALATIONS = "escalations"
    STATS = "stats"


class SyncState(StrEnum):
    """What a sync is doing, or how its last run ended."""

    NEVER = "never"
    RUNNING = "running"
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"


INTERVAL = {
    Sync.CASES: 15 * 60,
    Sync.CARDS: 60 * 60,
    Sync.DETAILS: 12 * 3600,
    Sync.ISSUES: 12 * 3600,
    Sync.BUGS: 12 * 3600,
    Sync.ESCALATIONS: 2 * 3600,
    Sync.STATS: 24 * 3600,
}
GRACE = 2.0


class SyncRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sync. `seen`, `changed`, `removed`, `failed`: cases in the last (or running) run.

    `known_since`: since when this sync knows of all that came and went (of cases: what closed);
    0: that is not known. `served`: the newest wish for this sync when the last (or running) run
    began (`wished_key`).
    """

    name: Sync
    state: SyncState = SyncState.NEVER
    started: float = 0.0
    ended: float = 0.0
    last_success: float = 0.0
    last_full: float = 0.0
    error: str = ""
    error_at: float = 0.0
    failures: int = 0
    seen: int = 0
    changed: int = 0
    removed: int = 0
    failed: int = 0
    requests: int = 0
    missed_events: int = 0
    served: int = 0
    known_since: float = 0.0
    current: int = 0
    total: int = 0
    what: str = ""
    notes: tuple[str, ...] = ()

    def stale(self, now: float) -> bool:
        """Say whether the data of this sync may be older than people expect."""
        if not self.last_success or not believable(self.last_success, now):
            return True
        return now - self.last_success > INTERVAL[self.name] * GRACE

    def why_stale(self, now: float) -> str:
        """One sentence on why the data is stale, or ""."""
        if not self.stale(now):
            return ""
        if self.error:
            return self.error
        if not believable(self.last_success, now):
            return "ran last at a time that lies in the future: a clock was wrong"
        return "has never run to the end" if not self.last_success else "has not run in time"


_DECODER = msgspec.json.Decoder(SyncRecord)
_ENCODER = msgspec.json.Encoder()


def wished_key(keys: Keys) -> str:
    """Return the hash that counts the wishes for each sync.

    Whoever wants what upstream has now takes the next number; a run answers the wishes that were
    counted when it began, as it may be past what later ones are about.
    """
    return keys.named("syncs", "wished")


class SyncRecords:
    """Reads and writes the records in Redis."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.named("syncs")
        self.revision_key = keys.named("syncs", "rev")
        self._wished_key = wished_key(keys)

    async def read_all(self) -> dict[Sync, SyncRecord]:
        """Return a record for every sync, also for those that never ran."""
        rows: Mapping[Any, Any] = await self._redis.hgetall(self._key)
        found = {Sync(name.decode()): _DECODER.decode(raw) for name, raw in rows.items()}
        return {name: found.get(name, SyncRecord(name=name)) for name in Sync}

    async def read(self, name: Sync) -> SyncRecord:
        """Return the record of one sync."""
        raw = await self._redis.hget(self._key, name.value)
        return _DECODER.decode(raw) if raw else SyncRecord(name=name)

    async def wish(self, name: Sync) -> int:
        """Count a wish for a run that begins from now on; return its number."""
        return int(await self._redis.hincrby(self._wished_key, name.value, 1))

    async def wished(self, name: Sync) -> int:
        """Return the number of the newest wish for a sync; 0: there was none."""
        return int(await self._redis.hget(self._wished_key, name.value) or 0)

    async def write(self, record: SyncRecord) -> None:
        """Replace the record of one sync and bump the revision."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.hset(self._key, record.name.value, _ENCODER.encode(record))
        pipe.incr(self.revision_key)
        await pipe.execute()
