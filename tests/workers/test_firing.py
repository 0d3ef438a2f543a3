"""The schedule fires each entry's job exactly once for each time, whatever happens meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from redis import Redis

from t5g.keys import Keys
from t5g.settings import load_settings
from t5g.syncs import Sync, SyncRecord, SyncState
from t5g.work import load_rq
from tests import wall_clock
from tests.own_redis import OwnRedis
from workers.schedule import Daily, Entry, Every, schedule

load_rq("t5g:")

from workers.firing import Firing, entry_id  # noqa: E402  (needs the prefix of this installation)

KEYS = Keys()
NOW = datetime(2026, 11, 24, 12, 1, tzinfo=UTC).timestamp()
TABLE = schedule(load_settings())
CASES = next(entry for entry in TABLE if entry.sync is Sync.CASES)


class Clock:
    """A time that tests move."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def raw(redis_url):
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def start(raw, clock):
    """Start a scheduler on a table, as after a restart."""

    def started(table=TABLE):
        firing = Firing(raw, KEYS, table, now=clock)
        firing.register()
        return firing

    return started


def queued(raw, queue="default"):
    return [name.decode() for name in raw.lrange(f"t5g:rq:queue:{queue}", 0, -1)]


def times(raw):
    return {
        name.decode(): at for name, at in raw.zrange("t5g:schedule:times", 0, -1, withscores=True)
    }


def succeeded(raw, name, at):
    record = SyncRecord(name=name, last_success=at)
    raw.hset("t5g:syncs", name.value, msgspec.json.encode(record))


def test_at_the_first_start_of_all_cases_come_first(raw, start):
    start().enqueue_jobs()
    assert queued(raw) == ["sync-cases"]
    assert set(times(raw)) == {entry_id(entry) for entry in TABLE}
    assert all(at > NOW for at in times(raw).values())


def test_each_time_fires_once(raw, start, clock):
    succeeded(raw, Sync.CASES, NOW)
    firing = start((CASES,))
    fired = 0
    for _ in range(60):  # an hour, looked at each minute
        clock.now += 60
        fired += len(firing.enqueue_jobs())
        raw.delete("t5g:rq:queue:default", "t5g:rq:job:sync-cases")  # as if it ran
    assert fired == 4


def test_a_slow_queue_does_not_pile_up(raw, start, clock):
    firing = start()
    for _ in range(5):
        firing.enqueue_jobs()
        clock.now += 900
    assert queued(raw).count("sync-cases") == 1


def test_a_wish_that_a_job_could_not_see_any_more_is_asked_for_again(raw, start, clock):
    """It came between the job's last look and its end: the job was there, and did not run it."""
    record = SyncRecord(name=Sync.CASES, last_success=NOW, served=3)
    raw.hset("t5g:syncs", "cases", msgspec.json.encode(record))
    firing = start((CASES,))
    raw.hset("t5g:syncs:wished", "cases", 3)
    firing.enqueue_jobs()
    assert queued(raw, "high") == []
    raw.hincrby("t5g:syncs:wished", "cases", 1)
    under_way = replace(record, state=SyncState.RUNNING)
    raw.hset("t5g:syncs", "cases", msgspec.json.encode(under_way))
    firing.enqueue_jobs()
    assert queued(raw, "high") == [], "the job that runs looks when its run ends"
    raw.hset("t5g:syncs", "cases", msgspec.json.encode(record))
    for _ in range(3):
        firing.enqueue_jobs()
    assert queued(raw, "high") == ["sync-cases"]


@pytest.mark.parametrize("status", ["started", "scheduled", "deferred"])
def test_a_running_or_retried_job_is_never_overwritten(raw, start, clock, status):
    firing = start((CASES,))
    firing.enqueue_jobs()
    raw.delete("t5g:rq:queue:default")
    raw.hset("t5g:rq:job:sync-cases", mapping={"status": status, "mine": "yes"})
    clock.now += 900
    firing.enqueue_jobs()
    assert queued(raw) == []
    assert raw.hget("t5g:rq:job:sync-cases", "mine") == b"yes"
    assert times(raw)[entry_id(CASES)] > clock.now


@pytest.mark.parametrize("status", ["failed", "finished", "stopped", "canceled"])
def test_a_job_that_ended_makes_way(raw, start, clock, status):
    firing = start((CASES,))
    firing.enqueue_jobs()
    raw.delete("t5g:rq:queue:default")
    raw.hset("t5g:rq:job:sync-cases", mapping={"status": status, "exc_info": "old"})
    raw.zadd("t5g:rq:failed:default", {"sync-cases": 9e9})
    clock.now += 900
    firing.enqueue_jobs()
    assert queued(raw) == ["sync-cases"]
    assert raw.hget("t5g:rq:job:sync-cases", "status") == b"queued"
    assert raw.hget("t5g:rq:job:sync-cases", "exc_info") is None
    assert raw.zcard("t5g:rq:failed:default") == 0


def test_a_run_missed_while_everything_was_down_happens_once_at_start(raw, start, clock):
    succeeded(raw, Sync.CASES, NOW)
    start((CASES,)).enqueue_jobs()
    assert queued(raw) == []
    clock.now += 5 * 3600
    firing = start((CASES,))
    firing.enqueue_jobs()
    firing.enqueue_jobs()
    assert queued(raw) == ["sync-cases"]
    raw.delete("t5g:rq:queue:default", "t5g:rq:job:sync-cases")
    clock.now += 60
    firing.enqueue_jobs()
    assert queued(raw) == []


def test_a_run_missed_before_the_schedule_was_known_happens_at_start(raw, start, clock):
    """The schedule's keys are gone, the record tells that the last success is too old."""
    succeeded(raw, Sync.CARDS, NOW - 7200)
    succeeded(raw, Sync.ESCALATIONS, NOW - 60)
    start().enqueue_jobs()
    assert "sync-cards" in queued(raw)
    assert "sync-escalations" not in queued(raw)


def test_a_restart_changes_no_time(raw, start, clock):
    start().enqueue_jobs()
    before = times(raw)
    clock.now += 30
    start().enqueue_jobs()
    assert times(raw) == before


def test_a_changed_entry_gets_its_new_time_and_a_removed_one_goes(raw, start, clock):
    succeeded(raw, Sync.CASES, NOW)
    start()
    other = Entry(name=CASES.name, when=Every(3600), function=CASES.function, args=CASES.args,
                  job_id=CASES.job_id, sync=Sync.CASES)  # fmt: skip
    start((other,))
    assert times(raw) == {entry_id(CASES): datetime(2026, 11, 24, 13, 0, tzinfo=UTC).timestamp()}
    names = [key.decode() for key in raw.scan_iter("t5g:rq:job:schedule-*")]
    assert names == [f"t5g:rq:job:{entry_id(CASES)}"]


def test_an_entry_that_fails_does_not_stop_the_others(raw, start, clock):
    bad = Entry(name="bad", when=Every(60), function="", job_id="not:possible")
    firing = start((bad, CASES))
    clock.now += 3600
    firing.enqueue_jobs()
    assert queued(raw) == ["sync-cases"]


def test_two_schedulers_at_once_fire_once(raw, start, clock):
    first, second = start((CASES,)), start((CASES,))
    assert first.acquire_lock()
    assert not second.acquire_lock()
    assert [first.enqueue_job(entry_id(CASES)), second.enqueue_job(entry_id(CASES))] == [
        True,
        False,
    ]
    assert queued(raw) == ["sync-cases"]
    second.remove_lock()
    assert not second.acquire_lock()
    first.remove_lock()
    assert second.acquire_lock()


def test_a_scheduler_whose_lock_ran_out_leaves_the_lock_of_another_alone(raw, start):
    """As after a turn of its loop that took longer than the lock lives."""
    slow, other = start((CASES,)), start((CASES,))
    assert slow.acquire_lock()
    raw.delete("t5g:lock:scheduler")  # it ran out
    assert other.acquire_lock()
    slow.remove_lock()
    assert raw.exists("t5g:lock:scheduler")
    assert not slow.acquire_lock()
    assert other.acquire_lock()


def test_an_entry_never_vanishes_by_itself(raw, start, clock):
    """The package lets one go, without a word, once the result of its job is too old."""
    firing = start()
    for _ in range(3):
        firing.enqueue_jobs()
        clock.now += 24 * 3600
    assert set(times(raw)) == {entry_id(entry) for entry in TABLE}
    assert {raw.ttl(f"t5g:rq:job:{entry_id(entry)}") for entry in TABLE} == {-1}


def test_what_an_older_version_left_stops_nothing(raw, start):
    """A function that is no more, a job that can not be read, a time without a job."""
    raw.zadd("t5g:schedule:times", {"schedule-gone": 1, "schedule-lost": 2, "odd": 3})
    raw.hset("t5g:rq:job:schedule-gone", mapping={"data": b"no pickle", "origin": "default"})
    raw.hset(f"t5g:rq:job:{entry_id(CASES)}", mapping={"data": b"no pickle", "meta": b"neither"})
    start().enqueue_jobs()
    assert set(times(raw)) == {entry_id(entry) for entry in TABLE}
    assert not raw.exists("t5g:rq:job:schedule-gone")
    assert queued(raw) == ["sync-cases"]


def test_a_job_that_can_not_be_read_makes_way(raw, start):
    """Its code is gone, so that nobody could ever run it."""
    raw.hset("t5g:rq:job:sync-cases", mapping={"data": b"no pickle", "status": "failed"})
    start((CASES,)).enqueue_jobs()
    assert queued(raw) == ["sync-cases"]


def test_a_job_that_begins_while_it_is_fired_is_not_overwritten(raw, start, monkeypatch):
    firing = start((CASES,))
    whole = firing._out_of_the_way

    def beaten(entry):
        wanted = whole(entry)
        raw.hset("t5g:rq:job:sync-cases", mapping={"status": "started", "mine": "yes"})
        monkeypatch.setattr(firing, "_out_of_the_way", lambda entry: False)
        return wanted

    monkeypatch.setattr(firing, "_out_of_the_way", beaten)
    firing.enqueue_jobs()
    assert queued(raw) == []
    assert raw.hget("t5g:rq:job:sync-cases", "mine") == b"yes"


def test_the_fired_job_is_repeated_and_limited(raw, start):
    from rq.job import Job

    start((CASES,)).enqueue_jobs()
    job = Job.fetch("sync-cases", connection=raw)
    assert job.func_name == "workers.jobs.sync"
    assert job.args == ("cases",)
    assert job.retries_left == 3
    assert job.retry_intervals == [30, 120, 600]
    assert (job.result_ttl, job.timeout) == (0, 3600)


def test_every_key_lies_below_the_prefix(raw, start):
    firing = start()
    firing.register_birth()
    firing.heartbeat()
    firing.acquire_lock()
    firing.enqueue_jobs()
    assert all(key.startswith(b"t5g:") for key in raw.scan_iter())
    firing.remove_lock()
    firing.register_death()
    assert raw.hgetall("t5g:alive:scheduler") == {}


def test_a_daily_entry_survives_daylight_saving(raw, start, clock):
    from datetime import time as day_time
    from zoneinfo import ZoneInfo

    entry = Entry(
        name="report", when=Daily(day_time(2, 30), ZoneInfo("America/New_York")),
        function="workers.jobs.sync", args=("stats",), job_id="report",
    )  # fmt: skip
    clock.now = datetime(2026, 3, 6, 12, 0, tzinfo=UTC).timestamp()
    firing = start((entry,))
    fired = []
    for _ in range(4 * 24 * 60):
        clock.now += 60
        if firing.enqueue_jobs():
            fired.append(datetime.fromtimestamp(clock.now, UTC))
        raw.delete("t5g:rq:queue:default", "t5g:rq:job:report")
    assert [f"{at:%d %H:%M}" for at in fired] == ["07 07:30", "08 07:30", "09 06:30", "10 06:30"]


KILLED = """
import os, signal, sys
from redis import Redis
from redis.connection import AbstractConnection
from t5g.keys import Keys
from t5g.settings import load_settings
from t5g.work import load_rq
load_rq("t5g:")
from workers.firing import Firing
from workers.schedule import schedule

def run(url, last):
    steps = 0
    whole = AbstractConnection.send_packed_command
    def step(self, *args, **kwargs):
        nonlocal steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(self, *args, **kwargs)
    AbstractConnection.send_packed_command = step
    table = [entry for entry in schedule(load_settings()) if entry.name == "sync-cases"]
    firing = Firing(Redis.from_url(url), Keys(), table)
    firing.register()
    firing.enqueue_jobs()

last = 1
while True:
    child = os.fork()
    if child == 0:
        Redis.from_url(sys.argv[1]).flushall()
        run(sys.argv[1], last)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    run_again = os.fork()
    if run_again == 0:
        run(sys.argv[1], -1)
        os._exit(0)
    os.waitpid(run_again, 0)
    redis = Redis.from_url(sys.argv[1])
    print(redis.llen("t5g:rq:queue:default"), redis.zcard("t5g:schedule:times"), flush=True)
    if status == 0:
        break
    last += 1
"""


def test_killed_at_any_step_it_fires_once_after_the_restart(redis_url):
    out = subprocess.run(
        [sys.executable, "-c", KILLED, redis_url], capture_output=True, text=True, check=True
    )
    lines = [line for line in out.stdout.splitlines() if line[1:2] == " "]  # no log lines
    assert len(lines) > 8
    assert set(lines) == {"1 1"}


RUN = """
import sys
from t5g.settings import load_settings
from workers.scheduler import run_scheduler
env = {"redis_url": sys.argv[1], "redis_prefix": sys.argv[2]}
run_scheduler(load_settings(env=env), interval=0.05)
"""


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def test_the_process_fires_and_stops_when_told(raw, redis_url):
    child = subprocess.Popen([sys.executable, "-c", RUN, redis_url, "t5g:"])
    try:
        until(lambda: queued(raw) == ["sync-cases"])
        assert raw.hlen("t5g:alive:scheduler") == 1
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(5) == 0
        assert raw.hlen("t5g:alive:scheduler") == 0
        assert not raw.exists("t5g:lock:scheduler")
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_the_zone_of_the_machine_changes_no_time(raw, redis_url, zone):
    child = subprocess.Popen(
        [sys.executable, "-c", RUN, redis_url, "t5g:"], env={**os.environ, "TZ": zone}
    )
    try:
        until(lambda: queued(raw) == ["sync-cases"])
        now = wall_clock.now()
        wanted = {entry_id(entry): entry.when.after(now).timestamp() for entry in TABLE}
        until(lambda: len(times(raw)) == len(TABLE))
        found = times(raw)
        assert {name for name in wanted if abs(found[name] - wanted[name]) > 3600} == set()
        stats = datetime.fromtimestamp(found["schedule-sync-stats"], UTC)
        assert f"{stats:%H:%M}" == "04:40"
    finally:
        child.kill()
        child.wait()


def test_it_outlives_a_restart_of_redis_and_keeps_its_times():
    folder = Path(tempfile.mkdtemp(prefix="t5g-own-"))
    server = OwnRedis(folder)
    server.start()
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", RUN, server.url, "t5g:"], stdout=subprocess.PIPE, text=True
    )
    try:
        with Redis.from_url(server.url) as raw:
            until(lambda: queued(raw) == ["sync-cases"])
            before = times(raw)
        server.kill()
        # Only then it is sure that the scheduler could not give its lock back.
        assert any("scheduler_lost_redis" in line for line in child.stdout)
        server.start()
        with Redis.from_url(server.url) as raw:
            raw.delete("t5g:rq:queue:default", "t5g:rq:job:sync-cases")
            raw.zadd("t5g:schedule:times", {entry_id(CASES): 1})
            until(lambda: queued(raw) == ["sync-cases"])
            assert times(raw) == before
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def test_two_installations_on_one_redis_each_fire_their_own(raw, redis_url):
    children = [
        subprocess.Popen([sys.executable, "-c", RUN, redis_url, prefix])
        for prefix in ("one:", "two:")
    ]
    try:
        for prefix in ("one:", "two:"):
            until(lambda name=prefix: raw.llen(f"{name}rq:queue:default") == 1)
        assert all(key.startswith((b"one:", b"two:")) for key in raw.scan_iter())
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_when_the_scheduler_dies_another_takes_over(raw, redis_url):
    """The lock frees itself; meanwhile the second one waits."""
    first = subprocess.Popen([sys.executable, "-c", RUN, redis_url, "t5g:"])
    second = None
    try:
        until(lambda: queued(raw) == ["sync-cases"])
        first.kill()
        first.wait()
        raw.delete("t5g:rq:queue:default", "t5g:rq:job:sync-cases")
        raw.zadd("t5g:schedule:times", {entry_id(CASES): 1})
        assert raw.pttl("t5g:lock:scheduler") <= 25_000
        raw.pexpire("t5g:lock:scheduler", 200)
        second = subprocess.Popen([sys.executable, "-c", RUN, redis_url, "t5g:"])
        until(lambda: queued(raw) == ["sync-cases"])
    finally:
        for child in filter(None, (first, second)):
            child.kill()
            child.wait()


def test_a_clock_that_was_a_month_ahead_stops_no_entry(raw, start, clock):
    for entry in TABLE:
        if entry.sync is not None:
            succeeded(raw, entry.sync, NOW)
    clock.now += 31 * 86_400
    firing = start()
    firing.enqueue_jobs()
    succeeded(raw, Sync.CASES, clock.now)
    raw.hset("t5g:rq:job:sync-cases", "status", "scheduled")
    raw.zadd("t5g:rq:scheduled:default", {"sync-cases": clock.now + 30})
    raw.delete("t5g:rq:queue:default")
    clock.now = NOW
    firing.enqueue_jobs()
    assert "sync-cases" in queued(raw)
    assert raw.zscore("t5g:rq:scheduled:default", "sync-cases") is None
    assert max(times(raw).values()) <= NOW + 86_400
