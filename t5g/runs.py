"""What became of each attempt of a job: begun, ended, how, how long, with which error.

The worker opens a run before it forks and closes it when the fork has ended, however it ended; the
run of a worker that died is closed by whoever finds it. Closing, counting and forgetting are one
step, so that every run that began ends exactly once. Nothing here knows RQ.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.metrics import LONG
from t5g.sums import Deltas, field, flat, observed, sums_key
from t5g.syncs import Sync

DAY = 24 * 3600.0
#: Runs kept, and characters of a traceback kept (its end says what happened).
KEPT = 20_000
LONGEST_TRACE = 6_000
LONGEST_RESULT = 300
_SAID_LASTS = 24 * 3600
DIED = "its process was killed or ended in the middle"
SYNC_FUNCTION = "workers.jobs.sync"


class Outcome(StrEnum):
    """How an attempt ended. `repeated`: it failed and is made again later."""

    DONE = "done"
    REPEATED = "repeated"
    FAILED = "failed"
    STOPPED = "stopped"
    DIED = "died"


class Run(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt. Times in seconds since the epoch; `job` is a word of a short list."""

    id: str
    job_id: str
    job: str
    queue: str
    worker: str = ""
    asked_by: str = ""
    request: str = ""
    queued: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    outcome: Outcome | None = None
    result: str = ""
    error: str = ""
    trace: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.started)


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the forked process told before it ended."""

    outcome: Outcome
    result: str = ""
    error: str = ""
    trace: str = ""


class Summary(Struct, frozen=True, kw_only=True):
    """One job over a time: its runs, the share that was done (0…1), and how long they took."""

    job: str
    runs: int
    success: float
    p50: float
    p95: float
    last: Run


# KEYS: open runs, sums. ARGV: id, run, then field and value.
_BEGIN = """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
for i = 3, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
"""
# KEYS: open runs, sums, ended runs, what was said. ARGV: id, run, number kept, field and value.
_END = """
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'run', ARGV[2])
redis.call('DEL', KEYS[4])
for i = 4, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
"""
_ENCODER = msgspec.json.Encoder()
_RUN = msgspec.json.Decoder(Run)
_SAID = msgspec.json.Decoder(Said)


def label_of(function: str | None, args: Sequence[Any] = ()) -> str:
    """Return the bounded word for a job: `sync cases`, `digest_tick`."""
    name = (function or "unreadable").rpartition(".")[2]
    if function == SYNC_FUNCTION and args:
        which = str(args[0])
        return f"{name} {which}" if which in {*Sync, "all"} else name
    return name


class RunBook:
    """Where workers write their runs."""

    def __init__(self, redis: SyncRedis, keys: Keys) -> None:
        self._redis = redis
        self._names = _Names(keys)

    def begin(self, run: Run) -> None:
        """Open a run."""
        # Every outcome begins at 0, so that the first of its kind is seen as an increase.
        ends = {field("t5g_jobs_total", {"job": run.job, "outcome": o.value}): 0.0 for o in Outcome}
        deltas: Deltas = {field("t5g_jobs_started_total", {"job": run.job}): 1.0, **ends}
        if run.queued:
            waited = max(0.0, run.started - run.queued)
            deltas |= observed("t5g_job_wait_seconds", LONG, waited, queue=run.queue)
        names = self._names
        raw = _ENCODER.encode(run)
        self._redis.eval(_BEGIN, 2, names.open, names.sums, run.id, raw, *flat(deltas))

    def say(self, run_id: str, said: Said) -> None:
        """Tell, from the forked process, how the run ended."""
        self._redis.set(self._names.said(run_id), _ENCODER.encode(said), ex=_SAID_LASTS)

    def end(self, run_id: str, now: float) -> Run | None:
        """Close a run as its process told, or as died; None if it was closed before."""
        names = self._names
        raw: Any = self._redis.hget(names.open, run_id)
        if raw is None:
            return None
        told: Any = self._redis.get(names.said(run_id))
        said = _SAID.decode(told) if told else Said(outcome=Outcome.DIED, error=DIED)
        run = msgspec.structs.replace(_RUN.decode(raw), ended=now, **msgspec.structs.asdict(said))
        where = (names.open, names.sums, names.ended, names.said(run_id))
        raw, counted = _ENCODER.encode(run), flat(_counted(run))
        first = self._redis.eval(_END, 4, *where, run_id, raw, str(KEPT), *counted)
        return run if first else None

    def bury(self, dead: Callable[[str], bool], now: float) -> list[Run]:
        """Close the runs of workers that are dead; `dead` is asked by the worker's name."""
        rows: Mapping[bytes, bytes] = self._redis.hgetall(self._names.open)  # type: ignore[assignment]
        found = [_RUN.decode(raw) for raw in rows.values()]
        ended = [self.end(run.id, now) for run in found if dead(run.worker)]
        return [run for run in ended if run is not None]


def _counted(run: Run) -> Deltas:
    outcome = run.outcome.value if run.outcome else ""
    return {
        field("t5g_jobs_total", {"job": run.job, "outcome": outcome}): 1.0,
        **observed("t5g_job_seconds", LONG, run.seconds, job=run.job),
    }


class Runs:
    """Reads the runs of one installation."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._names = _Names(keys)

    async def open(self) -> list[Run]:
        """Return what runs now, the oldest first."""
        rows: Mapping[Any, Any] = await self._redis.hgetall(self._names.open)
        return sorted((_RUN.decode(raw) for raw in rows.values()), key=lambda run: run.started)

    async def ended(self, since: float, most: int = KEPT) -> list[Run]:
        """Return the runs that ended since then, the newest first.

        Redis names none earlier than the one before, also when its clock was set back: so the
        times are those of the runs.
        """
        least = max(0, int(since * 1000))
        rows: Any = await self._redis.xrevrange(self._names.ended, "+", str(least), count=most)
        runs = (_RUN.decode(fields[b"run"]) for _, fields in rows)
        return [run for run in runs if run.ended >= since]


def summaries(runs: Iterable[Run]) -> list[Summary]:
    """Sum up runs (the newest first) by job."""
    by_job: dict[str, list[Run]] = {}
    for run in runs:
        by_job.setdefault(run.job, []).append(run)
    return [_summary(job, found) for job, found in sorted(by_job.items())]


def _summary(job: str, runs: Sequence[Run]) -> Summary:
    seconds = sorted(run.seconds for run in runs)
    done = sum(run.outcome is Outcome.DONE for run in runs)
    return Summary(
        job=job,
        runs=len(runs),
        success=done / len(runs),
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        last=runs[0],
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least that share of the values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


class _Names:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.open = keys.named("runs", "open")
        self.ended = keys.named("runs", "ended")
        self.sums = sums_key(keys)

    def said(self, run_id: str) -> str:
        return self._keys.named("runs", "said", run_id)
