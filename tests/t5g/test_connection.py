"""The client of the store: it waits its turn, and gives up soon when Redis is gone."""

import asyncio

import pytest
from redis.exceptions import RedisError

from t5g.connection import CONNECTIONS, open_redis


async def test_more_commands_at_once_than_connections_wait_their_turn(redis_url: str) -> None:
    redis = open_redis(redis_url)
    await asyncio.gather(*(redis.incr("t5g:n") for _ in range(5 * CONNECTIONS)))
    assert int(await redis.get("t5g:n")) == 5 * CONNECTIONS
    assert len(await redis.client_list()) <= CONNECTIONS + 1
    await redis.aclose()


async def test_closing_the_client_closes_its_connections(redis_url: str) -> None:
    watching, redis = open_redis(redis_url), open_redis(redis_url)
    await asyncio.gather(*(redis.ping() for _ in range(10)))
    assert len(await watching.client_list()) > 2
    await redis.aclose()
    async with asyncio.timeout(5):
        while len(await watching.client_list()) > 1:
            await asyncio.sleep(0.01)
    await watching.aclose()


async def test_a_redis_that_is_gone_is_an_error_soon(tmp_path) -> None:
    redis = open_redis(f"unix://{tmp_path}/nothing.sock")
    with pytest.raises((RedisError, OSError)):
        async with asyncio.timeout(5):
            await redis.ping()
    await redis.aclose()
