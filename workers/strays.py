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
#: Most of the time that may go into looking through all keys: with 100,000 cases they are many.
SHARE = 0.01
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
        self._search_at = clock()

    def put_back(self, redis: Redis, queues: Iterable[Queue]) -> list[str]:
        """Look; put back what was missing for long enough, and return the ids of that.

        All jobs are looked for as often as `SHARE` allows, those that were missing at each call.
        """
        now, by_name = self._clock(), {queue.name: queue for queue in queues}
        search = now >= self._search_at
        # First the queues, then the jobs: one put in between is found missing once at most.
        waiting = {job_id for queue in by_name.values() for job_id in queue.get_job_ids()}
        suspects = _jobs(redis) if search else [job_id for job_id, _ in self._since]
        found = _missing(redis, by_name, (job_id for job_id in suspects if job_id not in waiting))
        missing = {(job_id, enqueued): queue for job_id, enqueued, queue in found}
        if search:
            self._search_at = now + (self._clock() - now) / SHARE
        self._since = {stray: self._since.get(stray, now) for stray in missing}
        return [
            job_id
            for (job_id, enqueued), queue in missing.items()
            if now - self._since[job_id, enqueued] >= self._patience
            and _put_back(redis, queue, job_id, enqueued)
        ]


def _jobs(redis: Redis) -> Iterator[str]:
    """Yield the id of every job, from all keys that there are."""
    for key in redis.scan_iter(match=Job.key_for("*"), count=SCAN, _type="HASH"):
        yield key.decode().removeprefix(Job.key_for(""))


def _missing(
    redis: Redis, queues: dict[str, Queue], absent: Iterable[str]
) -> Iterator[tuple[str, bytes, Queue]]:
    """Yield those of the jobs in no queue that say they wait, with when they were put in."""
    for job_id in absent:
        facts: Any = redis.hmget(Job.key_for(job_id), "status", "enqueued_at", "origin")
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
