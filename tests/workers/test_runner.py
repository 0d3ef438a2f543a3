"""A run of a sync: one at a time, recorded, followed, and honest about its end."""

import asyncio

import pytest
from msgspec.structs import replace

from sandbox.faults import Kind
from t5g import metrics
from t5g.alerts import Alerts
from t5g.errors import StoreError
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.sums import read_sums, sums_key
from t5g.syncs import Sync, SyncRecord, SyncState
from tests import wall_clock
from tests.workers.reading import cases_of, one, synced
from workers import runner
from workers.runner import run_all, run_sync
from workers.watching import DIED, mark_dead, tell_stale

KEYS = Keys()


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url)


async def test_a_run_leaves_its_record(settings, upstreams, records):
    upstreams.add_cases(5)
    before = wall_clock.seconds()
    record = await run_sync(settings, Sync.CASES)
    assert record == await records.read(Sync.CASES)
    assert record.state is SyncState.OK
    assert (record.seen, record.changed, record.removed, record.failed) == (5, 5, 0, 0)
    assert record.requests == 3  # a token, the cases, what closed lately
    assert before <= record.started <= record.ended <= wall_clock.seconds()
    assert record.last_success == record.last_full == record.started
    assert (record.error, record.failures, record.what) == ("", 0, "")


async def test_what_was_asked_is_added_to_the_sums(settings, upstreams, redis):
    upstreams.add_cases(3)
    upstreams.portal_faults.add(Kind.DOWN, path="/graphql", times=1)
    await metrics.COUNTED.flush(redis, KEYS)  # what other tests counted in this process
    await redis.delete(sums_key(KEYS))
    for _ in range(2):
        await run_sync(settings, Sync.CASES)
    sums = await read_sums(redis, KEYS, metrics.REGISTRY)
    calls = "t5g_upstream_calls_total"
    assert sums.value(calls, service="sso", status="ok") == 2
    assert sums.value(calls, service="portal", status="ok") == 4
    assert sums.value(calls, service="portal", status="503") == 1
    assert sums.value("t5g_upstream_wait_seconds_total", service="portal") > 0
    assert sums.value("t5g_upstream_call_seconds_sum", service="portal") > 0
    assert sums.value("t5g_sync_runs_total", sync="cases", state="ok") == 2
    assert sums.value("t5g_sync_changes_total", sync="cases") == 3


async def test_progress_is_told_and_kept_while_it_runs(settings, upstreams, records):
    upstreams.add_cases(30)
    told, kept = [], []

    async def progress(record):
        told.append((record.state, record.current, record.total, record.what))
        kept.append(await records.read(Sync.CASES))

    await run_sync(settings, Sync.CASES, on_progress=progress)
    assert told[0][0] is SyncState.RUNNING
    assert (SyncState.RUNNING, 30, 30, "cases") in told
    assert told[-1][0] is SyncState.OK
    assert kept[0].state is SyncState.RUNNING


async def begun(records, name=Sync.CASES):
    """Wait until a run is under way."""
    async with asyncio.timeout(10):
        while (await records.read(name)).state is not SyncState.RUNNING:
            await asyncio.sleep(0.005)


async def test_who_joins_follows_the_run_in_progress(settings, upstreams, records):
    upstreams.add_cases(5)
    upstreams.portal_faults.latency = 0.1
    seen = []
    first = asyncio.ensure_future(run_sync(settings, Sync.CASES))
    await begun(records)
    second = await run_sync(settings, Sync.CASES, join=True, on_progress=seen.append)
    assert second == await first
    assert upstreams.portal_faults.requests["POST /graphql"] == 2  # open ones, and closed ones
    assert seen[0].state is SyncState.RUNNING


async def test_one_more_run_answers_all_who_wish_while_one_is_under_way(
    settings, upstreams, store, records
):
    """The run in progress is past the listing when the cases change."""
    first_number, second_number = upstreams.add_cases(2)
    await synced(settings, Sync.CASES)
    upstreams.portal.update_case(first_number, summary="it began with this")
    upstreams.portal_faults.latency = 0.2
    upstreams.reset_requests()
    first = asyncio.ensure_future(run_sync(settings, Sync.CASES))
    async with asyncio.timeout(10):
        while not upstreams.portal_faults.total:
            await asyncio.sleep(0.005)
    upstreams.portal_faults.latency = 0.0
    asked_by_the_first = upstreams.portal_faults.total
    upstreams.portal.update_case(second_number, summary="as it is now")
    later = await asyncio.gather(*(run_sync(settings, Sync.CASES) for _ in range(5)))
    assert (await one(store, second_number)).portal.summary == "as it is now"
    ended = await first
    assert len({record.started for record in later}) == 1
    assert later[0].started > ended.started
    assert upstreams.portal_faults.total <= 2 * max(asked_by_the_first, ended.requests)
    assert later[0].served == await records.wished(Sync.CASES)


async def test_who_asks_for_everything_is_not_served_by_a_run_that_did_less(settings, upstreams):
    """Also whoever accepts a shrunken listing: it joins, and then its own run does that."""
    numbers = upstreams.add_cases(6)
    await synced(settings, Sync.CASES)
    for number in numbers[1:]:
        upstreams.portal.remove_case(number)
    upstreams.portal_faults.latency = 0.1
    first = asyncio.ensure_future(run_sync(settings, Sync.CASES))
    await asyncio.sleep(0.05)
    second = await run_sync(settings, Sync.CASES, accept_shrink=True)
    assert (await first).removed == 0
    assert second.removed == 5


async def test_two_different_syncs_run_side_by_side(settings, upstreams):
    upstreams.add_card(*upstreams.add_cases(1))
    await synced(settings, Sync.CASES)
    done = await asyncio.gather(
        run_sync(settings, Sync.CARDS), run_sync(settings, Sync.ESCALATIONS)
    )
    assert [record.state for record in done] == [SyncState.OK, SyncState.OK]


async def test_who_follows_a_run_that_dies_takes_over(settings, upstreams, redis, records):
    upstreams.add_cases(2)
    await records.write(SyncRecord(name=Sync.CASES, state=SyncState.RUNNING, started=1.0))
    dead = Lock(redis, KEYS.lock("sync:cases"), time_to_live=0.5)
    await dead.acquire()
    dead._keeper.cancel()  # as SIGKILL would
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.OK
    assert record.started > 1.0


async def test_a_run_that_somebody_stops_says_so(settings, upstreams, store, records, redis):
    upstreams.add_cases(3)
    await synced(settings, Sync.CASES)
    upstreams.portal_faults.add(Kind.HANG, seconds=5)
    run = asyncio.ensure_future(run_sync(settings, Sync.CASES))
    while not upstreams.portal_faults.active[0].done:
        await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    record = await records.read(Sync.CASES)
    assert (record.state, record.failures) == (SyncState.FAILED, 1)
    assert "stopped in the middle" in record.error
    assert not await redis.exists(KEYS.lock("sync:cases"))
    upstreams.clear_faults()
    await synced(settings, Sync.CASES)
    assert len(await cases_of(store)) == 3


async def test_a_run_that_takes_too_long_is_ended(settings, upstreams, monkeypatch):
    monkeypatch.setattr(runner, "LONGEST_RUN", 0.2)
    upstreams.portal_faults.add(Kind.HANG, seconds=5)
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.FAILED
    assert "stopped after" in record.error


async def test_runs_that_die_one_after_another_are_told_once_and_cleared(
    settings, upstreams, records, redis
):
    """Nobody else can tell: the job that would do it after its last attempt dies each time."""
    upstreams.add_cases(2)
    alerts = Alerts(redis, KEYS)
    await records.write(SyncRecord(name=Sync.CASES, state=SyncState.RUNNING, failures=2))
    await mark_dead(redis, KEYS)
    assert await alerts.raised() == []
    upstreams.portal_faults.add(Kind.DOWN, times=5)
    dying = await records.read(Sync.CASES)
    await records.write(replace(dying, state=SyncState.RUNNING))
    record = await run_sync(settings, Sync.CASES)  # it finds that the fourth died, and fails itself
    assert record.failures == 5
    (alert,) = await alerts.raised()
    assert "its worker died" in alert.text
    upstreams.clear_faults()
    await synced(settings, Sync.CASES)
    assert [notice.raised for notice in await alerts.unposted()] == [True, False]


async def test_a_failure_keeps_the_last_success_and_counts(settings, upstreams, redis, store):
    upstreams.add_cases(3)
    good = await synced(settings, Sync.CASES)
    upstreams.portal_faults.add(Kind.DOWN)
    for failures in (1, 2):
        record = await run_sync(settings, Sync.CASES)
        assert record.state is SyncState.FAILED
        assert record.failures == failures
        assert record.last_success == good.last_success
        assert "503" in record.error
    assert len(await cases_of(store)) == 3
    assert "503" in record.why_stale(record.ended + 3600)
    upstreams.clear_faults()
    record = await synced(settings, Sync.CASES)
    assert (record.failures, record.error) == (0, "")


async def test_what_needs_a_person_is_told_once_and_cleared(settings, upstreams, redis):
    upstreams.add_cases(3)
    upstreams.sso.refusal = "Token is not active"
    alerts = Alerts(redis, KEYS)
    for _ in range(2):
        record = await run_sync(settings, Sync.CASES)
        assert "T5G_PORTAL_OFFLINE_TOKEN" in record.error
    assert len(await alerts.unposted()) == 1
    upstreams.sso.refusal = None
    await synced(settings, Sync.CASES)
    assert [notice.raised for notice in await alerts.unposted()] == [True, False]


async def test_what_may_pass_is_not_told_by_the_run_itself(settings, upstreams, redis):
    upstreams.portal_faults.add(Kind.DOWN)
    await run_sync(settings, Sync.CASES)
    assert await Alerts(redis, KEYS).raised() == []


async def test_a_mistake_of_ours_is_recorded_without_its_text(settings, upstreams, monkeypatch):
    async def broken(ctx):
        raise KeyError("very-secret")

    monkeypatch.setitem(runner.RUNS, Sync.CASES, broken)
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.FAILED
    assert "KeyError" in record.error
    assert "very-secret" not in record.error


async def test_redis_that_lost_its_data_makes_the_run_fail(
    settings, upstreams, redis, store, records
):
    """What was written before the loss is gone, so that this run must not count."""
    upstreams.add_cases(3)
    await synced(settings, Sync.CASES)

    async def lost(record):
        if record.what == "cases" and not emptied:
            emptied.append(True)
            await redis.flushall()

    emptied = []
    record = await run_sync(settings, Sync.CASES, full=True, on_progress=lost)
    assert record.state is SyncState.FAILED
    assert "lost its data" in record.error
    await synced(settings, Sync.CASES)
    assert len(await cases_of(store)) == 3


async def test_without_redis_it_says_so():
    from t5g.settings import load_settings

    settings = load_settings(env={"redis_url": "unix:///nowhere/redis.sock"})
    with pytest.raises(StoreError, match="Redis does not answer"):
        await run_sync(settings, Sync.CASES)


async def test_a_run_whose_holder_died_is_marked(redis, records):
    await records.write(SyncRecord(name=Sync.CASES, state=SyncState.RUNNING, failures=1))
    await records.write(SyncRecord(name=Sync.CARDS, state=SyncState.RUNNING))
    await records.write(SyncRecord(name=Sync.BUGS, state=SyncState.OK))
    async with Lock(redis, KEYS.lock("sync:cards")) as lock:
        await lock.acquire()
        assert await mark_dead(redis, KEYS) == [Sync.CASES]
    dead = await records.read(Sync.CASES)
    assert (dead.state, dead.error, dead.failures) == (SyncState.FAILED, DIED, 2)
    assert (await records.read(Sync.CARDS)).state is SyncState.RUNNING


async def test_data_that_grows_old_is_told_once(redis, records):
    now = wall_clock.seconds()
    await records.write(SyncRecord(name=Sync.CASES, last_success=now - 3600, error="HTTP 503"))
    await records.write(SyncRecord(name=Sync.CARDS, last_success=now - 60))
    assert await tell_stale(redis, KEYS, now) == [Sync.CASES]
    assert await tell_stale(redis, KEYS, now) == []
    (alert,) = await Alerts(redis, KEYS).raised()
    assert "HTTP 503" in alert.text


async def test_all_at_once(settings, upstreams, store):
    numbers = upstreams.add_cases(20)
    for number in numbers:
        upstreams.add_card(number)
    key = upstreams.add_issue(numbers[0])
    upstreams.add_escalation(numbers[1])
    records = await run_all(settings)
    assert {record.state for record in records} == {SyncState.OK}
    assert {record.name for record in records} == set(Sync) - {Sync.STATS}
    found = await cases_of(store)
    assert all(case.card for case in found.values())
    assert found[numbers[0]].issues[0].key == key
    assert found[numbers[1]].escalations
