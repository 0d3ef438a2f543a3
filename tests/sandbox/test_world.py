"""A generated world has everything that the program must bear, and is the same for a seed."""

import cProfile
import pstats
import re
import tomllib
from collections import Counter
from datetime import UTC, datetime

import pytest

from sandbox.casemaking import SLA_DAYS
from sandbox.jira.state import FINISHED, JiraIssue
from sandbox.portal.state import CLOSED, WAITING_CUSTOMER, WAITING_RED_HAT, SupportCase
from sandbox.scene import (
    CASES_PROPERTY,
    CONTRIBUTORS,
    DONE_STATUSES,
    ESCALATED_CASES,
    ESCALATION_LABEL,
    LABEL,
    OPEN_STATUSES,
    PARKED,
    PROJECT,
    World,
)
from sandbox.trackers import MISSING_BUG
from sandbox.world import WorldPlan, make_world, team_file
from t5g.timestamps import parse_time
from tests import wall_clock

NOW = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    """The default world."""
    return make_world(WorldPlan(), clock=lambda: NOW)


def cards(world: World) -> list[JiraIssue]:
    return [one for one in world.jira.issues.values() if one.project == PROJECT]


def age(case: SupportCase) -> float:
    return (NOW - case.created).total_seconds() / 86_400


def test_it_has_as_many_cases_as_planned(world: World) -> None:
    assert len(world.open_cases()) == 300
    assert len(world.portal.cases) == 400
    assert all(re.fullmatch(r"\d{8}", number) for number in world.portal.cases)
    assert all(re.fullmatch(r"EN-\d+", number) for number in world.portal.records)


def test_the_same_seed_gives_the_same_world_and_another_one_another(world: World) -> None:
    again = make_world(WorldPlan(), clock=lambda: NOW)
    assert again.portal.cases == world.portal.cases
    assert again.jira.issues == world.jira.issues
    assert again.bugzilla.bugs == world.bugzilla.bugs
    other = make_world(WorldPlan(seed=2), clock=lambda: NOW)
    assert other.portal.cases.keys() != world.portal.cases.keys()


def test_every_severity_is_healthy_at_risk_and_over_its_time(world: World) -> None:
    states = set()
    for case in world.open_cases():
        if isinstance(case.severity, int):
            used = age(case) / SLA_DAYS[case.severity]
            states.add((case.severity, "over" if used > 1 else "risk" if used > 0.8 else "healthy"))
    assert len(states) == 12


def test_every_status_and_severity_is_there_and_one_that_nobody_knows(world: World) -> None:
    statuses = Counter(case.status for case in world.portal.cases.values())
    assert {WAITING_RED_HAT, WAITING_CUSTOMER, CLOSED} < statuses.keys()
    assert "Waiting on Engineering" in statuses
    severities = Counter(case.severity for case in world.portal.cases.values())
    assert {1, 2, 3, 4, "3 (Medium)"} == severities.keys()


def test_times_are_in_order(world: World) -> None:
    for case in world.portal.cases.values():
        assert case.created <= case.modified <= NOW
        assert case.closed is None or case.created <= case.closed <= NOW
        assert case.is_closed == (case.closed is not None)
        assert all(case.created <= one.created <= case.modified for one in case.comments)
    for issue in world.jira.issues.values():
        assert issue.created <= issue.updated <= NOW
        assert all(comment.created <= issue.updated for comment in issue.comments)


def test_some_cases_were_not_touched_for_a_week(world: World) -> None:
    stale = [
        case
        for case in world.open_cases()
        if (NOW - case.modified).days >= 7
        and case.number in world.cards
        and (NOW - world.jira.issues[world.cards[case.number]].updated).days >= 7
    ]
    assert 30 < len(stale) < 200


def test_most_open_cases_have_a_card(world: World) -> None:
    tracked = [case for case in world.open_cases() if case.number in world.cards]
    assert 0.88 < len(tracked) / 300 < 0.96


def test_cards_stand_in_every_status(world: World) -> None:
    statuses = Counter(card.status for card in cards(world))
    assert {*OPEN_STATUSES, *DONE_STATUSES, PARKED} == statuses.keys()
    for number, key in world.cards.items():
        if world.portal.cases[number].is_closed:
            assert world.jira.issues[key].status in FINISHED


def test_cards_begin_with_the_case_number_or_link_to_it(world: World) -> None:
    without_number = 0
    for number, key in world.cards.items():
        issue = world.jira.issues[key]
        assert LABEL in issue.labels
        assert len(issue.summary) <= 255
        (link,) = issue.remote_links
        assert (link.title, link.url.rpartition("/")[2]) == ("Support Case", number)
        without_number += not issue.summary.startswith(f"{number}: ")
    assert 0 < without_number < 20


def test_cards_have_labels_people_and_comments(world: World) -> None:
    labels = Counter(label for card in cards(world) for label in card.labels)
    assert min(labels[one] for one in ("PotentialEscalation", "Daily_Telco_OCP", "Trends")) > 5
    assert any(card.assignee is None for card in cards(world))
    assert any(len(card.custom.get(CONTRIBUTORS) or ()) > 1 for card in cards(world))
    assert any(one.visibility for card in cards(world) for one in card.comments)
    assert {card.sprint for card in cards(world)} == {world.sprint, world.last_sprint}
    escalated = {number for named in world.escalations.values() for number in named}
    for number in escalated & world.cards.keys():
        assert "PotentialEscalation" not in world.jira.issues[world.cards[number]].labels


def test_defects_differ_in_what_matters(world: World) -> None:
    defects = [world.jira.issues[key] for key in world.defects]
    assert {one.project for one in defects} == {"OCPBUGS", "RHEL"}
    assert {bool(one.fix_versions) for one in defects} == {True, False}
    assert {bool(one.security) for one in defects} == {True, False}
    linked = {one.key for case in world.portal.cases.values() for one in case.jiras}
    assert linked <= set(world.defects)
    assert any(world.jira.issues[key].security for key in linked)


def test_bugs_differ_in_what_matters(world: World) -> None:
    bugs = world.bugzilla.bugs
    assert any(bug.restricted for bug in bugs.values())
    assert any(bug.target_release == ["---"] for bug in bugs.values())
    assert any(bug.target_release != ["---"] for bug in bugs.values())
    linked = {one.number for case in world.portal.cases.values() for one in case.bugzillas}
    assert linked - bugs.keys() == {MISSING_BUG}
    assert any(bugs[number].restricted for number in linked & bugs.keys())


def test_escalations_name_their_cases_in_every_spelling(world: World) -> None:
    texts = [world.jira.issues[key].custom[ESCALATED_CASES] for key in world.escalations]
    for spelling in (r"\d{8}", r"\d{8}, \d{8}", r".*/#/case/\d{8}(\n.*)*", r"Case #\d{8}.*"):
        assert any(re.fullmatch(spelling, text or "") for text in texts), spelling
    assert None in texts
    for key, numbers in world.escalations.items():
        issue = world.jira.issues[key]
        assert ESCALATION_LABEL in issue.labels
        named = issue.custom[ESCALATED_CASES] or issue.properties[CASES_PROPERTY]["value"]
        assert set(re.findall(r"\d{8}", named)) == set(numbers)
        assert all(not world.portal.cases[number].is_closed for number in numbers)


def test_some_cases_are_critical_and_some_have_relief(world: World) -> None:
    cases = world.portal.cases.values()
    assert any(case.crit_sit for case in cases)
    assert any(case.relief_at for case in cases if not case.is_closed)
    assert all(case.resolved_at and case.relief_at for case in cases if case.is_closed)


def test_texts_are_as_awkward_as_those_of_people(world: World) -> None:
    cases = world.portal.cases.values()
    titles = " ".join(case.summary for case in cases)
    for part in ("<script>", "*bold*", "`code`", "<!channel>", "🔥", "العقدة", "ノード", '"'):
        assert part in titles
    assert any(case.description == "" for case in cases)
    assert any(len(case.description) > 20_000 for case in cases)
    names = {account.name for account in world.accounts}
    assert len(names) == 25
    assert any('"' in name and "&" in name for name in names)
    assert any(not name.isascii() for name in names)


def test_engineers_are_the_same_people_everywhere(world: World) -> None:
    assert len(world.engineers) == 12
    for engineer in world.engineers:
        assert re.fullmatch(r"[\w.]+@example\.com", engineer.email, re.ASCII)
        assert re.fullmatch(r"U[A-Z0-9]{10}", engineer.slack_id)
        assert world.jira.user(engineer.email) == engineer.jira
    assert len({engineer.email for engineer in world.engineers}) == 12


def test_the_team_file_names_everybody(world: World) -> None:
    people = tomllib.loads(team_file(world.engineers, world.accounts))["people"]
    assert [one["slack"] for one in people] == [one.slack_id for one in world.engineers]
    assert sum(len(one["accounts"]) for one in people) == 25
    assert people[0]["role"] == "admin"
    assert [one["jira"] for one in people] == [one.jira.account_id for one in world.engineers]
    at_home = tomllib.loads(team_file(world.engineers, world.accounts, cloud=False))["people"]
    assert [one["jira"] for one in at_home] == [one.jira.username for one in world.engineers]


@pytest.mark.parametrize("count", [0, 1, 5, 20])
def test_small_worlds_are_whole_too(count: int) -> None:
    small = make_world(WorldPlan(cases=count), clock=lambda: NOW)
    assert len(small.open_cases()) == count
    if count == 20:
        assert small.escalations
        assert any(case.number not in small.cards for case in small.open_cases())
        assert {one for card in cards(small) for one in card.labels} >= {"Trends"}
        assert any(case.bugzillas for case in small.open_cases())


def calls_to_make(cases: int) -> int:
    """How many functions are called to make a world of so many cases."""
    profile = cProfile.Profile()
    with profile:
        made = make_world(WorldPlan(cases=cases), clock=lambda: NOW)
    assert len(made.open_cases()) == cases
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def test_the_work_of_making_a_world_grows_no_faster_than_the_world() -> None:
    calls_to_make(10)  # what is made once for all worlds
    assert calls_to_make(1_000) <= 4.4 * calls_to_make(250)


def test_jira_s_clock_is_not_ahead_of_time(world: World) -> None:
    key = next(iter(world.cards.values()))
    real = make_world(WorldPlan(cases=200))
    moved = real.jira.update_issue(key, summary="changed")
    assert moved.updated <= wall_clock.now()


def test_moments_are_what_clients_can_read(world: World) -> None:
    case = next(iter(world.portal.cases.values()))
    assert parse_time(case.created.isoformat()) == case.created
