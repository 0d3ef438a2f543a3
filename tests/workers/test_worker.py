"""Workers do the jobs, give signs of life, and leave nothing behind when they die."""

import asyncio
import os
import signal
import sys
from io import StringIO
from pathlib import Path
from threading import Event

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rich.console import Console

from sandbox.faults import Kind
from t5g.alerts import Alerts
from t5g.cli.syncing import _run
from t5g.heartbeat import alive
from t5g.keys import Keys
from t5g.lifeline import session_members
from t5g.syncs import Sync, SyncState
from t5g.work import Asked, enqueue, load_rq, request_sync
from tests import wall_clock
from tests.workers.reading import cases_of
from tests.workers.starting import Workers, descendants, until

KEYS = Keys()


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url, portal_api="hydra")


@pytest.fixture
def raw(redis_url):
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def start(settings):
    """Start worker processes; all are ended in the end."""
    workers = Workers(settings)
    yield workers
    await workers.stop()


def running(pid):
    """Say whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_one_sync_leads_to_the_next_until_all_is_there(start, upstreams, raw, store, records):
    numbers = upstreams.add_cases(6)
    for number in numbers:
        upstreams.add_card(number)
        upstreams.add_issue(number)
        upstreams.add_bug(int(number), number)
    upstreams.add_escalation(numbers[0])
    assert request_sync(raw, KEYS, "cases", "U1") is Asked.QUEUED
    await (await start(burst=True)).wait()
    states = {name: record.state for name, record in (await records.read_all()).items()}
    assert set(states.values()) == {SyncState.OK}
    case = (await cases_of(store))[numbers[0]]
    assert case.card
    assert case.issues
    assert case.bugs
    assert case.escalations
    assert list(raw.scan_iter("t5g:rq:job:*")) == []
    assert all(key.startswith(b"t5g:") for key in raw.scan_iter())


async def test_what_is_asked_for_while_a_job_runs_is_answered_by_one_more_run(
    start, upstreams, raw, store, records
):
    """The run is past the listing when the case changes and three people ask for a refresh."""
    (number,) = upstreams.add_cases(1)
    upstreams.portal_faults.latency = 0.5
    request_sync(raw, KEYS, "cases", "U1")
    worker = await start(burst=True)
    await until(lambda: _asked(upstreams))
    upstreams.portal.update_case(number, summary="as it is now")
    asked = [request_sync(raw, KEYS, "cases", f"U{n}") for n in range(2, 5)]
    upstreams.portal_faults.latency = 0.0
    await worker.wait()
    assert asked == [Asked.JOINED] * 3
    assert (await cases_of(store))[number].portal.summary == "as it is now"
    assert (await records.read(Sync.CASES)).served == 4


async def test_a_failed_job_is_repeated_then_told_once_and_cleared_when_it_works(
    start, upstreams, raw, redis
):
    upstreams.add_cases(2)
    upstreams.portal_faults.add(Kind.DOWN)
    enqueue(raw, "workers.jobs.sync", "cases", keys=KEYS, job_id="sync-cases", attempts=(0,))
    await (await start(burst=True)).wait()
    alerts = Alerts(redis, KEYS)
    (notice,) = await alerts.unposted()
    assert "503" in notice.alert.text
    assert raw.hget("t5g:rq:job:sync-cases", "status") == b"failed"
    job_requests = upstreams.portal_faults.total
    assert job_requests >= 2

    upstreams.clear_faults()
    assert request_sync(raw, KEYS, "cases", "U1") is Asked.QUEUED
    await (await start(burst=True)).wait()
    assert [n.raised for n in await alerts.unposted()] == [True, False]
    assert await alerts.raised() == []


async def test_between_its_attempts_a_job_waits_and_no_one_is_told(start, upstreams, raw, redis):
    upstreams.portal_faults.add(Kind.DOWN)
    request_sync(raw, KEYS, "cases", "U1")
    await (await start(burst=True)).wait()
    assert raw.hget("t5g:rq:job:sync-cases", "status") == b"scheduled"
    assert raw.zcard("t5g:rq:scheduled:high") == 1
    assert await Alerts(redis, KEYS).raised() == []


async def test_no_secret_is_in_what_a_worker_says(start, upstreams, raw, settings):
    upstreams.add_cases(1)
    upstreams.add_bug(1, "00000001")
    upstreams.sso.refusal = "Token is not active"
    request_sync(raw, KEYS, "all", "U1")
    worker = await start(burst=True)
    await worker.wait()
    said = start.said()
    stored = b"".join(str(raw.hgetall(key)).encode() for key in raw.scan_iter("t5g:rq:job:*"))
    for name in ("portal_offline_token", "jira_token", "bugzilla_api_key"):
        secret = getattr(settings, name).get_secret_value().encode()
        assert secret not in said
        assert secret not in stored


async def test_workers_give_signs_of_life_and_stop_when_told(start, redis, raw):
    worker = await start(2)
    await until(lambda: _alive(redis, 2))
    await until(lambda: _states(raw) == [b"idle", b"idle"])  # they hear signals now
    worker.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await worker.wait() == 0
    assert await alive(redis, KEYS, "worker", wall_clock.seconds()) == []


def _states(raw):
    return [raw.hget(key, "state") for key in raw.smembers("t5g:rq:workers")]


async def test_a_worker_that_dies_is_replaced(start, redis):
    crew = await start(2)
    await until(lambda: _alive(redis, 2))
    first = {sign.name for sign in await alive(redis, KEYS, "worker", wall_clock.seconds())}
    os.kill(int(min(first).rpartition(".")[2]), signal.SIGKILL)
    await until(lambda: _alive(redis, 3))  # two new signs and the fading one of the dead
    assert crew.returncode is None


async def _asked(upstreams):
    return upstreams.portal_faults.total >= 2  # the token, and the listing


async def _alive(redis, count):
    return len(await alive(redis, KEYS, "worker", wall_clock.seconds())) >= count


def test_the_module_of_a_job_is_loaded_before_the_fork_if_it_is_ours(raw, monkeypatch):
    load_rq(KEYS.prefix)
    from rq.job import Job

    from workers.queue_worker import load_module_of

    def load(name):
        load_module_of(Job.create(name, connection=raw))

    monkeypatch.delitem(sys.modules, "workers.actions", raising=False)
    load("workers.actions.refresh_case")
    assert "workers.actions" in sys.modules
    load("workers.no_such_module.job")  # the job says so, not the worker
    monkeypatch.delitem(sys.modules, "this", raising=False)
    load("this.job")
    assert "this" not in sys.modules


@pytest.fixture
def listening(settings, raw, monkeypatch):
    """A worker that need not wait to listen again, and its line for orders."""
    load_rq(KEYS.prefix)
    from workers import queue_worker

    monkeypatch.setattr(queue_worker, "LISTEN_AGAIN", 0)
    worker = queue_worker.QueueWorker(settings, raw, Event())
    with raw.pubsub() as line:
        line.subscribe("orders")
        assert line.get_message(timeout=5)["type"] == "subscribe"
        yield worker, line


def test_a_worker_whose_line_for_orders_breaks_listens_again(listening, raw):
    worker, line = listening
    raw.client_kill_filter(_type="pubsub")
    worker._pubsub_exception_handler(RedisConnectionError("gone"), line, None)
    assert line.get_message(timeout=5)["type"] == "subscribe"
    assert raw.publish("orders", "stop") == 1


def test_a_worker_that_ends_before_it_listens_again_ends_without_a_mistake(listening, raw):
    worker, line = listening
    raw.client_kill_filter(_type="pubsub")
    line.close()
    worker._pubsub_exception_handler(RedisConnectionError("gone"), line, None)
    assert raw.publish("orders", "stop") == 0


async def test_the_work_horse_dies_with_its_worker(start, upstreams, raw, records):
    upstreams.add_cases(300)
    upstreams.portal_faults.latency = 0.5
    request_sync(raw, KEYS, "cases", "U1")
    worker = await start()
    await until(lambda: _running(records))
    family = descendants(worker.pid)
    assert family
    worker.kill()
    await until(lambda: not any(running(pid) for pid in family))


async def _running(records):
    return (await records.read(Sync.CASES)).state is SyncState.RUNNING


async def test_a_killed_work_horse_is_repeated_and_the_end_is_right(
    start, upstreams, raw, records, store
):
    numbers = upstreams.add_cases(30)
    upstreams.portal_faults.latency = 0.3
    enqueue(raw, "workers.jobs.sync", "cases", keys=KEYS, job_id="sync-cases", attempts=(0, 0))
    worker = await start()
    await until(lambda: _running(records))
    (lock,) = raw.scan_iter("t5g:lock:sync:*")
    horses = [pid for pid in descendants(worker.pid) if os.getpgid(pid) == pid]
    os.kill(horses[-1], signal.SIGKILL)
    raw.pexpire(lock, 100)  # the rest of its time to live
    upstreams.portal_faults.latency = 0.0

    async def done():
        return (await records.read(Sync.CASES)).state is SyncState.OK

    await until(done)
    assert sorted(await cases_of(store)) == numbers


async def test_two_workers_told_the_same_do_it_once_and_a_terminal_waits_for_its_own(
    start, settings, upstreams, raw, records, store
):
    numbers = upstreams.add_cases(30)
    upstreams.portal_faults.latency = 0.5
    assert request_sync(raw, KEYS, "cases", "U1") is Asked.QUEUED
    assert request_sync(raw, KEYS, "cases", "U2") is Asked.JOINED
    await start(2)
    await until(lambda: _running(records))
    begun = (await records.read(Sync.CASES)).started
    upstreams.portal_faults.latency = 0.5
    out = StringIO()
    terminal = await _run(
        settings,
        Sync.CASES,
        Console(file=out, force_terminal=True),
        full=False,
        accept_shrink=False,
    )
    assert terminal.state is SyncState.OK
    assert terminal.started > begun, "a run that began before somebody asked may be past a change"
    assert "cases" in out.getvalue()
    searches = [n for way, n in upstreams.portal_faults.requests.items() if "search" in way]
    assert sum(searches) <= 4  # two runs, each for open and for closed cases
    assert sorted(await cases_of(store)) == numbers


async def test_a_worker_outlives_a_restart_of_redis(start, upstreams):
    from tests.workers.test_bad_days import OwnRedis

    server = OwnRedis()
    await server.start()
    await start(settings=upstreams.settings(server.url))
    try:
        with Redis.from_url(server.url) as raw:
            await until(lambda: raw.hlen("t5g:alive:worker"))
        await server.kill()
        await asyncio.sleep(0.5)
        await server.start()
        upstreams.add_cases(3)
        with Redis.from_url(server.url) as raw:
            request_sync(raw, KEYS, "cases", "U1")
            await until(lambda: raw.scard("t5g:cases") == 3, workers=start)
    finally:
        await server.kill()


async def test_a_worker_told_to_stop_when_redis_is_gone_stops(start, upstreams):
    from tests.workers.test_bad_days import OwnRedis

    server = OwnRedis()
    await server.start()
    worker = await start(2, settings=upstreams.settings(server.url))
    try:
        with Redis.from_url(server.url) as raw:
            await until(lambda: raw.hlen("t5g:alive:worker") == 2)
        await server.kill()  # as when everything is killed at once: what asks, and what it rests on
        worker.terminate()
        await asyncio.wait_for(worker.wait(), 15)
        assert session_members(worker.pid) == []
    finally:
        await server.kill()
