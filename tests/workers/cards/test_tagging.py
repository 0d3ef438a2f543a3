"""Linked bugs and issues get the team's keywords beside what they have, without mail noise."""

import json

import pytest

from sandbox.bugzilla import render
from sandbox.faults import Kind
from t5g.audit import Filter
from t5g.settings import Settings
from tests.workers.cards.conftest import learn
from tests.workers.reading import synced
from tests.workers.upstreams import Upstreams
from workers.cards.desk import Desk, open_desk
from workers.cards.tagging import RESTRICTED, tag_linked

NUMBER = "00000001"
KEYWORDS, WHITEBOARD = "customfield_11087", "customfield_11004"


async def learn_all(settings: Settings) -> None:
    """Let the syncs see cases, cards, and what is linked."""
    await learn(settings)
    await synced(settings, "details", "issues", "bugs")


async def audited(desk: Desk) -> list[str]:
    """What was done, oldest first."""
    rows = await desk.audit.read(Filter(action="cards tag", outcome="done"))
    return [row.detail for row in reversed(rows)]


@pytest.mark.parametrize("api", ["rest", "xmlrpc"])
@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_a_bug_gets_the_keywords_on_its_whiteboard(
    world: Upstreams, settings: Settings, api: str
):
    world.add_case(NUMBER)
    world.add_bug(77, NUMBER, whiteboard="  Telco  other: stuff")
    world.add_bug(78, NUMBER)
    await learn_all(settings)
    async with open_desk(settings.model_copy(update={"bugzilla_api": api})) as desk:
        found = await tag_linked(desk)
        assert [one.card for one in found.done] == ["bug 77", "bug 78"]
        assert await audited(desk) == [
            "bug 77 whiteboard:   Telco  other: stuff →   Telco  other: stuff Telco:Case",
            "bug 78 whiteboard: empty → Telco Telco:Case",
        ]
    assert world.bugzilla.bugs[77].whiteboard == "  Telco  other: stuff Telco:Case"
    assert world.bugzilla.bugs[78].whiteboard == "Telco Telco:Case"
    assert world.bugzilla.mailed == []
    async with open_desk(settings) as desk:
        assert not (await tag_linked(desk)).done
        assert len(await audited(desk)) == 2
    await synced(settings, "bugs", full=True)
    async with open_desk(settings) as desk:
        assert not (await tag_linked(desk)).planned


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_what_somebody_wrote_meanwhile_stays(
    world: Upstreams, settings: Settings, desk: Desk
):
    """What is added is worked out from what is there now, not from what the sync saw."""
    world.add_case(NUMBER)
    world.add_bug(77, NUMBER)
    key = world.add_issue(NUMBER, custom={KEYWORDS: ["Customer"]})
    await learn_all(settings)
    world.bugzilla.update_bug(77, whiteboard="fresh words")
    world.jira.update_issue(key, custom={KEYWORDS: ["Customer", "Fresh"]})
    await tag_linked(desk)
    assert world.bugzilla.bugs[77].whiteboard == "fresh words Telco Telco:Case"
    assert world.jira.issues[key].custom[KEYWORDS] == ["Customer", "Fresh", "Telco", "Telco:Case"]


def internal(settings: Settings, **more: object) -> Settings:
    """Settings that tag the internal whiteboard."""
    return settings.model_copy(update={"tag_bugzilla_field": "internal_whiteboard", **more})


@pytest.mark.parametrize("api", ["rest", "xmlrpc"])
@pytest.mark.parametrize("host", ["", "/bugzilla.redhat.com"], ids=["own host", "Red Hat's host"])
@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_the_internal_whiteboard_keeps_what_stands_there(
    world: Upstreams, settings: Settings, api: str, host: str
):
    """The server knows it by another name than python-bugzilla, which translates only at times."""
    url = f"{world.bugzilla_url}{host}" + ("/rest" if host and api == "rest" else "")
    settings = internal(settings, bugzilla_api=api, bugzilla_url=url)
    world.add_case(NUMBER)
    world.add_bug(77, NUMBER, internal_whiteboard="kept")
    await learn_all(settings)
    async with open_desk(settings) as desk:
        await tag_linked(desk)
        assert world.bugzilla.bugs[77].internal_whiteboard == "kept Telco Telco:Case"
        assert world.bugzilla.bugs[77].whiteboard == ""
    await synced(settings, "bugs", full=True)
    async with open_desk(settings) as desk:
        assert not (await tag_linked(desk)).planned


@pytest.mark.parametrize("api", ["rest", "xmlrpc"])
@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_what_an_answer_does_not_have_is_not_written_over(
    world: Upstreams, settings: Settings, api: str
):
    settings = internal(settings, bugzilla_api=api)
    world.add_case(NUMBER)
    world.add_bug(77, NUMBER, internal_whiteboard="kept")
    await learn_all(settings)
    world.bugzilla.lacks.add("cf_internal_whiteboard")
    async with open_desk(settings) as desk:
        found = await tag_linked(desk)
    told = "bugzilla: it did not tell its internal_whiteboard; nothing was written"
    assert found.failed == (("bug 77", told),)
    assert not any(row.method == "PUT" for row in world.bugzilla_faults.recent)
    assert world.bugzilla.bugs[77].internal_whiteboard == "kept"


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_words_between_any_separators_are_seen_and_separators_stay(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER)
    before = ["[ptp][ran]", "[a][b]", "x,[ptp] ,y", "one\n"]
    for number, text in enumerate(before, start=77):
        world.add_bug(number, NUMBER, whiteboard=text)
    await learn_all(settings)
    desk.settings = settings.model_copy(update={"tag_keywords": "[ptp]"})
    await tag_linked(desk)
    after = ["[ptp][ran]", "[a][b][ptp]", "x,[ptp] ,y", "one\n[ptp]"]
    assert [world.bugzilla.bugs[number].whiteboard for number in range(77, 81)] == after


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_a_bugzilla_that_ignores_the_field_is_told(
    world: Upstreams, settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """It answers 200 to names that it does not know."""
    monkeypatch.setattr(render, "_SETTABLE", frozenset({"summary"}))
    world.add_case(NUMBER)
    world.add_bug(77, NUMBER)
    await learn_all(settings)
    assert (await tag_linked(desk)).failed == (
        ("bug 77", "bugzilla: it did not take the whiteboard"),
    )


async def test_an_issue_gets_private_keywords_without_mail(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER)
    key = world.add_issue(NUMBER, custom={KEYWORDS: ["Customer", "Telco"], WHITEBOARD: "note"})
    await learn_all(settings)
    await tag_linked(desk)
    issue = world.jira.issues[key]
    assert issue.custom == {KEYWORDS: ["Customer", "Telco", "Telco:Case"], WHITEBOARD: "note"}
    assert [row.query for row in world.jira_faults.recent if row.method == "PUT"] == [
        "notifyUsers=false"
    ]
    assert await audited(desk) == [
        f"{key} private keywords: Customer Telco → Customer Telco Telco:Case"
    ]
    await synced(settings, "issues", full=True)
    assert not (await tag_linked(desk)).planned


async def test_a_project_without_that_field_has_its_internal_whiteboard_used(
    world: Upstreams, settings: Settings, desk: Desk
):
    del world.jira.fields[KEYWORDS]
    world.add_case(NUMBER)
    key = world.add_issue(NUMBER, custom={WHITEBOARD: "line one\nline two"})
    await learn_all(settings)
    for done in (1, 0):
        assert len((await tag_linked(desk)).done) == done
    assert world.jira.issues[key].custom[WHITEBOARD] == "line one\nline two Telco Telco:Case"
    assert await audited(desk) == [
        f"{key} internal whiteboard: line one\nline two → line one\nline two Telco Telco:Case"
    ]


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_a_whiteboard_that_jira_does_not_show_is_not_written_over(
    world: Upstreams, settings: Settings, desk: Desk
):
    """Hidden fields are not in the answer, and may be set all the same."""
    del world.jira.fields[KEYWORDS]
    world.add_case(NUMBER)
    key = world.add_issue(NUMBER, custom={WHITEBOARD: "kept"})
    await learn_all(settings)
    body = json.dumps({"id": "1", "key": key, "fields": {}})
    world.jira_faults.add("status", method="GET", path="/rest/api/2/issue/", status=200, body=body)
    found = await tag_linked(desk)
    told = "jira: it did not tell the internal whiteboard; nothing was written"
    assert found.failed == ((key, told),)
    assert world.jira.issues[key].custom[WHITEBOARD] == "kept"


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_a_field_of_labels_gets_plain_words(world: Upstreams, settings: Settings, desk: Desk):
    world.jira.add_field(KEYWORDS, "Private Keywords", "labels")
    world.add_case(NUMBER)
    key = world.add_issue(NUMBER, custom={KEYWORDS: ["Customer"]})
    await learn_all(settings)
    await tag_linked(desk)
    assert world.jira.issues[key].custom[KEYWORDS] == ["Customer", "Telco", "Telco:Case"]


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_the_summary_says_what_could_not_be_tagged_and_why(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER)
    for bug in (77, 78, 79):
        world.add_bug(bug, NUMBER)
    key = world.add_issue(NUMBER)
    gone = world.add_issue(NUMBER)
    world.bugzilla.update_bug(79, restricted=True)
    await learn_all(settings)
    world.bugzilla.update_bug(78, restricted=True)
    world.jira.delete_issue(gone)
    found = await tag_linked(desk)
    assert [one.card for one in found.done] == [key, "bug 77"]
    assert found.spared == (("bug 79", RESTRICTED),)
    assert found.failed == (
        (gone, "jira: HTTP 404: not there, or not shown to us"),
        ("bug 78", "bugzilla: error 102"),
    )
    (alert,) = await desk.alerts.raised()
    assert alert.text.startswith(f"cards tag: {gone}: jira: HTTP 404")
    failed = await desk.audit.read(Filter(action="cards tag", outcome="failed"))
    assert len(failed) == 2


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_only_what_open_cases_link_to_is_tagged_and_dry_runs_call_nothing(
    world: Upstreams, settings: Settings
):
    world.add_case(NUMBER)
    world.add_case("00000002")
    world.add_bug(77, NUMBER, "00000002")
    world.add_bug(78, "00000002")
    await learn_all(settings)
    world.portal.update_case("00000002", status="Closed")
    await learn(settings)
    world.reset_requests()
    async with open_desk(settings.model_copy(update={"read_only": True})) as desk:
        dry = await tag_linked(desk, dry=True)
        assert [(one.card, one.before, one.after) for one in dry.planned] == [
            ("bug 77", "", "Telco Telco:Case")
        ]
    assert world.requests() == 0
    async with open_desk(settings.model_copy(update={"tag_keywords": ""})) as desk:
        assert not (await tag_linked(desk)).planned


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_bugzilla_being_down_is_told_and_tried_again(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER)
    world.add_bug(77, NUMBER)
    await learn_all(settings)
    down = world.bugzilla_faults.add(Kind.DOWN)
    assert [what for what, _ in (await tag_linked(desk)).failed] == ["bug 77"]
    world.bugzilla_faults.remove(down)
    assert [one.card for one in (await tag_linked(desk)).done] == ["bug 77"]
    assert not await desk.alerts.raised()
