"""A short run of chaos: all processes, killed and starved, end where the world does."""

from pathlib import Path

import pytest

from bench.chaos.run import Options, run


@pytest.mark.timeout(300)
async def test_after_bad_minutes_everything_is_as_the_world_is(tmp_path: Path) -> None:
    options = Options(
        folder=tmp_path, seed=5, seconds=8.0, count=24, cases=20, zones=3, settling=200
    )
    report = await run(options)
    assert report.wrong == [], "\n".join(report.wrong)
    assert report.toll.total >= options.count * 0.8, report.toll.missed
    assert sum(report.deaths.values()) >= 1
    assert report.digests == options.zones
