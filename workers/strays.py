"""Finds jobs that say they wait and stand in no queue, and puts them back at its head.

RQ takes a job off its queue before it writes anything down. A worker that is killed in between, or
that Redis refuses to write for just then (out of memory, a failover), loses the job; and because it
still says "queued", whoever asks for the same work joins it, for ever. Import only after
`t5g.work.load_rq`.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from redis import Redis, WatchError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus

#: Seconds for which a job is lost before it is put back: who has just taken it is about to begin.
PATIENCE = 8.0
SCAN = 1_000
WAITS = JobStatus.QUEUED.value.encode()


class Strays:
    """The jobs that were missing at the last look, and since when."""

    def __init__(
        self, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._since: dict[tuple[str, bytes], float] = {}

    def put_back(self, redis: Redis, queues: Iterable[Queue]) -> list[str]:
        """Look; put back what was missing for long enough, and return the ids of that."""
        now, by_name = self._clock(), {queue.name: queue for queue in queues}
        missing = {
            (job_id, enqueued): queue for job_id, enqueued, queue in _missing(redis, by_name)
        }
        self._since = {stray: self._since.get(stray, now) for stray in missing}
        return [
            job_id
            for (job_id, enqueued), queue in missing.items()
            if now - self._since[job_id, enqueued] >= self._patience
            and _put_back(redis, queue, job_id, enqueued)
        ]


def _missing(redis: Redis, queues: dict[str, Queue]) -> Iterator[tuple[str, bytes, Queue]]:
    """Yield each job that says it waits and stands in no queue, with when it was put in."""
    # First the queues, then the jobs: one that is put in between is found missing once at most.
    waiting = {job_id for queue in queues.values() for job_id in queue.get_job_ids()}
    for key in redis.scan_iter(match=Job.key_for("*"), count=SCAN, _type="HASH"):
        job_id = key.decode().removeprefix(Job.key_for(""))
        if job_id in waiting:
            continue
        facts: Any = redis.hmget(key, "status", "enqueued_at", "origin")
        status, enqueued, origin = facts
        queue = queues.get((origin or b"").decode())
        if status == WAITS and queue is not None:
            yield job_id, enqueued or b"", queue


def _put_back(redis: Redis, queue: Queue, job_id: str, enqueued: bytes) -> bool:
    """Queue a job first in line, unless somebody else just did or began it."""
    key = Job.key_for(job_id)
    with redis.pipeline() as pipe:
        try:
            pipe.watch(key)  # type: ignore[no-untyped-call]
            if pipe.hmget(key, "status", "enqueued_at") != [WAITS, enqueued]:
                return False
            job = Job.fetch(job_id, connection=redis)
            pipe.multi()
            queue.enqueue_job(job, pipeline=pipe, at_front=True)
            pipe.execute()
        except (WatchError, NoSuchJobError):
            return False
    return True
