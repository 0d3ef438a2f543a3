"""The digest as data: each case once with its reasons, by the feed or by the cases' own times."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from t5g.changes import Change
from t5g.derived import DAY, Entry
from t5g.digest import (
    NUMBERS,
    Digest,
    Place,
    build_digest,
    numbered,
    personal,
    working_days_after,
)
from t5g.model import CaseComment, Details, Escalation, Person
from t5g.query import parse_query
from t5g.team import Me
from tests.making import NOW_SECONDS, ago, card, entry

ANN = Person(account="a", name="Ann")
CAME = Change("case", None, "Waiting on Red Hat")
WRH = "Waiting on Red Hat"


def made(*cases: Entry, days: float = 1, **feed: list[Change]) -> Digest:
    """The digest of these cases; `feed` by a case's number with a leading `n`."""
    changes = {name[1:]: found for name, found in feed.items()}
    return build_digest(cases, NOW_SECONDS, since=NOW_SECONDS - days * DAY, feed=changes)


def told(digest: Digest) -> dict[str, list[str]]:
    return {item.entry.number: [news.kind for news in item.news] for item in digest.items}


def test_each_case_is_told_once_with_its_reasons_and_the_most_urgent_first() -> None:
    digest = made(
        entry("00000001", portal={"created": ago(hours=1)}),
        entry("00000002", portal={"severity": "1 (Urgent)", "created": ago(days=1)}),
        entry("00000003", portal={"status": "Closed"}),
        entry("00000004"),
        n00000001=[CAME],
        n00000002=[
            Change("severity", "3 (Normal)", "1 (Urgent)"),
            Change("escalation", None, "ESC-1", "ESC-1"),
        ],
        n00000003=[Change("severity", "4 (Low)", "3 (Normal)"), Change("status", WRH, "Closed")],
        n00000004=[Change("card.status", "Open", "In Progress", "T5G-1")],
    )
    assert told(digest) == {
        "00000002": ["escalated", "raised"],
        "00000001": ["came"],
        "00000003": ["closed"],
    }
    assert list(told(digest)) == ["00000002", "00000001", "00000003"]


def test_upstreams_clocks_do_not_decide_what_is_news() -> None:
    """A case opened long before a digest and known after it is new; a known one is not again."""
    old = entry("00000001", portal={"created": ago(days=9)})
    recent = entry("00000002", portal={"created": ago(minutes=5)})
    assert told(made(old, recent, n00000001=[CAME])) == {"00000001": ["came"]}


def test_the_customers_answer_is_in_it() -> None:
    said = CaseComment(id="c2", public=True, by_customer=True)
    case = entry("00000001", details=Details(comments=(said,)))
    assert told(made(case, n00000001=[Change("comments", [], ["c2"])])) == {
        "00000001": ["answered"]
    }


def test_without_the_feed_the_times_of_the_cases_stand_in_and_it_is_said() -> None:
    cases = [
        entry("00000001", portal={"created": ago(hours=2)}),
        entry("00000002", portal={"status": "Closed", "closed": ago(hours=2)}),
        entry("00000003", escalations=(Escalation(key="ESC-1", since=ago(hours=2)),)),
        entry("00000004", escalations=(Escalation(key="ESC-2", since=ago(days=2)),)),
    ]
    digest = build_digest(cases, NOW_SECONDS)
    assert not digest.whole
    assert told(digest) == {
        "00000003": ["escalated"], "00000001": ["came"], "00000002": ["closed"],
    }  # fmt: skip


@pytest.mark.parametrize("days", [1, 3, 7])
def test_a_sections_query_finds_exactly_its_cases(days: float) -> None:
    cases = [
        entry(f"{n:08}", portal={"created": ago(hours=10 * n), "severity": "1 (Urgent)"})
        for n in range(1, 40)
    ]
    cases += [entry(f"{n:08}", portal={"status": "Closed"}) for n in range(50, 60)]
    feed = {case.number: [CAME] for case in cases[: int(days) * 3]}
    feed |= {case.number: [Change("status", WRH, "Closed")] for case in cases[-8:]}
    digest = build_digest(cases, NOW_SECONDS, since=NOW_SECONDS - days * DAY, feed=feed)
    for section in (*digest.sections, *digest.state):
        found = parse_query(section.query).select(cases, NOW_SECONDS) if section.query else []
        assert {e.number for e in found} == {e.number for e in section.entries}, section.name
    by_name = {section.name: section for section in digest.sections}
    assert len(by_name["opened"].entries) == days * 3
    assert len(by_name["closed"].entries) == 8


@pytest.mark.parametrize("count", [0, 1, NUMBERS, NUMBERS + 1, 450])
def test_any_number_of_cases_is_found_by_queries_that_fit(count: int) -> None:
    cases = [entry(f"{n:08}", card=None) for n in range(count)]
    parts = [parse_query(text).select(cases, NOW_SECONDS) for text in numbered(cases)]
    assert sorted(e.number for part in parts for e in part) == [e.number for e in cases]


@pytest.mark.parametrize(
    ("change", "known", "news"),
    [
        (Change("escalation", None, "ESC-1", "ESC-1"), (), False),
        (Change("escalation", None, "ESC-1", "ESC-1"), ("escalations",), True),
        (Change("escalation", "ESC-1", None, "ESC-1"), (), True),
        (Change("crit_sit", None, True), ("cases",), False),
        (Change("crit_sit", None, True), ("details",), True),
        (Change("crit_sit", False, True), (), True),
        (CAME, ("cases",), True),
    ],
)
def test_what_a_first_sync_finds_is_no_news(
    change: Change, known: tuple[str, ...], news: bool
) -> None:
    assert Place(epoch="e", sequence=1, at=0, known=known).told_of(change) is news


# A person's own


def mine(number: str, **facts: Any) -> Entry:
    return entry(number, card=card(f"T5G-{number[-1]}", assignee=ANN), **facts)


def test_a_persons_digest_tells_their_cases_what_breaches_soon_and_who_waits() -> None:
    waiting = "Waiting on Customer"
    cases = [
        mine("00000001", portal={"status": waiting}),
        mine("00000002"),
        mine("00000003", portal={"status": waiting, "created": ago(days=88.5)}),  # of 90 days
        mine("00000004", portal={"status": waiting, "created": ago(days=80)}),
        entry("00000005"),
    ]
    feed = {
        "00000001": [Change("status", WRH, waiting)],
        "00000005": [Change("escalation", None, "ESC-1", "ESC-1")],
    }
    whole = build_digest(cases, NOW_SECONDS, feed=feed)
    own = personal(whole, cases, Me(account="a"), feed=feed, deeds={})
    assert told(own) == {"00000001": ["status"]}
    found = {part.name: [e.number for e in part.entries] for part in own.sections}
    assert found == {
        "changed": ["00000001"], "breaches_soon": ["00000003"], "waiting": ["00000002"],
    }  # fmt: skip
    assert own.figures["open"] == 4
    assert personal(whole, cases, Me(account="z"), feed=feed, deeds={}).empty


def test_nobody_is_told_of_their_own_deed() -> None:
    case = mine("00000001")
    feed = {
        "00000001": [
            Change("card.assignee", None, "Ann", "T5G-1"),
            Change("severity", "3 (Normal)", "1 (Urgent)"),
        ]
    }
    whole = build_digest([case], NOW_SECONDS, feed=feed)
    own = personal(whole, [case], Me(account="a"), feed=feed, deeds={"00000001": {"card.assignee"}})
    assert told(own) == {"00000001": ["raised"]}


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        ("2026-11-24T08:00", "UTC", "2026-11-27T00:00"),  # Tuesday: to the end of Thursday
        ("2026-11-26T08:00", "UTC", "2026-12-01T00:00"),  # Thursday: Friday and Monday
        ("2026-11-28T08:00", "UTC", "2026-12-02T00:00"),  # Saturday: Monday and Tuesday
        ("2026-11-24T20:00", "Asia/Tokyo", "2026-11-27T15:00"),  # it is Wednesday there
    ],
)
def test_working_days_leave_out_the_weekend_of_the_persons_zone(
    now: str, zone: str, end: str
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()
    found = working_days_after(moment, 2, ZoneInfo(zone))
    assert datetime.fromtimestamp(found, UTC) == datetime.fromisoformat(end).replace(tzinfo=UTC)
