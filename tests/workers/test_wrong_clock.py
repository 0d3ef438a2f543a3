"""A clock was a month ahead once, and is right again: work goes on, and what stayed wrong heals.

What it left is made by the program itself, with that clock; then real processes go on with the
right one.
"""

import asyncio
import sys
from datetime import timedelta

import pytest
from redis import Redis

from t5g.keys import Keys
from t5g.syncs import Sync, SyncState
from t5g.work import enqueue, load_rq
from tests import wall_clock
from tests.workers.reading import cases_of, one
from tests.workers.starting import Workers, plain, until
from workers.runner import run_all, run_sync
from workers.schedule import schedule

KEYS = Keys()
MONTH = timedelta(days=31)
load_rq(KEYS.prefix)

from rq import Queue  # noqa: E402  (needs the prefix of this installation)
from rq.job import Job, JobStatus  # noqa: E402
from rq.registry import StartedJobRegistry  # noqa: E402

from workers.abandoned import SILENT, believe  # noqa: E402
from workers.firing import Firing  # noqa: E402

SCHEDULER = """
import sys
from t5g.settings import load_settings
from workers.scheduler import run_scheduler
run_scheduler(load_settings(env=eval(sys.argv[1])), interval=0.5)
"""
SYNCS = tuple(name for name in Sync if name is not Sync.STATS)


def ahead():
    return wall_clock.now() + MONTH


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url, portal_api="hydra")


@pytest.fixture
def raw(redis_url):
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def processes(settings):
    """A scheduler and a worker as they run, with the right clock."""
    workers, children = Workers(settings), []

    async def start():
        await workers()
        children.append(
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", SCHEDULER, repr(plain(settings)), start_new_session=True
            )
        )

    yield start
    for child in children:
        child.terminate()
        await child.wait()
    await workers.stop()


async def test_the_schedule_and_the_data_heal(settings, upstreams, store, records, raw, processes):
    first, second = upstreams.add_cases(2)
    card = upstreams.add_card(first)
    escalation = upstreams.add_escalation(second)
    upstreams.add_bug(2000001, second)
    upstreams.add_issue(second)
    wrong = Firing(raw, KEYS, schedule(settings), now=lambda: ahead().timestamp())
    wrong.register()
    for _ in range(2):
        for name in SYNCS:
            await run_sync(settings, name, now=ahead)
    known = await cases_of(store)
    assert known[first].cards
    assert known[second].escalations
    assert known[second].bugs

    upstreams.jira.delete_issue(card)
    upstreams.jira.transition(escalation, "Closed")
    upstreams.portal.cases[second].bugzillas.clear()
    upstreams.portal.cases[second].jiras.clear()
    upstreams.portal.revision += 1
    await processes()

    async def healed():
        case, other = await one(store, first), await one(store, second)
        return not (case.cards or other.escalations or other.bugs or other.issues)

    async def ran():
        now = wall_clock.seconds()
        return all(not record.stale(now) for record in (await records.read_all()).values()
                   if record.name in SYNCS)  # fmt: skip

    await until(ran, 60)
    await until(healed, 60)
    latest = wall_clock.now() + timedelta(days=1)
    for entry in schedule(settings):
        [at] = [at for name, at in raw.zrange("t5g:schedule:times", 0, -1, withscores=True)
                if name.decode() == f"schedule-{entry.name}"]  # fmt: skip
        assert at <= entry.when.after(latest).timestamp()


def test_each_entry_of_the_schedule_fires_again_in_its_time(settings, raw):
    clock = [ahead().timestamp()]
    table = schedule(settings)
    Firing(raw, KEYS, table, now=lambda: clock[0]).register()
    clock[0] -= MONTH.total_seconds()
    firing = Firing(raw, KEYS, table, now=lambda: clock[0])
    fired = set(firing.register())
    for _ in range(8 * 24 * 4):  # a week, by quarters of an hour
        fired |= set(firing.enqueue_jobs())
        if len(fired) == len(table):
            break
        clock[0] += 900
    assert fired == {f"schedule-{entry.name}" for entry in table}


async def test_a_run_with_marks_from_the_future_lists_all_and_says_so(settings, upstreams, store):
    upstreams.add_cases(2)
    for name in SYNCS:
        await run_sync(settings, name, now=ahead)
    for name in SYNCS:
        record = await run_sync(settings, name)
        assert record.state is SyncState.OK
        assert any("a clock was ahead" in note for note in record.notes), name
        assert not any("a clock" in note for note in (await run_sync(settings, name)).notes), name


async def test_closed_escalations_and_deleted_cards_go_with_a_full_sync(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    card = upstreams.add_card(number)
    escalation = upstreams.add_escalation(number)
    for name in SYNCS:
        await run_sync(settings, name, now=ahead)
    upstreams.jira.delete_issue(card)
    upstreams.jira.transition(escalation, "Closed")
    await run_all(settings, full=True)
    case = await one(store, number)
    assert not case.cards
    assert not case.escalations


async def test_what_was_listed_in_the_future_is_listed_again(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    upstreams.add_bug(2000001, number)
    for name in SYNCS:
        await run_sync(settings, name, now=ahead)
    await run_sync(settings, Sync.BUGS)
    fields = await store.read(number)
    assert fields.states[Sync.BUGS].listed <= wall_clock.now()


def test_a_job_that_a_wrong_clock_left_as_running_ends_soon(raw):
    """Its worker is of another machine: only the time says that it is dead."""
    enqueue(raw, "bot.jobs.digest_tick", keys=KEYS, job_id="digest", attempts=(30,))
    queue, now = Queue("default", connection=raw), wall_clock.seconds()
    raw.delete(queue.key)
    job = Job.fetch("digest", connection=raw)
    job.set_status(JobStatus.STARTED)
    registry = StartedJobRegistry(queue=queue)
    raw.zadd(registry.key, {"digest:attempt": now + MONTH.total_seconds(), "good:one": now + 75})
    assert believe(raw, [queue], now) == ["digest"]
    assert believe(raw, [queue], now) == []
    assert raw.zscore(registry.key, "digest:attempt") == pytest.approx(now + SILENT)
    assert raw.zscore(registry.key, "good:one") == pytest.approx(now + 75)


def test_a_next_attempt_that_a_wrong_clock_put_off_is_due(raw):
    enqueue(raw, "bot.jobs.digest_tick", keys=KEYS, job_id="digest", attempts=(30,))
    queue, now = Queue("default", connection=raw), wall_clock.seconds()
    waiting = queue.scheduled_job_registry.key
    raw.zadd(waiting, {"digest": now + MONTH.total_seconds(), "good": now + 600})
    assert believe(raw, [queue], now) == ["digest"]
    assert raw.zscore(waiting, "digest") == pytest.approx(now)
    assert raw.zscore(waiting, "good") == pytest.approx(now + 600)
