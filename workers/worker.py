"""`t5g worker`: one or several processes that do the jobs of this installation."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.process import BaseProcess
from threading import Event
from types import FrameType

from redis.exceptions import RedisError

from t5g.connection import open_queue_redis
from t5g.heartbeat import process_name
from t5g.keys import Keys
from t5g.lifeline import die_with_parent
from t5g.logs import logger
from t5g.metrics_port import serve_beside
from t5g.runs import RunBook
from t5g.settings import Settings
from t5g.work import load_rq

log = logger(__name__)

#: Seconds before a worker that Redis threw out tries again.
PAUSES = (0.5, 1.0, 2.0, 5.0)
POLL = 0.2
#: On a machine that they share, answers to people come before jobs.
POLITENESS = 10


Reload = Callable[[], Settings]
"""Reads the settings again, for secrets that were rotated since the worker began."""


def run_worker(
    settings: Settings, count: int = 1, *, burst: bool = False, reload: Reload | None = None
) -> None:
    """Work until told to stop (SIGTERM, SIGINT: after the job at hand; twice: at once).

    `count` processes; one that dies is started again. `burst`: stop when the queues are empty.
    With `reload` each job has the secrets as they are when it begins.
    """
    load_rq(settings.redis_prefix)
    import workers.jobs  # noqa: F401  (loaded once here instead of in each work-horse)
    from workers.web import trusted

    trusted()  # so are the certificates

    with serve_beside(settings, "worker"):
        if count == 1:
            work(settings, burst=burst, reload=reload)
        else:
            Crew(settings, count, burst=burst, reload=reload).run()


def work(settings: Settings, *, burst: bool = False, reload: Reload | None = None) -> None:
    """Work in this process, also through restarts of Redis."""
    from rq.exceptions import StopRequested

    from workers.queue_worker import QueueWorker

    stop = Event()
    failures = 0
    while not stop.is_set():
        try:
            with closing(open_queue_redis(settings.redis_url)) as redis:
                worker = QueueWorker(settings, redis, stop, reload)
                if stop.is_set():
                    return  # the signal came to the worker before, and Redis' client swallowed it
                worker.work(burst=burst, with_scheduler=True, logging_level=None)
                if burst:
                    return
                failures = 0
        except StopRequested:
            return  # the signal came between two loops
        except (RedisError, OSError) as error:
            log.warning("worker_lost_redis", error=type(error).__name__)
            if burst:
                raise
        if stop.is_set() or not _rested(PAUSES[min(failures, len(PAUSES) - 1)]):
            return
        failures += 1


def _rested(seconds: float) -> bool:
    """Wait; say False if a signal asked to stop meanwhile."""
    from rq.exceptions import StopRequested

    try:
        time.sleep(seconds)
    except StopRequested:
        return False
    return True


class Crew:
    """Several workers, each a forked process; one that dies is replaced."""

    def __init__(
        self, settings: Settings, count: int, *, burst: bool, reload: Reload | None
    ) -> None:
        self._settings = settings
        self._reload = reload
        self._burst = burst
        self._fork = multiprocessing.get_context("fork")
        self._workers: list[BaseProcess] = [self._start() for _ in range(count)]
        self._stopping = False

    def run(self) -> None:
        """Watch over the workers until all have ended."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        while self._workers:
            time.sleep(POLL)
            for worker in [w for w in self._workers if not w.is_alive()]:
                worker.join()
                self._workers.remove(worker)
                if not self._stopping and not self._burst:
                    log.warning("worker_replaced", pid=worker.pid, exit_code=worker.exitcode)
                    self._bury(worker.pid or 0)
                    self._workers.append(self._start())

    def _bury(self, pid: int) -> None:
        """End the run that a dead worker has left open; if that fails, the scheduler does it."""
        try:
            with closing(open_queue_redis(self._settings.redis_url)) as redis:
                book = RunBook(redis, Keys(self._settings.redis_prefix))
                book.bury(lambda name: name.startswith(process_name(pid) + "."), time.time())
        except (RedisError, OSError) as error:
            log.warning("run_not_ended", error=type(error).__name__)

    def _start(self) -> BaseProcess:
        worker = self._fork.Process(
            target=_work_as_child, args=(os.getpid(), self._settings, self._burst, self._reload)
        )
        worker.start()
        return worker

    def _stop(self, signum: int, _: FrameType | None) -> None:
        self._stopping = True
        for worker in self._workers:
            if worker.pid is not None and worker.is_alive():
                os.kill(worker.pid, signum)


def _work_as_child(parent: int, settings: Settings, burst: bool, reload: Reload | None) -> None:
    die_with_parent(parent, signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    work(settings, burst=burst, reload=reload)
