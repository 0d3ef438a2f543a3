"""The row of the day: written once, under its day in the installation's zone, kept for ever."""

from datetime import UTC, datetime, timedelta

import pytest

from t5g.keys import Keys
from t5g.statistics import History
from t5g.syncs import Sync, SyncState
from tests.workers.reading import synced
from tests.workers.upstreams import ago
from workers.runner import run_sync


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url)


@pytest.fixture
def history(redis):
    return History(redis, Keys())


def at(moment):
    return lambda: moment


async def test_a_day_has_one_row_and_it_never_changes(settings, upstreams, history):
    upstreams.add_cases(4)
    await synced(settings, Sync.CASES)
    await synced(settings, Sync.STATS)
    (first,) = await history.read_all()
    assert first.headlines["open"] == 4
    upstreams.add_cases(3, first=100)
    await synced(settings, Sync.CASES)
    record = await synced(settings, Sync.STATS)
    assert await history.read_all() == [first]
    assert any("stays" in note for note in record.notes)


async def test_every_day_gets_its_own_and_none_is_filled_in_later(settings, upstreams, history):
    upstreams.add_cases(2)
    await synced(settings, Sync.CASES)
    start = ago()
    for days in (0, 1, 4):
        await synced(settings, Sync.STATS, now=at(start + timedelta(days=days)))
    days = [(start + timedelta(days=n)).date().isoformat() for n in (0, 1, 4)]
    assert [row.day for row in await history.read_all()] == days


async def test_the_day_is_that_of_the_zone(upstreams, redis_url, history):
    settings = upstreams.settings(redis_url, timezone="Pacific/Auckland")
    upstreams.add_cases(1)
    await synced(settings, Sync.CASES)
    moment = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    await synced(settings, Sync.STATS, now=at(moment))
    assert [row.day for row in await history.read_all()] == ["2026-11-25"]


async def test_before_the_first_listing_no_row_of_zeros_is_written(settings, history):
    record = await run_sync(settings, Sync.STATS)
    assert record.state is SyncState.PARTIAL
    assert "no listing of cases yet" in record.error
    assert await history.read_all() == []
