"""Stamps of a clock that was ahead are not believed, and what they held up heals."""

from datetime import UTC, datetime, timedelta

import pytest

from t5g.clock import BOUND, believable
from t5g.heartbeat import alive
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.model import Bug, Source
from t5g.state import ItemSeen, ListingSeen, visible
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AHEAD = NOW + timedelta(days=31)
LATER = NOW + timedelta(minutes=1)
BUG = Bug(id=1, updated=NOW - timedelta(days=1))


@pytest.mark.parametrize(("ahead", "yes"), [(-9e9, True), (BOUND, True), (BOUND + 1, False)])
def test_a_stamp_is_believed_up_to_a_small_bound(ahead, yes):
    assert believable(1e9 + ahead, 1e9) is yes


def test_a_success_in_the_future_is_stale_and_says_why():
    record = SyncRecord(name=Sync.CASES, last_success=AHEAD.timestamp())
    assert record.stale(NOW.timestamp())
    assert "future" in record.why_stale(NOW.timestamp())


async def test_a_process_seen_in_the_future_is_not_alive(redis):
    await redis.hset("t5g:alive:worker", "host.1", repr(AHEAD.timestamp()))
    assert not await alive(redis, Keys(), "worker", NOW.timestamp())


async def test_a_lock_that_would_last_for_a_month_is_taken(redis):
    await redis.set("t5g:lock:sync:cases", "somebody", ex=31 * 86_400)
    async with Lock(redis, "t5g:lock:sync:cases") as lock:
        assert await lock.acquire()


async def test_an_unlinked_bug_that_was_seen_in_the_future_goes(redis):
    store = Store(redis, Keys())
    seen = ListingSeen(number="01234567", source=Source.BUGS, seen=AHEAD, items={"1": BUG})
    await store.write([seen], now=AHEAD)
    none = ListingSeen(number="01234567", source=Source.BUGS, seen=LATER, items={})
    await store.write([none], now=LATER)
    kept = await store.read("01234567")
    assert visible(kept.states[Source.BUGS]) == {}


async def test_what_was_gone_in_the_future_comes_back(redis):
    store = Store(redis, Keys())
    gone = ItemSeen(
        number="01234567", source=Source.BUGS, key="1", seen=AHEAD, facts=None, updated=AHEAD
    )
    await store.write([gone], now=AHEAD)
    back = ListingSeen(number="01234567", source=Source.BUGS, seen=LATER, items={"1": BUG})
    await store.write([back], now=LATER)
    kept = await store.read("01234567")
    assert visible(kept.states[Source.BUGS]) == {"1": BUG}
