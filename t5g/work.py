"""Asks for work: puts a job, by its dotted name, into a queue of this installation.

Nothing here imports a worker, and a job takes only plain values. A job with an id of its own is
never in the queues twice: asking again while it waits or runs joins it.

RQ keeps all its keys below one prefix per process, fixed when `rq` is first imported; therefore
this module is the one that imports it, late, as `load_rq`.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Any

from redis import Redis as SyncRedis

from t5g.connection import open_queue_redis
from t5g.errors import NotFoundError, RefusedError, SettingsError, T5GError
from t5g.keys import Keys
from t5g.logs import current_ids
from t5g.settings import Settings
from t5g.syncs import Sync, wished_key

if TYPE_CHECKING:
    from rq.job import Job, JobStatus

QUEUES = ("high", "default", "low")
TIMEOUT = 1_800
#: A job that failed is kept for people to look at; asking for it again replaces it.
FAILURE_TTL = 7 * 24 * 3600
ALL = "all"
_PREFIX_VARIABLE = "RQ_KEY_PREFIX"
_TRIES = 3


class Asked(StrEnum):
    """What became of asking for work."""

    QUEUED = "queued"
    JOINED = "joined"


class Again(T5GError):
    """Too many others asked for the same work at the same moment."""

    status = 503


def rq_prefix(prefix: str) -> str:
    """Return the prefix of RQ's keys in an installation: `t5g:rq`."""
    return f"{prefix}rq"


def load_rq(prefix: str) -> ModuleType:
    """Import RQ with its keys below `prefix`; later calls in this process must give the same.

    Raises SettingsError if the prefix has characters that RQ refuses, and RuntimeError if RQ was
    imported with another prefix before.
    """
    wanted = rq_prefix(prefix)
    before = os.environ.get(_PREFIX_VARIABLE)
    os.environ[_PREFIX_VARIABLE] = wanted
    try:
        import rq
        from rq.defaults import RQ_KEY_PREFIX
    except ValueError as error:
        raise SettingsError([f"T5G_REDIS_PREFIX: {prefix!r} is not possible: {error}"]) from error
    if wanted != RQ_KEY_PREFIX:
        if before is not None:
            os.environ[_PREFIX_VARIABLE] = before
        raise RuntimeError(
            f"rq was imported with the prefix {RQ_KEY_PREFIX!r} before {wanted!r} was asked for: "
            "one process can only serve one installation; import rq through t5g.work.load_rq"
        )
    return rq


def enqueue(
    where: Settings | SyncRedis,
    function: str,
    *args: Any,
    keys: Keys | None = None,
    queue: str = "default",
    job_id: str | None = None,
    attempts: Sequence[int] = (),
    timeout: int = TIMEOUT,
    description: str = "",
    meta: Mapping[str, Any] | None = None,
) -> Asked:
    """Ask for `function(*args)`; say whether that is a new job or one that waits or runs already.

    `where`: the settings, or an open raw client (then with `keys`). `job_id` (letters, digits, `_`,
    `-`): at most one such job at a time. `attempts`: seconds to wait before each repetition of a
    failed job.
    """
    _refuse_objects(function, args)
    if isinstance(where, Settings):
        with closing(open_queue_redis(where.redis_url)) as redis:
            return enqueue(
                redis, function, *args, keys=Keys(where.redis_prefix), queue=queue, job_id=job_id,
                attempts=attempts, timeout=timeout, description=description, meta=meta,
            )  # fmt: skip
    load_rq((keys or Keys()).prefix)
    from rq import Queue, Retry

    options: dict[str, Any] = {
        "job_id": job_id,
        "job_timeout": timeout,
        "result_ttl": 0,
        "failure_ttl": FAILURE_TTL,
        "description": description or " ".join([function, *map(str, args)]),
        "meta": {**current_ids(), **(meta or {})},
        "retry": Retry(max=len(attempts), interval=list(attempts)) if attempts else None,
    }
    line = Queue(queue, connection=where)
    if job_id is None:
        line.enqueue(function, *args, **options)
        return Asked.QUEUED
    return _enqueue_once(line, function, args, options)


def request_sync(
    redis: SyncRedis,
    keys: Keys,
    name: str,
    asked_by: str,
    *,
    full: bool = False,
    queue: str = "high",
) -> Asked:
    """Ask for a sync (or `all`) now. `asked_by`: for the job's card.

    Joins a job that waits; one that runs its sync once more, if it is past the beginning. Raises
    ValueError if there is no such sync.
    """
    names = [one for one in Sync if one is not Sync.STATS] if name == ALL else [Sync(name)]
    for one in names:
        redis.hincrby(wished_key(keys), one.value, 1)
    return enqueue_sync(redis, keys, name, asked_by, full=full, queue=queue)


def enqueue_sync(
    redis: SyncRedis,
    keys: Keys,
    name: str,
    asked_by: str,
    *,
    full: bool = False,
    queue: str = "high",
) -> Asked:
    """Put the job of a sync (or of `all`) into its queue, for wishes that are counted already."""
    args = (name, full) if full else (name,)
    return enqueue(
        redis,
        "workers.jobs.sync",
        *args,
        keys=keys,
        queue=queue,
        job_id=sync_job_id(name),
        attempts=SYNC_ATTEMPTS,
        timeout=SYNC_TIMEOUT,
        description=f"sync {name}",
        meta={"asked_by": asked_by},
    )


SYNC_TIMEOUT = 3_600
SYNC_ATTEMPTS = (30, 120, 600)


def sync_job_id(name: str) -> str:
    """Return the id of the one job that runs a sync."""
    return f"sync-{name}"


def _enqueue_once(line: Any, function: str, args: Sequence[Any], options: dict[str, Any]) -> Asked:
    from rq.exceptions import DuplicateJobError

    for _ in range(_TRIES):
        try:
            line.enqueue(function, *args, unique=True, **options)
        except DuplicateJobError:
            if not _out_of_the_way(_find(line.connection, options["job_id"])):
                return Asked.JOINED
            forget_remnant(line.connection, options["job_id"])
        else:
            return Asked.QUEUED
    raise Again(f"{options['job_id']} is asked for by too many at once; try again")


def _find(redis: SyncRedis, job_id: str) -> "Job | None":
    """Return a job, in whichever queue it is."""
    from rq.exceptions import NoSuchJobError
    from rq.job import Job

    try:
        return Job.fetch(job_id, connection=redis)
    except NoSuchJobError:
        return None


# KEYS: job.
_FORGET = """
if redis.call('HEXISTS', KEYS[1], 'status') == 1 then return 0 end
return redis.call('DEL', KEYS[1])
"""


def forget_remnant(redis: SyncRedis, job_id: str) -> None:
    """Remove what a late sign of life wrote of a job that was gone already: it has no status.

    RQ finds no job there, and yet refuses another one with that id.
    """
    from rq.job import Job

    redis.eval(_FORGET, 1, Job.key_for(job_id))


def _status(job: "Job | None") -> "JobStatus | None":
    """Return the status of a job as it is now; None if it is gone, as jobs that are done go."""
    from rq.exceptions import InvalidJobOperation

    try:
        return job.get_status(refresh=True) if job else None
    except InvalidJobOperation:
        return None


def _out_of_the_way(job: "Job | None") -> bool:
    """Delete a job that has ended, or only waits for its next attempt; say whether that is so."""
    from rq.job import JobStatus

    status = _status(job)
    if job is None or status is None:
        return True  # it ended between the question and now
    if status in (
        JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.READY_TO_ENQUEUE,
    ):  # fmt: skip
        return False
    _delete(job)
    return True


def _delete(job: "Job") -> None:
    """Delete a job, also one whose attempt RQ still lists and knows nothing of any more.

    The record of an attempt ends by itself when its worker dies; the list of attempts does not.
    """
    try:
        job.delete()
    except ValueError:
        job.connection.delete(job.execution_registry.key)
        job.delete()


def _refuse_objects(function: str, args: Sequence[Any]) -> None:
    """Jobs take names and numbers: objects would be stored as pickles of code that may change."""
    for arg in args:
        if not isinstance(arg, str | int | float | bool | None):
            raise TypeError(f"{function}: a job can not take a {type(arg).__name__}")


def retry_job(redis: SyncRedis, keys: Keys, job_id: str) -> None:
    """Put a job that failed for good back into its queue. Raises NotFoundError, RefusedError."""
    load_rq(keys.prefix)
    from rq.exceptions import InvalidJobOperation
    from rq.job import JobStatus

    job = _found(redis, job_id)
    if (status := _status(job)) is not JobStatus.FAILED:
        raise RefusedError(f"{job_id} has not failed for good: it is {status or 'gone'}.")
    try:
        job.requeue()
    except InvalidJobOperation as error:
        raise RefusedError(f"{job_id} was taken up by somebody else meanwhile.") from error


def drop_job(redis: SyncRedis, keys: Keys, job_id: str) -> None:
    """Forget a job that does not run. Raises NotFoundError, RefusedError."""
    load_rq(keys.prefix)
    from rq.job import JobStatus

    job = _found(redis, job_id)
    if _status(job) is JobStatus.STARTED:
        raise RefusedError(f"{job_id} runs now; it ends by itself or by its time limit.")
    _delete(job)


def _found(redis: SyncRedis, job_id: str) -> "Job":
    job = None if job_id.startswith(SCHEDULE_PREFIX) else _find(redis, job_id)
    if job is None:
        raise NotFoundError(f"There is no job {job_id!r}; `t5g jobs failed` lists them.")
    return job


#: Entries of the schedule are kept as jobs too, but are none.
SCHEDULE_PREFIX = "schedule-"
