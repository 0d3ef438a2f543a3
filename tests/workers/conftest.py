"""What tests of the workers share: a store on a real Redis, and servers of the sandbox."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from t5g.connection import open_redis
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import SyncRecords
from tests.workers.upstreams import Upstreams


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


@pytest.fixture
async def upstreams() -> AsyncIterator[Upstreams]:
    """Portal, JIRA (Cloud) and Bugzilla with nothing in them, as servers."""
    world = Upstreams()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture(params=["graphql", "hydra"])
def settings(request: pytest.FixtureRequest, upstreams: Upstreams, redis_url: str) -> Settings:
    """Settings that lead to the sandbox, once for each dialect of the Portal."""
    return upstreams.settings(redis_url, portal_api=request.param)
