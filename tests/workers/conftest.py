"""What tests of the workers share: a store on a real Redis, and servers of the sandbox."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from t5g.connection import open_redis
from t5g.keys import Keys
from t5g.store import Store
from t5g.syncs import SyncRecords


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """An open client on an empty Redis."""
    client = open_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def store(redis: Redis) -> Store:
    """An empty store."""
    return Store(redis, Keys())


@pytest.fixture
def records(redis: Redis) -> SyncRecords:
    """The records of the syncs."""
    return SyncRecords(redis, Keys())
