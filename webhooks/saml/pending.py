"""Logins under way: which request a browser was sent away with, and where it wanted to go.

Kept in Redis under a random name that travels as RelayState: the answer comes as a cross-site POST,
which brings no ordinary cookie. A login is used up once. Assertions are remembered until they end.
"""

import hashlib
import re
import secrets

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.keys import Keys

LASTS = 600
#: Assertions are remembered this much longer than they are valid, whatever the clocks say.
MARGIN = 300
HOME = "/"
#: Only paths of our own: no scheme, no host, nothing that a browser reads as one.
_LOCAL = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")


class Pending(Struct, frozen=True):
    """A login under way; `browser` ties it to the browser that began it."""

    request: str
    to: str
    browser: str


_DECODER = msgspec.json.Decoder(Pending)
_ENCODE = msgspec.json.Encoder().encode


def local_path(text: str) -> str:
    """Return `text` if it is a path of ours, else the first page."""
    return text if len(text) <= 2_000 and _LOCAL.fullmatch(text) else HOME


def new_name() -> str:
    """Make a name that nobody can guess."""
    return secrets.token_urlsafe(24)


class Logins:
    """The logins under way and the assertions used, of one installation."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def begin(self, name: str, pending: Pending) -> None:
        """Remember a login for ten minutes."""
        await self._redis.set(self._keys.named("saml", "login", name), _ENCODE(pending), ex=LASTS)

    async def take(self, name: str) -> Pending | None:
        """Return a login under way and forget it."""
        if not name or len(name) > 100:
            return None
        raw = await self._redis.getdel(self._keys.named("saml", "login", name))
        return _DECODER.decode(raw) if raw is not None else None

    async def use(self, assertion: str, until: float, now: float) -> bool:
        """Note that an assertion (or the request of a logout) was used; False if it was before."""
        digest = hashlib.sha256(assertion.encode()).hexdigest()
        life = int(max(0.0, until - now)) + MARGIN
        key = self._keys.named("saml", "assertion", digest)
        return bool(await self._redis.set(key, b"1", nx=True, ex=life))
