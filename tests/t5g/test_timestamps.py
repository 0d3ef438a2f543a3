"""Each form of a moment that upstreams were seen to write."""

from datetime import UTC, date, datetime

import pytest

from t5g.timestamps import parse_time

MOMENT = datetime(2026, 1, 2, 15, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-02T15:04:05.000+0000",
        "2026-01-02T15:04:05Z",
        "2026-01-02T15:04:05.000Z",
        "2026-01-02T08:04:05.000-0700",
        "2026-01-02T16:04:05+01:00",
        "2026-01-02 15:04:05",
        "20260102T15:04:05",
        " 2026-01-02T15:04:05Z ",
        1767366245,
        1767366245.0,
        1767366245000,
        "1767366245000",
        MOMENT,
        MOMENT.replace(tzinfo=None),
    ],
)
def test_every_form_is_the_same_moment(written):
    assert parse_time(written) == MOMENT
    assert parse_time(written).tzinfo is UTC


def test_a_day_is_its_midnight_in_utc():
    midnight = datetime(2026, 1, 2, tzinfo=UTC)
    assert parse_time("2026-01-02") == midnight
    assert parse_time(date(2026, 1, 2)) == midnight


@pytest.mark.parametrize(
    "nothing",
    [None, "", "soon", True, "2026-13-01", 1e300, 10**400, float("nan"), "99999999999999999999"],
)
def test_what_can_not_be_read_is_none(nothing):
    assert parse_time(nothing) is None
