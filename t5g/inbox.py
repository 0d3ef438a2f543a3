"""What Redis keeps of deliveries: which were done, when the last one came, and dead letters.

A dead letter is an event that could not be applied: kept whole, with the error, until it can be,
or until its age limit. It holds nothing back: later events of its issue are applied all the same
(state joins in any order), and each of them, each sync and a timed job try it again first.
This module knows no JIRA; it keeps what it is given.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import BOUND
from t5g.keys import Keys

#: Cloud repeats a delivery five times, up to a quarter of an hour apart: a delivery is remembered
#: for this long at least, and for twice as long at most.
BUCKET_SECONDS = 6 * 3600
FIRST_WAIT = 60.0
LONGEST_WAIT = 6 * 3600.0
NO_SUBJECT = "-"

# KEYS: deliveries of now, deliveries of before, subjects, arrivals, then other keys to read, then
# hashes to read a field of. ARGV: when it is, seconds to remember, how many deliveries to remember
# first, how many to look up, how many other keys, how many hashes, then those deliveries, these,
# the fields, and the subjects to look up.
_LOOK = """
local done, asked = tonumber(ARGV[3]), tonumber(ARGV[4])
local keys, hashes = tonumber(ARGV[5]), tonumber(ARGV[6])
local from = 6 + done
if done > 0 then
  redis.call('SADD', KEYS[1], unpack(ARGV, 7, from))
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('HSET', KEYS[4], 'last', ARGV[1])
  redis.call('HINCRBY', KEYS[4], 'total', done)
end
local now = redis.call('SMISMEMBER', KEYS[1], unpack(ARGV, from + 1, from + asked))
local before = redis.call('SMISMEMBER', KEYS[2], unpack(ARGV, from + 1, from + asked))
for i = 1, asked do now[i] = now[i] + before[i] end
from = from + asked
local held = redis.call('SMISMEMBER', KEYS[3], unpack(ARGV, from + hashes + 1))
local values, fields = {}, {}
if keys > 0 then values = redis.call('MGET', unpack(KEYS, 5, 4 + keys)) end
for i = 1, hashes do fields[i] = redis.call('HGET', KEYS[4 + keys + i], ARGV[from + i]) end
return {now, held, values, fields}
"""

# KEYS: records, letters by age, due, subjects, letters of the subject.
# ARGV: id, record, time of the event, next try, subject, when it was received, "1" if it must be
# there already (somebody may have dropped it meanwhile).
_PUT = """
if ARGV[7] == '1' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local first = redis.call('HLEN', KEYS[1]) == 0
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], 'NX', ARGV[6], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[5])
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1])
return first and 1 or 0
"""

# KEYS as above. ARGV: id, subject.
_DROP = """
local was = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
if redis.call('EXISTS', KEYS[5]) == 0 then redis.call('SREM', KEYS[4], ARGV[2]) end
return was
"""


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event that could not be applied. Times are seconds since the epoch.

    `body` is the text of the delivery, or base64 of it if it is no UTF-8 (`binary`).
    """

    id: str
    subject: str
    name: str
    error: str
    event_at: float
    received: float
    attempts: int = 1
    tried: float = 0.0
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: str = ""
    binary: bool = False

    @property
    def raw(self) -> bytes:
        """The body as it was received."""
        return base64.b64decode(self.body) if self.binary else self.body.encode()

    @property
    def next_try(self) -> float:
        """When the timed job tries again: each time twice as long, up to some hours."""
        return self.tried + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self.attempts - 1, 16))


def letter_of(
    *,
    id: str,
    subject: str,
    name: str,
    error: str,
    event_at: float,
    now: float,
    headers: Mapping[str, str],
    body: bytes,
) -> DeadLetter:
    """Make the letter of an event that just failed for the first time."""
    try:
        text, binary = body.decode(), False
    except UnicodeDecodeError:
        text, binary = base64.b64encode(body).decode(), True
    return DeadLetter(
        id=id,
        subject=subject or NO_SUBJECT,
        name=name,
        error=error,
        event_at=event_at,
        received=now,
        tried=now,
        headers=dict(headers),
        body=text,
        binary=binary,
    )


class Known(Struct, frozen=True):
    """What is known of a batch before it is applied, and what was read of other keys and hashes."""

    done: frozenset[str]
    parked: frozenset[str]
    values: Sequence[bytes | None] = ()
    fields: Sequence[bytes | None] = ()


class Arrivals(Struct, frozen=True, kw_only=True):
    """When events came: `last` in seconds since the epoch (None: never), and how many ever."""

    last: float | None = None
    total: int = 0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(DeadLetter)


def _latest_try(now: float) -> float:
    """Return the last moment at which a letter that failed by now is tried again."""
    return now + LONGEST_WAIT + BOUND


class Inbox:
    """Deliveries and dead letters of one installation."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._letters = keys.named("inbox", "letters")
        self._ages = keys.named("inbox", "ages")
        self._due = keys.named("inbox", "due")
        self._subjects = keys.named("inbox", "subjects")
        self._arrivals = keys.named("inbox", "arrivals")
        self._look_script = redis.register_script(_LOOK)
        self._put_script = redis.register_script(_PUT)
        self._drop_script = redis.register_script(_DROP)

    # Deliveries

    async def look(
        self,
        deliveries: Sequence[str],
        subjects: Iterable[str],
        *,
        now: float,
        done: Sequence[str] = (),
        keys: Sequence[str] = (),
        fields: Sequence[tuple[str, str]] = (),
    ) -> Known:
        """Say which deliveries were done before, and which subjects have dead letters.

        At least one of each must be asked for, and some hundreds at most. All in the same round
        trip: `done` are deliveries to remember first, `keys` others whose values are wanted,
        `fields` hashes with the field that is wanted of each.
        """
        asked = sorted({subject or NO_SUBJECT for subject in subjects})
        hashes, names = zip(*fields, strict=True) if fields else ((), ())
        found, held, values, read = await self._look_script(
            keys=[*self._buckets(now), self._subjects, self._arrivals, *keys, *hashes],
            args=[repr(now), 2 * BUCKET_SECONDS, len(done), len(deliveries), len(keys), len(hashes),
                  *done, *deliveries, *names, *asked],
        )  # fmt: skip
        return Known(
            frozenset(d for d, times in zip(deliveries, found, strict=True) if times),
            frozenset(subject for subject, yes in zip(asked, held, strict=True) if yes),
            values,
            read,
        )

    async def mark_done(self, deliveries: Sequence[str], *, now: float) -> None:
        """Remember deliveries whose state was written; a repetition is then recognised."""
        if not deliveries:
            return
        bucket = self._buckets(now)[0]
        pipe = self._redis.pipeline(transaction=False)
        pipe.sadd(bucket, *deliveries)
        pipe.expire(bucket, 2 * BUCKET_SECONDS)
        pipe.hset(self._arrivals, "last", repr(now))
        pipe.hincrby(self._arrivals, "total", len(deliveries))
        await pipe.execute()

    async def arrivals(self) -> Arrivals:
        """Return when the last event came, and how many came in all."""
        last, total = cast(
            "list[bytes | None]", await self._redis.hmget(self._arrivals, ["last", "total"])
        )
        return Arrivals(last=float(last) if last else None, total=int(total or 0))

    # Dead letters

    async def put(self, letter: DeadLetter, *, again: bool = False) -> bool:
        """Keep a letter; say whether there was none before. `again`: only if it is still there."""
        return bool(
            await self._put_script(
                keys=self._keys_of(letter.subject),
                args=[
                    letter.id,
                    _ENCODER.encode(letter),
                    letter.event_at,
                    letter.next_try,
                    letter.subject,
                    letter.received,
                    int(again),
                ],
            )
        )

    async def drop(self, letter: DeadLetter) -> bool:
        """Forget a letter; say whether it was there."""
        return bool(
            await self._drop_script(
                keys=self._keys_of(letter.subject), args=[letter.id, letter.subject]
            )
        )

    async def failed_again(self, letter: DeadLetter, error: str, *, now: float) -> DeadLetter:
        """Record one more failed attempt."""
        again = msgspec.structs.replace(
            letter, attempts=letter.attempts + 1, tried=now, error=error
        )
        await self.put(again, again=True)
        return again

    async def get(self, id: str) -> DeadLetter | None:
        """Return one letter."""
        raw = await self._redis.hget(self._letters, id)
        return _DECODER.decode(raw) if raw else None

    async def of_subject(self, subject: str, limit: int = 100) -> list[DeadLetter]:
        """Return the letters of an issue, the oldest event first."""
        key = self._of(subject or NO_SUBJECT)
        return await self._read(await self._redis.zrange(key, 0, limit - 1))

    async def ids_of_subject(self, subject: str) -> list[str]:
        """Return the ids of all letters of an issue, the oldest event first."""
        found = cast("list[bytes]", await self._redis.zrange(self._of(subject), 0, -1))
        return [raw.decode() for raw in found]

    async def due(self, *, now: float, limit: int = 100) -> list[DeadLetter]:
        """Return the letters that are to be tried again by now, the oldest event first.

        No letter waits for longer than until its next try: a later one is not believed.
        """
        ids: list[Any] = []
        for least, most in (("-inf", now), (f"({_latest_try(now)!r}", "+inf")):
            ids += await self._redis.zrangebyscore(self._due, least, most, start=0, num=limit)
        return sorted(await self._read(ids[:limit]), key=lambda letter: letter.event_at)

    async def is_due(self, *, now: float, expired: float) -> bool:
        """Say whether a letter is to be tried again by now, or was received before `expired`."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.zcount(self._due, "-inf", now)
        pipe.zcount(self._due, f"({_latest_try(now)!r}", "+inf")
        pipe.zcount(self._ages, "-inf", f"({expired!r}")
        return any(await pipe.execute())

    async def subjects(self) -> list[str]:
        """Return the subjects that have letters."""
        found = cast("set[bytes]", await self._redis.smembers(self._subjects))
        return sorted(raw.decode() for raw in found)

    async def letters(self, start: int = 0, limit: int = 1000) -> list[DeadLetter]:
        """Return letters in the order in which they came."""
        return await self._read(await self._redis.zrange(self._ages, start, start + limit - 1))

    async def count(self) -> int:
        """Return how many letters there are."""
        return int(await self._redis.hlen(self._letters))

    async def oldest(self) -> float | None:
        """Return when the oldest letter was received."""
        rows = await self._redis.zrange(self._ages, 0, 0, withscores=True)
        return float(rows[0][1]) if rows else None

    async def received_before(self, moment: datetime) -> list[DeadLetter]:
        """Return the letters that were received before a moment."""
        ids = await self._redis.zrangebyscore(self._ages, "-inf", f"({moment.timestamp()!r}")
        return await self._read(ids)

    async def _read(self, ids: Any) -> list[DeadLetter]:
        if not ids:
            return []
        rows = await self._redis.hmget(self._letters, list(ids))
        return [_DECODER.decode(row) for row in cast("list[bytes | None]", rows) if row]

    def _keys_of(self, subject: str) -> list[str]:
        return [self._letters, self._ages, self._due, self._subjects, self._of(subject)]

    def _of(self, subject: str) -> str:
        return self._keys.named("inbox", "of", subject)

    def _buckets(self, now: float) -> tuple[str, str]:
        """Sets of deliveries of this stretch of time and of the one before."""
        stretch = int(now // BUCKET_SECONDS)
        return (
            self._keys.named("inbox", "done", str(stretch)),
            self._keys.named("inbox", "done", str(stretch - 1)),
        )
