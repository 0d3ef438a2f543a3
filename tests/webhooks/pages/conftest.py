"""What tests of the pages share: a web process whose Redis has a world of cases."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from t5g.connection import open_syncs
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import SyncRecords
from tests import wall_clock
from tests.webhooks.browsing import chrome, site, tab  # noqa: F401 (fixtures)
from tests.webhooks.conftest import Client
from tests.webhooks.pages.worlds import world

Fill = Callable[..., Awaitable[None]]
Get = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def fill(store: Store) -> Fill:
    """Write so many cases into the store."""

    async def write(count: int, **options: object) -> None:
        now = wall_clock.now()
        await store.write(world(count, now, **options), now=now)  # type: ignore[arg-type]

    return write


@pytest.fixture
def get(client: Client) -> Get:
    """Ask for a page; give status and text."""

    async def ask(path: str, **options: object) -> tuple[int, str]:
        async with client.get(path, allow_redirects=False, **options) as response:  # type: ignore[arg-type]
            return response.status, await response.text()

    return ask


@pytest.fixture
def records(settings: Settings, redis: Redis) -> SyncRecords:
    """The records of the syncs as a worker has them."""
    return open_syncs(settings, redis)


@pytest.fixture
def now() -> float:
    """Seconds since the epoch."""
    return wall_clock.seconds()
