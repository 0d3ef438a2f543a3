"""Details, issues and bugs of which most are gone at once: not believed unless a person says so."""

import pytest

from sandbox.faults import Kind
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, one, synced
from workers.runner import run_sync

ALL = (Sync.CASES, Sync.DETAILS, Sync.ISSUES, Sync.BUGS)


@pytest.fixture
def world(upstreams):
    """Eight cases, each with an issue, a bug and three comments."""
    numbers = upstreams.add_cases(8)
    for number in numbers:
        upstreams.add_issue(number)
        upstreams.add_bug(int(number), number)
        for text in "abc":
            upstreams.portal.add_comment(number, "Anna", text)
    return numbers


async def counted(store):
    """How many cases have issues and comments that can be read."""
    found = (await cases_of(store)).values()
    issues = sum(bool([i for i in case.issues if not i.restricted]) for case in found)
    return issues, sum(bool(case.details.comments) for case in found)


async def doubted(settings, name, *words, **how):
    """Run a sync that does not believe what it is told, and says how to confirm it."""
    record = await run_sync(settings, name, **how)
    assert record.state is SyncState.PARTIAL
    assert record.last_success < record.started
    for word in ("suspicious", *words, f"`t5g sync {name} --accept-shrink`"):
        assert word in record.error


async def test_details_without_most_links_and_comments_are_not_believed(
    settings, upstreams, store, world
):
    await synced(settings, *ALL)
    for number in world[:5]:
        upstreams.portal.cases[number].jiras.clear()
        upstreams.portal.cases[number].comments.clear()
        upstreams.portal.update_case(number, group_name="new")
    await synced(settings, Sync.CASES)
    for _ in range(2):  # the suspicion lasts, and what is doubted is asked for again
        await doubted(settings, Sync.DETAILS, "5 of ", "cases lost most of their")
    await synced(settings, Sync.ISSUES)
    assert await counted(store) == (8, 8)
    assert (await one(store, world[0])).details.group_name == "new", "the rest is believed"
    await synced(settings, Sync.DETAILS, accept_shrink=True)
    assert await counted(store) == (8, 3)
    await doubted(settings, Sync.ISSUES, "5 of 8 cases lost most of their linked issues")
    assert await counted(store) == (8, 3)
    await synced(settings, Sync.ISSUES, accept_shrink=True)
    assert await counted(store) == (3, 3)


async def test_a_few_cases_may_lose_all_they_had(settings, upstreams, store, world):
    await synced(settings, *ALL)
    for number in world[:2]:
        upstreams.portal.cases[number].jiras.clear()
        upstreams.portal.update_case(number, group_name="new")
    await synced(settings, *ALL)
    assert await counted(store) == (6, 8)


async def test_issues_that_are_hidden_all_at_once_are_not_believed(
    settings, upstreams, store, world
):
    """As for an account that was taken out of the group that sees them."""
    await synced(settings, *ALL)
    for issue in upstreams.jira.issues.values():
        issue.security = "Managers"
    await doubted(settings, Sync.ISSUES, "8 of 8 known issues are not there", full=True)
    assert await counted(store) == (8, 8)
    await synced(settings, Sync.ISSUES, full=True, accept_shrink=True)
    assert await counted(store) == (0, 8)


@pytest.mark.parametrize("api", ["rest", "xmlrpc"])
async def test_bugs_that_are_hidden_all_at_once_are_not_believed(
    upstreams, redis_url, store, world, api
):
    settings = upstreams.settings(redis_url, bugzilla_api=api, portal_api="hydra")
    await synced(settings, *ALL)
    for bug in upstreams.bugzilla.bugs.values():
        bug.restricted = True
    await doubted(settings, Sync.BUGS, "8 of 8 known bugs are not there", full=True)
    assert [case.bugs[0].restricted for case in (await cases_of(store)).values()] == [False] * 8


async def test_bugs_whose_links_are_gone_all_at_once_are_not_believed(
    upstreams, redis_url, store, world
):
    """Their numbers come with the listing too, which has no guard for single facts."""
    settings = upstreams.settings(redis_url, portal_api="hydra")
    await synced(settings, *ALL)
    for number in world:
        upstreams.portal.cases[number].bugzillas.clear()
        upstreams.portal.update_case(number, group_name="new")
    await synced(settings, Sync.CASES)
    await doubted(settings, Sync.DETAILS, "8 of 8 cases lost most of their linked bugs")
    await synced(settings, Sync.DETAILS, accept_shrink=True)
    await doubted(settings, Sync.BUGS, "8 of 8 cases lost most of their linked bugs")
    assert all(case.bugs for case in (await cases_of(store)).values())
    await synced(settings, Sync.BUGS, accept_shrink=True)
    assert not any(case.bugs for case in (await cases_of(store)).values())


async def test_an_answer_of_no_links_for_all_takes_no_issue_away(
    upstreams, redis_url, store, world
):
    settings = upstreams.settings(redis_url, portal_api="graphql")
    await synced(settings, *ALL)
    upstreams.portal_faults.add(Kind.STATUS, status=200, path="/hydra/rest/cases", body="[]")
    await doubted(settings, Sync.DETAILS, "8 of 8 cases lost most of their", full=True)
    upstreams.clear_faults()
    await synced(settings, Sync.DETAILS, Sync.ISSUES)
    assert await counted(store) == (8, 8)
