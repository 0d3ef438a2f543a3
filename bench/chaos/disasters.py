"""Strikes: does what a plan says to the processes, to Redis and to the upstreams, and ends it.

A disaster that can not happen now (the process is dead already) counts as not done.
"""

import asyncio
import contextlib
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bench.chaos.plan import Disaster, What
from bench.chaos.stage import Stage
from sandbox.jira.webhooks import Misdelivery
from t5g.lifeline import session_members

TINY = 1  # byte: Redis refuses every write that needs memory
HORSE_TRIES, HORSE_PAUSE = 100, 0.02


@dataclass(slots=True)
class Toll:
    """What was done, by kind, and what could not be."""

    done: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of disasters that happened."""
        return self.done.total()


async def strike(
    stage: Stage, disasters: tuple[Disaster, ...], toll: Toll, tell: Callable[[str], None]
) -> None:
    """Let all of them happen at their times; returns when the last one is over."""
    begun = time.monotonic()

    async def one(disaster: Disaster) -> None:
        await asyncio.sleep(max(0.0, begun + disaster.at - time.monotonic()))
        tell(str(disaster))
        if await _happens(stage, disaster):
            toll.done[disaster.kind] += 1
        else:
            toll.missed.append(str(disaster))

    async with asyncio.TaskGroup() as group:
        for disaster in disasters:
            group.create_task(one(disaster))


async def calm(stage: Stage) -> None:
    """End whatever still goes wrong."""
    for faults in stage.sandbox.faults.values():
        faults.clear()
    stage.sandbox.webhooks.misdelivery = Misdelivery()
    for pid in [*stage.supervisor.pids().values(), stage.redis.pid]:
        if pid is not None:
            for member in session_members(pid):
                _signal(member, signal.SIGCONT)
    pid = stage.redis.pid
    if pid is not None:
        with contextlib.suppress(OSError):
            _allow_disk(pid)
    async with _raw(stage) as redis:
        with contextlib.suppress(RedisError, OSError):
            await redis.config_set("maxmemory", 0)


async def _happens(stage: Stage, disaster: Disaster) -> bool:
    match disaster.what:
        case What.KILL:
            return _signal(_leader(stage, disaster.target), signal.SIGKILL)
        case What.RESTART:
            return _signal(_leader(stage, disaster.target), signal.SIGTERM)
        case What.FREEZE:
            return await _frozen(lambda: _session(stage, disaster.target), disaster.seconds)
        case What.KILL_HORSE:
            return await _kill_horse(stage)
        case What.REDIS_KILL:
            return _signal(stage.redis.pid, signal.SIGKILL)
        case What.REDIS_RESTART:
            return _signal(stage.redis.pid, signal.SIGTERM)
        case What.REDIS_FREEZE:
            return await _frozen(lambda: [stage.redis.pid], disaster.seconds)
        case What.REDIS_NO_MEMORY:
            return await _no_memory(stage, disaster.seconds)
        case What.REDIS_NO_DISK:
            return await _no_disk(stage, disaster.seconds)
        case What.UPSTREAM:
            return await _upstream(stage, disaster)
        case What.REVOKE:
            stage.sandbox.sso.revoke_all()
            return True
        case What.LOSE_EVENTS:
            stage.sandbox.webhooks.misdelivery = Misdelivery(drop_every=2, delay=0.5)
            await asyncio.sleep(disaster.seconds)
            stage.sandbox.webhooks.misdelivery = Misdelivery(duplicate_every=5, delay=0.3)
            return True


async def _upstream(stage: Stage, disaster: Disaster) -> bool:
    faults = stage.sandbox.faults[disaster.target]
    how = {name: value for name, value in disaster.how.items() if name != "name"}
    fault = faults.add(**how)
    await asyncio.sleep(disaster.seconds)
    faults.remove(fault)
    return True


async def _frozen(pids: Callable[[], list[int | None]], seconds: float) -> bool:
    stopped = [pid for pid in pids() if _signal(pid, signal.SIGSTOP)]
    try:
        await asyncio.sleep(seconds)
    finally:
        for pid in stopped:
            _signal(pid, signal.SIGCONT)
    return bool(stopped)


async def _kill_horse(stage: Stage) -> bool:
    """Kill a process that does a job right now."""
    for _ in range(HORSE_TRIES):
        leader = _leader(stage, "worker")
        members = session_members(leader) if leader else []
        horses = [pid for pid in members if _depth(pid, leader or 0) > 1]
        if horses:
            return _signal(horses[-1], signal.SIGKILL)
        await asyncio.sleep(HORSE_PAUSE)
    return False


async def _no_memory(stage: Stage, seconds: float) -> bool:
    async with _raw(stage) as redis:
        try:
            await redis.config_set("maxmemory", TINY)
        except (RedisError, OSError):
            return False
        await asyncio.sleep(seconds)
        with contextlib.suppress(RedisError, OSError):  # one that was started anew has no limit
            await redis.config_set("maxmemory", 0)
    return True


async def _no_disk(stage: Stage, seconds: float) -> bool:
    """Let every write to a file fail: the kernel answers EFBIG, as a full disk does ENOSPC."""
    pid = stage.redis.pid
    if pid is None:
        return False
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    except OSError:
        return False
    await asyncio.sleep(seconds)
    with contextlib.suppress(OSError):
        _allow_disk(pid)
    return True


def _allow_disk(pid: int) -> None:
    everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, everything)


@contextlib.asynccontextmanager
async def _raw(stage: Stage) -> AsyncIterator[Redis]:
    options = {"socket_timeout": 2, "retry": Retry(NoBackoff(), 0)}
    async with Redis.from_url(stage.redis.url, **options) as redis:
        yield redis


def _leader(stage: Stage, name: str) -> int | None:
    return stage.supervisor.pids().get(name)


def _session(stage: Stage, name: str) -> list[int | None]:
    leader = _leader(stage, name)
    return list[int | None](session_members(leader)) if leader else []


def _depth(pid: int, leader: int) -> int:
    """How many generations lie between a process and its leader."""
    return next((n for n, one in enumerate(_ancestors(pid)) if one == leader), 0)


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        yield pid
        try:
            text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
            pid = int(text.rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            return


def _signal(pid: int | None, number: signal.Signals) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
