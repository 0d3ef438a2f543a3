"""Zones of one run: read by the standard library, and due when they say, once."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.chaos.zones import JUMP, Zone, clocks_back, clocks_forward, midnight, zones_between
from bot.plans import EVERY_DAY, Plan, due

NOW = datetime(2026, 11, 29, 13, 47, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which zones are found; afterwards the machine's own are again."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[tmp_path])
    yield tmp_path
    zoneinfo.reset_tzpath(to=before)
    zoneinfo.ZoneInfo.clear_cache()


def clock(zone: Zone, moment: datetime) -> str:
    return f"{moment.astimezone(zoneinfo.ZoneInfo(zone.name)):%H:%M:%S}"


def test_a_day_ends_at_the_moment(folder: Path) -> None:
    zone = midnight("Test/midnight", NOW)
    zone.write(folder)
    assert clock(zone, NOW - timedelta(seconds=1)) == "23:59:59"
    assert clock(zone, NOW) == "00:00:00"


def test_clocks_go_forward_over_the_time_of_the_digest(folder: Path) -> None:
    zone = clocks_forward("Test/forward", NOW)
    zone.write(folder)
    assert clock(zone, NOW - timedelta(seconds=1)) == "01:59:59"
    assert clock(zone, NOW) == "02:01:00"


def test_clocks_go_back_so_that_the_time_of_the_digest_comes_twice(folder: Path) -> None:
    zone = clocks_back("Test/back", NOW)
    zone.write(folder)
    assert clock(zone, NOW) == clock(zone, NOW + JUMP) == "01:59:00"


@pytest.mark.parametrize("number", range(6))
def test_a_digest_is_due_once_at_its_moment(folder: Path, number: int) -> None:
    zone = zones_between(NOW, NOW + timedelta(minutes=5), 6)[number]
    zone.write(folder)
    plan = Plan(channel="C1", at=zone.at, zone=zone.name, days=EVERY_DAY,
                since=(NOW - timedelta(minutes=5)).timestamp())  # fmt: skip
    ticks = [zone.due + timedelta(seconds=second) for second in range(-200, 300, 5)]
    occasions = {second: due(plan, second) for second in ticks}
    assert {one.key for one in occasions.values() if one} == {
        one.key for one in [due(plan, zone.due + timedelta(seconds=1))] if one
    }
    assert min(second for second, one in occasions.items() if one) >= zone.due
