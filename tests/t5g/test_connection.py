"""The client of the store: it waits its turn, and gives up soon when Redis is gone."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import DataError, RedisError

from t5g.connection import CONNECTIONS, open_queue_redis, open_redis
from t5g.errors import SettingsError
from t5g.model import Source


async def test_more_commands_at_once_than_connections_wait_their_turn(redis_url: str) -> None:
    redis = open_redis(redis_url)
    await asyncio.gather(*(redis.incr("t5g:n") for _ in range(5 * CONNECTIONS)))
    assert int(await redis.get("t5g:n")) == 5 * CONNECTIONS
    assert len(await redis.client_list()) <= CONNECTIONS + 1
    await redis.aclose()


@pytest.mark.parametrize(
    "value",
    ["text", "", "ä\n\r\n", b"\xff\x00", bytearray(b"ab"), memoryview(b"view"), 7, -3, 2**70, 0.1,
     1e22, 1_795_521_600.123456, Source.CARD],
)  # fmt: skip
async def test_every_value_arrives_as_it_is(redis_url: str, value: Any) -> None:
    redis = open_redis(redis_url)
    await redis.set("t5g:x", value)
    arrived = await redis.get("t5g:x")
    assert arrived == (value if isinstance(value, bytes | bytearray | memoryview) else (
        value.encode() if isinstance(value, str) else repr(value).encode()
    ))  # fmt: skip
    await redis.aclose()


@pytest.mark.parametrize("value", [None, True, ["list"]])
async def test_what_is_no_value_is_refused(redis_url: str, value: Any) -> None:
    redis = open_redis(redis_url)
    with pytest.raises(DataError):
        await redis.set("t5g:x", value)
    assert await redis.config_get("maxmemory")  # a command of two words
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


@pytest.mark.parametrize("opened", [open_redis, open_queue_redis])
def test_a_redis_that_is_not_named_is_asked_for(opened) -> None:
    with pytest.raises(SettingsError, match="T5G_REDIS_URL is missing: the Redis that the other"):
        opened("")
    with pytest.raises(SettingsError, match="T5G_REDIS_URL is no address of a Redis"):
        opened("localhost:6379")
