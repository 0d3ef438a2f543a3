"""A job that a worker took and then lost is not lost: it goes back to the head of its queue."""

from threading import Event

import pytest
from redis import Redis

from t5g.work import Asked, enqueue, load_rq
from tests.workers.test_worker import KEYS, raw, settings  # noqa: F401

load_rq(KEYS.prefix)

from rq import Queue  # noqa: E402
from rq.job import Job, JobStatus  # noqa: E402

from workers.strays import PATIENCE, SHARE, Strays  # noqa: E402

JOB = "bot.jobs.digest_tick"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(raw: Redis) -> Queue:  # noqa: F811
    return Queue("high", connection=raw)


def ask(raw: Redis, job_id: str = "digest") -> Asked:  # noqa: F811
    return enqueue(raw, JOB, keys=KEYS, queue="high", job_id=job_id)


def taken(queue: Queue) -> bytes:
    """Take a job off the queue as RQ does before it writes anything down."""
    found: bytes = queue.connection.lpop(queue.key)
    return found


def test_a_lost_job_is_put_back_at_the_head_and_is_the_same(raw, queue, clock) -> None:  # noqa: F811
    ask(raw)
    assert taken(queue) == b"digest"
    assert ask(raw) is Asked.JOINED, "it says that it waits, so whoever asks joins it"
    ask(raw, "another")
    strays = Strays(clock=clock)
    assert strays.put_back(raw, [queue]) == []
    clock.now = PATIENCE
    assert strays.put_back(raw, [queue]) == ["digest"]
    assert queue.get_job_ids() == ["digest", "another"]
    assert Job.fetch("digest", connection=raw).get_status() is JobStatus.QUEUED
    clock.now = 3 * PATIENCE
    assert strays.put_back(raw, [queue]) == []


def test_a_job_that_began_or_was_asked_for_anew_meanwhile_is_left_alone(raw, queue, clock) -> None:  # noqa: F811
    for name in ("begun", "again"):
        ask(raw, name)
        taken(queue)
    strays = Strays(clock=clock)
    strays.put_back(raw, [queue])
    Job.fetch("begun", connection=raw).set_status(JobStatus.STARTED)
    Job.fetch("again", connection=raw).delete()
    ask(raw, "again")
    clock.now = PATIENCE
    assert strays.put_back(raw, [queue]) == []
    assert queue.get_job_ids() == ["again"]


def test_two_workers_that_find_the_same_put_it_back_once(raw, queue, clock) -> None:  # noqa: F811
    ask(raw)
    taken(queue)
    finders = [Strays(clock=clock) for _ in range(2)]
    for one in finders:
        one.put_back(raw, [queue])
    clock.now = PATIENCE
    assert [one.put_back(raw, [queue]) for one in finders] == [["digest"], []]
    assert queue.get_job_ids() == ["digest"]


def test_entries_of_the_schedule_are_no_jobs_that_wait(raw, queue, clock) -> None:  # noqa: F811
    raw.hset("t5g:rq:job:schedule-digest", mapping={"origin": "high", "description": "digest"})
    strays = Strays(clock=clock)
    strays.put_back(raw, [queue])
    clock.now = PATIENCE
    assert strays.put_back(raw, [queue]) == []


def test_a_worker_looks_for_them_whenever_it_looks_around(raw, queue, settings) -> None:  # noqa: F811
    from workers.queue_worker import MAINTENANCE, QueueWorker

    worker = QueueWorker(settings, raw, Event())
    assert worker.dequeue_timeout <= MAINTENANCE, "an idle worker would look around seldom"
    worker._strays = Strays(patience=0.0)
    ask(raw)
    taken(queue)
    worker.run_maintenance_tasks()
    assert queue.get_job_ids() == ["digest"]


class Slow(Clock):
    """A clock by which a look through all keys takes a second."""

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


def test_a_dear_search_comes_seldom_but_a_job_once_missed_is_put_back_soon(raw, queue) -> None:  # noqa: F811
    clock = Slow()
    strays = Strays(clock=clock)
    assert strays.put_back(raw, [queue]) == []
    searched = clock.now
    ask(raw)
    taken(queue)
    clock.now += PATIENCE
    strays.put_back(raw, [queue])
    clock.now += PATIENCE
    assert strays.put_back(raw, [queue]) == [], "not searched for yet: that takes its time"
    clock.now = searched + 1 / SHARE
    assert strays.put_back(raw, [queue]) == []
    clock.now += PATIENCE
    assert strays.put_back(raw, [queue]) == ["digest"], "looked at without another search"
