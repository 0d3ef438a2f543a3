"""Hours at ten times the normal rate, without any fault: nothing may grow.

Normal is what the demo and the schedule do: something happens in the world every four seconds,
somebody asks or looks every ten, cases are synced every quarter of an hour, and so on. The world
stays as large as it is (what closed long ago leaves the Portal), and what is bounded by a setting
is given a bound that is reached within the run.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from bench.chaos import errands
from bench.chaos.errands import Pace, Seen
from bench.chaos.gauges import Gauges
from bench.chaos.stage import Play, Stage, running
from t5g.key_owners import strangers
from t5g.syncs import INTERVAL, Sync

TIMES = 10.0
EVENT, QUESTION, DIGEST, CARDS = 4.0, 10.0, 300.0, 3_600.0
#: How often the schedule runs what looks at each thing once in twelve hours.
SHARES = {Sync.DETAILS: 1_800.0, Sync.ISSUES: 1_800.0, Sync.BUGS: 1_800.0}
SAMPLE, KEYS_EVERY = 10.0, 12
FEED, CASES = 2_000, 300
#: A full listing shows which cases went to another team (normal: once a day).
FULL = 600.0


@dataclass(slots=True)
class Soaked:
    """What a soak found."""

    seconds: float = 0.0
    gauges: Gauges = field(default_factory=Gauges)
    seen: Seen = field(default_factory=Seen)
    deaths: dict[str, int] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What should not be, a sentence each."""
        return [
            *(f"grew: {one}" for one in self.gauges.grown()),
            *(f"odd answer: {one}" for one in self.seen.odd),
            *(f"{name} died {times} times" for name, times in self.deaths.items()),
            *(f"key {one}" for one in self.strangers),
        ]


def pace() -> Pace:
    """Ten times as fast as normal."""
    syncs = {name: SHARES.get(name, INTERVAL[name]) / TIMES for name in Sync}
    syncs[Sync.STATS] = 600.0
    question = QUESTION / TIMES
    return Pace(
        event=EVENT / TIMES, question=question, look=question, digest=DIGEST / TIMES,
        cards=CARDS / TIMES, full=FULL, syncs=syncs,
    )  # fmt: skip


async def soak(folder: Path, seconds: float, seed: int, tell: Callable[[str], None]) -> Soaked:
    """Run for so long; tell a line a minute."""
    found = Soaked()
    play = Play(folder=folder, seed=seed, cases=CASES, more={"feed_length": str(FEED)})
    async with running(play) as stage:
        portal, opened = stage.sandbox.portal, len(stage.sandbox.world.open_cases())
        stage.life.steady = opened, len(portal.cases) - opened
        tell("everything runs; the soak begins")
        begun = time.monotonic()
        work = asyncio.create_task(errands.run(stage, pace(), found.seen))
        try:
            await _watch(stage, found, begun, seconds, work, tell)
        finally:
            found.seconds = time.monotonic() - begun
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
        found.deaths = dict(stage.deaths())
    return found


async def _watch(
    stage: Stage,
    found: Soaked,
    begun: float,
    seconds: float,
    work: asyncio.Task[None],
    tell: Callable[[str], None],
) -> None:
    gauges, rounds = found.gauges, 0
    async with stage.board() as (_, redis):
        while time.monotonic() - begun < seconds and not work.done():
            gauges.read_processes(stage.supervisor.pids())
            with contextlib.suppress(RedisError, OSError):
                await gauges.read_redis(redis)
                if rounds % KEYS_EVERY == 0:
                    await gauges.read_keys(redis, stage.keys)
            if rounds % 6 == 0:
                now = {n: round(v[-1], 1) for n, v in gauges.series.items()}
                tell(f"{time.monotonic() - begun:.0f} s: {now} {dict(found.seen.counts)}")
            rounds += 1
            await asyncio.sleep(SAMPLE)
        if work.done():
            await work
        found.strangers = [f"{one.key}: {one.why}" async for one in strangers(redis, stage.keys)]
        await gauges.read_keys(redis, stage.keys)
