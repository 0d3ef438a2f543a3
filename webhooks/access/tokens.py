"""Bearer tokens for scripts: made once, shown once; only a hash is kept.

A token has a name, a role and, if wanted, an end. It is found by its hash, so that nothing here
can tell a token, and comparing takes the same time for any. One that was made in the future counts
as made at its next use, and ends as long after that as it was to.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import believable
from t5g.errors import NotFoundError, T5GError
from t5g.keys import Keys
from t5g.team import Role

MARK = "t5g_"
SECRET_BYTES = 32
#: A token as `create` makes them: what looks otherwise is not looked for.
SHAPE = re.compile(rf"{MARK}[\w-]{{43}}", re.ASCII)
NAME = re.compile(r"[\w .@-]{1,60}")
TOUCH = 300.0


class Token(Struct, frozen=True, kw_only=True):
    """A token, without its secret. Times in seconds since the epoch; `expires` 0: never."""

    id: str
    name: str
    role: Role
    created: float
    expires: float = 0.0
    used: float = 0.0
    by: str = ""


class TokenNameError(T5GError):
    """The name of a token is taken or not possible."""

    status = 400


_DECODER = msgspec.json.Decoder(Token)
_ENCODE = msgspec.json.Encoder().encode


def hash_of(secret: str) -> str:
    """Return what a token is kept as. It has 256 random bits: no salt, no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Tokens:
    """The tokens of one installation: a hash in Redis, by hash of the secret."""

    def __init__(self, redis: Redis, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._key = keys.named("tokens")
        self._clock = clock

    async def create(
        self, name: str, role: Role, *, days: float = 0, by: str = ""
    ) -> tuple[Token, str]:
        """Make a token; return it and its secret, which can not be had again.

        Raises TokenNameError if the name is taken or has characters that a log line would not like.
        """
        if not NAME.fullmatch(name):
            raise TokenNameError("A token's name has 1 to 60 letters, digits, blanks, . @ _ or -.")
        if any(token.name == name for token in await self.list_all()):
            raise TokenNameError(f"There is a token “{name}” already; revoke it first.")
        secret, now = MARK + secrets.token_urlsafe(SECRET_BYTES), self._clock()
        token = Token(
            id=hash_of(secret)[:12],
            name=name,
            role=role,
            created=now,
            expires=now + days * 86_400 if days else 0.0,
            by=by,
        )
        await self._redis.hset(self._key, hash_of(secret), _ENCODE(token))
        return token, secret

    async def find(self, secret: str) -> Token | None:
        """Return the token of that secret, if it is good."""
        if not SHAPE.fullmatch(secret):
            return None
        place, now = hash_of(secret), self._clock()
        raw: Any = await self._redis.hget(self._key, place)
        if raw is None:
            return None
        kept = _DECODER.decode(raw)
        token = kept if believable(kept.created, now) else _made_at(kept, now)
        if token.expires and now >= token.expires:
            return None
        if token is not kept or now - token.used >= TOUCH or not believable(token.used, now):
            await self._touch(place, msgspec.structs.replace(token, used=now), raw)
        return token

    async def _touch(self, place: str, token: Token, before: bytes) -> None:
        """Note the use, unless the token changed or went meanwhile."""
        await self._redis.eval(_TOUCH, 1, self._key, place, before, _ENCODE(token))

    async def list_all(self) -> list[Token]:
        """Return all tokens, the newest first."""
        found = [_DECODER.decode(raw) for raw in await self._redis.hvals(self._key)]
        return sorted(found, key=lambda token: -token.created)

    async def revoke(self, which: str) -> Token:
        """Take a token away, by its id or name. Raises NotFoundError."""
        for place, raw in (await self._redis.hgetall(self._key)).items():
            token = _DECODER.decode(raw)
            if which in (token.id, token.name):
                await self._redis.hdel(self._key, place)
                return token
        raise NotFoundError(f"There is no token “{which}”; `t5g token list` shows them.")


def _made_at(token: Token, now: float) -> Token:
    """Return a token that was made by a clock that was ahead as if it were made now."""
    expires = token.expires and token.expires - token.created + now
    return msgspec.structs.replace(token, created=now, expires=expires)


_TOUCH = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
"""
