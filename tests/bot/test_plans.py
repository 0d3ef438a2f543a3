"""When a digest is due: times on the wall, weekdays, zones, changes of clocks, late starts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.plans import (
    EVERY_DAY,
    LATE,
    WORKDAYS,
    Plan,
    days_text,
    due,
    parse_days,
    parse_time,
    parse_zone,
)
from t5g.errors import QueryError

BERLIN = Plan(channel="C1", at="09:00", zone="Europe/Berlin", days=EVERY_DAY)


def utc(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("plan", "now", "day"),
    [
        (BERLIN, "2026-11-24T07:59:59", None),
        (BERLIN, "2026-11-24T08:00:00", date(2026, 11, 24)),
        (BERLIN, "2026-07-24T07:00:00", date(2026, 7, 24)),
        (BERLIN, "2026-11-24T11:59:59", date(2026, 11, 24)),
        (BERLIN, "2026-11-24T12:00:00", None),
        # at 23:30 it is still due after midnight, as the day before's
        (Plan(channel="C1", at="23:30", days=EVERY_DAY), "2026-11-25T01:00:00", date(2026, 11, 24)),
        # in Auckland it is Tuesday morning already
        (Plan(channel="C1", zone="Pacific/Auckland", days=(1,)), "2026-11-23T20:00:00",
         date(2026, 11, 24)),
        # Saturday
        (Plan(channel="C1", days=WORKDAYS), "2026-11-28T09:00:00", None),
        (Plan(channel="C1", days=EVERY_DAY, off=True), "2026-11-28T09:00:00", None),
    ],
)  # fmt: skip
def test_due(plan: Plan, now: str, day: date | None) -> None:
    found = due(plan, utc(now))
    assert (found.day if found else None) == day


def test_a_plan_that_was_just_made_does_not_make_up_for_the_morning() -> None:
    made = utc("2026-11-24T10:00:00").timestamp()
    plan = Plan(channel="C1", at="09:00", days=EVERY_DAY, since=made)
    assert due(plan, utc("2026-11-24T10:00:01")) is None
    assert due(plan, utc("2026-11-25T09:00:00")) is not None


def test_a_plan_that_was_made_in_the_future_is_due_all_the_same() -> None:
    plan = Plan(channel="C1", days=EVERY_DAY, since=utc("2026-12-25T10:00:00").timestamp())
    assert due(plan, utc("2026-11-25T09:00:00")) is not None


@pytest.mark.parametrize(
    ("day", "at"),
    [
        # clocks go from 02:00 to 03:00: 02:30 does not exist
        (date(2026, 3, 29), "01:30"),
        # clocks go from 03:00 to 02:00: 02:30 comes twice, the first counts
        (date(2026, 10, 25), "00:30"),
    ],
)
def test_when_clocks_change_it_comes_once(day: date, at: str) -> None:
    plan = Plan(channel="C1", at="02:30", zone="Europe/Berlin", days=EVERY_DAY)
    assert f"{plan.moment(day):%H:%M}" == at
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=3)
    minutes = (begin + timedelta(minutes=n) for n in range(24 * 60))
    keys = {found.key for m in minutes if (found := due(plan, m)) and found.day == day}
    assert len(keys) == 1


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]),
    st.times().map(lambda t: f"{t:%H:%M}"),
    st.dates(min_value=date(2020, 1, 1), max_value=date(2030, 1, 1)),
)
def test_every_day_has_one_occasion_that_lasts(zone: str, at: str, day: date) -> None:
    plan = Plan(channel="C1", at=at, zone=zone, days=EVERY_DAY)
    moment = plan.moment(day)
    found = due(plan, moment)
    assert found is not None
    assert found.day == day
    late = due(plan, moment + LATE - timedelta(seconds=1))
    assert late is not None
    assert late.key == found.key
    following = plan.next_after(moment)
    assert following is not None
    assert timedelta(hours=20) < following - moment < timedelta(hours=50)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("fri-mon", (0, 4, 5, 6)),
        ("monday,wed", (0, 2)),
        ("daily", EVERY_DAY),
        ("weekdays", WORKDAYS),
        ("Tues,thurs,Sundays", (1, 3, 6)),
    ],
)
def test_days_are_read(text: str, days: tuple[int, ...]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize(
    "text", ["Monaco", "mon-Friuli", "sunset", "Saturn", "tu", "mond", "friend", "", "mon,,tue"]
)
def test_what_only_begins_like_a_day_is_none(text: str) -> None:
    with pytest.raises(QueryError, match="no day of the week"):
        parse_days(text)


@pytest.mark.parametrize("days", [(0, 2), (6,), EVERY_DAY, WORKDAYS])
def test_days_are_understood_as_they_are_told(days: tuple[int, ...]) -> None:
    told = days_text(days).replace("every day", "everyday").replace(", ", ",")
    assert parse_days(told) == days


def test_days_are_told() -> None:
    assert [days_text(x) for x in (WORKDAYS, EVERY_DAY, (0, 2))] == [
        "weekdays", "every day", "Monday, Wednesday",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["9", "25:00", "09:60", "nine", "09:00pm"])
def test_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(QueryError, match="no time of day"):
        parse_time(text)


def test_a_zone_is_known_by_its_city_too() -> None:
    assert parse_zone("europe/berlin") == "Europe/Berlin"
    with pytest.raises(QueryError, match="no time zone") as caught:
        parse_zone("Berlin")
    assert caught.value.suggestion == "Europe/Berlin"
    with pytest.raises(QueryError, match="no time zone") as caught:
        parse_zone("Monaco")
    assert caught.value.suggestion == "Europe/Monaco"
