"""When each entry fires next, over midnight, months and daylight saving time."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5g.settings import load_settings
from t5g.syncs import INTERVAL, Sync
from workers.schedule import Daily, Every, schedule

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_so_often_with_an_offset():
    when = Every(900, 60)
    assert when.after(utc("2026-11-24T12:00:00")) == utc("2026-11-24T12:01:00")
    assert when.after(utc("2026-11-24T12:01:00")) == utc("2026-11-24T12:16:00")
    assert str(when) == "every 15 min"


def test_daily_in_its_zone():
    when = Daily(time(9, 0), BERLIN)
    assert when.after(utc("2026-11-24T07:59:00")) == utc("2026-11-24T08:00:00")
    assert when.after(utc("2026-11-24T08:00:00")) == utc("2026-11-25T08:00:00")
    assert when.after(utc("2026-07-01T06:00:00")) == utc("2026-07-01T07:00:00")


def test_weekdays_only():
    when = Daily(time(9, 0), days=frozenset(range(5)))
    friday, monday = utc("2026-11-27T09:00:00"), utc("2026-11-30T09:00:00")
    assert when.after(friday) == monday


def test_a_time_that_daylight_saving_skips_fires_once_after_the_gap():
    when = Daily(time(2, 30), NEW_YORK)  # on 2026-03-08 the clock goes from 02:00 to 03:00
    first = when.after(utc("2026-03-08T05:00:00"))
    assert first == utc("2026-03-08T07:30:00")
    assert when.after(first) == utc("2026-03-09T06:30:00")


def test_a_time_that_comes_twice_fires_at_its_first():
    when = Daily(time(1, 30), NEW_YORK)  # on 2026-11-01 the clock goes from 02:00 back to 01:00
    first = when.after(utc("2026-11-01T04:00:00"))
    assert first == utc("2026-11-01T05:30:00")
    assert when.after(first) == utc("2026-11-02T06:30:00")


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_a_daily_entry_fires_once_for_each_day(moment, at, zone):
    when = Daily(at, ZoneInfo(zone))
    first = when.after(moment.replace(tzinfo=UTC))
    second = when.after(first)
    assert first > moment.replace(tzinfo=UTC)
    assert 22 <= (second - first).total_seconds() / 3600 <= 26
    assert (first - moment.replace(tzinfo=UTC)).total_seconds() <= 26 * 3600


def test_the_table_has_every_sync_often_enough():
    entries = {entry.sync: entry for entry in schedule(load_settings())}
    assert set(Sync) <= set(entries)
    for name in Sync:
        when = entries[name].when
        first = when.after(utc("2026-11-24T12:00:00"))
        assert (when.after(first) - first).total_seconds() <= INTERVAL[name]


def test_names_and_jobs_are_unique():
    entries = schedule(load_settings())
    assert len({entry.name for entry in entries}) == len(entries)
    assert len({entry.job_id for entry in entries}) == len(entries)
    assert len({entry.definition for entry in entries}) == len(entries)


@pytest.mark.parametrize("entry", schedule(load_settings()), ids=lambda entry: entry.name)
def test_every_function_exists(entry):
    module, name = entry.function.rsplit(".", 1)
    assert callable(getattr(__import__(module, fromlist=[name]), name))
