"""What tests of the core share: an open store on a real Redis, and cases made to measure."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from t5g.board import Board
from t5g.connection import open_redis
from t5g.derived import Rules
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
def syncs(redis: Redis) -> SyncRecords:
    """The records of the syncs."""
    return SyncRecords(redis, Keys())


@pytest.fixture
def board(store: Store, syncs: SyncRecords) -> Board:
    """A board on the store, not loaded yet."""
    return Board(store, syncs, Rules())
