"""The one way to change a case: atomic writes into Redis, each told in the change feed.

A case is one hash with a field for each source (`t5g.state` says what a field holds). A write
reads the fields, joins the observations, and stores each new field only if nobody changed it
meanwhile; else it joins again. With the field goes an entry into the feed, in the same step, and
the feed's number. Nothing changed means nothing written.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime
from functools import wraps
from itertools import islice
from typing import Any, ParamSpec, TypeVar, cast

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g.changes import Change, changes_between
from t5g.clock import latest_believed
from t5g.errors import StoreError
from t5g.keys import Keys
from t5g.model import Source
from t5g.redis_errors import what_redis_did
from t5g.state import STATE_TYPES, Observation, State, believed, join, source_of

BATCH = 200
#: Cases that are read in one step: some milliseconds of Redis, one or two megabytes.
AT_ONCE = 400
#: Keys that one step of a search through Redis looks at.
SCAN = 1_000
ATTEMPTS = 20

# KEYS: case hashes. ARGV: the source to read of each.
_READ = """
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('HGET', key, ARGV[i]) end
return found
"""

# KEYS: case hashes. ARGV: the sources to read of each, and of each row what they hold; without any,
# rows have all fields and what they hold, by turns.
_READ_ROWS = """
local found, some = {}, #ARGV > 0
for i, key in ipairs(KEYS) do
  found[i] = some and redis.call('HMGET', key, unpack(ARGV)) or redis.call('HGETALL', key)
end
return found
"""

# KEYS: set of cases, sequence, feed, then the case hash of each write.
# ARGV: feed length, milliseconds since the epoch, then of each write: source, the field as it was
# read ("" if absent), the new field, number, changes ("" if none a person could see).
_WRITE = """
local done = {}
for i = 4, #KEYS do
  local a = 5 * (i - 4) + 2
  local source, number, told = ARGV[a + 1], ARGV[a + 4], ARGV[a + 5]
  local was = redis.call('HGET', KEYS[i], source) or ''
  if was ~= ARGV[a + 2] then
    done[i - 3] = 0
  else
    redis.call('HSET', KEYS[i], source, ARGV[a + 3])
    redis.call('SADD', KEYS[1], number)
    if told == '' then
      done[i - 3] = -1
    else
      local n = redis.call('INCR', KEYS[2])
      redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[1], '0-' .. n,
                 'number', number, 'source', source, 'changes', told, 'at', ARGV[2])
      done[i - 3] = n
    end
  end
end
return done
"""

# KEYS: case hash, set of cases, sequence, feed. ARGV: number, changes, feed length, milliseconds.
_REMOVE = """
if redis.call('DEL', KEYS[1]) + redis.call('SREM', KEYS[2], ARGV[1]) == 0 then return 0 end
local n = redis.call('INCR', KEYS[3])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], '0-' .. n,
           'number', ARGV[1], 'source', 'portal', 'changes', ARGV[2], 'at', ARGV[4])
return n
"""

# KEYS: set of cases, sequence, feed, case hashes. ARGV: feed length, milliseconds, their numbers.
_MEND = """
local mended = 0
for i = 4, #KEYS do
  local number = ARGV[i - 1]
  if redis.call('EXISTS', KEYS[i]) == 1 and redis.call('SADD', KEYS[1], number) == 1 then
    local n = redis.call('INCR', KEYS[2])
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[1], '0-' .. n,
               'number', number, 'source', 'portal', 'changes', '[]', 'at', ARGV[2])
    mended = mended + 1
  end
end
return mended
"""

_DECODERS = {source: msgspec.json.Decoder(kind) for source, kind in STATE_TYPES.items()}
_BY_FIELD = {source.encode(): (source, made.decode) for source, made in _DECODERS.items()}
_ENCODER = msgspec.json.Encoder()
_CHANGES = msgspec.json.Decoder(list[Change])

#: Where a state is kept: of which case, from which source.
Place = tuple[str, Source]

P = ParamSpec("P")
R = TypeVar("R")


class Written(Struct, frozen=True, kw_only=True):
    """What one write did to one source of a case; `sequence` 0: nothing a person could see.

    `told`: the observations that said something new.
    """

    number: str
    source: Source
    state: State
    changes: tuple[Change, ...] = ()
    sequence: int = 0
    told: tuple[Observation, ...] = ()


class FeedEntry(Struct, frozen=True, kw_only=True):
    """An entry of the change feed; `at` in milliseconds since the epoch."""

    sequence: int
    number: str
    source: Source
    changes: tuple[Change, ...]
    at: int


class Position(Struct, frozen=True):
    """A place in the history: which history it is, and the newest entry seen."""

    epoch: str
    sequence: int


class CaseFields(Struct, frozen=True):
    """A case as it is kept: the state of each source that is known."""

    number: str
    states: Mapping[Source, State]


def _spoken(call: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Turn an error of Redis into a sentence; the cause stays chained."""

    @wraps(call)
    async def spoken(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await call(*args, **kwargs)
        except (RedisError, OSError) as error:
            raise StoreError(
                f"{what_redis_did(error)}; nothing was changed that was not acknowledged. "
                "Try again in a moment."
            ) from error

    return spoken


class Store:
    """Reads and writes cases in one Redis below one prefix. `redis` must not decode answers."""

    def __init__(self, redis: Redis, keys: Keys, *, feed_length: int = 100_000) -> None:
        self.redis = redis
        self.keys = keys
        self._feed_length = feed_length
        self._read_script = redis.register_script(_READ)
        self._rows_script = redis.register_script(_READ_ROWS)
        self._write_script = redis.register_script(_WRITE)
        self._remove_script = redis.register_script(_REMOVE)
        self._mend_script = redis.register_script(_MEND)

    @_spoken
    async def write(
        self,
        observations: Iterable[Observation],
        *,
        now: datetime,
        read: Mapping[Place, bytes | None] | None = None,
    ) -> list[Written]:
        """Join `observations` into what is kept; return what changed, a row a case and source.

        `read`: what is kept in some places, if the caller has read that just now.

        Rows appear only for states that changed, and tell what is kept now. Each case and source
        is atomic by itself; an error half-way leaves whole states behind, and the same call may be
        made again.
        Raises StoreError when Redis is gone, full or read-only.
        """
        grouped: dict[Place, list[Observation]] = defaultdict(list)
        for observation in observations:
            grouped[observation.number, source_of(observation)].append(observation)
        written: list[Written] = []
        todo = iter(grouped.items())
        while batch := dict(islice(todo, BATCH)):
            written += await self._write_batch(batch, now, read or {})
        return written

    async def _write_batch(
        self,
        batch: dict[Place, list[Observation]],
        now: datetime,
        read: Mapping[Place, bytes | None],
    ) -> list[Written]:
        written: list[Written] = []
        for _ in range(ATTEMPTS):
            raw = await self._read_fields(list(batch), read)
            plans = [self._plan(key, raw[key], found, now) for key, found in batch.items()]
            due = [plan for plan in plans if plan is not None]
            if not due:
                return written
            results = await self._try_writes(due, now)
            for plan, result in zip(due, results, strict=True):
                if result:
                    written.append(plan.done(result))
            lost = {plan.key for plan, result in zip(due, results, strict=True) if not result}
            batch, read = {key: found for key, found in batch.items() if key in lost}, {}
            if not batch:
                return written
        raise StoreError(f"Too many writers at once on {sorted(batch)[0][0]}; try again.")

    async def _read_fields(
        self, wanted: Sequence[Place], read: Mapping[Place, bytes | None]
    ) -> Mapping[Place, bytes | None]:
        missing = [place for place in wanted if place not in read]
        if not missing:
            return read
        # A script is one command and one answer; a pipeline of as many costs several times that.
        found = await self._read_script(
            keys=[self.keys.case(number) for number, _ in missing],
            args=[source.value for _, source in missing],
        )
        return {**read, **dict(zip(missing, found, strict=True))}

    def _plan(
        self, key: Place, was: bytes | None, observations: Sequence[Observation], now: datetime
    ) -> "_Plan | None":
        _, source = key
        old: State | None = _DECODERS[source].decode(was) if was else None
        new = believed(old, latest_believed(now)) if old is not None else None
        told: list[Observation] = []
        for observation in observations:
            joined = join(new, observation)
            if joined is not new:
                told.append(observation)
            new = joined
        if new is old or new is None:
            return None
        changes = tuple(changes_between(source, old, new))
        becomes = _ENCODER.encode(new)
        return _Plan(
            key=key, was=was or b"", state=new, becomes=becomes, changes=changes, told=tuple(told)
        )

    async def _try_writes(self, plans: Sequence["_Plan"], now: datetime) -> list[int]:
        keys = [self.keys.cases, self.keys.sequence, self.keys.feed]
        args: list[Any] = [self._feed_length, int(now.timestamp() * 1000)]
        for plan in plans:
            number, source = plan.key
            told = _ENCODER.encode(plan.changes) if plan.changes else b""
            keys.append(self.keys.case(number))
            args += (source.value, plan.was, plan.becomes, number, told)
        return cast("list[int]", await self._write_script(keys=keys, args=args))

    @_spoken
    async def remove(self, number: str, *, now: datetime) -> bool:
        """Forget a case that a complete listing no longer has; say whether it was known."""
        keys = [self.keys.case(number), self.keys.cases, self.keys.sequence, self.keys.feed]
        change = _ENCODER.encode([Change("case", number, None)])
        at = int(now.timestamp() * 1000)
        return bool(
            await self._remove_script(keys=keys, args=[number, change, self._feed_length, at])
        )

    @_spoken
    async def mend_index(self, *, now: datetime) -> int:
        """Put cases that are kept back into the set of all numbers; return how many it lacked.

        That set is made from what is kept, and nothing else finds a case again that fell out of
        it. Boards see each of them by an entry in the feed that names no change.
        """
        known, lacking = await self.numbers(), set[str]()
        prefix = self.keys.case("")
        async for raw in self.redis.scan_iter(match=self.keys.pattern("case:*"), count=SCAN):
            number = raw.decode().removeprefix(prefix)
            if number not in known:
                lacking.add(number)
        mended, at = 0, int(now.timestamp() * 1000)
        missing = sorted(lacking)
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            keys = [self.keys.cases, self.keys.sequence, self.keys.feed]
            keys += [self.keys.case(number) for number in batch]
            mended += int(await self._mend_script(keys=keys, args=[self._feed_length, at, *batch]))
        return mended

    @_spoken
    async def read(self, number: str) -> CaseFields | None:
        """Return what is kept of one case, or None."""
        return (await self._read_many([number]))[0]

    @_spoken
    async def read_many(
        self, numbers: Sequence[str], sources: Sequence[Source] = ()
    ) -> list[CaseFields | None]:
        """Return what is kept of each of `numbers`, None for those not known.

        `sources`: read these only; then a case without any of them has no states.
        """
        found: list[CaseFields | None] = []
        for start in range(0, len(numbers), BATCH):
            found += await self._read_many(numbers[start : start + BATCH], sources)
        return found

    async def _read_many(
        self, numbers: Sequence[str], sources: Sequence[Source] = ()
    ) -> list[CaseFields | None]:
        pairs = zip(numbers, await self._read_rows(numbers, sources), strict=True)
        if sources:
            return [_chosen(number, sources, row) for number, row in pairs]
        return [_whole(number, row) if row else None for number, row in pairs]

    @_spoken
    async def numbers(self) -> set[str]:
        """Return the numbers of all cases of which anything is kept."""
        found = cast("set[bytes]", await self.redis.smembers(self.keys.cases))
        return {raw.decode() for raw in found}

    async def read_all(self, sources: Sequence[Source] = ()) -> AsyncGenerator[CaseFields, None]:
        """Yield all cases (of `sources` only), some hundred a round trip.

        Redis gets the next of them ready while those that came are worked on.
        """
        numbers = sorted(await self.numbers())
        coming = asyncio.create_task(self._read_rows(numbers[:AT_ONCE], sources))
        try:
            for start in range(0, len(numbers), AT_ONCE):
                rows, after = await coming, start + AT_ONCE
                next_ = numbers[after : after + AT_ONCE]
                coming = asyncio.create_task(self._read_rows(next_, sources))
                for _ in range(2):  # rounds of the loop until the question is on its way
                    await asyncio.sleep(0)
                for number, row in zip(numbers[start:after], rows, strict=True):
                    if row:
                        yield _chosen(number, sources, row) if sources else _whole(number, row)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    @_spoken
    async def _read_rows(
        self, numbers: Sequence[str], sources: Sequence[Source]
    ) -> list[Sequence[Any]]:
        # One answer instead of hundreds: the client takes half the time to read it.
        keys = [self.keys.case(number) for number in numbers]
        asked = self._rows_script(keys=keys, args=list(sources)) if keys else None
        return cast("list[Sequence[Any]]", await asked) if asked else []

    @_spoken
    async def position(self) -> Position:
        """Return where the history stands now; makes the epoch at first use."""
        found = await self.redis.mget(self.keys.epoch, self.keys.sequence)
        epoch, sequence = cast("list[bytes | None]", found)
        if epoch is None:
            await self.redis.set(self.keys.epoch, secrets.token_hex(8), nx=True)
            return await self.position()
        return Position(epoch.decode(), int(sequence or 0))

    @_spoken
    async def feed_after(self, sequence: int, count: int = 10_000) -> list[FeedEntry] | None:
        """Return the entries after `sequence`, oldest first; None if some of them are gone."""
        rows = await self.redis.xrange(
            self.keys.feed, min=f"0-{sequence + 1}", max="+", count=count
        )
        entries = [_entry(row) for row in rows or ()]
        if entries and entries[0].sequence != sequence + 1:
            return None
        return entries


class _Plan(Struct, frozen=True, kw_only=True):
    """One state to be written: what was read, what it becomes, what a person sees change."""

    key: Place
    was: bytes
    state: State
    becomes: bytes
    changes: tuple[Change, ...]
    told: tuple[Observation, ...]

    def done(self, result: int) -> Written:
        number, source = self.key
        return Written(
            number=number,
            source=source,
            state=self.state,
            changes=self.changes,
            sequence=max(result, 0),
            told=self.told,
        )


def _whole(number: str, row: Sequence[bytes]) -> CaseFields:
    by_turns = iter(row)
    return CaseFields(number, _states(zip(by_turns, by_turns, strict=True)))


def _states(fields: Iterable[tuple[bytes, bytes]]) -> dict[Source, State]:
    return {
        kind[0]: kind[1](raw) for name, raw in fields if (kind := _BY_FIELD.get(name)) is not None
    }


def _chosen(number: str, sources: Sequence[Source], row: Sequence[bytes | None]) -> CaseFields:
    states = {
        source: _DECODERS[source].decode(raw)
        for source, raw in zip(sources, row, strict=True)
        if raw is not None
    }
    return CaseFields(number, states)


def _entry(row: Any) -> FeedEntry:
    identity, fields = row
    return FeedEntry(
        sequence=int(identity.split(b"-")[1]),
        number=fields[b"number"].decode(),
        source=Source(fields[b"source"].decode()),
        changes=tuple(_CHANGES.decode(fields[b"changes"])),
        at=int(fields[b"at"]),
    )
