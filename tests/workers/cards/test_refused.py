"""What JIRA refuses of a card is told in its words, and made good as soon as JIRA takes it."""

import json
import random
from typing import Any

import pytest

from sandbox.faults import Kind
from sandbox.jira import rules
from sandbox.jira.model import JiraIssue
from t5g.audit import Filter
from t5g.settings import Settings
from t5g.work import load_rq
from tests.workers.cards.conftest import cards_of, complete, learn
from tests.workers.upstreams import Upstreams, ago
from workers.cards.desk import open_desk
from workers.cards.priorities import follow_severity
from workers.cards.run import LACKING, REFUSED, Report, run_cards

NUMBER = "00000001"
pytestmark = pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])


@pytest.fixture(autouse=True)
def _rq(settings: Settings) -> None:
    load_rq(settings.redis_prefix)


async def run(settings: Settings, **more: Any) -> Report:
    """One run, as a worker does it."""
    async with open_desk(settings.model_copy(update=more)) as desk:
        return await run_cards(desk)


async def raised(settings: Settings) -> dict[str, str]:
    """The alerts that are raised now: text by name."""
    async with open_desk(settings) as desk:
        return {alert.name: alert.text for alert in await desk.alerts.raised()}


async def audited(settings: Settings) -> list[tuple[str, str]]:
    """The audit log of the case, oldest first: (outcome, detail)."""
    async with open_desk(settings) as desk:
        rows = await desk.audit.read(Filter(case=NUMBER))
    return [(row.outcome.value, row.detail) for row in reversed(rows)]


def card(world: Upstreams, number: str = NUMBER) -> JiraIssue:
    """The one card of the case."""
    (found,) = cards_of(world, number)
    return found


def refuse(world: Upstreams, path: str, method: str = "POST", **errors: str) -> Any:
    """Let JIRA refuse calls below a path, in words by field."""
    body = json.dumps({"errorMessages": [], "errors": errors})
    return world.jira_faults.add(Kind.STATUS, path=path, method=method, status=400, body=body)


async def test_without_an_active_sprint_the_card_waits_for_one(
    world: Upstreams, settings: Settings
):
    world.jira.set_sprint_state(world.sprint, "closed")
    world.add_case(NUMBER)
    await learn(settings)
    for _ in range(2):
        report = await run(settings)
        assert [(name, why[:30]) for _, name, why in report.lacking] == [
            ("sprint", "The board 'T5G field support' ")
        ]
    assert card(world).sprint is None
    assert "has no active sprint" in (await raised(settings))[LACKING]
    failures = [detail for outcome, detail in await audited(settings) if outcome == "failed"]
    assert len(failures) == 1, "the same refusal is in the log once"
    world.sprint = world.jira.add_sprint(1, "T5G Sprint 13")
    assert not (await run(settings)).lacking
    assert await raised(settings) == {}
    complete(world, NUMBER)


async def test_a_sprint_that_closes_between_look_and_move_is_made_good(
    world: Upstreams, settings: Settings
):
    world.add_case(NUMBER)
    await learn(settings)
    fault = refuse(world, "/rest/agile/1.0/sprint/", sprint="Sprint is closed")
    report = await run(settings)
    assert report.lacking == (
        (card(world).key, "sprint", "jira: refused: sprint: Sprint is closed"),
    )
    world.jira_faults.remove(fault)
    await run(settings)
    complete(world, NUMBER)


async def test_a_transition_that_opens_later_is_taken(world: Upstreams, settings: Settings):
    home = world.jira.projects["T5G"]
    home.paths = {"New": {"Begin": "Open"}}
    world.add_case(NUMBER)
    await learn(settings)
    await run(settings)
    assert "no transition leads from New to To Do; to: Open" in (await raised(settings))[LACKING]
    home.paths = {"New": {"Plan it": "To Do"}}
    await run(settings)
    complete(world, NUMBER)
    assert ("done", f"{card(world).key} status: New → To Do") in await audited(settings)


async def test_a_card_that_somebody_moved_on_is_not_moved_back(
    world: Upstreams, settings: Settings
):
    home = world.jira.projects["T5G"]
    home.paths = {"New": {"Begin": "In Progress"}}
    world.add_case(NUMBER)
    await learn(settings)
    await run(settings)
    world.jira.transition(card(world).key, "In Progress", world.anna)
    home.paths = None
    assert not (await run(settings)).lacking
    assert card(world).status == "In Progress"


async def test_a_card_that_can_not_be_reopened_yet_is_when_a_way_opens(
    world: Upstreams, settings: Settings
):
    home = world.jira.projects["T5G"]
    home.paths = {"Done": {"Oops": "Open"}}
    world.add_case(NUMBER, created=ago(days=40))
    world.add_card(NUMBER, status="Done", labels=[])
    await learn(settings)
    ((key, name, why),) = (await run(settings)).lacking
    assert (key, name) == ("T5G-1", "column")
    assert why == "jira: refused: no transition leads from Done to To Do; to: Open"
    assert (card(world).sprint, card(world).status) == (world.sprint, "Done")
    home.paths = {"Done": {"Once more": "To Do"}}
    assert not (await run(settings)).lacking
    complete(world, NUMBER)


async def test_a_link_that_is_refused_does_not_stop_the_others(
    world: Upstreams, settings: Settings
):
    world.add_case(NUMBER)
    world.add_bug(77, NUMBER)
    world.add_bug(78, NUMBER)
    await learn(settings)
    too_long = {"errors": {"title": "'title' is longer than 255 characters."}}
    fault = world.jira_faults.add(
        Kind.STATUS, path="/rest/api/2/issue/T5G-1/remotelink", method="POST", after=1, times=1,
        status=400, body=json.dumps(too_long),
    )  # fmt: skip
    report = await run(settings)
    ((_, name, why),) = report.lacking
    assert name == "links"
    assert "'title' is longer than 255 characters." in why
    assert len(card(world).remote_links) == 2
    world.jira_faults.remove(fault)
    assert not (await run(settings)).lacking
    titles = sorted(link.title for link in card(world).remote_links)
    assert titles == ["Bug 77", "Bug 78", "Support Case"]


async def test_a_comment_that_is_refused_comes_later(world: Upstreams, settings: Settings):
    world.add_case(NUMBER)
    await learn(settings)
    said = {"errorMessages": ["You do not have the permission to comment on this issue."]}
    fault = world.jira_faults.add(
        Kind.STATUS, path="/rest/api/2/issue/T5G-1/comment", method="POST", status=403,
        body=json.dumps(said),
    )  # fmt: skip
    report = await run(settings)
    assert report.lacking[0][2] == f"jira: refused: {said['errorMessages'][0]}"
    world.jira_faults.remove(fault)
    await run(settings)
    complete(world, NUMBER)


async def test_a_refusal_of_everything_after_the_making_is_made_good(
    world: Upstreams, settings: Settings
):
    """A firewall answers with a page instead of JIRA."""
    world.add_case(NUMBER)
    await learn(settings)
    paths = ("/rest/agile", "/rest/api/2/issue/T5G-1/")
    faults = [world.jira_faults.add(Kind.DENY, path=path, method="POST") for path in paths]
    report = await run(settings)
    assert [name for _, name, _ in report.lacking] == ["sprint", "column", "links", "comment"]
    assert all("HTTP 403" in why for _, _, why in report.lacking)
    for fault in faults:
        world.jira_faults.remove(fault)
    await run(settings)
    complete(world, NUMBER)


async def test_an_assignee_without_an_account_is_not_said_to_be_assigned(
    world: Upstreams, settings: Settings
):
    del world.jira.users[world.anna.account_id]
    world.add_case(NUMBER)
    await learn(settings)
    (made,) = (await run(settings)).made
    assert "no one account for anna@example.com" in made.lacks["assignee"]
    assert card(world).assignee is None
    assert card(world).comments[0].body == (
        f"This card follows case {NUMBER}. It should be Anna's (by account), but JIRA did not "
        "take that."
    )
    assert not any("assigned to Anna" in detail for _, detail in await audited(settings))
    world.jira.users[world.anna.account_id] = world.anna
    assert not (await run(settings)).lacking
    assert card(world).assignee == world.anna
    assert ("done", "T5G-1 assignee: nobody → Anna (by account)") in await audited(settings)


async def test_somebody_who_took_the_card_meanwhile_keeps_it(world: Upstreams, settings: Settings):
    refused = refuse(world, "/rest/api/2/user/search", "GET", query="nobody may be looked for")
    world.add_case(NUMBER)
    await learn(settings)
    assert [name for _, name, _ in (await run(settings)).lacking] == ["assignee"]
    world.jira_faults.remove(refused)
    ben = world.jira.user("ben@example.com")
    world.jira.update_issue("T5G-1", ben, assignee=ben)
    assert not (await run(settings)).lacking
    assert card(world).assignee == ben


async def test_an_account_that_is_not_active_any_more_leaves_the_card_to_nobody(
    world: Upstreams, settings: Settings, team: Any
):
    team.write_text('[[people]]\nname = "Gone"\nemail = "g@example.com"\njira = "712020:gone"\n')
    world.jira.add_user("Gone", "g@example.com", "712020:gone", active=False)
    world.add_case(NUMBER)
    await learn(settings)
    (made,) = (await run(settings)).made
    assert made.lacks == {"assignee": "User '712020:gone' does not exist."}
    complete(world, NUMBER)


async def test_priority_and_component_are_made_good(world: Upstreams, settings: Settings):
    world.add_case(NUMBER, severity=1)
    await learn(settings)
    odd = {"card_component": "Field", "priority_by_severity": {"Urgent": "Highest"}}
    report = await run(settings, **odd)
    assert report.lacking == (
        ("T5G-1", "components", "Component name 'Field' is not valid"),
        ("T5G-1", "priority", "Priority name 'Highest' is not valid"),
    )
    world.jira.projects["T5G"].components = ("Field",)
    assert not (await run(settings, card_component="Field")).lacking
    assert (card(world).components, card(world).priority) == (("Field",), "Critical")
    assert len(cards_of(world, NUMBER)) == 1


async def test_a_text_that_jira_does_not_take_is_left_out(
    world: Upstreams, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rules, "TEXT_LIMIT", 1_000)
    world.add_case(NUMBER, description="x" * 2_000)
    await learn(settings)
    (made,) = (await run(settings)).made
    assert "has the facts only: The entered text is too long" in made.notes[0]
    assert "*Account:*" in card(world).description
    assert "xxx" not in card(world).description
    complete(world, NUMBER)


async def test_what_the_card_of_a_closed_case_lacks_is_forgotten(
    world: Upstreams, settings: Settings
):
    world.jira.projects["T5G"].paths = {"New": {"Begin": "Open"}}
    world.add_case(NUMBER)
    await learn(settings)
    assert (await run(settings)).lacking
    world.portal.update_case(NUMBER, status="Closed")
    await learn(settings)
    assert not (await run(settings)).lacking
    assert await raised(settings) == {}


async def test_a_card_deleted_before_it_was_whole_is_made_anew(
    world: Upstreams, settings: Settings
):
    world.add_case(NUMBER)
    await learn(settings)
    down = world.jira_faults.add(Kind.THROTTLE, path="/rest/agile", retry_after="0")
    assert (await run(settings)).waiting
    world.jira.delete_issue("T5G-1")
    world.jira_faults.remove(down)
    assert "T5G-1 was made and is gone" in (await run(settings)).waiting[0][1]
    await run(settings)
    assert card(world).key == "T5G-2"
    complete(world, NUMBER)


async def test_cards_that_we_may_not_see_are_not_made_again_and_again(
    world: Upstreams, settings: Settings
):
    """A project whose new issues are hidden from the bot."""
    world.add_case(NUMBER)
    await learn(settings)
    hidden = world.jira.create_issue

    def create_hidden(*args: Any, **facts: Any) -> JiraIssue:
        return hidden(*args, **facts, security="Managers")

    world.jira.create_issue = create_hidden  # type: ignore[method-assign]
    for _ in range(6):
        report = await run(settings)
    assert len(cards_of(world, NUMBER)) == 2
    assert "T5G-1 and T5G-2 were made and are gone, or not shown" in report.failed[0][1]
    assert "make one by hand" in (await raised(settings))[REFUSED]
    world.jira.create_issue = hidden  # type: ignore[method-assign]
    for issue in cards_of(world, NUMBER):
        issue.security = None
    world.jira.delete_issue("T5G-1")
    await run(settings)
    assert card(world).key == "T5G-2"
    assert await raised(settings) == {}


async def test_a_card_that_is_deleted_while_it_lacks_something_is_not_mended(
    world: Upstreams, settings: Settings
):
    world.jira.projects["T5G"].paths = {"New": {"Begin": "Open"}}
    world.add_case(NUMBER)
    await learn(settings)
    await run(settings)
    world.jira.delete_issue("T5G-1")
    world.jira.projects["T5G"].paths = None
    assert not (await run(settings)).lacking
    assert not cards_of(world, NUMBER), "the board does not know yet that it is gone"
    await learn(settings, full=True)
    await run(settings)
    complete(world, NUMBER)


async def test_throttling_for_a_whole_run_is_gone_on_with_later(
    world: Upstreams, settings: Settings
):
    world.add_cases(2)
    await learn(settings)
    fault = world.jira_faults.add(Kind.THROTTLE, path="/rest/agile", retry_after="0")
    report = await run(settings)
    assert [why for _, why in report.waiting] == ["jira: HTTP 429", "not tried: jira: HTTP 429"]
    world.jira_faults.remove(fault)
    assert len((await run(settings)).made) == 2
    for number in ("00000001", "00000002"):
        complete(world, number)


async def test_a_jira_that_is_down_is_not_asked_for_each_of_many(
    world: Upstreams, settings: Settings
):
    numbers = world.add_cases(14)
    await learn(settings)
    down = world.jira_faults.add(Kind.DOWN)
    world.reset_requests()
    report = await run(settings, upstream_attempts=1, max_cards_per_run=20)
    assert len(report.waiting) == 14
    assert report.waiting[-1][1] == (
        "not tried: jira: 11 calls failed in a row, the last one with: HTTP 503"
    )
    assert world.jira_faults.total == 11
    world.jira_faults.remove(down)
    assert len((await run(settings, max_cards_per_run=20)).made) == 14
    for number in numbers:
        complete(world, number)


async def test_a_sprint_that_can_not_be_asked_for_leaves_cards_that_lack_it(
    world: Upstreams, settings: Settings
):
    numbers = world.add_cases(6)
    await learn(settings)
    spoiled = world.jira_faults.add(Kind.STATUS, status=502, path="/rest/agile")
    for made in (6, 0):
        report = await run(settings)
        assert len(report.made) == made
        assert len(report.lacking) == 6
        assert dict(report.waiting) == {
            number: f"{card(world, number).key} lacks sprint: jira: HTTP 502" for number in numbers
        }
    world.jira_faults.remove(spoiled)
    report = await run(settings)
    assert (report.waiting, report.lacking) == ((), ())
    for number in numbers:
        complete(world, number)
    assert await raised(settings) == {}


async def test_cards_that_never_get_whole_do_not_keep_others_from_being_made(
    world: Upstreams, settings: Settings
):
    """As many as there may be in one run, all with a page that always fails."""
    world.add_cases(10)
    await learn(settings)
    for count in range(1, 11):
        path = "/rest/api/2/issue/"
        world.jira_faults.add(Kind.STATUS, status=502, path=path, item=f"T5G-{count}")
    assert len((await run(settings)).waiting) == 10
    assert len(world.jira.issues) == 10
    world.add_case("00000099")
    await learn(settings)
    report = await run(settings)
    assert "00000099" in [record.number for record in report.made], report.waiting


async def test_one_change_that_always_fails_stops_no_other(world: Upstreams, settings: Settings):
    numbers = world.add_cases(4, severity=1)
    keys = [world.add_card(number, priority="Minor") for number in numbers]
    await learn(settings)
    world.jira_faults.add(Kind.STATUS, status=502, item=keys[1])
    async with open_desk(settings) as desk:
        outcomes = await follow_severity(desk)
    assert [change.card for change in outcomes.done] == [keys[0], keys[2], keys[3]]
    assert outcomes.failed == ((keys[1], "jira: HTTP 502"),)


async def test_changes_are_not_tried_for_each_of_many_while_jira_is_down(
    world: Upstreams, settings: Settings
):
    for number in world.add_cases(20, severity=1):
        world.add_card(number, priority="Minor")
    await learn(settings)
    world.reset_requests()
    world.jira_faults.add(Kind.DOWN)
    async with open_desk(settings.model_copy(update={"upstream_attempts": 1})) as desk:
        outcomes = await follow_severity(desk)
    assert world.jira_faults.total == 11
    assert len(outcomes.failed) == 20
    assert outcomes.failed[-1][1].startswith("not tried: jira: 11 calls failed in a row")


WRONGS = (
    {"kind": Kind.LOSE_ANSWER}, {"kind": Kind.DROP}, {"kind": Kind.TRUNCATE}, {"kind": Kind.DOWN},
    {"kind": Kind.THROTTLE, "retry_after": "0"}, {"kind": Kind.DENY},
    {"kind": Kind.STATUS, "status": 400}, {"kind": Kind.STATUS, "status": 500},
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_goes_wrong_in_the_end_there_is_one_whole_card_each(
    world: Upstreams, settings: Settings, seed: int
):
    chance = random.Random(seed)
    numbers = world.add_cases(6)
    await learn(settings)
    for _ in range(4):
        for wrong in chance.sample(WRONGS, 3):
            often = {"after": chance.randrange(4), "every": chance.randint(1, 7)}
            method = chance.choice(("", "POST", "POST", "GET"))
            world.jira_faults.add(**wrong, **often, method=method)
        await run(settings)
        world.jira_faults.clear()
    for _ in range(2):
        report = await run(settings)
    assert (report.failed, report.waiting, report.lacking) == ((), (), ())
    for number in numbers:
        complete(world, number)
    assert await raised(settings) == {}


@pytest.mark.parametrize("body", ["[]", "{}", '{"key": null}', '"made"', "made"])
async def test_an_odd_answer_to_the_making_is_a_lost_one(
    world: Upstreams, settings: Settings, body: str
):
    world.add_case(NUMBER)
    await learn(settings)
    making = {"path": "/rest/api/2/issue", "method": "POST", "times": 1}
    world.jira_faults.add(Kind.STATUS, status=201, body=body, **making)
    for _ in range(2):
        report = await run(settings)
    assert not report.failed
    complete(world, NUMBER)


async def test_a_project_that_is_not_there_is_told(world: Upstreams, settings: Settings):
    world.add_case(NUMBER)
    await learn(settings)
    ((number, why),) = (await run(settings, jira_project="NOPE")).failed
    assert number == NUMBER
    assert "NOPE" in why
    assert "No card for case 00000001" in (await raised(settings))[REFUSED]
