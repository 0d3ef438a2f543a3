"""Watches: queries whose new matches and changes a channel (or a person) is told at once.

Here they are kept; `t5g.news` and `bot.alerts` decide what is told, `bot.follower` when.
"""

import secrets
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from t5g.errors import RefusedError
from t5g.keys import Keys
from t5g.team import Me

MOST = 20


class Watch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A query that `channel` follows; `at`: when it was set.

    `account`, `email` and `names` are whom `me` means in it.
    """

    id: str
    channel: str
    query: str
    by: str = ""
    by_name: str = ""
    account: str = ""
    email: str = ""
    names: frozenset[str] = frozenset()
    at: float = 0.0

    @property
    def me(self) -> Me:
        """Whom `me` means in the query."""
        return Me(account=self.account, email=self.email, names=self.names)

    @property
    def personal(self) -> bool:
        """Say whether it is told to one person only."""
        return self.channel[:1] in "UW"


class Watches:
    """The watches of one installation."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._key = keys.named("slack", "watches")

    async def all(self) -> list[Watch]:
        """Return every watch, oldest first."""
        rows = await self._redis.hvals(self._key)
        return sorted((_DECODE(raw) for raw in rows), key=lambda watch: (watch.at, watch.id))

    async def of(self, channel: str) -> list[Watch]:
        """Return the watches of a channel (or of a person), oldest first."""
        return [watch for watch in await self.all() if watch.channel == channel]

    async def add(self, watch: Watch, matching: set[str]) -> tuple[Watch, bool]:
        """Keep a watch, with what matches already; return it (or its like) and whether it is new.

        Raises RefusedError when the channel has too many.
        """
        present = await self.of(watch.channel)
        for known in present:
            if known.query == watch.query and known.me == watch.me:
                return known, False
        if len(present) >= MOST:
            raise RefusedError(
                f"There are {MOST} watches here already; drop one with `unwatch` first."
            )
        named = msgspec.structs.replace(watch, id=watch.id or secrets.token_hex(3))
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(self.matched_key(named.id))
        if matching:
            pipe.sadd(self.matched_key(named.id), *matching)
        pipe.hset(self._key, named.id, _ENCODE(named))
        await pipe.execute()
        return named, True

    async def remove(self, *watches: Watch) -> None:
        """Forget watches."""
        if watches:
            pipe = self._redis.pipeline(transaction=True)
            pipe.hdel(self._key, *(watch.id for watch in watches))
            pipe.delete(*(self.matched_key(watch.id) for watch in watches))
            await pipe.execute()

    async def matched(self, watch: Watch) -> set[str]:
        """Return the numbers of the cases that matched when last looked at."""
        rows: Any = await self._redis.smembers(self.matched_key(watch.id))
        return {raw.decode() for raw in rows}

    def stage(self, pipe: Pipeline, watch: Watch, *, came: set[str], went: set[str]) -> None:
        """Let what matches be changed in the caller's own transaction."""
        if came:
            pipe.sadd(self.matched_key(watch.id), *came)
        if went:
            pipe.srem(self.matched_key(watch.id), *went)

    def matched_key(self, watch_id: str) -> str:
        """The set of numbers that match a watch."""
        return self._keys.named("slack", "watch", watch_id)


_DECODE = msgspec.json.Decoder(Watch).decode
_ENCODE = msgspec.json.Encoder().encode
