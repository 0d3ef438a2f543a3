"""`t5g scheduler`: fires the entries of the schedule. A second one waits and takes over."""

import asyncio
import contextlib
import os
import select
import signal
import time
from contextlib import closing
from types import FrameType

from redis.exceptions import RedisError

from t5g.connection import open_queue_redis, open_redis
from t5g.keys import Keys
from t5g.lock import new_token
from t5g.logs import logger
from t5g.metrics_port import serve_beside
from t5g.settings import Settings
from t5g.work import enqueue, load_rq

log = logger(__name__)

INTERVAL = 5.0
PAUSES = (0.5, 1.0, 2.0, 5.0)


class Stop:
    """Whether somebody asked the scheduler to stop: looked at between two turns.

    An exception out of the handler of a signal would be lost in whatever catches all of them.
    """

    def __init__(self) -> None:
        self._asked, self._tell = os.pipe()
        os.set_blocking(self._tell, False)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._note)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._tell, b"!")

    def within(self, seconds: float) -> bool:
        """Wait so long, and no longer than until it is asked for; say whether it was."""
        return bool(select.select([self._asked], [], [], seconds)[0])


def run_scheduler(settings: Settings, *, interval: float = INTERVAL) -> None:
    """Fire what is due every `interval` seconds until told to stop, also through Redis restarts."""
    load_rq(settings.redis_prefix)
    utc_process()
    stop = Stop()
    with serve_beside(settings, "scheduler"):
        _insist(settings, interval, stop)


def _insist(settings: Settings, interval: float, stop: Stop) -> None:
    """Run until told to stop, again and again while Redis goes away, as one holder of the lock."""
    failures, token, pause = 0, new_token(), 0.0
    while not stop.within(pause):
        try:
            _run(settings, interval, token, stop)
            break
        except (RedisError, OSError) as error:
            log.warning("scheduler_lost_redis", error=type(error).__name__)
        pause = PAUSES[min(failures, len(PAUSES) - 1)]
        failures += 1


def utc_process() -> None:
    """Let this process live in UTC: rq-scheduler reckons in the process's zone otherwise."""
    os.environ["TZ"] = "UTC"
    time.tzset()


def _run(settings: Settings, interval: float, token: str, stop: Stop) -> None:
    from workers.firing import Firing
    from workers.schedule import schedule

    keys = Keys(settings.redis_prefix)
    with closing(open_queue_redis(settings.redis_url)) as redis:
        firing = Firing(redis, keys, schedule(settings), interval=interval, token=token)
        firing.register_birth()
        try:
            _loop(settings, firing, interval, stop)
        finally:
            firing.remove_lock()
            firing.register_death()


def _loop(settings: Settings, firing: "Firing", interval: float, stop: Stop) -> None:  # type: ignore[name-defined]  # noqa: F821
    registered, pause = False, 0.0
    while not stop.within(pause):
        pause = interval
        firing.heartbeat()
        if firing.acquire_lock():
            if not registered:
                firing.register()
                registered = True
            firing.enqueue_jobs()
            firing.bury_runs()
            if asyncio.run(_watch(settings)):
                _ask_for_deadletters(settings)
        else:
            registered = False  # whoever holds the lock may have another table


async def _watch(settings: Settings) -> bool:
    """Look after the syncs: runs that died, data that grows old unseen, events that no longer come.

    Says whether events that could not be applied wait for their next try.
    """
    from workers.deadletters import are_due
    from workers.watching import mark_dead, tell_silence, tell_stale

    redis, keys = open_redis(settings.redis_url), Keys(settings.redis_prefix)
    try:
        for name in await mark_dead(redis, keys):
            log.warning("sync_died", sync=name.value)
        for name in await tell_stale(redis, keys, time.time()):
            log.warning("sync_stale", sync=name.value)
        if await tell_silence(redis, keys, time.time()):
            log.warning("events_stopped")
        return await are_due(settings, redis)
    finally:
        await redis.aclose()


def _ask_for_deadletters(settings: Settings) -> None:
    """Ask for the job that tries them; while it waits or runs, this asks for nothing."""
    from workers.deadletters import JOB, JOB_ID, TIMEOUT

    enqueue(
        settings, JOB, job_id=JOB_ID, timeout=TIMEOUT, description="try dead letters again",
        meta={"asked_by": "the scheduler"},
    )  # fmt: skip
