"""Headline numbers, daily rows and the digest: each number is the length of its own list."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis

from t5g.census import figures
from t5g.derived import Entry
from t5g.digest import build_digest
from t5g.figures import HEADLINES, Tally
from t5g.keys import Keys
from t5g.model import Bug, Details, Escalation, Issue, Person
from t5g.query import parse_query
from t5g.statistics import DayRow, History
from tests.making import NOW_SECONDS, ago, card, entry


def world() -> list[Entry]:
    made: list[Entry] = []
    severities = ("1 (Urgent)", "2 (High)", "3 (Normal)", "4 (Low)", "odd")
    for n in range(60):
        closed = n % 7 == 0
        made.append(
            entry(
                f"{n:08}",
                portal={
                    "severity": severities[n % 5],
                    "status": "Closed" if closed else "Waiting on Red Hat",
                    "created": ago(days=n * 3.5),
                    "updated": ago(days=n % 12),
                    "closed": ago(days=n / 8) if closed else None,
                },
                card=None
                if n % 6 == 0
                else card(
                    f"T5G-{n}",
                    updated=ago(days=n % 11),
                    assignee=Person(account=f"p{n % 3}", name=f"Person {n % 3}") if n % 4 else None,
                    labels=("PotentialEscalation",) if n % 9 == 0 else (),
                ),
                escalations=(Escalation(key=f"ESC-{n}", since=ago(hours=n)),)
                if n % 10 == 1
                else (),
                details=Details(
                    crit_sit=n % 13 == 1, relief_at=ago(days=n * 3), resolved_at=ago(days=n * 2)
                ),
                bugs=(Bug(id=n + 1),) if n % 3 == 0 else (),
                issues=(Issue(key=f"B-{n}", fix_versions=("1",)),) if n % 3 == 1 else (),
            )
        )
    return made


@pytest.mark.parametrize("line", HEADLINES, ids=lambda line: line.name)
def test_headline_is_the_length_of_its_list(line: object) -> None:
    cases = world()
    numbers = figures(cases, NOW_SECONDS)
    listed = parse_query(line.query).select(cases, NOW_SECONDS)  # type: ignore[attr-defined]
    assert numbers[line.name] == len(listed) > 0  # type: ignore[attr-defined]


def test_a_list_is_counted_by_all_headlines_as_by_each() -> None:
    cases = world()[::3]
    tally = Tally(cases, NOW_SECONDS)
    for line in HEADLINES:
        assert tally.of(line) == len(line.of(cases, NOW_SECONDS)), line.name


@pytest.mark.parametrize("name", ["severity", "status", "internal_status"])
def test_a_list_is_counted_by_a_word_the_most_first(name: str) -> None:
    cases = world()[::2]
    counted = Counter(getattr(case, name) for case in cases)
    assert len(counted) > 1
    found = Tally(cases, NOW_SECONDS).by(name)
    assert list(found.items()) == [(word, n) for word, n in counted.most_common() if word]


def test_breakdowns_count_every_open_case_once() -> None:
    numbers = figures(world(), NOW_SECONDS)
    for counted in (
        numbers.by_severity,
        numbers.by_status,
        numbers.by_internal_status,
        numbers.by_account,
        numbers.by_engineer,
        numbers.by_product,
    ):
        assert sum(counted.values()) == numbers["open"]


def test_times_to_relief_include_closed_cases_and_are_exact_days() -> None:
    cases = [
        entry("00000001", portal={"created": ago(days=10)}, details=Details(relief_at=ago(days=8))),
        entry(
            "00000002",
            portal={"created": ago(days=10), "status": "Closed"},
            details=Details(relief_at=ago(days=9.5)),
        ),
        entry("00000003", details=Details(relief_at=None)),
        entry("00000004"),
    ]
    relief = figures(cases, NOW_SECONDS).relief["Normal"]
    assert (relief.count, relief.mean, relief.median) == (2, 1.25, 1.25)


async def test_a_day_has_one_row_for_ever(redis: Redis) -> None:
    history = History(redis, Keys())
    zone = ZoneInfo("Europe/Berlin")
    first = DayRow.of(figures(world(), NOW_SECONDS), zone)
    assert await history.write(first)
    assert not await history.write(DayRow.of(figures([], NOW_SECONDS), zone))
    assert await history.read_all() == [first]
    assert await history.before("2026-11-25", 1) == first
    assert await history.before("2026-11-25", 2) is None


def test_digest_tells_new_from_still_escalated_and_compares() -> None:
    cases = world()
    numbers = figures(cases, NOW_SECONDS)
    before = DayRow(day="2026-11-23", at=0, headlines={"open": numbers["open"] - 4})
    digest = build_digest(cases, NOW_SECONDS, before=before)
    sections = {section.name: section for section in digest.sections}
    newly = {e.number for e in sections["newly_escalated"].entries}
    assert newly == {"00000001", "00000011"}
    escalated = {e.number for section in digest.state if section.name == "escalated"
                 for e in section.entries}  # fmt: skip
    assert newly < escalated
    assert digest.changes == {"open": 4}
    assert digest.compared == "2026-11-23"
    assert not digest.empty


def test_digest_of_an_empty_day_is_empty() -> None:
    assert build_digest([], NOW_SECONDS).empty
