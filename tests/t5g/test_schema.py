"""What is kept in Redis is brought forward once, and never backward."""

import asyncio

import pytest
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.lock import Lock, LockLostError
from t5g.schema import VERSION, SchemaError, ensure_schema, schema_of

KEYS = Keys()


async def test_an_empty_redis_gets_the_version_of_the_program(redis: Redis) -> None:
    assert await ensure_schema(redis, KEYS) == VERSION
    assert await redis.get("t5g:schema") == str(VERSION).encode()


async def test_data_without_a_version_are_the_first(redis: Redis) -> None:
    await redis.sadd("t5g:cases", "01234567")
    assert await schema_of(redis, KEYS, 5) == 1


async def test_steps_are_taken_in_order_and_once_by_many_at_once(redis: Redis) -> None:
    await redis.sadd("t5g:cases", "01234567")
    taken: list[int] = []

    def step(number: int):
        async def take(client: Redis, keys: Keys) -> None:
            taken.append(number)
            await asyncio.sleep(0.01)
            await client.set("t5g:renamed", str(number))

        return take

    steps = {1: step(1), 2: step(2)}
    found = await asyncio.gather(
        *(ensure_schema(redis, KEYS, steps=steps, version=3) for _ in range(5))
    )
    assert taken == [1, 2]
    assert set(found) <= {1, 2, 3}
    assert await redis.get("t5g:schema") == b"3"
    assert await ensure_schema(redis, KEYS, steps=steps, version=3) == 3
    assert taken == [1, 2]


async def test_a_step_that_fails_is_taken_again(redis: Redis) -> None:
    await redis.sadd("t5g:cases", "01234567")
    tries = 0

    async def failing(client: Redis, keys: Keys) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await ensure_schema(redis, KEYS, steps={1: failing}, version=2)
    assert await schema_of(redis, KEYS, 2) == 1
    assert await ensure_schema(redis, KEYS, steps={1: failing}, version=2) == 1
    assert await schema_of(redis, KEYS, 2) == 2


async def test_newer_data_are_refused_with_what_to_do(redis: Redis) -> None:
    await redis.set("t5g:schema", str(VERSION + 1))
    with pytest.raises(SchemaError, match="newer release") as told:
        await ensure_schema(redis, KEYS)
    assert "restore a backup" in str(told.value)
    assert await redis.get("t5g:schema") == str(VERSION + 1).encode()


async def test_who_waits_for_steps_without_end_is_told(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t5g.schema.PATIENCE", 0.05)
    monkeypatch.setattr("t5g.schema.PAUSE", 0.01)
    await redis.sadd("t5g:cases", "01234567")
    other = Lock(redis, KEYS.lock("schema"))
    assert await other.acquire()

    async def never(client: Redis, keys: Keys) -> None:
        raise AssertionError("two at once")

    with pytest.raises(LockLostError):
        await ensure_schema(redis, KEYS, steps={1: never}, version=2)
    await other.release()
