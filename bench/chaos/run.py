"""One run of chaos: everything up, disasters over it, all well again, and the verdict."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.chaos import errands
from bench.chaos.disasters import Toll, calm, strike
from bench.chaos.errands import Pace, Seen
from bench.chaos.plan import Disaster, draw
from bench.chaos.settling import NotSettledError, settle
from bench.chaos.stage import Play, Stage, running
from bench.chaos.verdict import cards_by_case, judge
from bench.chaos.zones import zones_between
from sandbox.servers import Dialect

#: Seconds that everything takes to start, about, and may take to come to rest.
STARTING, SETTLING = 8.0, 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is: `count` disasters within `seconds`, all of them drawn from `seed`."""

    folder: Path
    seed: int = 1
    seconds: float = 120.0
    count: int = 120
    cases: int = 60
    zones: int = 6
    dialect: Dialect = "hydra"
    cloud: bool = True
    settling: float = SETTLING

    def plan(self) -> tuple[Disaster, ...]:
        """What will go wrong when."""
        return draw(self.seed, self.seconds, self.count)


@dataclass(slots=True)
class Report:
    """What a run found; `wrong` is empty if everything held."""

    toll: Toll = field(default_factory=Toll)
    seen: Seen = field(default_factory=Seen)
    deaths: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    cases: int = 0
    digests: int = 0
    settled: float = 0.0
    seconds: float = 0.0

    @property
    def survived(self) -> int:
        """Disasters survived: all, or none is sure."""
        return 0 if self.wrong else self.toll.total


async def run(options: Options, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Run it. Disasters and what was found are told in lines."""
    begun, report = time.monotonic(), Report()
    now = datetime.now(UTC)
    first = now + timedelta(seconds=STARTING)
    last = first + timedelta(seconds=options.seconds * 0.8)
    play = Play(
        folder=options.folder, seed=options.seed, cases=options.cases, dialect=options.dialect,
        cloud=options.cloud, zones=zones_between(first, last, options.zones),
    )  # fmt: skip
    async with running(play) as stage:
        before = cards_by_case(stage)
        tell(f"everything runs after {time.monotonic() - begun:.1f} s")
        await _bad_days(stage, options, report, tell)
        await _clocks_passed(stage)
        tell("all is well again")
        try:
            report.settled = await settle(stage, options.settling)
        except NotSettledError as error:
            report.wrong.append(str(error))
            tell(str(error))
        tell(f"at rest after {report.settled:.1f} s")
        report.wrong += await judge(stage, before)
        report.wrong += [f"odd answer: {one}" for one in report.seen.odd]
        report.cases, report.digests = len(stage.sandbox.portal.cases), len(stage.digests)
        report.deaths = dict(stage.deaths())
    report.seconds = time.monotonic() - begun
    return report


async def _bad_days(
    stage: Stage, options: Options, report: Report, tell: Callable[[str], None]
) -> None:
    life = asyncio.create_task(errands.run(stage, Pace(), report.seen))
    try:
        await strike(stage, options.plan(), report.toll, tell)
    finally:
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life
        await calm(stage)


async def _clocks_passed(stage: Stage) -> None:
    """Wait until every digest is due, and clocks that go back have done so."""
    last = max((zone.due for zone in stage.digests.values()), default=datetime.now(UTC))
    await asyncio.sleep(max(0.0, (last - datetime.now(UTC)).total_seconds() + 1))
