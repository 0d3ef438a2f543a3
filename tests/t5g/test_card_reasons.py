"""Why somebody got a card is known for a while, to whoever tells of it."""

from redis.asyncio import Redis

from t5g.card_reasons import keep_reason, reason_for
from t5g.keys import Keys

KEYS = Keys()


async def test_a_reason_is_kept_for_a_while(redis: Redis) -> None:
    await keep_reason(redis, KEYS, "01234567", "Ann: fewest cards")
    assert await reason_for(redis, KEYS, "01234567") == "Ann: fewest cards"
    assert 0 < await redis.ttl("t5g:cards:reason:01234567") <= 2 * 24 * 3600


async def test_a_reason_that_is_not_known_is_empty(redis: Redis) -> None:
    assert await reason_for(redis, KEYS, "01234567") == ""
