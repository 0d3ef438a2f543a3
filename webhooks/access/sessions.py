"""Sessions in Redis: an opaque id in a cookie, of which only a hash is kept here.

A session ends after some hours without a request, after a day in any case, at logout, or when it
is revoked; all sessions of a person can be ended at once. One that began in the future is not
believed, and ends; one that was only seen there is as old as it says.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.addresses import address_of
from t5g.clock import believable
from t5g.keys import Keys
from t5g.settings import Settings

ID_BYTES = 32
#: How often `seen` is brought up to date: not at every request.
TOUCH = 60.0


class Session(Struct, frozen=True, kw_only=True):
    """A login. `key` names it (a hash of the id); times in seconds since the epoch.

    `person` is what the identity provider calls them, as `naming` says (Format and qualifiers);
    `index` its own name for the login.
    """

    key: str
    person: str
    created: float
    seen: float
    email: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()
    index: str = ""
    address: str = ""
    naming: tuple[str, str, str] = ("", "", "")

    @property
    def short(self) -> str:
        """Enough of the key to tell sessions apart on a screen."""
        return self.key[:12]

    @property
    def account(self) -> str:
        """Whose login it is, by whatever name the identity provider said it at this login."""
        return address_of(self.email) if self.email else self.person


_DECODER = msgspec.json.Decoder(Session)
_ENCODE = msgspec.json.Encoder().encode


def key_of(identity: str) -> str:
    """Return what a session's id is kept as."""
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()


class Sessions:
    """The sessions of one installation."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        idle: float,
        absolute: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._idle = idle
        self._absolute = absolute
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings, redis: Redis) -> "Sessions":
        """Take the limits out of the settings."""
        return cls(
            redis,
            Keys(settings.redis_prefix),
            idle=settings.session_idle_hours * 3600,
            absolute=settings.session_hours * 3600,
        )

    async def begin(self, person: str, **facts: Any) -> str:
        """Begin a session; return its id, which is told to nobody but the person's browser."""
        identity, now = secrets.token_urlsafe(ID_BYTES), self._clock()
        session = Session(key=key_of(identity), person=person, created=now, seen=now, **facts)
        pipe = self._redis.pipeline(transaction=True)
        pipe.set(self._key(session.key), _ENCODE(session), ex=self._life(session, now))
        pipe.zadd(self._all, {session.key: now + self._absolute})
        pipe.zremrangebyscore(self._all, 0, now)
        await pipe.execute()
        return identity

    async def find(self, identity: str) -> Session | None:
        """Return the session of an id, if it lives, and note that it was used."""
        raw = await self._redis.get(self._key(key_of(identity)))
        if raw is None:
            return None
        session, now = _DECODER.decode(raw), self._clock()
        if not believable(session.created, now):
            await self.end(session)  # nobody can say how old it is
            return None
        if now >= session.created + self._absolute or now >= session.seen + self._idle:
            return None
        if now - session.seen >= TOUCH or not believable(session.seen, now):
            session = msgspec.structs.replace(session, seen=now)
            life = self._life(session, now)
            # XX: a session that was ended meanwhile does not come back.
            await self._redis.set(self._key(session.key), _ENCODE(session), ex=life, xx=True)
        return session

    async def alive(self, key: str) -> bool:
        """Say whether the session of that key still lives."""
        return bool(await self._redis.exists(self._key(key)))

    async def end(self, session: Session) -> bool:
        """End one session; say whether it lived."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(self._key(session.key))
        pipe.zrem(self._all, session.key)
        return bool((await pipe.execute())[0])

    async def end_all_of(self, account: str) -> int:
        """End all sessions of an account; return how many lived."""
        living = await self.list_all()
        return sum([await self.end(session) for session in living if session.account == account])

    async def end_named(self, person: str, indexes: Sequence[str] = ()) -> int:
        """End what the identity provider names; return how many lived.

        With `indexes` only those logins of the person, else all of their accounts: also the ones
        that began under another name, as transient and persistent ones are.
        """
        living = await self.list_all()
        named = [one for one in living if one.person == person or one.account == address_of(person)]
        if indexes:
            return sum([await self.end(one) for one in named if one.index in indexes])
        return sum([await self.end_all_of(account) for account in {one.account for one in named}])

    async def list_all(self) -> list[Session]:
        """Return all sessions that live, the last used first."""
        rows: Any = await self._redis.zrange(self._all, 0, -1)
        found = await self._read(row.decode() for row in rows)
        return sorted(found, key=lambda session: -session.seen)

    async def _read(self, keys: Iterable[str]) -> list[Session]:
        names = [self._key(key) for key in keys]
        rows = await self._redis.mget(names) if names else []
        return [_DECODER.decode(row) for row in rows if row is not None]

    def _life(self, session: Session, now: float) -> int:
        return max(1, int(min(self._idle, session.created + self._absolute - now)))

    def _key(self, key: str) -> str:
        return self._keys.named("session", key)

    @property
    def _all(self) -> str:
        return self._keys.named("sessions")
