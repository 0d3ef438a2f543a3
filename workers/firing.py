"""rq-scheduler, tamed: entries only fire uniquely named jobs, exactly once for each time.

Import only after `t5g.work.load_rq`. What differs from the package, and why (UPSTREAMS F.2):
- all keys lie below the installation's prefix;
- an entry is never queued itself: firing puts a job with a fixed id into its queue, unless that
  job waits or runs already, and moves the entry to its next time, in one transaction; so a crash,
  a second scheduler or a slow queue neither doubles nor forgets a run;
- entries survive restarts as they are: a time missed while everything was down fires once, at
  start; entries that are no more in the table go; so does a time that no clock but a wrong one
  can have given;
- times come from `workers.schedule` (no cron text, no process time zone);
- the lock belongs to one holder.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from redis import Redis as SyncRedis
from redis import WatchError
from rq import Queue, Retry, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq_scheduler import Scheduler

from t5g.clock import BOUND, believable
from t5g.heartbeat import beat, leave, process_name
from t5g.keys import Keys
from t5g.lock import BlockingLock
from t5g.logs import logger
from t5g.runs import RunBook
from t5g.syncs import SyncRecord, SyncState, wished_key
from t5g.work import FAILURE_TTL, Asked, enqueue_sync
from workers.schedule import Entry

log = logger(__name__)

_ENDED = (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED)
_TRIES = 5
LOCK_SPARE = 20


class Firing(Scheduler):  # type: ignore[misc]
    """The scheduler of one installation. `token`: the process as holder of the lock."""

    def __init__(
        self,
        redis: SyncRedis,
        keys: Keys,
        entries: Sequence[Entry],
        *,
        interval: float = 5.0,
        token: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(connection=redis, interval=interval)
        self.redis_scheduler_namespace_prefix = keys.named("schedule", "instance:")
        self.scheduler_key = keys.named("schedule")
        self.scheduler_lock_key = keys.lock("scheduler")
        self.scheduled_jobs_key = keys.named("schedule", "times")
        self._keys = keys
        self._table = {entry_id(entry): entry for entry in entries}
        self._now = now
        self._mine = BlockingLock(
            redis, self.scheduler_lock_key, time_to_live=interval + LOCK_SPARE, token=token
        )

    # The lock: the package's own has no holder.

    def acquire_lock(self) -> bool:
        """Take or extend the lock."""
        self._lock_acquired = self._mine.acquire()
        return self._lock_acquired

    def remove_lock(self) -> None:
        """Give the lock back if it is ours."""
        if self._lock_acquired:
            self._lock_acquired = False
            self._mine.release()

    def heartbeat(self) -> None:
        """Say that this scheduler lives, at every turn of its loop."""
        super().heartbeat()
        beat(self.connection, self._keys, "scheduler", process_name())

    def register_death(self) -> None:
        """Take back the sign of life."""
        super().register_death()
        leave(self.connection, self._keys, "scheduler", process_name())

    def bury_runs(self) -> list[str]:
        """End the runs of workers that give RQ no sign of life any more; return their jobs."""
        book = RunBook(self.connection, self._keys)
        buried = book.bury(self._no_sign_of, self._now())
        for run in buried:
            log.warning("run_died", job=run.job_id, what=run.job, worker=run.worker)
        return [run.job_id for run in buried]

    def _no_sign_of(self, worker: str) -> bool:
        return not self.connection.exists(Worker.redis_worker_namespace_prefix + worker)

    # The entries.

    def register(self) -> list[str]:
        """Bring Redis in line with the table; return the entries that are due at once.

        An entry that stays keeps its time, also one that was missed. A new one is due at once if
        its sync is too old, else at its next time.
        """
        for raw in self.connection.zrange(self.scheduled_jobs_key, 0, -1):
            if raw.decode() not in self._table:
                self._drop(raw.decode())
        self.heal()
        due = []
        for name, entry in self._table.items():
            if not self._same(name, entry):
                self._save(name, entry)
            first = self._first_time(entry)
            if self.connection.zadd(self.scheduled_jobs_key, {name: first}, nx=True):
                due += [name] if first <= self._now() else []
        return due

    def heal(self) -> list[str]:
        """Give entries a time again whose time was reckoned by a clock that was ahead; return them.

        No entry waits for longer than until its next time: a later one is not believed.
        """
        latest = datetime.fromtimestamp(self._now() + BOUND, UTC)
        healed = []
        for raw, at in self.connection.zrange(self.scheduled_jobs_key, 0, -1, withscores=True):
            entry = self._table.get(raw.decode())
            if entry is None or at <= entry.when.after(latest).timestamp():
                continue
            log.warning("schedule_time_not_believed", entry=entry.name, at=at)
            self.connection.zadd(self.scheduled_jobs_key, {raw: self._first_time(entry)}, xx=True)
            healed.append(raw.decode())
        return healed

    def _same(self, name: str, entry: Entry) -> bool:
        """Say whether the entry stands in Redis as the table has it; drop the time of another.

        Read without unpacking the job: what another version left may be unreadable.
        """
        kept: Any = self.connection.hget(Job.key_for(name), "definition")
        if kept is not None and kept.decode() == entry.definition:
            return True
        if kept is None and not self.connection.exists(Job.key_for(name)):
            return False
        self.connection.zrem(self.scheduled_jobs_key, name)
        return False

    def _save(self, name: str, entry: Entry) -> None:
        """Keep the entry as a job of rq-scheduler: it shows what fires when, and is never run."""
        job = self._create_job(
            entry.function,
            args=list(entry.args),
            commit=False,
            result_ttl=-1,
            id=name,
            queue_name=entry.queue,
            timeout=entry.timeout,
            description=f"{entry.name}, {entry.when}",
        )
        job.meta["fires"] = entry.job_id
        with self.connection.pipeline() as pipe:
            pipe.delete(job.key)
            job.save(pipeline=pipe)
            pipe.hset(job.key, "definition", entry.definition)
            pipe.execute()

    def _drop(self, name: str) -> None:
        self.connection.zrem(self.scheduled_jobs_key, name)
        self.connection.delete(Job.key_for(name))

    def _first_time(self, entry: Entry) -> float:
        if entry.sync is not None and self._missed(entry):
            return self._now()
        return self._next_time(entry)

    def _missed(self, entry: Entry) -> bool:
        """Say whether the sync of an entry should have run since its last success."""
        raw: Any = self.connection.hget(self._keys.named("syncs"), str(entry.sync))
        if raw is None:
            return entry.at_start
        record = msgspec.json.decode(raw, type=SyncRecord)
        if not record.last_success:
            return entry.at_start
        if not believable(record.last_success, self._now()):
            return True
        last = datetime.fromtimestamp(record.last_success, UTC)
        return entry.when.after(last).timestamp() <= self._now()

    def _next_time(self, entry: Entry) -> float:
        return entry.when.after(datetime.fromtimestamp(self._now(), UTC)).timestamp()

    # Firing.

    def get_jobs_to_queue(self, with_times: bool = False) -> list[str]:
        """Return the names of the entries whose time has come."""
        raw = self.connection.zrangebyscore(self.scheduled_jobs_key, 0, self._now())
        return [name.decode() for name in raw]

    def enqueue_jobs(self) -> list[str]:
        """Fire every entry whose time has come; one that fails does not stop the others."""
        self.heal()
        self.serve_wishes()
        names = self.get_jobs_to_queue()
        for name in names:
            try:
                self.enqueue_job(name)
            except (WatchError, NoSuchJobError, ValueError, TypeError):
                log.exception("schedule_entry_failed", entry=name)
        return names

    def serve_wishes(self) -> list[str]:
        """Ask again for syncs that somebody wished for when their job was about to end."""
        wished: Any = self.connection.hgetall(wished_key(self._keys))
        records: Any = self.connection.hgetall(self._keys.named("syncs"))
        found = []
        for name, count in wished.items():
            raw = records.get(name)
            record = msgspec.json.decode(raw, type=SyncRecord) if raw else None
            served = record.served if record else 0
            if served < int(count) and not (record and record.state is SyncState.RUNNING):
                asked = enqueue_sync(self.connection, self._keys, name.decode(), "a late wish")
                found += [name.decode()] if asked is Asked.QUEUED else []
        return found

    def enqueue_job(self, name: str) -> bool:
        """Fire one entry; say whether a new job came of it."""
        entry = self._table.get(name)
        if entry is None:
            self._drop(name)
            return False
        for _ in range(_TRIES):
            try:
                return self._fire(name, entry)
            except WatchError:
                continue  # the job began or ended, or another scheduler was here
        return False

    def _fire(self, name: str, entry: Entry) -> bool:
        job_key = Job.key_for(entry.job_id)
        with self.connection.pipeline() as pipe:
            pipe.watch(self.scheduled_jobs_key, job_key)
            score = pipe.zscore(self.scheduled_jobs_key, name)
            if score is None or score > self._now():
                return False
            wanted = self._out_of_the_way(entry)
            pipe.multi()
            if wanted:
                self._put(entry, pipe)
            pipe.zadd(self.scheduled_jobs_key, {name: self._next_time(entry)})
            pipe.execute()
        log.info("schedule_fired", entry=entry.name, new=wanted)
        return wanted

    def _out_of_the_way(self, entry: Entry) -> bool:
        """Say whether the entry's job may be put into its queue; one that ended makes way."""
        try:
            job = Job.fetch(entry.job_id, connection=self.connection)
        except NoSuchJobError:
            return True
        status = job.get_status(refresh=False)
        return status in _ENDED or (
            status is JobStatus.SCHEDULED and not self._repetition_believed(entry)
        )

    def _repetition_believed(self, entry: Entry) -> bool:
        """Return whether the job's next attempt is as near as its entry lets it be."""
        registry = Queue(entry.queue, connection=self.connection).scheduled_job_registry
        at: Any = self.connection.zscore(registry.key, entry.job_id)
        return at is None or believable(at, self._now() + max(entry.attempts, default=0))

    def _put(self, entry: Entry, pipe: Any) -> None:
        queue = Queue(entry.queue, connection=self.connection)
        retry = (
            Retry(max=len(entry.attempts), interval=list(entry.attempts))
            if entry.attempts
            else None
        )
        pipe.delete(Job.key_for(entry.job_id))
        pipe.zrem(queue.failed_job_registry.key, entry.job_id)
        pipe.zrem(queue.scheduled_job_registry.key, entry.job_id)
        job = queue.create_job(
            entry.function,
            args=entry.args,
            job_id=entry.job_id,
            timeout=entry.timeout,
            result_ttl=0,
            failure_ttl=FAILURE_TTL,
            retry=retry,
            description=" ".join([entry.function, *entry.args]),
            meta={"asked_by": "schedule"},
        )
        queue.enqueue_job(job, pipeline=pipe)


def entry_id(entry: Entry) -> str:
    """Return the id of an entry in Redis (never the id of the job that it fires)."""
    return f"schedule-{entry.name}"
