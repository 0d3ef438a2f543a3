"""Durations and dates as people write them in queries."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from t5g.errors import QueryError
from t5g.query.moments import Duration, Moment, parse_moment

DAY = 86_400.0
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5 * DAY),
        ("5d", 5 * DAY),
        ("5D", 5 * DAY),
        ("5 d", 5 * DAY),
        ("1.5h", 5_400.0),
        ("90m", 5_400.0),
        ("90min", 5_400.0),
        ("2w", 14 * DAY),
        ("2mo", 60 * DAY),
        ("1y", 365 * DAY),
        ("0", 0.0),
        ("999999d", 999_999 * DAY),
    ],
)
def test_durations_are_read_in_all_units(text: str, seconds: float) -> None:
    assert parse_moment("age", ">", text) == Duration(seconds)


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the machine is."""
    with monkeypatch.context() as here:
        here.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31", NOON - DAY / 2),
        ("2026-01-31T12:00", NOON),
        ("2026-01-31 12:00", NOON),
        ("2026-01-31T12:00:30", NOON + 30),
        ("2026-01-31T12:00Z", NOON),
        ("2026-01-31T12:00+02:00", NOON - 7_200),
        ("2026-01-31T12:00:00-0130", NOON + 5_400),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"], indirect=True)
def test_dates_are_utc_unless_they_say_otherwise(text: str, at: float, zone: str) -> None:
    assert parse_moment("created", ">", text) == Moment(at), zone


@pytest.mark.parametrize(
    "text", ["soon", "-1d", "5x", "1234567d", "2026-13-45", "2026-02-30", "0000-01-01", "31.1.2026"]
)
def test_what_is_neither_is_told_with_an_example_of_the_key(text: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse_moment("updated", "<=", text)
    assert raised.value.message == (
        f"“{text}” is neither a duration such as 30d or 24h nor a date such as 2026-01-31."
    )
    assert (raised.value.text, raised.value.suggestion) == (f"updated<={text}", "")
    assert raised.value.example == "updated<=7d"
