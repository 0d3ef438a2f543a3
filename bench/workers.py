"""Whether more workers sync more: the same jobs with 1, 2 and 4 worker processes.

The sandbox answers late, as from far away, so that waiting for it is what a sync costs. Each round
begins with an empty Redis and asks for the cases, from which the other syncs follow; the clock runs
from the start of the first to the end of the last. It can not fall below cases, details and issues
one after another, whose requests are limited by what the upstream allows.

    t5g bench workers [--cases N]
"""

import asyncio
import multiprocessing
import tempfile
import time
from pathlib import Path

from bench.report import Findings
from bench.sync import far_away
from t5g.connection import open_queue_redis, open_redis, open_syncs
from t5g.embedded_redis import EmbeddedRedis
from t5g.keys import Keys
from t5g.logs import setup_logging
from t5g.settings import Settings
from t5g.syncs import Sync, SyncRecord
from t5g.work import request_sync
from workers.worker import run_worker

COUNTS = (1, 2, 4)
GAIN = 1.3
LONGEST = 120.0
CHAIN = (Sync.CASES, Sync.DETAILS, Sync.ISSUES)
SYNCS = tuple(sync for sync in Sync if sync is not Sync.STATS)


async def measure(cases: int = 1_000, latency: float = 0.2) -> Findings:
    """Run the same syncs with each number of workers."""
    found = Findings()
    with (
        tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder,
        EmbeddedRedis(Path(folder)) as redis,
    ):
        async with far_away(cases, latency, "graphql", redis.url) as (settings, _):
            times = {count: await _round(settings, count) for count in COUNTS}
    most = max(COUNTS)
    spans = {
        count: max(r.ended for r in rs) - min(r.started for r in rs) for count, rs in times.items()
    }
    chain = sum(r.ended - r.started for r in times[most] if r.name in CHAIN)
    for count in COUNTS[1:]:
        gain = spans[1] / spans[count]
        found.least(f"syncs with {count} workers, times as fast as with one", gain, "×", GAIN)
    found.most(
        f"syncs with {most} workers, times what must come one after another",
        spans[most] / chain,
        "×",
        1.5,
    )
    found.detail["workers"] = {
        str(count): {
            "seconds": round(spans[count], 2),
            **{r.name.value: round(r.ended - r.started, 2) for r in records},
        }
        for count, records in times.items()
    }
    return found


async def _round(settings: Settings, count: int) -> list[SyncRecord]:
    """Ask for all syncs of an empty installation, and let so many workers do them."""
    with open_queue_redis(settings.redis_url) as queue:
        queue.flushall()
        request_sync(queue, Keys(settings.redis_prefix), Sync.CASES.value, "a bench", full=True)
    crew = multiprocessing.get_context("spawn").Process(target=_work, args=(settings, count))
    crew.start()
    try:
        return await _ended(settings)
    finally:
        crew.terminate()
        await asyncio.to_thread(crew.join, 30)
        if crew.is_alive():
            crew.kill()


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


def _work(settings: Settings, count: int) -> None:
    setup_logging(settings)
    run_worker(settings, count)
