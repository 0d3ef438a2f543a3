"""The audit log: who asked for or did what, from where, on which case, and what came of it.

Append-only: a capped-by-age stream in Redis, and a log line for each entry. What is written here
must hold no secret and no text of a customer; callers give short words. Who is refused the same
again and again is written once a minute, so that an attack fills neither the log nor the memory.
"""

import hashlib
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from t5g.clock import BOUND, believable
from t5g.keys import Keys
from t5g.logs import logger

log = logger("t5g.audit")

DAY_MS = 86_400_000
PAGE = 500
LONGEST = 300
#: Seconds in which the same refusal of the same person is written once.
QUIET = 60
#: Refusals of one person that are written in that time, whatever they are of.
MOST_REFUSALS = 10

# KEYS: the log, the mark of this refusal, the count of this person's. ARGV: the entry, seconds, the
# most, seconds that clocks may differ. Returns whether it was written.
_REFUSED = """
for i = 2, 3 do  -- what was set while the clock of Redis was ahead is not believed
  if redis.call('TTL', KEYS[i]) > ARGV[2] + ARGV[4] then redis.call('DEL', KEYS[i]) end
end
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then return 0 end
local count = redis.call('INCR', KEYS[3])
if count == 1 then redis.call('EXPIRE', KEYS[3], ARGV[2]) end
if count > tonumber(ARGV[3]) then return 0 end
redis.call('XADD', KEYS[1], '*', 'entry', ARGV[1])
return 1
"""


class Outcome(StrEnum):
    """What became of it."""

    ANSWERED = "answered"
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `who`: a stable id (a Slack id, an e-mail, `cli:ann`); `name` is for people.

    `origin`: slack, page, api, cli or job. `at` in seconds since the epoch; `id` orders entries.
    """

    who: str
    action: str
    outcome: Outcome
    origin: str = ""
    name: str = ""
    place: str = ""
    case: str = ""
    detail: str = ""
    at: float = 0.0
    id: str = ""


class Filter(Struct, frozen=True, kw_only=True):
    """Which entries to read; empty means any. `who` is also looked for in the name."""

    who: str = ""
    action: str = ""
    case: str = ""
    origin: str = ""
    outcome: str = ""
    since: float = 0.0
    until: float = 0.0

    def spans(self, at: float) -> bool:
        """Say whether a moment is within the time that is wanted."""
        return self.since <= at and (not self.until or at <= self.until)

    def accepts(self, entry: AuditEntry) -> bool:
        """Say whether an entry is wanted (the times are looked at elsewhere)."""
        person = self.who.casefold()
        return (
            (not person or person in entry.who.casefold() or person in entry.name.casefold())
            and (not self.action or entry.action == self.action)
            and (not self.case or entry.case == self.case)
            and (not self.origin or entry.origin == self.origin)
            and (not self.outcome or entry.outcome == self.outcome)
        )


class Audit:
    """The audit log of one installation; entries older than `days` go."""

    def __init__(self, redis: Redis, keys: Keys, *, days: float = 365.0) -> None:
        self._redis = redis
        self._keys = keys
        self._key = keys.named("audit")
        self._days = days

    async def record(self, *entries: AuditEntry) -> None:
        """Append entries, each with its own time (now, if it has none).

        Of refusals of the same person and action, with the same detail, one a minute is written,
        and of all refusals of a person ten.
        """
        if not entries:
            return
        now = time.time()
        refused: list[AuditEntry | None] = []
        pipe = self._redis.pipeline(transaction=False)
        for entry in entries:
            stamped = _stamped(entry, now)
            if entry.outcome is Outcome.REFUSED:
                refused.append(stamped)
                self._stage_refusal(pipe, stamped)
            else:
                _write_line(stamped)
                pipe.xadd(self._key, {"entry": _ENCODE(stamped)})
                refused.append(None)
        oldest = int(now * 1000 - self._days * DAY_MS)
        pipe.xtrim(self._key, minid=max(0, oldest), approximate=True)
        written = await pipe.execute()
        for refusal, done in zip(refused, written, strict=False):
            if refusal is not None and done:
                _write_line(refusal)

    def _stage_refusal(self, pipe: Pipeline, entry: AuditEntry) -> None:
        what = "\0".join((entry.who, entry.origin, entry.action, entry.detail))
        mark = hashlib.sha256(what.encode()).hexdigest()[:32]
        person = hashlib.sha256(entry.who.encode()).hexdigest()[:32]
        names = (self._key, *(self._keys.named("audit", "refused", x) for x in (mark, person)))
        pipe.eval(_REFUSED, len(names), *names, _ENCODE(entry), QUIET, MOST_REFUSALS, int(BOUND))

    async def read(
        self, wanted: Filter | None = None, *, limit: int | None = 100
    ) -> list[AuditEntry]:
        """Return the newest entries that `wanted` accepts, newest first; `limit` None: all."""
        found: list[AuditEntry] = []
        async for entry in self.scan(wanted or Filter()):
            found.append(entry)
            if len(found) == limit:
                break
        return found

    async def scan(self, wanted: Filter) -> AsyncIterator[AuditEntry]:
        """Yield all entries that `wanted` accepts, newest first."""
        begin = str(int(wanted.since * 1000)) if wanted.since else "-"
        ahead = await self._runs_ahead()
        end = str(int(wanted.until * 1000)) if wanted.until and not ahead else "+"
        while True:
            rows: Any = await self._redis.xrevrange(self._key, max=end, min=begin, count=PAGE)
            for identity, fields in rows:
                entry = _entry(identity, fields)
                if wanted.accepts(entry) and (not ahead or wanted.spans(entry.at)):
                    yield entry
            if len(rows) < PAGE:
                return
            end = "(" + rows[-1][0].decode()

    async def _runs_ahead(self) -> bool:
        """Say whether Redis names entries by a time that has not come: its clock was ahead once."""
        newest: Any = await self._redis.xrevrange(self._key, count=1)
        ids = [int(identity.partition(b"-")[0]) / 1000 for identity, _ in newest]
        return not all(believable(at, time.time()) for at in ids)

    async def export(self) -> list[AuditEntry]:
        """Return everything, oldest first (for a backup)."""
        return [entry async for entry in self.scan(Filter())][::-1]

    async def restore(self, entries: Iterable[AuditEntry]) -> None:
        """Append entries of a backup under their own ids, into an empty log."""
        pipe = self._redis.pipeline(transaction=True)
        for entry in entries:
            kept = msgspec.structs.replace(entry, id="")
            pipe.xadd(self._key, {"entry": _ENCODE(kept)}, id=entry.id or "*")
        await pipe.execute()


#: The audit log as a table; `row_of` has its cells.
COLUMNS = ("when UTC", "who", "name", "origin", "place", "action", "case", "outcome", "detail")


def row_of(entry: AuditEntry) -> tuple[str, ...]:
    """Return an entry as the cells of a table."""
    at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (
        at, entry.who, entry.name, entry.origin, entry.place, entry.action, entry.case,
        entry.outcome.value, entry.detail,
    )  # fmt: skip


def _stamped(entry: AuditEntry, now: float) -> AuditEntry:
    detail = entry.detail if len(entry.detail) <= LONGEST else entry.detail[: LONGEST - 1] + "…"
    return msgspec.structs.replace(entry, at=entry.at or now, detail=detail, id="")


def _write_line(entry: AuditEntry) -> None:
    fields = {k: v for k, v in msgspec.to_builtins(entry).items() if k not in ("at", "id")}
    log.info("audit", **fields)


def _entry(identity: bytes, fields: Any) -> AuditEntry:
    return msgspec.structs.replace(_DECODE(fields[b"entry"]), id=identity.decode())


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(AuditEntry).decode
