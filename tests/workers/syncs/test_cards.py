"""The cards sync against the sandbox's JIRA, as Cloud and as Data Center."""

from datetime import timedelta

import pytest

from sandbox.faults import Kind
from t5g.model import Source
from t5g.state import ItemSeen
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, one, synced
from tests.workers.upstreams import CASE_LINK, LABEL, Upstreams, ago
from workers.jira import client
from workers.runner import run_sync


@pytest.fixture(params=["cloud", "data center"])
async def upstreams(request):
    world = Upstreams(cloud=request.param == "cloud")
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
def settings(upstreams, redis_url):
    fields = {} if upstreams.jira.cloud else {"sprint": "customfield_12310940"}
    return upstreams.settings(redis_url, jira_fields=fields)


def later(**kwargs):
    return lambda: ago() + timedelta(**kwargs)


async def test_cards_come_with_all_that_is_asked_for(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(
        number,
        status="In Progress",
        priority="Major",
        assignee=upstreams.anna,
        custom={"customfield_10466": [upstreams.anna]},
        sprint=upstreams.sprint,
    )
    upstreams.jira.add_comment(key, upstreams.anna, "see *this*", silent=True)
    upstreams.jira.add_comment(key, upstreams.anna, "secret", visibility="Staff", silent=True)
    record = await synced(settings, Sync.CASES, Sync.CARDS)
    case = await one(store, number)
    assert case.card.key == key
    assert case.card.status == "In Progress"
    assert case.card.priority == "Major"
    assert case.card.assignee.name == "Anna Příkladová"
    assert [person.name for person in case.card.contributors] == ["Anna Příkladová"]
    assert case.card.labels == (LABEL,)
    assert case.card.sprint == "T5G Sprint 12"
    assert [comment.body for comment in case.card_comments] == ["see this", "secret"]
    assert [comment.restricted for comment in case.card_comments] == [False, True]
    assert record.requests == 1


async def test_one_search_instead_of_a_request_per_card(settings, upstreams, store):
    for number in upstreams.add_cases(250):
        upstreams.add_card(number)
    record = await synced(settings, Sync.CASES, Sync.CARDS)
    assert record.requests == 3
    assert all(case.card for case in (await cases_of(store)).values())


async def test_the_case_is_in_the_summary_else_in_the_support_case_link(settings, upstreams, store):
    first, second, third = upstreams.add_cases(3)
    upstreams.add_card(first)
    linked = upstreams.add_card(second, summary="a card without a number")
    upstreams.jira.add_remote_link(linked, CASE_LINK.format(number=second), "Support Case")
    upstreams.add_card(third, summary="nothing known")
    record = await synced(settings, Sync.CASES, Sync.CARDS)
    assert (await one(store, second)).card.key == linked
    assert (await one(store, third)).card is None
    assert any("names no case" in note for note in record.notes)
    again = await synced(settings, Sync.CARDS)
    assert again.requests == 2  # what the links say is remembered; a look for renames


async def test_only_cards_with_the_label_of_the_project_count(settings, upstreams, store):
    first, second = upstreams.add_cases(2)
    upstreams.add_card(first, labels=["other"])
    upstreams.jira.create_issue("OCPBUGS", f"{second}: x", labels=[LABEL], silent=True)
    await synced(settings, Sync.CASES, Sync.CARDS)
    assert (await one(store, first)).card is None
    assert (await one(store, second)).card is None


async def test_only_cards_of_the_sprint_if_so_set(upstreams, redis_url, store):
    first, second = upstreams.add_cases(2)
    upstreams.add_card(first, sprint=upstreams.sprint)
    upstreams.add_card(second)
    settings = upstreams.settings(redis_url, jira_cards="sprint")
    await synced(settings, Sync.CASES, Sync.CARDS)
    assert (await one(store, first)).card
    assert (await one(store, second)).card is None


async def test_without_the_sprint_nothing_is_lost(upstreams, redis_url, store):
    (number,) = upstreams.add_cases(1)
    upstreams.add_card(number, sprint=upstreams.sprint)
    settings = upstreams.settings(redis_url, jira_cards="sprint")
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.set_sprint_state(upstreams.sprint, "closed")
    record = await run_sync(settings, Sync.CARDS, full=True)
    assert record.state is SyncState.PARTIAL
    assert "no active sprint" in record.error
    assert (await one(store, number)).card


async def test_a_change_is_found_with_one_search_and_a_look_for_renames(settings, upstreams, store):
    numbers = upstreams.add_cases(30)
    old = {"created": ago(days=9), "updated": ago(days=1)}
    keys = [upstreams.add_card(number, **old) for number in numbers]
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.transition(keys[4], "Code Review")
    record = await synced(settings, Sync.CARDS)
    assert (record.seen, record.changed, record.requests) == (1, 1, 2)
    assert (await one(store, numbers[4])).card.status == "Code Review"


async def test_changes_that_no_webhook_brought_are_counted(settings, upstreams, store):
    numbers = upstreams.add_cases(3)
    old = {"created": ago(days=9), "updated": ago(days=1)}
    keys = [upstreams.add_card(number, **old) for number in numbers]
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.transition(keys[0], "Code Review")
    upstreams.jira.transition(keys[1], "Blocked")
    changed = upstreams.jira.issues[keys[1]]
    known = (await one(store, numbers[1])).card
    await store.write(  # this one a webhook brought
        [
            ItemSeen(
                number=numbers[1],
                source=Source.CARD,
                key=keys[1],
                facts=type(known)(
                    **{
                        **{f: getattr(known, f) for f in known.__struct_fields__},
                        "status": "Blocked",
                        "updated": changed.updated,
                    }
                ),
                updated=changed.updated,
                seen=changed.updated,
            )
        ],
        now=ago(),
    )
    record = await synced(settings, Sync.CARDS, now=later(minutes=5))
    assert record.missed_events == 1


async def test_a_change_of_this_very_moment_is_not_counted_as_missed(settings, upstreams):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.transition(key, "Code Review")
    record = await synced(settings, Sync.CARDS)
    assert (record.changed, record.missed_events) == (1, 0)


async def test_a_card_that_loses_the_label_goes(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.update_issue(key, labels=["other"])
    await synced(settings, Sync.CARDS)
    assert (await one(store, number)).card is None
    upstreams.jira.update_issue(key, labels=[LABEL])
    await synced(settings, Sync.CARDS)
    assert (await one(store, number)).card.key == key


async def test_a_card_that_names_another_case_moves(settings, upstreams, store):
    first, second = upstreams.add_cases(2)
    key = upstreams.add_card(first)
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.update_issue(key, summary=f"{second}: mistaken before")
    await synced(settings, Sync.CARDS)
    assert (await one(store, first)).card is None
    assert (await one(store, second)).card.key == key


async def test_a_deleted_card_goes_with_the_next_full_run(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.delete_issue(key)
    await synced(settings, Sync.CARDS)
    assert (await one(store, number)).card
    await synced(settings, Sync.CARDS, full=True)
    assert (await one(store, number)).card is None


async def test_comments_edited_and_deleted(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    first = upstreams.jira.add_comment(key, None, "one")
    second = upstreams.jira.add_comment(key, None, "two")
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira.edit_comment(key, first.id, "one, mended")
    upstreams.jira.delete_comment(key, second.id)
    await synced(settings, Sync.CARDS)
    assert [c.body for c in (await one(store, number)).card_comments] == ["one, mended"]


async def test_comments_that_a_search_cut_off_are_asked_for_once(settings, upstreams, store):
    """Cloud's search gives some comments of each issue and says how many there are."""
    upstreams.jira.comments_in_search = 2
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    for count in range(130):
        upstreams.jira.add_comment(key, None, f"comment {count}", silent=True)
    await synced(settings, Sync.CASES, Sync.CARDS)
    assert len((await one(store, number)).card_comments) == 130
    upstreams.reset_requests()
    await synced(settings, Sync.CARDS)
    assert upstreams.jira_faults.total == 2  # the search, and a look for renames


#: Answers with 200 that do not say that there are no comments.
NO_LIST = (
    "{}", "", "[]", '{"errorMessages": ["Internal server error"], "errors": {}}',
    '{"startAt": 0, "maxResults": 100, "total": 3, "comments": []}',
    '{"startAt": 0, "maxResults": 100, "total": 3, "comments": [{"id": "1", "body": "one"}]}',
    '{"startAt": 0, "maxResults": 100, "comments": []}', '{"total": 0, "comments": null}',
    '{"total": 1, "comments": [{"body": "without an id"}]}', '{"total": 0, "comments": {}}',
)  # fmt: skip


@pytest.mark.parametrize("body", NO_LIST)
async def test_an_answer_without_a_whole_list_of_comments_empties_none(
    settings, upstreams, store, body
):
    upstreams.jira.comments_in_search = 0
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    for count in range(3):
        upstreams.jira.add_comment(key, None, f"comment {count}", silent=True)
    await synced(settings, Sync.CASES, Sync.CARDS)
    before = (await one(store, number)).card_comments
    assert len(before) == 3
    upstreams.jira.update_issue(key, summary=f"{number}: changed")
    path = f"/rest/api/2/issue/{key}/comment"
    upstreams.jira_faults.add("status", path=path, status=200, body=body)
    hasty = settings.model_copy(update={"upstream_attempts": 1})
    record = await run_sync(hasty, Sync.CARDS)
    assert (await one(store, number)).card_comments == before
    assert record.state is not SyncState.OK or record.failed
    upstreams.clear_faults()
    await synced(settings, Sync.CARDS)
    assert (await one(store, number)).card.summary == f"{number}: changed"


async def test_a_malformed_card_is_named_and_the_rest_is_stored(
    settings, upstreams, store, monkeypatch
):
    first, second, third = upstreams.add_cases(3)
    upstreams.add_card(first)
    bad = upstreams.add_card(second)
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.add_card(third)
    upstreams.jira.update_issue(bad, custom={"customfield_10466": [{"accountId": ["odd"]}]})
    monkeypatch.setattr("workers.syncs.cards.card_of", _refusing(bad))
    record = await run_sync(settings, Sync.CARDS, full=True)
    assert record.state is SyncState.PARTIAL
    assert record.failed == 1
    assert bad in record.error
    found = await cases_of(store)
    assert all(found[number].card for number in (first, second, third))


def _refusing(key):
    from t5g.jira_payloads import PayloadError, card_of

    def read(issue, settings):
        if issue["key"] == key:
            raise PayloadError("odd")
        return card_of(issue, settings)

    return read


async def test_a_card_of_an_unknown_case_waits_for_it(settings, upstreams, store):
    upstreams.add_cases(1)
    key = upstreams.add_card("00000777")
    await synced(settings, Sync.CASES, Sync.CARDS)
    assert "00000777" not in await cases_of(store)
    upstreams.add_case("00000777")
    await synced(settings, Sync.CASES)
    assert (await one(store, "00000777")).card.key == key


async def test_a_finished_card_of_an_unknown_case_is_not_kept(settings, upstreams, store):
    upstreams.add_cases(1)
    upstreams.add_card("00000777", status="Closed")
    await synced(settings, Sync.CASES, Sync.CARDS)
    assert "00000777" not in await store.numbers()


async def test_a_page_that_repeats_ends_the_run_and_loses_nothing(
    settings, upstreams, store, monkeypatch
):
    monkeypatch.setattr(client, "PAGE_SIZE", 5)
    numbers = upstreams.add_cases(20)
    for number in numbers:
        upstreams.add_card(number)
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira_faults.add(Kind.REPEAT, path="/rest/api/2/search", after=1, times=30)
    await run_sync(settings, Sync.CARDS, full=True)
    found = await cases_of(store)
    assert all(found[number].card for number in numbers)


async def test_jira_refusing_the_token_is_said(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    upstreams.add_card(number)
    await synced(settings, Sync.CASES, Sync.CARDS)
    upstreams.jira_faults.add(Kind.REFUSE_TOKEN)
    record = await run_sync(settings, Sync.CARDS)
    assert record.state is SyncState.FAILED
    assert "credentials" in record.error
    assert (await one(store, number)).card
