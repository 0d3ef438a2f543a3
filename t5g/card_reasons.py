"""Why somebody got a new card: kept from before it is made, so that whoever tells of it knows.

A webhook may bring a card to the channel before the worker that made it has ended.
"""

from redis.asyncio import Redis

from t5g.keys import Keys

KEPT = 2 * 24 * 3600


async def keep_reason(redis: Redis, keys: Keys, number: str, reason: str) -> None:
    """Remember for a while why the card of a case goes to whom it goes."""
    await redis.set(_name(keys, number), reason, ex=KEPT)


async def reason_for(redis: Redis, keys: Keys, number: str) -> str:
    """Return the reason, or "" if none is known."""
    raw = await redis.get(_name(keys, number))
    return raw.decode() if isinstance(raw, bytes) else ""


def _name(keys: Keys, number: str) -> str:
    return keys.named("cards", "reason", number)
