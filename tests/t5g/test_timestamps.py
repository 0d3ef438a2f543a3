"""Each form of a moment that upstreams were seen to write."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from t5g.jira_payloads import card_of, comments_of, escalation_of, issue_of
from t5g.settings import Settings
from t5g.timestamps import parse_time
from workers.bugzilla.client import bug_of
from workers.portal import graphql, hydra

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


@pytest.mark.parametrize("written", ["2026-07-02T17:04:05", "20260702T17:04:05"])
def test_a_time_without_an_offset_is_read_in_the_zone_of_its_upstream(written):
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_time(written, berlin) == datetime(2026, 7, 2, 15, 4, 5, tzinfo=UTC)
    assert parse_time(written, berlin).tzinfo is UTC
    assert parse_time(written + "Z", berlin) == datetime(2026, 7, 2, 17, 4, 5, tzinfo=UTC)
    assert parse_time("2026-07-02", berlin) == datetime(2026, 7, 1, 22, tzinfo=UTC)
    assert parse_time(date(2026, 7, 2), berlin) == datetime(2026, 7, 1, 22, tzinfo=UTC)


READERS = {
    "card": lambda at, made: card_of({"key": "T5G-1", "fields": {"updated": at}}, made).updated,
    "issue": lambda at, made: issue_of({"key": "B-1", "fields": {"updated": at}}, made).updated,
    "escalation": lambda at, made: (
        escalation_of({"key": "E-1", "fields": {"created": at}}, made).since
    ),
    "comment": lambda at, made: (
        comments_of({"fields": {"comment": [{"id": "1", "created": at}]}}, made.jira_zone)[0][
            0
        ].created
    ),
    "graphql": lambda at, made: (
        graphql.portal_of(
            {"CaseNumber__c": {"value": "01234567"}, "CreatedDate": {"value": at}},
            ZoneInfo(made.portal_timezone),
        ).created
    ),
    "hydra": lambda at, made: (
        hydra.portal_of(
            {"case_number": "01234567", "case_createdDate": at}, ZoneInfo(made.portal_timezone)
        ).created
    ),
    "bugzilla": lambda at, made: (
        bug_of({"id": 1, "last_change_time": at}, "", ZoneInfo(made.bugzilla_timezone)).updated
    ),
}


@pytest.mark.parametrize("what", READERS)
def test_each_upstream_has_a_zone_of_its_own(what):
    zones = dict.fromkeys(("portal_timezone", "jira_timezone", "bugzilla_timezone"), "Asia/Tokyo")
    read, there = READERS[what], Settings(_env_file=None, **zones)
    at = "2026-07-02T09:00:00"
    assert read(at, there) == datetime(2026, 7, 2, 0, tzinfo=UTC)
    assert read(at, Settings(_env_file=None)) == datetime(2026, 7, 2, 9, tzinfo=UTC)
    assert read(at + "+00:00", there) == datetime(2026, 7, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("name", ["portal_timezone", "jira_timezone", "bugzilla_timezone"])
def test_a_zone_that_is_none_is_told(name):
    with pytest.raises(ValidationError, match="no time zone"):
        Settings(_env_file=None, **{name: "Mars/Olympus"})
