"""One item that always fails is skipped, named, kept and tried again; all others are as they are.

The servers of the sandbox answer every request about the item with an error, for as long as asked.
"""

import asyncio

import pytest

from sandbox.faults import Kind
from t5g.errors import UpstreamError
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, one, synced
from tests.workers.upstreams import ago
from workers.items import MOST_IN_A_ROW, Breaker, in_batches
from workers.runner import run_sync


def spoil(faults, item, **how):
    """Let each answer about an item be a 502, for ever."""
    return faults.add(Kind.STATUS, status=502, item=str(item), **how)


@pytest.fixture
def impatient(settings):
    """Settings under which a bad answer is soon given up."""
    return settings.model_copy(update={"upstream_attempts": 2})


async def partly(settings, name, culprit):
    """Run a sync that names a culprit, and counts as a success all the same."""
    record = await run_sync(settings, name)
    assert record.state is SyncState.PARTIAL, record.error
    assert record.failed == 1
    assert str(culprit) in record.error
    assert "502" in record.error
    assert record.last_success == record.started
    return record


async def test_a_case_page_that_always_fails_costs_no_other_case_its_details(
    impatient, upstreams, store
):
    numbers = upstreams.add_cases(130)
    for number in numbers:
        upstreams.portal.update_case(number, group_name="first")
    await synced(impatient, Sync.CASES)
    where = "/graphql" if impatient.portal_api == "graphql" else "/hydra/rest/v1/cases"
    fault = spoil(upstreams.portal_faults, numbers[7], path=where)
    await partly(impatient, Sync.DETAILS, numbers[7])
    found = await cases_of(store)
    assert [n for n, case in found.items() if case.details.group_name != "first"] == [numbers[7]]
    await partly(impatient, Sync.DETAILS, numbers[7])  # it is tried again
    upstreams.portal_faults.remove(fault)
    await synced(impatient, Sync.DETAILS)
    assert (await one(store, numbers[7])).details.group_name == "first"


async def test_a_case_whose_details_fail_is_kept_as_it_was(impatient, upstreams, store):
    numbers = upstreams.add_cases(3)
    for number in numbers:
        upstreams.portal.update_case(number, group_name="first")
    await synced(impatient, Sync.CASES, Sync.DETAILS)
    where = "/graphql" if impatient.portal_api == "graphql" else "/hydra/rest/v1/cases"
    fault = spoil(upstreams.portal_faults, numbers[1], path=where)
    for number in numbers:
        upstreams.portal.update_case(number, group_name="second")
    upstreams.portal_faults.remove(fault)
    await synced(impatient, Sync.CASES)
    spoil(upstreams.portal_faults, numbers[1], path=where)
    await partly(impatient, Sync.DETAILS, numbers[1])
    found = await cases_of(store)
    assert [found[number].details.group_name for number in numbers] == ["second", "first", "second"]


async def test_a_number_that_can_not_be_looked_up_stays_and_the_others_are_decided(
    impatient, upstreams, store
):
    """After a whole listing cases that are missing are asked for by number, in batches."""
    numbers = upstreams.add_cases(12)
    await synced(impatient, Sync.CASES)
    for number in numbers[:3]:
        upstreams.portal.close_case(number)
    upstreams.portal.remove_case(numbers[3])
    spoil(upstreams.portal_faults, numbers[1])
    record = await run_sync(impatient, Sync.CASES, full=True)
    assert record.state is SyncState.PARTIAL
    assert numbers[1] in record.error
    found = await cases_of(store)
    assert sorted(found) == [number for number in numbers if number != numbers[3]]
    assert [found[number].portal.status == "Closed" for number in numbers[:3]] == [
        True, False, True,
    ]  # fmt: skip
    upstreams.clear_faults()
    await synced(impatient, Sync.CASES)
    assert (await one(store, numbers[1])).portal.status == "Closed"


async def test_a_key_that_always_fails_costs_no_other_issue(impatient, upstreams, store):
    numbers = upstreams.add_cases(40)
    keys = [upstreams.add_issue(number) for number in numbers]
    await synced(impatient, Sync.CASES, Sync.DETAILS)
    fault = spoil(upstreams.jira_faults, keys[5])
    await partly(impatient, Sync.ISSUES, keys[5])
    found = await cases_of(store)
    assert [n for n in numbers if not found[n].issues] == [numbers[5]]
    upstreams.jira_faults.remove(fault)
    await synced(impatient, Sync.ISSUES)
    assert (await one(store, numbers[5])).issues[0].title == "it breaks"


async def test_an_issue_that_fails_later_is_kept_as_it_was(impatient, upstreams, store):
    (number,) = upstreams.add_cases(1)
    first, second = upstreams.add_issue(number), upstreams.add_issue(number)
    await synced(impatient, Sync.CASES, Sync.DETAILS, Sync.ISSUES)
    for key in (first, second):
        upstreams.jira.update_issue(key, summary="changed")
    spoil(upstreams.jira_faults, first)
    record = await run_sync(impatient, Sync.ISSUES, full=True)
    assert record.failed == 1
    titles = {issue.key: issue.title for issue in (await one(store, number)).issues}
    assert titles == {first: "it breaks", second: "changed"}


async def test_a_case_is_not_said_to_have_no_issue_while_its_only_one_can_not_be_read(
    impatient, upstreams, store
):
    first, second = upstreams.add_cases(2)
    bad, _ = upstreams.add_issue(first), upstreams.add_issue(second)
    await synced(impatient, Sync.CASES, Sync.DETAILS)
    spoil(upstreams.jira_faults, bad)
    await partly(impatient, Sync.ISSUES, bad)
    states = {f.number: f.states async for f in store.read_all(["issues"])}
    assert "issues" not in states[first]
    assert "issues" in states[second]


@pytest.mark.parametrize("api", ["rest", "xmlrpc"])
async def test_a_bug_that_always_fails_costs_no_other_bug(upstreams, redis_url, store, api):
    settings = upstreams.settings(
        redis_url, bugzilla_api=api, portal_api="hydra", upstream_attempts=2
    )
    numbers = upstreams.add_cases(40)
    for number in numbers:
        upstreams.add_bug(1000 + int(number), number)
    await synced(settings, Sync.CASES, Sync.DETAILS)
    fault = spoil(upstreams.bugzilla_faults, 1007)
    await partly(settings, Sync.BUGS, "bug 1007")
    found = await cases_of(store)
    assert [n for n in numbers if not found[n].bugs] == [numbers[6]]
    upstreams.bugzilla_faults.remove(fault)
    await synced(settings, Sync.BUGS)
    assert (await one(store, numbers[6])).bugs[0].summary == "bug 1007"


async def test_links_of_a_card_that_always_fail_cost_no_other_card(impatient, upstreams, store):
    numbers = upstreams.add_cases(6)
    old = {"created": ago(days=9), "updated": ago(days=1)}
    keys = [upstreams.add_card(number, **old) for number in numbers[:4]]
    nameless = upstreams.add_card(numbers[4], "no number here", **old)
    await synced(impatient, Sync.CASES)
    spoil(upstreams.jira_faults, nameless, path="/rest/api/2/issue")
    await partly(impatient, Sync.CARDS, nameless)
    found = await cases_of(store)
    assert [found[number].card.key for number in numbers[:4]] == keys
    await partly(impatient, Sync.CARDS, nameless)  # though it did not change since
    upstreams.jira.delete_issue(keys[0])  # that others went is seen all the same
    record = await run_sync(impatient, Sync.CARDS, full=True)
    assert record.failed == 1
    assert not (await one(store, numbers[0])).cards
    upstreams.clear_faults()
    await synced(impatient, Sync.CARDS)


async def test_a_card_that_can_not_be_read_any_more_stays_with_its_case(
    impatient, upstreams, store
):
    numbers = upstreams.add_cases(3)
    old = {"created": ago(days=9), "updated": ago(days=1)}
    keys = [upstreams.add_card(number, **old) for number in numbers]
    await synced(impatient, Sync.CASES, Sync.CARDS)
    upstreams.jira.update_issue(keys[1], labels=[])  # so that the listing has it not
    upstreams.jira.update_issue(keys[2], labels=[])
    spoil(upstreams.jira_faults, keys[1])
    record = await run_sync(impatient, Sync.CARDS, full=True)
    assert keys[1] in record.error
    found = await cases_of(store)
    assert [bool(found[number].cards) for number in numbers] == [True, True, False]


async def test_comments_that_always_fail_cost_the_card_nothing_else(impatient, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number, created=ago(days=9), updated=ago(days=1))
    upstreams.jira.comments_in_search = 2
    for count in range(120):
        upstreams.jira.add_comment(key, upstreams.anna, f"comment {count}")
    await synced(impatient, Sync.CASES, Sync.CARDS)
    before = (await one(store, number)).card_comments
    upstreams.jira.update_issue(key, summary=f"{number}: changed")
    upstreams.jira.add_comment(key, upstreams.anna, "one more")
    fault = upstreams.jira_faults.add(
        Kind.STATUS, status=502, path=f"/rest/api/2/issue/{key}/comment"
    )
    await partly(impatient, Sync.CARDS, key)
    assert {c.id for c in before} <= {c.id for c in (await one(store, number)).card_comments}
    upstreams.jira_faults.remove(fault)
    await synced(impatient, Sync.CARDS)
    assert len((await one(store, number)).card_comments) == 121


async def test_an_escalation_that_can_not_be_looked_at_stays(impatient, upstreams, store):
    numbers = upstreams.add_cases(3)
    keys = [upstreams.add_escalation(number) for number in numbers]
    await synced(impatient, Sync.CASES, Sync.ESCALATIONS)
    for key in keys[:2]:
        upstreams.jira.transition(key, "Closed")
    spoil(upstreams.jira_faults, keys[0])
    await partly(impatient, Sync.ESCALATIONS, keys[0])
    found = await cases_of(store)
    assert [bool(found[number].escalations) for number in numbers] == [True, False, True]


async def test_what_came_before_the_token_was_refused_is_written(upstreams, redis_url, store):
    settings = upstreams.settings(redis_url, portal_api="hydra", upstream_attempts=2)
    numbers = upstreams.add_cases(200)
    for number in numbers:
        upstreams.portal.update_case(number, group_name="first")
    await synced(settings, Sync.CASES)
    upstreams.portal_faults.add(Kind.REFUSE_TOKEN, path="/hydra/rest/v1/cases", after=120)
    record = await run_sync(settings, Sync.DETAILS)
    assert record.state is SyncState.FAILED
    assert "401" in record.error
    found = await cases_of(store)
    assert sum(case.details.group_name == "first" for case in found.values()) >= 120
    assert upstreams.portal_faults.total < 300, "nothing more is asked for with a refused token"


async def test_a_service_in_trouble_is_left_alone_after_a_few_items(upstreams, redis_url):
    settings = upstreams.settings(redis_url, portal_api="hydra", upstream_attempts=2)
    upstreams.add_cases(300)
    await synced(settings, Sync.CASES)
    upstreams.reset_requests()
    upstreams.portal_faults.add(Kind.DOWN, path="/hydra/rest/v1/cases")
    record = await run_sync(settings, Sync.DETAILS)
    assert record.state is SyncState.FAILED
    assert "in a row" in record.error
    assert "503" in record.error
    assert upstreams.portal_faults.total < 120


async def test_linked_issues_that_nobody_can_fetch_cost_no_case_its_details(
    upstreams, redis_url, store
):
    settings = upstreams.settings(redis_url, portal_api="graphql", upstream_attempts=2)
    numbers = upstreams.add_cases(150)
    for number in numbers:
        upstreams.portal.update_case(number, group_name="first")
    await synced(settings, Sync.CASES)
    upstreams.portal_faults.add(Kind.DOWN, path="/hydra/rest/cases")
    record = await run_sync(settings, Sync.DETAILS)
    assert record.state is SyncState.FAILED
    assert record.failed == 150
    assert {case.details.group_name for case in (await cases_of(store)).values()} == {"first"}


async def test_issues_and_bugs_wait_for_some_details_not_for_all(upstreams, redis_url, store):
    settings = upstreams.settings(redis_url, portal_api="hydra", upstream_attempts=1)
    numbers = upstreams.add_cases(60)
    for number in numbers:
        upstreams.add_issue(number)
        upstreams.add_bug(int(number), number)
    await synced(settings, Sync.CASES)
    for name in (Sync.ISSUES, Sync.BUGS):
        assert "waits for the first" in (await run_sync(settings, name)).error
    upstreams.portal_faults.add(Kind.DOWN, path="/hydra/rest/v1/cases", after=20)
    assert (await run_sync(settings, Sync.DETAILS)).state is SyncState.FAILED
    await synced(settings, Sync.ISSUES, Sync.BUGS)
    found = (await cases_of(store)).values()
    assert sum(bool(case.issues and case.bugs) for case in found) == 20


async def test_cards_wait_for_some_cases_not_for_all(upstreams, redis_url, store, monkeypatch):
    monkeypatch.setattr("workers.portal.hydra.ROWS", 10)
    settings = upstreams.settings(redis_url, portal_api="hydra", upstream_attempts=1)
    for number in upstreams.add_cases(30):
        upstreams.add_card(number)
    upstreams.portal_faults.add(Kind.DOWN, path="/hydra/rest/search")
    assert (await run_sync(settings, Sync.CASES)).state is SyncState.FAILED
    assert "waits for the first" in (await run_sync(settings, Sync.CARDS)).error
    upstreams.clear_faults()
    upstreams.portal_faults.add(Kind.DOWN, path="/hydra/rest/search", after=2)
    assert (await run_sync(settings, Sync.CASES)).state is SyncState.FAILED
    await synced(settings, Sync.CARDS, Sync.ESCALATIONS)
    assert sum(bool(case.cards) for case in (await cases_of(store)).values()) == 20


async def test_the_only_issue_of_all_that_fails_while_jira_works_is_an_items_fault(
    impatient, upstreams
):
    number, _ = upstreams.add_cases(2)
    key = upstreams.add_issue(number)
    await synced(impatient, Sync.CASES, Sync.DETAILS)
    fault = spoil(upstreams.jira_faults, key)
    await partly(impatient, Sync.ISSUES, key)
    upstreams.jira_faults.remove(fault)
    upstreams.jira_faults.add(Kind.DOWN)
    record = await run_sync(impatient, Sync.ISSUES)
    assert record.state is SyncState.FAILED, "all of JIRA is down"


async def failing(error):
    raise error


async def test_a_breaker_opens_after_too_many_in_a_row_and_not_before():
    breaker = Breaker()
    bad = UpstreamError("jira", "HTTP 502")

    async def good():
        return 1

    for _ in range(3):
        for _ in range(MOST_IN_A_ROW):
            with pytest.raises(UpstreamError, match="jira: HTTP 502"):
                await breaker.call(lambda: failing(bad))
        assert await breaker.call(good) == 1
    for _ in range(MOST_IN_A_ROW + 1):
        with pytest.raises(UpstreamError, match="HTTP 502"):
            await breaker.call(lambda: failing(bad))
    assert breaker.open is not None
    with pytest.raises(UpstreamError, match="11 calls failed in a row, the last one with: HTTP 5"):
        await breaker.call(good)


async def test_refusals_are_each_an_items_own_however_many():
    breaker = Breaker()
    refused = UpstreamError("jira", "HTTP 403", transient=False)
    for _ in range(3 * MOST_IN_A_ROW):
        with pytest.raises(UpstreamError):
            await breaker.call(lambda: failing(refused))
    assert breaker.open is None


async def test_what_concerns_all_opens_it_at_once():
    breaker = Breaker()
    with pytest.raises(UpstreamError):
        await breaker.call(lambda: failing(UpstreamError("sso", "no", concerns_all=True)))
    assert str(breaker.open) == "sso: no"


@pytest.mark.parametrize("bad", [{0}, {7}, {99}, {0, 99}, {10, 35, 60, 85}])
async def test_a_batch_that_fails_is_halved_until_the_culprit_is_alone(bad):
    async def call(batch):
        if bad & set(batch):
            raise UpstreamError("bugzilla", "HTTP 500")
        return list(batch)

    async def check():
        raise AssertionError("something worked")

    good, failed = [], []
    async for batch, found in in_batches(range(100), call, size=50, limit=3, check=check):
        if isinstance(found, UpstreamError):
            failed += batch
        else:
            good += found
    assert sorted(failed) == sorted(bad)
    assert sorted(good) == sorted(set(range(100)) - bad)


async def test_culprits_that_end_together_after_all_others_are_no_outage():
    """Bad items take longest, each being tried several times."""
    late = asyncio.Event()
    left = set(range(30))

    async def call(batch):
        (item,) = batch
        if item < MOST_IN_A_ROW + 5:
            await late.wait()
            raise UpstreamError("portal", "HTTP 502")
        left.discard(item)
        if len(left) == MOST_IN_A_ROW + 5:
            late.set()
        return item

    async def check():
        raise AssertionError("something worked")

    rows = [
        (batch, found)
        async for batch, found in in_batches(range(30), call, size=1, limit=24, check=check)
    ]
    assert len(rows) == 30
