"""RQ's worker, tamed. Import only after `t5g.work.load_rq`.

What differs from the package: a worker gives signs of life in the installation's own way, finds
abandoned jobs within minutes, and its work-horse dies with it instead of working on unseen.
"""

import logging
import os
import time
from typing import Any

from redis import Redis as SyncRedis
from rq import Queue, Worker
from rq.job import Job
from rq.scheduler import RQScheduler

from t5g.current import SETTINGS
from t5g.heartbeat import BEAT_EVERY, beat, leave, process_name
from t5g.keys import Keys
from t5g.lifeline import die_with_parent
from t5g.settings import Settings
from t5g.work import QUEUES

#: Seconds: how long RQ believes in a silent worker, and how often abandoned jobs are looked for.
WORKER_TTL = 60
MONITORING = 15
MAINTENANCE = 60


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

    def __init__(self, settings: Settings, redis: SyncRedis) -> None:
        self._keys = Keys(settings.redis_prefix)
        self._sign = process_name()
        self._signed = 0.0
        self._settings = settings
        #: Somebody asked this worker to stop.
        self.stopping = False
        super().__init__(
            [Queue(name, connection=redis) for name in QUEUES],
            connection=redis,
            name=f"{process_name()}.{time.monotonic_ns()}",
            worker_ttl=WORKER_TTL,
            job_monitoring_interval=MONITORING,
            maintenance_interval=MAINTENANCE,
        )

    def request_stop(self, signum: Any, frame: Any) -> None:
        """Stop after the job at hand; an idle worker stops at once."""
        self.stopping = True
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

    def register_death(self) -> None:
        """Take back the sign of life."""
        super().register_death()  # type: ignore[no-untyped-call]
        leave(self.connection, self._keys, "worker", self._sign)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Do one job in the forked process."""
        die_with_parent(self.pid or os.getppid())
        SETTINGS.set(self._settings)
        super().main_work_horse(job, queue)
