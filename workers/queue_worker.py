"""RQ's worker, tamed. Import only after `t5g.work.load_rq`.

What differs from the package: a worker gives signs of life in the installation's own way, finds
abandoned jobs soon, and its work-horse dies with it instead of working on unseen. Each
attempt is a run that is kept (`t5g.runs`), and log lines name the job and the request it is for.
"""

import gc
import logging
import os
import sys
import time
from contextlib import suppress
from importlib import import_module
from threading import Event
from typing import Any

from redis import Redis as SyncRedis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DeserializationError, InvalidJobOperation
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.scheduler import RQScheduler

from t5g.current import SETTINGS
from t5g.errors import SettingsError
from t5g.heartbeat import BEAT_EVERY, beat, leave, process_name
from t5g.keys import Keys
from t5g.lifeline import die_with_parent, since_boot_ns
from t5g.lock import BlockingLock
from t5g.logs import Scrubber, bind, logger, secrets_of, setup_logging
from t5g.metrics import COUNTED
from t5g.runs import LONGEST_RESULT, LONGEST_TRACE, Outcome, Run, RunBook, Said, label_of
from t5g.sentry import flush_sentry
from t5g.settings import Settings, with_secrets_of
from t5g.work import QUEUES, forget_remnant
from workers.abandoned import believe, take_up
from workers.strays import Strays
from workers.worker import POLITENESS, Reload

log = logger(__name__)

#: Seconds: how long RQ believes in a silent worker, how often jobs are looked at, how often lost
#: jobs are looked for, and how often RQ looks through its registries.
WORKER_TTL = 60
MONITORING = 15
MAINTENANCE = 5
SWEEP = 45.0
LISTEN_AGAIN = 2.0
#: Seconds after which somebody else may take up what a worker left that died while taking up.
TAKING_UP = 30.0
#: The packages that have jobs.
OURS = ("bot.", "workers.")


class RetryClock(RQScheduler):
    """RQ's own scheduler: a process beside a worker, for jobs that wait for their next attempt."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parent = os.getpid()

    def work(self) -> None:
        """Queue what is due until the worker stops, or dies in whatever way."""
        die_with_parent(self._parent)
        super().work()  # type: ignore[no-untyped-call]


class QueueWorker(Worker):
    """Works on all queues of one installation, the urgent one first."""

    def __init__(
        self, settings: Settings, redis: SyncRedis, stop: Event, reload: Reload | None = None
    ) -> None:
        self._keys = Keys(settings.redis_prefix)
        self._sign = process_name()
        self._signed = 0.0
        self._settings = settings
        self._reload = reload
        self._book = RunBook(redis, self._keys)
        self._scrub = Scrubber(secrets_of(settings))
        #: Set when somebody asks to stop: RQ forgets it with the worker that was asked.
        self._stop = stop
        self._strays = Strays()
        self._sweep_at = 0.0
        self._look_at = 0.0
        self._taking_up = BlockingLock(redis, self._keys.lock("take-up"), time_to_live=TAKING_UP)
        super().__init__(
            [Queue(name, connection=redis) for name in QUEUES],
            connection=redis,
            name=f"{process_name()}.{since_boot_ns()}",
            worker_ttl=WORKER_TTL,
            job_monitoring_interval=MONITORING,
            maintenance_interval=MAINTENANCE,
        )

    def request_stop(self, signum: Any, frame: Any) -> None:
        """Stop after the job at hand; an idle worker stops at once."""
        self._stop.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def _start_scheduler(
        self,
        burst: bool = False,
        logging_level: str | None = None,
        date_format: str = "",
        log_format: str = "",
    ) -> None:
        """Start what queues repeated jobs when their time has come; tied to this process.

        Only the formats of log lines are left out of the package's own method.
        """
        self.scheduler = RetryClock(
            self.queues, connection=self.connection, logging_level=logging.WARNING
        )
        self.scheduler.acquire_locks()  # type: ignore[no-untyped-call]
        if not self.scheduler.acquired_locks:
            return
        if not burst:
            self.scheduler.start()  # type: ignore[no-untyped-call]
            return
        try:
            self.scheduler.register_birth()
            self.scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
        finally:
            self.scheduler.release_locks()  # type: ignore[no-untyped-call]
            self.scheduler.register_death()

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """Tell RQ, and whoever looks at the installation, that this worker lives."""
        super().heartbeat(*args, **kwargs)
        if time.monotonic() - self._signed >= BEAT_EVERY / 2:
            self._signed = time.monotonic()
            beat(self.connection, self._keys, "worker", self._sign)

    @property
    def dequeue_timeout(self) -> int:
        """How long to wait for a job before looking around: RQ looks only between two waits."""
        return MAINTENANCE

    def should_run_maintenance_tasks(self) -> bool:
        """Say whether to look around again; RQ asks a clock that may be set back meanwhile."""
        return time.monotonic() >= self._look_at

    def run_maintenance_tasks(self) -> None:
        """Put back what was lost; now and then let RQ sweep, which it tells in many lines."""
        if self._taking_up.acquire():  # two at once would queue a job twice
            try:
                for job_id in believe(self.connection, self.queues, time.time()):
                    log.warning("job_time_not_believed", job=job_id)
                for job_id in take_up(self.connection, self.queues, self.name):
                    log.warning("job_taken_up", job=job_id)
            finally:
                self._taking_up.release()
        for job_id in self._strays.put_back(self.connection, self.queues):
            log.warning("job_put_back", job=job_id)
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        self._look_at = time.monotonic() + MAINTENANCE

    def register_death(self) -> None:
        """Take back the sign of life."""
        super().register_death()  # type: ignore[no-untyped-call]
        leave(self.connection, self._keys, "worker", self._sign)

    def _pubsub_exception_handler(self, exc: Exception, pubsub: Any, pubsub_thread: Any) -> None:
        """Listen again after any error; RQ lets go of orders for good after most.

        A connection that broke in the middle of an answer raises no ConnectionError in the client.
        """
        log.warning("orders_not_heard", error=type(exc).__name__)
        time.sleep(LISTEN_AGAIN)
        connection = pubsub.connection
        if connection is None:
            return  # a worker that ends does not wait for this
        with suppress(RedisError, OSError):
            connection.disconnect()
            connection.connect()  # subscribes again

    # What is kept of each attempt.

    def prepare_execution(self, job: Job) -> Execution:
        """Open the run, before the fork."""
        execution = super().prepare_execution(job)
        self._book.begin(_run_of(job, execution, self.name))
        return execution

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Close the run when the fork has ended, however it ended."""
        super().monitor_work_horse(job, queue, execution)
        run = self._book.end(execution.id, time.time())
        if run is not None:
            with bind(job=run.job_id, request=run.request):
                seconds = round(run.seconds, 2)
                log.info("job_ended", what=run.job, outcome=run.outcome, seconds=seconds)

    def handle_job_success(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry,
        execution: Execution,
    ) -> None:
        """Note the result, then let RQ do its part.

        When the answer to the transaction that removes the job is lost, the client calls that a
        conflict and RQ does it all again, with a job that is gone: it is done, not failed.
        """
        result = self._scrub(told(job._result))[:LONGEST_RESULT]
        self._say(Said(outcome=Outcome.DONE, result=result))
        try:
            super().handle_job_success(job, queue, started_job_registry, execution)
        except InvalidJobOperation:
            log.info("job_was_removed", job=job.id)
            with self.connection.pipeline() as pipe:
                self.cleanup_execution(job, pipe, execution)
                pipe.execute()
            forget_remnant(self.connection, job.id)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Note the error, and let RQ keep no secret that stands in it."""
        text = self._scrub(exc_string)
        if self._stopped_job_id == job.id and execution is not None:
            said = Said(outcome=Outcome.STOPPED, error="somebody stopped it")
            self._book.say(execution.id, said)
        repeated = job.should_retry
        lines = text.strip().splitlines()
        self._say(
            Said(
                outcome=Outcome.REPEATED if repeated else Outcome.FAILED,
                error=lines[-1][:LONGEST_RESULT] if lines else "",
                trace=text[-LONGEST_TRACE:],
            )
        )
        super().handle_job_failure(job, queue, started_job_registry, text, execution)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Write the error to the log. RQ's own line would show arguments: what people wrote."""
        log.error("job_failed", what=_label(job), exc_info=exc_info)

    def _say(self, said: Said) -> None:
        """Only the fork knows; of one that was killed nothing is known."""
        if self._is_horse and self.execution is not None:
            self._book.say(self.execution.id, said)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork, with what the job needs loaded before: once here instead of in each fork."""
        load_module_of(job)
        super().fork_work_horse(job, queue)

    # In the forked process.

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Do one job in the forked process."""
        die_with_parent(self.pid or os.getppid())
        os.nice(POLITENESS)
        SETTINGS.set(self._fresh())
        super().main_work_horse(job, queue)

    def _fresh(self) -> Settings:
        """Return the settings with the secrets of now, or of the start if there are none."""
        if self._reload is None:
            return self._settings
        try:
            found = with_secrets_of(self._settings, self._reload())
        except SettingsError as error:
            log.warning("secrets_not_read", error=str(error))
            return self._settings
        if found is not self._settings:
            setup_logging(found)  # the new secrets are struck out of every line, too
            self._scrub = Scrubber([*secrets_of(self._settings), *secrets_of(found)])
        return found

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Do the job with its ids on every line, and hand over what was counted."""
        with bind(job=job.id, request=_text(job, "request")):
            try:
                return super().perform_job(job, queue, execution)
            finally:
                try:
                    COUNTED.flush_now(self.connection, self._keys)
                except RedisError as error:
                    log.warning("counts_lost", error=type(error).__name__)
                flush_sentry()


def _run_of(job: Job, execution: Execution, worker: str) -> Run:
    return Run(
        id=execution.id,
        job_id=job.id,
        job=_label(job),
        queue=job.origin,
        worker=worker,
        asked_by=_text(job, "asked_by"),
        request=_text(job, "request"),
        queued=job.enqueued_at.timestamp() if job.enqueued_at else 0.0,
        started=time.time(),
    )


def _label(job: Job) -> str:
    try:
        return label_of(job.func_name, job.args)
    except DeserializationError:
        return "unreadable"


def load_module_of(job: Job) -> None:
    """Import the module of one of our jobs; what can not be imported is the job's own failure.

    What is there by then stays: the collector looks at it no more, here and in every fork.
    """
    try:
        module = (job.func_name or "").rpartition(".")[0]
    except DeserializationError:
        return
    if module in sys.modules or not module.startswith(OURS):
        return
    with suppress(ImportError):
        import_module(module)
        gc.collect()
        gc.freeze()


def told(result: Any) -> str:
    """Say in words what a job returned: the summaries of syncs are what people look for."""
    if isinstance(result, list):
        return "; ".join(told(part) for part in result)
    if isinstance(result, dict):
        return ", ".join(f"{name} {value}" for name, value in result.items())
    return "" if result is None or result == "" else str(result)


def _text(job: Job, name: str) -> str:
    return str(job.meta.get(name) or "")
