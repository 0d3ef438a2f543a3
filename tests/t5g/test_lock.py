"""Locks belong to one holder, live as long as it, and nobody else releases them."""

import asyncio

import pytest
from redis import Redis as SyncRedis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from t5g.heartbeat import process_name
from t5g.lock import BlockingLock, Lock, LockLostError, holder

KEY = "t5g:lock:test"


async def test_only_one_holds_it(redis):
    first, second = Lock(redis, KEY), Lock(redis, KEY)
    assert await first.acquire()
    assert not await second.acquire()
    assert first.held
    assert not second.held
    await first.release()
    assert await second.acquire()
    await second.release()
    assert not await redis.exists(KEY)


async def test_it_names_its_holder(redis):
    lock = Lock(redis, KEY)
    assert await holder(redis, KEY) == ""
    await lock.acquire()
    assert await holder(redis, KEY) == process_name()
    await lock.release()


async def test_it_is_extended_while_its_holder_lives(redis):
    async with Lock(redis, KEY, time_to_live=0.3) as lock:
        assert await lock.acquire()
        await asyncio.sleep(0.7)
        assert lock.held
        assert not await Lock(redis, KEY).acquire()


async def test_it_is_given_back_at_any_moment_of_its_extension(redis):
    """The client of Redis may swallow a cancellation: releasing must not depend on one."""
    for step in range(60):
        lock = Lock(redis, KEY, time_to_live=0.03)
        await lock.acquire()
        await asyncio.sleep(0.01 + step / 20_000)
        async with asyncio.timeout(1):
            await lock.release()
        assert not lock.held
        assert not await redis.exists(KEY)


async def test_whose_answer_was_lost_has_it_all_the_same(redis, monkeypatch):
    """The client asks again, and must not be told that somebody (it itself) holds it."""
    await redis.ping()  # connected
    whole, lost = AbstractConnection.read_response, []

    async def losing(self, *args, **kwargs):
        answer = await whole(self, *args, **kwargs)
        if not lost:
            lost.append(True)
            raise RedisConnectionError("the answer was lost")
        return answer

    monkeypatch.setattr(AbstractConnection, "read_response", losing)
    async with Lock(redis, KEY) as lock:
        assert await lock.acquire()
    assert lost
    assert not await redis.exists(KEY)


async def test_it_frees_itself_when_its_holder_dies(redis):
    lock = Lock(redis, KEY, time_to_live=0.2)
    await lock.acquire()
    lock._keeper.cancel()  # as SIGKILL would
    other = Lock(redis, KEY)
    async with asyncio.timeout(2):
        while not await other.acquire():
            await asyncio.sleep(0.02)
    assert not lock.held
    await other.release()


async def test_a_late_holder_does_not_release_or_extend_the_lock_of_another(redis):
    lock = Lock(redis, KEY, time_to_live=0.2)
    await lock.acquire()
    await redis.set(KEY, "somebody else's", px=60_000)
    async with asyncio.timeout(2):
        while lock.held:
            await asyncio.sleep(0.02)
    with pytest.raises(LockLostError):
        lock.check()
    await lock.release()
    assert await redis.get(KEY) == b"somebody else's"


def test_the_blocking_one_extends_itself_and_leaves_others_alone(redis_url):
    with SyncRedis.from_url(redis_url) as redis:
        first = BlockingLock(redis, KEY, time_to_live=30)
        second = BlockingLock(redis, KEY, time_to_live=30)
        assert first.acquire()
        redis.pexpire(KEY, 1_000)
        assert first.acquire()
        assert redis.pttl(KEY) > 20_000
        assert not second.acquire()
        assert not second.release()
        assert redis.exists(KEY)
        assert first.release()
        assert second.acquire()


async def test_a_holder_keeps_it_while_redis_is_away_for_a_moment(redis, monkeypatch):
    lock = Lock(redis, KEY, time_to_live=0.3)
    assert await lock.acquire()
    real, away, refused = redis.eval, 1, asyncio.Event()

    async def unreliable(*args):
        nonlocal away
        if away:
            away -= 1
            refused.set()
            raise RedisConnectionError("gone")
        return await real(*args)

    monkeypatch.setattr(redis, "eval", unreliable)
    async with lock:
        await asyncio.wait_for(refused.wait(), 10)
        assert lock.held
        lock.check()


async def test_a_holder_is_not_held_up_by_a_redis_that_says_nothing(redis, monkeypatch):
    monkeypatch.setattr("t5g.lock.PATIENCE", 0.05)
    lock = Lock(redis, KEY, time_to_live=0.3)
    assert await lock.acquire()
    real, asked = redis.eval, asyncio.Event()

    async def silent(script, *args):
        if "PEXPIRE" in script:
            asked.set()
            await asyncio.Event().wait()
        return await real(script, *args)

    monkeypatch.setattr(redis, "eval", silent)
    async with asyncio.timeout(10):
        async with lock:
            await asked.wait()
    assert not lock.held
