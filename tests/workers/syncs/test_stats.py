"""The row of the day: written once, under its day in the installation's zone, kept for ever."""

from datetime import UTC, datetime, timedelta

import pytest

from t5g.board import Board
from t5g.derived import Rules
from t5g.keys import Keys
from t5g.statistics import History
from t5g.syncs import Sync, SyncRecords, SyncState
from tests.workers.reading import synced
from tests.workers.upstreams import ago
from workers.runner import run_sync


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url)


@pytest.fixture
def history(redis):
    return History(redis, Keys())


@pytest.fixture
def board(settings, redis, store):
    """What a web process shows."""
    return Board(store, SyncRecords(redis, Keys()), Rules.of(settings))


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


async def test_a_lost_list_of_the_cases_is_made_again_from_what_is_kept(
    settings, upstreams, history, redis, store, board
):
    """Nobody but a person deletes that key; no sync may call an empty board fine."""
    numbers = upstreams.add_cases(450)
    await synced(settings, Sync.CASES)
    await board.refresh()
    for lost in (numbers, numbers[:3]):
        await redis.srem("t5g:cases", *lost)
        await board.reload()
        assert len(board.entries) == 450 - len(lost)
        record = await synced(settings, Sync.CASES)
        assert any(f"lacked {len(lost)} that are kept" in note for note in record.notes)
        await board.refresh()
        assert sorted(board.entries) == numbers
    await redis.delete("t5g:cases")
    await synced(settings, Sync.STATS)
    (row,) = await history.read_all()
    assert row.headlines["open"] == 450


async def test_no_row_is_written_of_a_board_that_lost_its_cases(
    settings, upstreams, history, redis
):
    """Redis threw cases away: the next listing brings them again, the row can wait for it."""
    numbers = upstreams.add_cases(9)
    await synced(settings, Sync.CASES)
    await redis.delete(*(f"t5g:case:{number}" for number in numbers[:6]))
    record = await run_sync(settings, Sync.STATS)
    assert record.state is SyncState.PARTIAL
    assert "6 of 9 open cases of the last listing are not here" in record.error
    assert await history.read_all() == []
    await synced(settings, Sync.CASES, full=True)
    await synced(settings, Sync.STATS)
    (row,) = await history.read_all()
    assert row.headlines["open"] == 9


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
