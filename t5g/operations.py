"""What the installation does at this moment: queues, workers, the schedule, failed jobs.

Only read, from the keys that RQ and rq-scheduler keep in Redis, without their packages: so any
process may look, without blocking. Times are seconds since the epoch.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.work import QUEUES, rq_prefix

MOST_FAILED = 200


class Queue(Struct, frozen=True, kw_only=True):
    """One queue. `oldest`: when the job at its front was put in; `later`: wait for repetition."""

    name: str
    waiting: int = 0
    oldest: float | None = None
    failed: int = 0
    later: int = 0

    def oldest_age(self, now: float) -> float:
        """How long the job at the front has waited."""
        return max(0.0, now - self.oldest) if self.oldest is not None else 0.0


class Worker(Struct, frozen=True, kw_only=True):
    """One worker. `job`: the id of what it does now, or ""."""

    name: str
    state: str
    job: str = ""
    born: float | None = None
    seen: float | None = None
    done: int = 0
    failed: int = 0


class Planned(Struct, frozen=True, kw_only=True):
    """One entry of the schedule, how often it fires (`daily 04:40 UTC`), and when it does next."""

    name: str
    description: str
    at: float


class FailedJob(Struct, frozen=True, kw_only=True):
    """A job that failed for good and is kept for somebody to look at."""

    id: str
    queue: str
    description: str
    ended: float | None = None


class Operations:
    """Reads what one installation does."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._rq = rq_prefix(keys.prefix)

    async def queues(self) -> list[Queue]:
        """Return all queues, the urgent one first."""
        return [await self._queue(name) for name in QUEUES]

    async def _queue(self, name: str) -> Queue:
        pipe = self._redis.pipeline(transaction=False)
        pipe.llen(f"{self._rq}:queue:{name}")
        pipe.lindex(f"{self._rq}:queue:{name}", 0)
        pipe.zcard(f"{self._rq}:failed:{name}")
        pipe.zcard(f"{self._rq}:scheduled:{name}")
        waiting, front, failed, later = await pipe.execute()
        oldest = await self._enqueued(front.decode()) if front else None
        return Queue(
            name=name, waiting=int(waiting), oldest=oldest, failed=int(failed), later=int(later)
        )

    async def _enqueued(self, job_id: str) -> float | None:
        return _moment(await self._redis.hget(f"{self._rq}:job:{job_id}", "enqueued_at"))

    async def workers(self) -> list[Worker]:
        """Return the workers that RQ believes to live, by name."""
        keys: Any = await self._redis.smembers(f"{self._rq}:workers")
        names = sorted(key.decode().removeprefix(f"{self._rq}:worker:") for key in keys)
        rows = await self._hashes(f"{self._rq}:worker:{name}" for name in names)
        return [_worker(name, row) for name, row in zip(names, rows, strict=True) if row]

    async def planned(self) -> list[Planned]:
        """Return the schedule, what comes first first."""
        times: Any = await self._redis.zrange(
            self._keys.named("schedule", "times"), 0, -1, withscores=True
        )
        names = [raw.decode() for raw, _ in times]
        rows = await self._hashes(f"{self._rq}:job:{name}" for name in names)
        return [
            Planned(
                name=name.removeprefix("schedule-"),
                description=row.get("description", "").partition(", ")[2],
                at=float(at),
            )
            for name, row, (_, at) in zip(names, rows, times, strict=True)
        ]

    async def failed(self, most: int = MOST_FAILED) -> list[FailedJob]:
        """Return the jobs that failed for good, the newest first."""
        found: list[FailedJob] = []
        for queue in QUEUES:
            raw: Any = await self._redis.zrange(f"{self._rq}:failed:{queue}", 0, most - 1)
            ids = [one.decode() for one in raw]
            rows = await self._hashes(f"{self._rq}:job:{one}" for one in ids)
            for job_id, row in zip(ids, rows, strict=True):
                if row:
                    ended = _moment(row.get("ended_at"))
                    text = row.get("description", "")
                    found.append(FailedJob(id=job_id, queue=queue, description=text, ended=ended))
        return sorted(found, key=lambda job: -(job.ended or 0.0))[:most]

    async def _hashes(self, names: Iterable[str]) -> list[dict[str, str]]:
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hgetall(name)
        return [_texts(row) for row in await pipe.execute()]


def _texts(row: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return what is text in a hash (RQ keeps arguments as packed bytes)."""
    return {name.decode(): raw.decode("utf-8", "replace") for name, raw in row.items()}


def _worker(name: str, row: Mapping[str, str]) -> Worker:
    return Worker(
        name=name,
        state=row.get("state", "?"),
        job=row.get("current_job", ""),
        born=_moment(row.get("birth")),
        seen=_moment(row.get("last_heartbeat")),
        done=int(row.get("successful_job_count") or 0),
        failed=int(row.get("failed_job_count") or 0),
    )


def _moment(raw: bytes | str | None) -> float | None:
    text = raw.decode() if isinstance(raw, bytes) else raw
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
