"""What a killed worker was doing goes on at once."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from t5g.lifeline import since_boot_ns
from t5g.syncs import Sync, SyncState
from t5g.work import load_rq, request_sync
from tests.workers.reading import cases_of
from tests.workers.starting import until
from tests.workers.test_worker import KEYS, _running, raw, settings, start  # noqa: F401

load_rq(KEYS.prefix)

from workers.abandoned import dead  # noqa: E402


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
