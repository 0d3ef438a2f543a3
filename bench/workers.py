"""How near workers bring the syncs to what the upstream allows: with 1, 2 and 4 processes.

The sandbox answers late, as from far away, so that waiting for it is what a sync costs. Each round
begins with an empty Redis and asks for the cases, from which the other syncs follow; the clock runs
from the start of the first to the end of the last. No number of workers can make that shorter than
the upstream allows (`floor` in `bench.sync`: so many requests at once, and what needs another sync
waits for it). One worker does one sync after another, so that only more of them can come near it.
Besides: what people ask for, case by case, which the upstream does not bind, as jobs a second.

    t5g bench workers
"""

import asyncio
import math
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.report import Findings
from bench.sync import far_away, floor
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.embedded_redis import EmbeddedRedis
from t5g.keys import Keys
from t5g.lifeline import die_with_parent
from t5g.logs import setup_logging
from t5g.settings import Settings
from t5g.syncs import Sync, SyncRecord
from t5g.work import enqueue, request_sync, rq_prefix
from workers.worker import run_worker

COUNTS = (1, 2, 4)
#: Times the least that the upstream allows, from two workers on.
NEAR = 1.2
#: How many times as many jobs, which the upstream does not bind, so many workers do as one.
GROWTH = {2: 1.6, 4: 2.5}
LONGEST = 120.0
SYNCS = tuple(sync for sync in Sync if sync is not Sync.STATS)


async def measure(cases: int = 1_000, latency: float = 0.2, asked: int = 60) -> Findings:
    """Run the same syncs, then so many jobs that people ask for, with each number of workers."""
    found = Findings()
    with (
        tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder,
        EmbeddedRedis(Path(folder)) as redis,
    ):
        async with far_away(cases, latency, "graphql", redis.url) as (settings, _):
            rounds = {count: await _round(settings, count, asked) for count in COUNTS}
    times = {count: records for count, (records, _) in rounds.items()}
    rates = {count: rate for count, (_, rate) in rounds.items()}
    spans = {count: _span(records) for count, records in times.items()}
    least = {count: floor(records, latency) for count, records in times.items()}
    _add_nearness(found, spans, least)
    for count in COUNTS[1:]:
        found.least(
            f"cases read anew with {count} workers, times as many as with one",
            rates[count] / rates[1], "×", GROWTH[count],
        )  # fmt: skip
    found.detail["jobs_a_second"] = {str(count): round(rate, 2) for count, rate in rates.items()}
    found.detail["workers"] = {
        str(count): {
            "seconds": round(spans[count], 2),
            "least_seconds": round(least[count], 2),
            **{r.name.value: round(r.ended - r.started, 2) for r in records},
        }
        for count, records in times.items()
    }
    return found


def _span(records: Sequence[SyncRecord]) -> float:
    """Return the seconds from the start of the first sync to the end of the last."""
    return max(r.ended for r in records) - min(r.started for r in records)


def _add_nearness(found: Findings, spans: Mapping[int, float], least: Mapping[int, float]) -> None:
    """Add how near the syncs came to what the upstream allows; one worker has no target."""
    for count in COUNTS:
        told = (
            f"syncs with {count} worker{'s' if count > 1 else ''}, times what the upstream allows"
        )
        near = spans[count] / least[count] if least[count] else math.inf
        if count == 1:
            found.add(told, near, "×")
        else:
            found.most(told, near, "×", NEAR)


async def _round(settings: Settings, count: int, asked: int) -> tuple[list[SyncRecord], float]:
    """Ask for all syncs of an empty installation, and let so many workers do them.

    Then let people ask for single cases; return the records, and how many of these a second.
    """
    with open_queue_redis(settings.redis_url) as queue:
        queue.flushall()
        request_sync(queue, Keys(settings.redis_prefix), Sync.CASES.value, "a bench", full=True)
    crew = multiprocessing.get_context("spawn").Process(
        target=_work, args=(os.getpid(), settings, count)
    )
    crew.start()
    try:
        return await _ended(settings), await _asked(settings, asked)
    finally:
        crew.terminate()
        await asyncio.to_thread(crew.join, 30)
        if crew.is_alive():
            crew.kill()


async def _asked(settings: Settings, asked: int) -> float:
    """Let people ask for that many cases to be read anew; return how many a second were."""
    keys = Keys(settings.redis_prefix)
    redis = open_redis(settings.redis_url)
    numbers = sorted(await open_store(settings, redis).numbers())[:asked]
    jobs = [f"{rq_prefix(keys.prefix)}:job:bench-{number}" for number in numbers]
    begun = time.monotonic()
    with open_queue_redis(settings.redis_url) as queue:
        for number in numbers:
            enqueue(
                queue, "workers.actions.refresh_case", number, "", "Ada", "U1", f"d{number}", "",
                keys=keys, queue="high", job_id=f"bench-{number}",
            )  # fmt: skip
    try:
        while await redis.exists(*jobs):
            if time.monotonic() - begun > LONGEST:
                raise TimeoutError(f"the jobs did not end within {LONGEST:.0f} s")
            await asyncio.sleep(0.02)
    finally:
        await redis.aclose()
    return len(numbers) / (time.monotonic() - begun)


async def _ended(settings: Settings) -> list[SyncRecord]:
    """Wait until every sync has worked."""
    begun = time.monotonic()
    redis = open_redis(settings.redis_url)
    records = open_syncs(settings, redis)
    try:
        while time.monotonic() - begun < LONGEST:
            found = await records.read_all()
            done = [found[sync] for sync in SYNCS]
            if all(record.last_success for record in done):
                return done
            await asyncio.sleep(0.05)
    finally:
        await redis.aclose()
    raise TimeoutError(f"the syncs did not end within {LONGEST:.0f} s")


def _work(parent: int, settings: Settings, count: int) -> None:
    die_with_parent(parent, signal.SIGTERM)
    setup_logging(settings)
    run_worker(settings, count)
