"""What is renamed in JIRA, where no `updated` moves: found by the next sync, and told by events.

JIRA is the sandbox's, as Cloud and as Data Center; its events go to a real web process.
"""

import pytest
from aiohttp.test_utils import TestServer

from sandbox.faults import Kind
from sandbox.jira.webhooks import SECRET
from t5g.model import Source
from t5g.state import CardState
from t5g.syncs import Sync
from tests.workers.reading import one, synced
from tests.workers.upstreams import LABEL, Upstreams, ago
from webhooks.app import create_app

OLD = {"created": ago(days=9), "updated": ago(days=1)}
JIRA = (Sync.CARDS, Sync.ISSUES, Sync.ESCALATIONS)


@pytest.fixture(params=["cloud", "data center"])
async def upstreams(request):
    world = Upstreams(cloud=request.param == "cloud")
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
def settings(upstreams, redis_url):
    fields = {} if upstreams.jira.cloud else {"sprint": "customfield_12310940"}
    return upstreams.settings(redis_url, jira_fields=fields, jira_webhook_secret=SECRET)


@pytest.fixture
async def world(settings, upstreams):
    """Three cases, each with a card and a defect, one escalated; everything is known."""
    numbers = upstreams.add_cases(3)
    for number in numbers:
        key = upstreams.add_card(
            number,
            assignee=upstreams.anna,
            custom={"customfield_10466": [upstreams.anna]},
            sprint=upstreams.sprint,
            **OLD,
        )
        upstreams.jira.add_comment(
            key, upstreams.anna, "see this", created=ago(days=2), silent=True
        )
        upstreams.add_issue(number, fix_versions=["4.16.1"], assignee=upstreams.anna, **OLD)
    upstreams.add_escalation(numbers[0], **OLD)
    await synced(settings, Sync.CASES, Sync.DETAILS, *JIRA)
    return numbers


@pytest.fixture
async def web(settings, upstreams, world):
    """A web process to which JIRA sends its events from now on."""
    server = TestServer(create_app(settings))
    await server.start_server()
    upstreams.webhooks.register(str(server.make_url("/webhooks/jira")))
    yield upstreams.webhooks
    await server.close()


def rename_sprint(upstreams):
    upstreams.jira.rename_sprint(upstreams.sprint, "T5G Sprint 12 (long)")


def rename_version(upstreams):
    upstreams.jira.rename_version("OCPBUGS", "4.16.1", "4.16.2")


def rename_anna(upstreams):
    upstreams.jira.rename_user(upstreams.anna, name="Anna Novotná")


def rename_projects(upstreams):
    upstreams.jira.rename_project("T5G", "FLD")
    upstreams.jira.rename_project("ESC", "HELP")


def shown(case):
    """What is shown of a case that a rename may change."""
    card, (issue,) = case.card, case.issues
    return {
        "card": [found.key for found in case.cards],
        "sprint": card.sprint,
        "people": {
            card.assignee.name, *(one.name for one in card.contributors), issue.assignee.name,
            *(comment.author.name for comment in case.card_comments),
        },
        "comments": [comment.body for comment in case.card_comments],
        "version": issue.fix_versions,
        "escalations": [found.key for found in case.escalations],
    }  # fmt: skip


RENAMES = {
    "sprint": (rename_sprint, {"sprint": "T5G Sprint 12 (long)"}),
    "version": (rename_version, {"version": ("4.16.2",)}),
    "person": (rename_anna, {"people": {"Anna Novotná"}}),
    "project": (rename_projects, {"card": ["FLD-1"], "escalations": ["HELP-1"]}),
}


@pytest.mark.parametrize("what", RENAMES)
async def test_the_next_sync_finds_what_was_renamed(settings, upstreams, world, store, what):
    rename, becomes = RENAMES[what]
    before = shown(await one(store, world[0]))
    rename(upstreams)
    await synced(settings, *JIRA)
    assert shown(await one(store, world[0])) == {**before, **becomes}
    for number in world:
        case = await one(store, number)
        assert len(case.cards) == len(case.issues) == 1
        assert shown(case)["comments"] == ["see this"]


@pytest.mark.parametrize("what", RENAMES)
async def test_an_event_tells_what_was_renamed(settings, upstreams, world, web, store, what):
    rename, becomes = RENAMES[what]
    before = shown(await one(store, world[0]))
    rename(upstreams)
    await web.settled()
    assert [delivery.outcome for delivery in web.log] == ["delivered"] * len(web.log)
    assert shown(await one(store, world[0])) == {**before, **becomes}


@pytest.mark.parametrize("told", ["before the sync", "after the sync"])
async def test_a_renamed_project_keeps_its_cards_in_events_and_syncs(
    settings, upstreams, world, web, store, told
):
    rename_projects(upstreams)
    await web.settled()
    if told == "after the sync":
        await synced(settings, *JIRA, full=True)
    for turn, status in enumerate(("In Progress", "Code Review", "Blocked")):
        upstreams.jira.transition("FLD-1", status)
        upstreams.jira.update_issue("HELP-1", summary=f"please help {turn}")
        await web.settled()
        case = await one(store, world[0])
        assert [(card.key, card.status) for card in case.cards] == [("FLD-1", status)]
        assert [found.key for found in case.escalations] == ["HELP-1"]
        await synced(settings, *JIRA)
        case = await one(store, world[0])
        assert [(card.key, card.status) for card in case.cards] == [("FLD-1", status)]
        assert [found.key for found in case.escalations] == ["HELP-1"]
        assert [comment.body for comment in case.card_comments] == ["see this"]


async def test_events_of_a_renamed_project_keep_cards_when_nothing_else_told(
    settings, upstreams, world, web, store
):
    (hook,) = upstreams.webhooks.registered.values()
    upstreams.webhooks.registered.clear()
    rename_projects(upstreams)
    upstreams.webhooks.registered[hook.id] = hook
    upstreams.jira.transition("FLD-1", "Blocked")
    upstreams.jira.create_issue("FLD", f"{world[1]}: another", labels=[LABEL])
    await web.settled()
    first, second = await one(store, world[0]), await one(store, world[1])
    assert [(card.key, card.status) for card in first.cards] == [("FLD-1", "Blocked")]
    assert [comment.body for comment in first.card_comments] == ["see this"]
    assert {card.key for card in second.cards} == {"T5G-2", "FLD-4"}  # no event told of T5G-2
    assert [found.key for found in first.escalations] == ["ESC-1"]
    await synced(settings, *JIRA)
    second = await one(store, world[1])
    assert {card.key for card in second.cards} == {"FLD-2", "FLD-4"}


async def test_a_project_under_its_old_key_that_another_took_is_not_ours(
    settings, upstreams, world, web, store
):
    rename_projects(upstreams)
    await synced(settings, *JIRA)
    upstreams.jira.project("FLD").old_keys = ()
    upstreams.jira.add_project("T5G", "Something else")
    upstreams.jira.create_issue("T5G", f"{world[0]}: not ours", labels=[LABEL])
    await web.settled()
    assert [card.key for card in (await one(store, world[0])).cards] == ["FLD-1"]


async def test_a_user_name_that_changed_is_found_by_the_next_sync(
    settings, upstreams, world, store
):
    if upstreams.jira.cloud:
        return  # accounts have ids there that never change
    upstreams.jira.rename_user(upstreams.anna, username="anovotna")
    await synced(settings, *JIRA)
    case = await one(store, world[0])
    assert (case.card.assignee.account, case.issues[0].assignee.account) == ("anovotna",) * 2


async def test_the_sync_lists_all_only_when_something_was_renamed(settings, upstreams, world):
    quiet = await synced(settings, Sync.CARDS)
    assert quiet.seen == 0
    rename_sprint(upstreams)
    assert (await synced(settings, Sync.CARDS)).seen == 3
    assert (await synced(settings, Sync.CARDS)).seen == 0


async def test_a_renamed_project_leaves_no_card_under_its_old_key(
    settings, upstreams, world, store
):
    rename_projects(upstreams)
    await synced(settings, *JIRA)
    async for fields in store.read_all([Source.CARD]):
        state = fields.states.get(Source.CARD) or CardState()
        visible = [key for key, one in state.cards.items.items() if one.facts is not None]
        assert all(key.startswith("FLD-") for key in visible)


@pytest.mark.parametrize("told", ["by the sync", "by the event"])
async def test_a_renamed_project_is_told_as_new_keys_not_as_new_cards(
    settings, upstreams, world, web, store, told
):
    begun = (await store.position()).sequence
    if told == "by the sync":
        upstreams.webhooks.registered.clear()
    rename_projects(upstreams)
    await web.settled()
    await synced(settings, *JIRA)
    news = {change.fact for entry in await store.feed_after(begun) for change in entry.changes}
    assert news == {"card.key", "escalation.key", "escalation.url"}


async def test_a_card_that_an_event_just_told_of_has_one_key_after_the_sync(
    settings, upstreams, world, web, store
):
    upstreams.jira.transition("T5G-1", "Blocked")
    upstreams.jira.update_issue("ESC-1", summary="please help us")
    await web.settled()
    upstreams.webhooks.registered.clear()
    rename_projects(upstreams)
    await synced(settings, *JIRA)
    case = await one(store, world[0])
    assert [card.key for card in case.cards] == ["FLD-1"]
    assert [found.key for found in case.escalations] == ["HELP-1"]


@pytest.mark.parametrize("item", ["T5G-1", "key in"])
async def test_a_look_for_renames_that_fails_stops_no_sync(settings, upstreams, world, store, item):
    upstreams.jira.transition("T5G-2", "Blocked")
    upstreams.jira_faults.add(Kind.STATUS, item=item, status=502)
    record = await synced(settings, Sync.CARDS)
    assert (await one(store, world[1])).card.status == "Blocked"
    assert any(note.startswith("could not look at T5G-1 for renames") for note in record.notes)


@pytest.mark.parametrize("field", ["status", "priority"])
async def test_a_word_that_an_administrator_changed_is_found(
    settings, upstreams, world, store, field
):
    words = {"status": ("Blocked", "QE Review"), "priority": ("Major", "Critical")}[field]
    for word, full in zip(words, (True, False), strict=True):
        for key in ("T5G-2", "T5G-3"):
            setattr(upstreams.jira.issues[key], field, word)  # nobody is told, nothing is updated
        await synced(settings, *JIRA, full=full)
        for number in world[1:]:
            assert getattr((await one(store, number)).card, field) == word
