"""Each refusal of a real Redis is told for what it is, and none for another."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g.redis_errors import what_redis_did
from tests.own_redis import OwnRedis

WRITE = "return redis.call('SET', KEYS[1], ARGV[1])"


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    """A server of this test's own."""
    folder = Path(tempfile.mkdtemp(prefix="t5g-own-"))
    server = OwnRedis(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def own(own_redis: OwnRedis) -> AsyncIterator[Redis]:
    """A Redis that may be spoiled."""
    client = Redis.from_url(own_redis.url, protocol=3)
    yield client
    await client.aclose()


async def said(client: Redis, *command: object) -> str:
    with pytest.raises((RedisError, OSError)) as caught:
        await client.execute_command(*command)
    return what_redis_did(caught.value)


async def test_a_key_of_another_type_is_no_lack_of_memory(own: Redis) -> None:
    await own.set("t5g:cases", "x")
    assert "holds something else" in await said(own, "SADD", "t5g:cases", "1")
    script = "return redis.call('SADD', KEYS[1], '1')"
    assert "holds something else" in await said(own, "EVAL", script, 1, "t5g:cases")


async def test_a_full_redis_is_full_in_a_script_too(own: Redis) -> None:
    await own.config_set("maxmemory", "1")
    assert "is full" in await said(own, "SET", "a", "b")
    assert "is full" in await said(own, "EVAL", WRITE, 1, "a", "b")


async def test_what_the_acl_forbids_is_told_as_such(own: Redis, own_redis: OwnRedis) -> None:
    await own.execute_command("ACL", "SETUSER", "some", "on", ">pw", "~a*", "+@all", "-@scripting")
    limited = Redis.from_url(own_redis.url, username="some", password="pw")
    assert "forbids" in await said(limited, "EVAL", WRITE, 1, "a", "b")
    assert "forbids" in await said(limited, "SET", "other", "b")
    await limited.aclose()
    wrong = Redis.from_url(own_redis.url, username="some", password="other")
    assert "refuses the user or password" in await said(wrong, "GET", "a")
    await wrong.aclose()


async def test_a_replica_and_a_dead_server_are_told_apart(own: Redis) -> None:
    await own.execute_command("REPLICAOF", "127.0.0.1", "9")
    assert "is a replica" in await said(own, "SET", "a", "b")
    assert "is a replica" in await said(own, "EVAL", WRITE, 1, "a", "b")
    gone = Redis.from_url("redis://127.0.0.1:9")
    assert await said(gone, "GET", "a") == "Redis does not answer"
    await gone.aclose()
