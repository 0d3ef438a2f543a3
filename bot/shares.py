"""Where cases were shared: messages that are changed when their case changes.

And who did what to a case by the bot lately, so that nobody is told of their own deed.
"""

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import BOUND
from t5g.keys import Keys

LASTS = 7 * 24 * 3600
MOST = 10
DEED_LASTS = 900


class Share(Struct, frozen=True, kw_only=True):
    """A message that shows one case. `message`: its id in the outbox; `by`: who shared it.

    `card`: the card that it announces, "" for a shared case; `again`: which time it was reopened.
    """

    number: str
    channel: str
    message: str
    at: float = 0.0
    by: str = ""
    card: str = ""
    again: str = ""


class Shares:
    """The shared messages of one installation, by case."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def add(self, share: Share) -> None:
        """Remember a shared message; the oldest of a case goes when there are too many."""
        key = self._key(share.number)
        pipe = self._redis.pipeline(transaction=True)
        pipe.rpush(key, msgspec.json.encode(share))
        pipe.ltrim(key, -MOST, -1)
        pipe.expire(key, LASTS)
        await pipe.execute()

    async def of(self, number: str) -> list[Share]:
        """Return the messages that show a case."""
        rows = await self._redis.lrange(self._key(number), 0, -1)
        return [msgspec.json.decode(raw, type=Share) for raw in rows]

    def _key(self, number: str) -> str:
        return self._keys.named("slack", "shares", number)


class Deeds:
    """Who changed what of a case by the bot in the last minutes."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def remember(self, number: str, user_id: str, *facts: str) -> None:
        """Take note that somebody is about to change these facts of a case."""
        key = self._key(number)
        pipe = self._redis.pipeline(transaction=True)
        pipe.hset(key, mapping=dict.fromkeys(facts, user_id))
        pipe.expire(key, DEED_LASTS)
        await pipe.execute()

    async def of(self, number: str) -> dict[str, str]:
        """Return who changed each fact of a case lately."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.hgetall(self._key(number))
        pipe.ttl(self._key(number))
        rows, left = await pipe.execute()
        if left > DEED_LASTS + BOUND:
            return {}  # noted while the clock of Redis was ahead
        return {fact.decode(): user.decode() for fact, user in rows.items()}

    def _key(self, number: str) -> str:
        return self._keys.named("slack", "deeds", number)
