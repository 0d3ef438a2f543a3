"""Things that Slack may send twice and that must happen once: events, clicks, submissions."""

from redis.asyncio import Redis

from t5g.keys import Keys

LASTS = 3600


def asked_name(request: str) -> str:
    """The id under which is remembered that the work of a request was asked for; "" for none."""
    return f"asked:{request}" if request else ""


class Once:
    """Remembers ids for an hour."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def first(self, identity: str, lasts: int = LASTS) -> bool:
        """Say whether this id is seen for the first time; without an id everything is new."""
        if not identity:
            return True
        key = self._keys.named("slack", "seen", identity)
        return bool(await self._redis.set(key, b"1", nx=True, ex=lasts))

    async def seen(self, identity: str) -> bool:
        """Say whether this id was seen, without taking note of it."""
        if not identity:
            return False
        return bool(await self._redis.exists(self._keys.named("slack", "seen", identity)))

    async def forget(self, identity: str) -> None:
        """Let an id count as new again, because its work failed and Slack will send it again."""
        if identity:
            await self._redis.delete(self._keys.named("slack", "seen", identity))
