"""What a killed worker was doing goes on at once."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from t5g.lifeline import since_boot_ns
from t5g.syncs import Sync, SyncState
from t5g.work import enqueue, load_rq, request_sync
from tests import wall_clock
from tests.workers.reading import cases_of
from tests.workers.starting import until
from tests.workers.test_worker import KEYS, _running, raw, settings, start  # noqa: F401

load_rq(KEYS.prefix)

from workers.abandoned import before, dead, take_up  # noqa: E402


def name(pid: int, since: int) -> str:
    return f"{socket.gethostname()}.{pid}.{since}"


def test_a_worker_of_this_machine_is_dead_when_its_process_is() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = since_boot_ns()
    assert not dead(name(child.pid, began))
    child.kill()
    child.wait()
    assert dead(name(child.pid, began))


def test_a_later_process_of_the_same_number_is_not_the_worker() -> None:
    assert dead(name(os.getpid(), 1))


@pytest.mark.parametrize("worker", ["elsewhere.1.1", "elsewhere.example.com.99999999.1", "odd", ""])
def test_of_a_worker_elsewhere_nothing_is_known(worker: str) -> None:
    assert not dead(worker)


def test_what_this_process_was_before_it_lost_redis_is_dead_too() -> None:
    mine = name(os.getpid(), 2_000)
    assert before(name(os.getpid(), 1_000), mine)
    assert not before(mine, mine)
    assert not before(name(os.getpid() + 1, 1_000), mine)
    assert not before("elsewhere.1.1", mine)
    assert not before(name(os.getpid(), 1_000), "")


def test_a_job_of_the_worker_that_this_process_was_is_taken_up(raw) -> None:  # noqa: F811
    from rq import Queue
    from rq.job import Job, JobStatus
    from rq.registry import StartedJobRegistry

    enqueue(raw, "bot.jobs.digest_tick", keys=KEYS, job_id="digest", attempts=(30,))
    queue = Queue("default", connection=raw)
    raw.delete(queue.key)
    job = Job.fetch("digest", connection=raw)
    job.set_status(JobStatus.STARTED)
    raw.hset(job.key, "worker_name", name(os.getpid(), since_boot_ns() - 1_000))
    raw.zadd(StartedJobRegistry(queue=queue).key, {"digest:attempt": wall_clock.seconds() + 1_000})
    assert take_up(raw, [queue], "elsewhere.1.1") == []
    assert take_up(raw, [queue], name(os.getpid(), since_boot_ns())) == ["digest"]
    assert queue.get_job_ids() == ["digest"]


async def test_a_sync_whose_worker_was_killed_is_done_by_the_next_at_once(
    start,  # noqa: F811
    upstreams,
    raw,  # noqa: F811
    records,
    store,
) -> None:
    numbers = upstreams.add_cases(30)
    upstreams.portal_faults.latency = 0.5
    request_sync(raw, KEYS, "cases", "U1")
    first = await start()
    await until(lambda: _running(records))
    os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    (lock,) = raw.scan_iter("t5g:lock:sync:*")
    raw.pexpire(lock, 100)  # the rest of its time to live
    upstreams.portal_faults.latency = 0.0
    await start()

    async def done():
        return (await records.read(Sync.CASES)).state is SyncState.OK

    await until(done, 8)
    assert sorted(await cases_of(store)) == numbers
