"""Cards stay in step with their cases: priorities follow, finished work is proposed for closing."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from sandbox.faults import Kind
from sandbox.jira.model import JiraIssue
from t5g.audit import Filter
from t5g.settings import Settings
from t5g.work import load_rq
from tests import wall_clock
from tests.workers.cards.conftest import learn
from tests.workers.upstreams import Upstreams, ago
from workers.cards.closing import close_cards
from workers.cards.desk import Desk, open_desk
from workers.cards.outcomes import Outcomes
from workers.cards.priorities import follow_severity
from workers.schedule import Daily, schedule

NUMBER = "00000001"


@pytest.fixture(autouse=True)
def _rq(settings: Settings) -> None:
    load_rq(settings.redis_prefix)


async def audited(desk: Desk, outcome: str = "done") -> list[str]:
    """The details in the audit log, oldest first."""
    return [row.detail for row in reversed(await desk.audit.read(Filter(outcome=outcome)))]


def edits(world: Upstreams) -> list[str]:
    """The queries of all requests that edited an issue."""
    seen = world.jira_faults.recent
    return [one.query for one in seen if one.method == "PUT"]


# Priorities


async def test_a_priority_follows_the_severity_without_mail(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER, severity=1)
    world.add_case("00000002", severity=3)
    first = world.add_card(NUMBER, priority="Minor")
    second = world.add_card("00000002", priority="Normal")
    await learn(settings)
    found = await follow_severity(desk)
    assert [one.card for one in found.done] == [first]
    assert world.jira.issues[first].priority == "Critical"
    assert world.jira.issues[second].priority == "Normal"
    assert edits(world) == ["notifyUsers=false"]
    assert await audited(desk) == [f"{first} priority: Minor → Critical (severity Urgent)"]
    await desk.board.refresh()
    entry = desk.board.get(NUMBER)
    assert entry is not None
    assert entry.card is not None
    assert entry.card.priority == "Critical"
    world.reset_requests()
    assert not (await follow_severity(desk)).planned
    assert world.requests() == 0


async def test_who_may_not_suppress_mail_still_changes_the_priority(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER, severity=2)
    key = world.add_card(NUMBER, priority="Minor")
    await learn(settings)
    world.jira_faults.add(Kind.STATUS, path="/rest/api/2/issue/", method="PUT", status=403, times=1)
    await follow_severity(desk)
    assert world.jira.issues[key].priority == "Major"
    assert edits(world) == ["notifyUsers=false", ""]


@pytest.mark.parametrize(
    ("case", "card"),
    [({"status": "Closed"}, {}), ({}, {"status": "Done"}), ({"severity": "Odd"}, {})],
    ids=["closed case", "finished card", "unknown severity"],
)
async def test_what_keeps_its_priority(
    world: Upstreams, settings: Settings, desk: Desk, case: dict[str, Any], card: dict[str, Any]
):
    world.add_case(NUMBER, severity=1)
    world.add_card(NUMBER, **{"priority": "Minor", **card})
    await learn(settings)
    if case:
        world.portal.update_case(NUMBER, **case)
        await learn(settings)
    assert not (await follow_severity(desk)).planned


async def test_a_refused_priority_is_told_and_stops_no_other(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER, severity=1)
    world.add_case("00000002", severity=2)
    urgent, high = (world.add_card(n, priority="Minor") for n in (NUMBER, "00000002"))
    await learn(settings)
    desk.settings = settings.model_copy(
        update={"priority_by_severity": {"Urgent": "Highest", "High": "Major"}}
    )
    for _ in range(2):
        found = await follow_severity(desk)
        assert found.failed == (
            (urgent, "jira: refused: priority: Priority name 'Highest' is not valid"),
        )
    assert world.jira.issues[high].priority == "Major"
    (alert,) = await desk.alerts.raised()
    assert alert.text.startswith(f"cards priorities: {urgent}: jira: refused: priority:")
    assert (await audited(desk, "failed"))[0].startswith(f"{urgent}: jira: refused")
    desk.settings = settings
    await follow_severity(desk)
    assert not await desk.alerts.raised()


def test_priorities_are_looked_at_daily_at_3_12(settings: Settings) -> None:
    (entry,) = [one for one in schedule(settings) if one.name == "cards-priorities"]
    assert entry.when == Daily(time(3, 12))
    (create,) = [one for one in schedule(settings) if one.name == "cards-create"]
    assert create.when.after(datetime(2026, 1, 1, 12, 11, tzinfo=UTC)).minute == 10


# Closing


async def closed_case(world: Upstreams, settings: Settings, days: float) -> JiraIssue:
    """A card whose case was closed some days ago."""
    world.add_case(NUMBER, created=ago(days=40))
    key = world.add_card(NUMBER, status="In Progress")
    await learn(settings)
    closed = ago(days=days)
    world.portal.update_case(NUMBER, status="Closed", closed=closed)
    await learn(settings)
    return world.jira.issues[key]


async def test_the_card_of_a_closed_case_is_proposed_once_and_not_closed(
    world: Upstreams, settings: Settings, desk: Desk
):
    card = await closed_case(world, settings, 8)
    day = f"{wall_clock.now() - timedelta(days=8):%Y-%m-%d}"
    dry = await close_cards(desk, dry=True)
    assert [(one.before, one.after, one.why) for one in dry.planned] == [
        ("In Progress", "Done (proposed)", "the case was closed 8 days ago")
    ]
    for count in (1, 0):
        assert len((await close_cards(desk)).done) == count
    assert card.status == "In Progress"
    assert [one.body for one in card.comments] == [
        f"Case {NUMBER} was closed on {day}. If nothing is left to do, close this card."
    ]
    assert await audited(desk) == [f"{card.key} comment: + proposed for closing"]
    assert not (await close_cards(desk, dry=True)).planned


@pytest.mark.parametrize("kind", [Kind.LOSE_ANSWER, Kind.TRUNCATE])
async def test_a_proposal_whose_answer_was_lost_is_not_repeated(
    world: Upstreams, settings: Settings, desk: Desk, kind: Kind
):
    card = await closed_case(world, settings, 8)
    path = f"/rest/api/2/issue/{card.key}/comment"
    world.jira_faults.add(kind, path=path, method="POST", times=1)
    await close_cards(desk)
    await close_cards(desk)
    assert len(card.comments) == 1
    assert not await desk.alerts.raised()


async def test_before_its_time_nothing_is_proposed(
    world: Upstreams, settings: Settings, desk: Desk
):
    await closed_case(world, settings, 6)
    assert not (await close_cards(desk)).planned
    desk.settings = settings.model_copy(update={"close_after_days": 5})
    assert len((await close_cards(desk)).done) == 1


async def test_a_case_that_is_closed_again_is_proposed_again(
    world: Upstreams, settings: Settings, desk: Desk
):
    card = await closed_case(world, settings, 12)
    await close_cards(desk)
    world.portal.update_case(NUMBER, status="Waiting on Customer", closed=None)
    await learn(settings)
    assert not (await close_cards(desk)).planned
    world.portal.update_case(NUMBER, status="Closed", closed=ago(days=8))
    await learn(settings)
    await close_cards(desk)
    assert len(card.comments) == 2


async def test_where_it_is_set_the_card_is_closed_by_whatever_way_leads_there(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.jira.projects["T5G"].paths = {"In Progress": {"Stop": "Blocked", "Ship it": "Done"}}
    card = await closed_case(world, settings, 8)
    desk.settings = settings.model_copy(update={"close_cards": True})
    found: Outcomes = await close_cards(desk)
    assert [one.card for one in found.done] == [card.key]
    assert (card.status, card.comments) == ("Done", [])
    assert await audited(desk) == [
        f"{card.key} status: In Progress → Done (the case was closed 8 days ago)"
    ]
    assert not (await close_cards(desk)).planned


async def test_a_card_without_a_way_to_done_is_told(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.jira.projects["T5G"].paths = {"In Progress": {"Stop": "Blocked"}}
    card = await closed_case(world, settings, 8)
    desk.settings = settings.model_copy(update={"close_cards": True})
    ((key, why),) = (await close_cards(desk)).failed
    assert key == card.key
    assert "no transition leads from In Progress to Done; to: Blocked" in why
    (alert,) = await desk.alerts.raised()
    assert "Blocked" in alert.text


async def test_dry_runs_call_nothing(world: Upstreams, settings: Settings):
    await closed_case(world, settings, 8)
    world.add_case("00000002", severity=1)
    world.add_card("00000002", priority="Minor")
    await learn(settings)
    world.reset_requests()
    async with open_desk(settings.model_copy(update={"read_only": True})) as desk:
        assert len((await follow_severity(desk, dry=True)).planned) == 1
        assert len((await close_cards(desk, dry=True)).planned) == 1
        assert not await audited(desk)
    assert world.requests() == 0
