"""One look at all work: queues, workers, what runs, what comes next, what ended and how.

The same for the page `/jobs` and for `t5g jobs`. Times are seconds since the epoch.
"""

from collections.abc import Mapping

from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import believable
from t5g.connection import open_syncs
from t5g.errors import NotFoundError
from t5g.heartbeat import KINDS, alive
from t5g.inbox import Inbox
from t5g.keys import Keys
from t5g.operations import FailedJob, Operations, Planned, Queue, Worker
from t5g.runs import DAY, KEPT, Outcome, Run, Runs, Summary, summaries
from t5g.settings import Settings
from t5g.syncs import Sync, SyncRecord, SyncState

#: Runs that are shown one by one.
LATEST = 40
FAILED = (Outcome.FAILED, Outcome.DIED, Outcome.REPEATED)


class JobReport(Struct, frozen=True, kw_only=True):
    """How all work stands. `latest` and `troubles`: the newest first; `summaries`: of a day."""

    now: float
    queues: tuple[Queue, ...]
    workers: tuple[Worker, ...]
    alive: Mapping[str, int]
    running: tuple[Run, ...]
    progress: Mapping[str, str]
    planned: tuple[Planned, ...]
    summaries: tuple[Summary, ...]
    latest: tuple[Run, ...]
    troubles: tuple[Run, ...]
    failed: tuple[FailedJob, ...]
    deadletters: int

    def progress_of(self, run: Run) -> str:
        """Say how far a run is, or ""."""
        return self.progress.get(run.job, "")


async def read_report(settings: Settings, redis: Redis, now: float) -> JobReport:
    """Read how all work stands."""
    keys = Keys(settings.redis_prefix)
    operations, runs = Operations(redis, keys), Runs(redis, keys)
    ended = [run for run in await runs.ended(now - DAY) if believable(run.ended, now)]
    return JobReport(
        now=now,
        queues=tuple(await operations.queues()),
        workers=tuple(await operations.workers()),
        alive={kind: len(await alive(redis, keys, kind, now)) for kind in KINDS},
        running=tuple(await runs.open()),
        progress=_progress(await open_syncs(settings, redis).read_all()),
        planned=tuple(await operations.planned()),
        summaries=tuple(summaries(ended)),
        latest=tuple(ended[:LATEST]),
        troubles=tuple([run for run in ended if run.outcome in FAILED][:LATEST]),
        failed=tuple(await operations.failed()),
        deadletters=await Inbox(redis, keys).count(),
    )


def _progress(records: Mapping[Sync, SyncRecord]) -> dict[str, str]:
    """Say how far the running syncs are, by the word of their jobs."""
    return {
        f"sync {name}": f"{record.current} of {record.total} {record.what}".strip()
        if record.total
        else record.what
        for name, record in records.items()
        if record.state is SyncState.RUNNING
    }


async def runs_of(settings: Settings, redis: Redis, job_id: str) -> list[Run]:
    """Return all kept runs of a job, the newest first. Raises NotFoundError if there are none."""
    runs = Runs(redis, Keys(settings.redis_prefix))
    found = [run for run in await runs.open() if run.job_id == job_id]
    found += [run for run in await runs.ended(0.0, KEPT) if run.job_id == job_id]
    if not found:
        raise NotFoundError(f"No run of a job {job_id!r} is kept; `t5g jobs` lists the last ones.")
    return found
