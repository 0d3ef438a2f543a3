"""Takes up at once what a killed worker of this machine was doing.

RQ believes in a silent worker for more than a minute, and then lets the job wait for its next
attempt. Whether a process of the same machine is gone can be seen at once: then its job goes back
to the head of its queue. Import only after `t5g.work.load_rq`.
"""

import socket
from collections.abc import Iterable, Iterator
from typing import Any

from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import ScheduledJobRegistry, StartedJobRegistry

from t5g.clock import BOUND
from t5g.lifeline import alive, started

LONG_AGO = 1
#: Seconds: no job runs or waits for its next attempt for longer, and for so long one is still
#: believed to run whose time no clock but a wrong one can have given.
LONGEST = 2 * 3600.0
SILENT = 90.0
NANOSECONDS = 1e9


def take_up(redis: Redis, queues: Iterable[Queue], mine: str = "") -> list[str]:
    """Queue again, first in line, each job whose worker died on this machine; return their ids.

    `mine`: the name of the worker that looks. A job without attempts left is marked as failed, as
    RQ does.
    """
    found: list[str] = []
    for queue in queues:
        registry = StartedJobRegistry(queue=queue)
        left = list(_left(redis, registry, mine))
        for member, _ in left:
            redis.zadd(registry.key, {member: LONG_AGO}, xx=True)
        if left:
            registry.cleanup(LONG_AGO)
        for _, job_id in left:
            if _to_the_front(queue, job_id):
                found.append(job_id)
    return found


def believe(redis: Redis, queues: Iterable[Queue], now: float) -> list[str]:
    """Put right when work ends or is due, where a clock that was ahead has set it; return of which.

    What runs is believed to run for a little more, until its worker says so again or RQ takes it
    for dead; what waits for its next attempt is due now.
    """
    healed: list[str] = []
    for queue in queues:
        started, waiting = StartedJobRegistry(queue=queue), queue.scheduled_job_registry
        for key, becomes in ((started.key, now + SILENT), (waiting.key, now)):
            members: list[Any] = redis.zrangebyscore(key, now + LONGEST + BOUND, "+inf")
            for member in members:
                redis.zadd(key, {member: becomes}, xx=True, lt=True)
                healed.append(member.decode().partition(":")[0])
    return healed


def _left(redis: Redis, registry: StartedJobRegistry, mine: str) -> Iterator[tuple[bytes, str]]:
    members: list[Any] = redis.zrange(registry.key, 0, -1)
    for member in members:
        job_id = member.decode().rpartition(":")[0]
        worker: Any = redis.hget(Job.key_for(job_id), "worker_name")
        if worker and (dead(worker.decode()) or before(worker.decode(), mine)):
            yield member, job_id


def _to_the_front(queue: Queue, job_id: str) -> bool:
    try:
        job = Job.fetch(job_id, connection=queue.connection)
    except NoSuchJobError:
        return False
    if job.get_status() is not JobStatus.SCHEDULED:
        return job.get_status() is JobStatus.QUEUED
    ScheduledJobRegistry(queue=queue).remove(job)  # type: ignore[no-untyped-call]
    queue.enqueue_job(job, at_front=True)
    return True


def before(worker: str, mine: str) -> bool:
    """Say whether a worker was this very process, before it lost Redis and began anew as `mine`."""
    process, _, number = mine.rpartition(".")
    other, _, earlier = worker.rpartition(".")
    return bool(process) and other == process and earlier != number


def dead(worker: str) -> bool:
    """Say whether a worker, named `HOST.PID.NANOSECONDS`, is a process of this machine that ended.

    The nanoseconds are of the machine's clock since its start: a process that began later only
    has the same number.
    """
    host, _, rest = worker.partition(f"{socket.gethostname()}.")
    pid, _, since = rest.partition(".")
    if host or not (pid.isdigit() and since.isdigit()):
        return False
    if not alive(int(pid)):
        return True
    return started(int(pid)) > int(since) / NANOSECONDS
