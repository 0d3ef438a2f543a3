"""Stamps of a clock that was ahead are not believed, and what they held up heals."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from t5g.audit import Audit, AuditEntry, Filter, Outcome
from t5g.checks import clock_check, run_checks
from t5g.clock import BOUND, believable
from t5g.heartbeat import alive
from t5g.job_report import read_report
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.model import Bug, Source
from t5g.runs import DAY, Run
from t5g.settings import Settings
from t5g.state import ItemSeen, ListingSeen, visible
from t5g.statistics import DayRow, History
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord
from t5g.team import Role
from tests import wall_clock
from webhooks.access.tokens import Tokens

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


async def test_a_run_that_ended_in_the_past_is_not_one_of_today_whatever_redis_calls_it(
    redis, redis_url
):
    """Redis names no entry earlier than the one before: its clock was ahead once."""
    ahead = Run(id="1", job_id="a", job="a", queue="low", ended=AHEAD.timestamp())
    old = Run(id="2", job_id="b", job="b", queue="low", ended=NOW.timestamp() - 2 * DAY)
    new = Run(id="3", job_id="c", job="c", queue="low", ended=NOW.timestamp() - 60)
    name = f"{int(AHEAD.timestamp() * 1000)}-0"
    for run, id_ in ((ahead, name), (old, "*"), (new, "*")):
        await redis.xadd("t5g:runs:ended", {"run": msgspec.json.encode(run)}, id=id_)
    report = await read_report(Settings(_env_file=None), redis, NOW.timestamp())
    assert [run.id for run in report.latest] == ["3"]


async def test_what_was_audited_after_redis_was_ahead_is_found_by_its_time(redis):
    audit = Audit(redis, Keys())
    ahead = int((wall_clock.seconds() + 31 * DAY) * 1000)
    first = AuditEntry(who="ann", action="look", outcome=Outcome.DONE, at=ahead / 1000)
    await redis.xadd("t5g:audit", {"entry": msgspec.json.encode(first)}, id=f"{ahead}-0")
    await audit.record(AuditEntry(who="bob", action="look", outcome=Outcome.DONE))
    found = await audit.read(
        Filter(since=wall_clock.seconds() - 60, until=wall_clock.seconds() + 60)
    )
    assert [entry.who for entry in found] == ["bob"]


async def test_a_refusal_is_written_though_the_clock_of_redis_was_ahead_at_the_last(redis):
    audit = Audit(redis, Keys())
    refused = AuditEntry(who="ann", action="cards", outcome=Outcome.REFUSED)
    await audit.record(refused)
    async for key in redis.scan_iter("t5g:audit:refused:*"):
        await redis.expire(key, 31 * 86_400)
    await audit.record(refused)
    assert len(await audit.read()) == 2


async def test_a_row_of_a_day_that_has_not_come_goes(redis):
    history = History(redis, Keys())
    wrong = DayRow(day="2026-12-25", at=AHEAD.timestamp(), headlines={})
    right = DayRow(day="2026-11-24", at=NOW.timestamp(), headlines={})
    for row in (wrong, right):
        await history.write(row)
    assert await history.drop_future(NOW.timestamp()) == ["2026-12-25"]
    assert await history.read_all() == [right]


async def test_a_token_from_the_future_lasts_as_long_as_it_was_to(redis):
    clock = [AHEAD.timestamp()]
    tokens = Tokens(redis, Keys(), clock=lambda: clock[0])
    _, secret = await tokens.create("script", Role.VIEWER, days=7)
    _, forever = await tokens.create("other", Role.VIEWER)
    clock[0] = NOW.timestamp()
    assert await tokens.find(forever)
    found = await tokens.find(secret)
    assert found
    assert found.created == clock[0]
    clock[0] += 7 * DAY + 1
    assert await tokens.find(secret) is None
    assert await tokens.find(forever)


async def test_the_check_names_what_lies_in_the_future(redis):
    keys = Keys()
    [good] = await run_checks([clock_check(redis, keys)])
    assert good.ok
    ahead = wall_clock.seconds() + 31 * DAY
    record = SyncRecord(name=Sync.CARDS, last_success=ahead)
    await redis.hset("t5g:syncs", "cards", msgspec.json.encode(record))
    await redis.hset("t5g:inbox:arrivals", "last", repr(ahead))
    await redis.zadd("t5g:schedule:times", {"schedule-sync-cases": ahead})
    [bad] = await run_checks([clock_check(redis, keys)])
    assert not bad.ok
    for name in ("the sync of cards", "the last event of JIRA", "schedule-sync-cases"):
        assert name in bad.found
