"""Remembers how far each new card is, so that whoever comes next goes on where the last one ended.

One record for each case, written before the call it is about. Only the holder of a record's token
changes it: a worker that was thought dead finds its record taken and stops.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.errors import T5GError
from t5g.keys import Keys

KEPT = 30 * 24 * 3600

# KEYS: record, set of unfinished, set of lacking. ARGV: record before (""), record after, number,
# seconds kept (0: it is not finished), "1" if it lacks something.
_REPLACE = """
local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then return 0 end
if ARGV[4] == '0' then
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('SADD', KEYS[2], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[4])
  redis.call('SREM', KEYS[2], ARGV[3])
end
redis.call(ARGV[5] == '1' and 'SADD' or 'SREM', KEYS[3], ARGV[3])
return 1
"""


class TakenError(T5GError):
    """Somebody else goes on with this card."""

    status = 503


class Making(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a card is. `asked`: when JIRA was last asked to make it and did not say no.

    `status`: the one it was met in. `trying`: the step that was begun last. `lacks`: what JIRA
    did not take, with its words; that is tried again in each run. `unsure`: of these, what it did
    not refuse: it may have happened, and may pass. `notes`: what stays as it is. `gone`: cards of
    the case that were made before and are not in JIRA any more.
    """

    number: str
    kind: str = "create"
    token: str = ""
    begun: float = 0.0
    asked: float = 0.0
    key: str = ""
    status: str = ""
    trying: str = ""
    done: tuple[str, ...] = ()
    finished: bool = False
    lacks: dict[str, str] = {}
    unsure: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    assignee: str = ""
    email: str = ""
    account: str = ""
    reason: str = ""

    @property
    def touched(self) -> bool:
        """Say whether JIRA may have something of it already."""
        return bool(self.key or self.asked)

    @property
    def assigned(self) -> str:
        """The name of whom the card is assigned to by us, or ""."""
        return "" if "assignee" in self.lacks else self.assignee


class Ledger:
    """The records of one installation."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._unfinished = keys.named("cards", "unfinished")
        self._lacking = keys.named("cards", "lacking")
        self._closed = keys.named("cards", "closed")

    async def read(self, number: str) -> Making | None:
        """Return the record of a case."""
        raw = await self._redis.get(self._name(number))
        return _DECODE(raw) if raw else None

    async def unfinished(self) -> list[Making]:
        """Return the cards that were begun and not ended."""
        return [row for row in await self._rows(self._unfinished) if not row.finished]

    async def lacking(self) -> list[Making]:
        """Return the cards that were made and lack something that JIRA did not take."""
        return [row for row in await self._rows(self._lacking) if row.lacks and row.finished]

    async def made(self, numbers: Sequence[str]) -> dict[str, str]:
        """Return the keys of the cards that were made before, of those cases that have one."""
        raws: Any = await self._redis.mget([self._name(n) for n in numbers]) if numbers else ()
        rows = [_DECODE(raw) for raw in raws if raw]
        return {row.number: row.key for row in rows if row.finished and row.key}

    async def take(self, wanted: Making) -> Making:
        """Begin a record, or take over the one that is there. Raises TakenError in a race."""
        before = await self.read(wanted.number)
        fresh = before is None or before.finished or not before.touched
        begun = wanted if fresh or before is None else before
        lost = before.gone if before else ()
        mine = msgspec.structs.replace(begun, token=secrets.token_hex(8), gone=lost)
        await self._replace(before, mine)
        return mine

    async def hold(self, record: Making) -> Making:
        """Take a finished record over, to change it. Raises TakenError in a race."""
        return await self.save(record, token=secrets.token_hex(8))

    async def save(self, before: Making, **facts: Any) -> Making:
        """Write facts into a record that is ours. Raises TakenError if it is not any more."""
        after = msgspec.structs.replace(before, **facts)
        await self._replace(before, after)
        return after

    async def lose(self, record: Making) -> Making:
        """Remember that a card is gone, and forget all else of its record."""
        lost = Making(
            number=record.number, token=record.token, gone=(*record.gone, record.key)
        )  # fmt: skip
        await self._replace(record, lost)
        return lost

    async def forget(self, number: str) -> None:
        """Forget a record that is of no use any more."""
        await self._redis.delete(self._name(number))
        await self._redis.srem(self._unfinished, number)
        await self._redis.srem(self._lacking, number)

    async def was_closed(self) -> set[str]:
        """Return the numbers of cases that were seen closed and are not dealt with since."""
        names: Any = await self._redis.smembers(self._closed)
        return {name.decode() for name in names}

    async def note_closed(self, numbers: set[str]) -> None:
        """Remember cases that are closed now."""
        if numbers:
            await self._redis.sadd(self._closed, *numbers)

    async def note_open(self, numbers: set[str]) -> None:
        """Forget that cases were closed: they are open again, and their cards are in order."""
        if numbers:
            await self._redis.srem(self._closed, *numbers)

    async def _replace(self, before: Making | None, after: Making) -> None:
        was = _ENCODE(before) if before is not None else b""
        kept = KEPT if after.finished else 0
        names = (self._name(after.number), self._unfinished, self._lacking)
        lacks = "1" if after.lacks else "0"
        facts = (was, _ENCODE(after), after.number, kept, lacks)
        if not await self._redis.eval(_REPLACE, len(names), *names, *facts):
            raise TakenError(f"Somebody else goes on with the card of case {after.number}.")

    async def _rows(self, name: str) -> list[Making]:
        numbers: Any = await self._redis.smembers(name)
        found = [await self.read(number.decode()) for number in sorted(numbers)]
        return [row for row in found if row is not None]

    def _name(self, number: str) -> str:
        return self._keys.named("cards", "making", number)


_DECODE = msgspec.json.Decoder(Making).decode
_ENCODE = msgspec.json.Encoder().encode
