"""The details sync: for changed cases at once, for all within twelve hours, once after closing."""

from datetime import timedelta

import pytest
from msgspec import UNSET

from sandbox.faults import Kind
from sandbox.portal.state import NotifiedUser
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, one, synced
from tests.workers.upstreams import ago
from workers.runner import run_sync


def later(**kwargs):
    return lambda: ago() + timedelta(**kwargs)


async def test_details_have_what_the_dialect_can_tell(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_issue(number)
    upstreams.link_bug(4711, number)
    upstreams.portal.update_case(
        number,
        crit_sit=True,
        group_name="Telco & more",
        notified_users=[NotifiedUser("bert", "Manager")],
        relief_at=ago(days=1),
    )
    upstreams.portal.add_comment(number, "Anna", "first <b>", created=ago(days=2))
    upstreams.portal.add_comment(number, "Bert", "hidden", public=False, created=ago(days=1))
    await synced(settings, Sync.CASES, Sync.DETAILS)
    details = (await one(store, number)).details
    assert details.group_name == "Telco & more"
    assert details.issue_keys == (key,)
    assert [(c.author, c.body, c.public) for c in details.comments] == [
        ("Anna", "first <b>", True),
        ("Bert", "hidden", False),
    ]
    if settings.portal_api == "hydra":
        assert details.crit_sit is True
        assert details.bug_ids == (4711,)
        assert details.notified_users[0].title == "Manager"
        assert details.relief_at == upstreams.portal.cases[number].relief_at
        assert details.resolved_at is None
    else:
        assert details.crit_sit is UNSET
        assert details.bug_ids is UNSET
        assert details.relief_at is UNSET


async def test_what_graphql_can_not_tell_never_overwrites_what_was_known(
    upstreams, redis_url, store
):
    (number,) = upstreams.add_cases(1)
    upstreams.portal.update_case(number, crit_sit=True, relief_at=ago(days=1))
    hydra = upstreams.settings(redis_url, portal_api="hydra")
    await synced(hydra, Sync.CASES, Sync.DETAILS)
    upstreams.portal.update_case(number, group_name="new group")
    graphql = upstreams.settings(redis_url, portal_api="graphql")
    await synced(graphql, Sync.CASES, Sync.DETAILS)
    details = (await one(store, number)).details
    assert details.crit_sit is True
    assert details.relief_at is not None
    assert details.group_name == "new group"


async def test_all_comments_come_however_many(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    for count in range(450):
        upstreams.portal.add_comment(
            number, "Anna", f"comment {count}", created=ago(hours=500 - count)
        )
    await synced(settings, Sync.CASES, Sync.DETAILS)
    comments = (await one(store, number)).details.comments
    assert [comment.body for comment in comments] == [f"comment {n}" for n in range(450)]


async def test_only_what_changed_is_fetched(settings, upstreams, store):
    numbers = upstreams.add_cases(40)
    await synced(settings, Sync.CASES, Sync.DETAILS)
    upstreams.portal.update_case(numbers[7], group_name="x")
    upstreams.portal.update_case(numbers[9], group_name="y")
    record = await synced(settings, Sync.CASES, Sync.DETAILS)
    assert record.seen <= 3  # two, and at most one whose turn came this second
    assert (await one(store, numbers[7])).details.group_name == "x"
    assert (await one(store, numbers[9])).details.group_name == "y"


async def test_all_come_round_within_twelve_hours(settings, upstreams):
    numbers = upstreams.add_cases(60)
    await synced(settings, Sync.CASES, Sync.DETAILS)
    seen = []
    for hour in range(1, 13):
        record = await synced(settings, Sync.DETAILS, now=later(hours=hour))
        seen.append(record.seen)
    assert len(numbers) <= sum(seen) <= len(numbers) + 5
    assert max(seen) < 20  # spread, not in one burst


async def test_closed_cases_are_looked_at_once_more(settings, upstreams, store):
    first, second = upstreams.add_cases(2)
    await synced(settings, Sync.CASES, Sync.DETAILS)
    upstreams.portal.close_case(first)
    upstreams.portal.update_case(first, group_name="set at the end")
    await synced(settings, Sync.CASES, Sync.DETAILS)
    assert (await one(store, first)).details.group_name == "set at the end"
    await synced(settings, Sync.DETAILS, now=later(hours=1))  # it had closed that very moment
    record = await synced(settings, Sync.DETAILS, now=later(hours=30))
    assert record.seen == 1
    assert (await one(store, second)).details


async def test_a_case_that_vanishes_between_listing_and_detail(settings, upstreams, store):
    numbers = upstreams.add_cases(4)
    await synced(settings, Sync.CASES)
    upstreams.portal.remove_case(numbers[1])
    record = await run_sync(settings, Sync.DETAILS)
    assert record.state is SyncState.PARTIAL
    assert (record.seen, record.failed) == (4, 1)
    assert numbers[1] in record.error
    assert record.last_success == record.started
    assert sorted(await cases_of(store)) == numbers


async def test_a_case_that_may_not_be_read_is_named(upstreams, redis_url, store):
    numbers = upstreams.add_cases(3)
    settings = upstreams.settings(redis_url, portal_api="hydra")
    await synced(settings, Sync.CASES)
    upstreams.portal.update_case(numbers[1], restricted=True)
    record = await run_sync(settings, Sync.DETAILS)
    assert record.failed == 1
    assert "does not show it" in record.error


async def test_linked_issues_that_can_not_be_fetched_stay_unknown(upstreams, redis_url, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_issue(number)
    settings = upstreams.settings(redis_url, portal_api="graphql")
    await synced(settings, Sync.CASES, Sync.DETAILS)
    upstreams.portal_faults.add(Kind.STATUS, path="/hydra/rest/cases", status=500)
    upstreams.portal.update_case(number, group_name="x")
    await synced(settings, Sync.CASES)
    record = await run_sync(settings, Sync.DETAILS)
    assert record.failed == 1
    details = (await one(store, number)).details
    assert details.issue_keys == (key,)
    assert details.group_name == "x"
    upstreams.clear_faults()
    record = await synced(settings, Sync.DETAILS)
    assert record.seen == 1  # it is asked for again, as its turn was not over


async def test_it_waits_for_the_first_listing(settings):
    record = await run_sync(settings, Sync.DETAILS)
    assert record.state is SyncState.FAILED
    assert "t5g sync cases" in record.error


async def test_linked_issues_that_the_portal_does_not_have_at_hand_stay(
    upstreams, redis_url, store
):
    """404 says that there is no such address, not that a case has no issues."""
    settings = upstreams.settings(redis_url, portal_api="graphql")
    numbers = upstreams.add_cases(3)
    keys = [upstreams.add_issue(number) for number in numbers]
    await synced(settings, Sync.CASES, Sync.DETAILS, Sync.ISSUES)
    for number in numbers:
        path = f"/hydra/rest/cases/{number}/jiras"
        upstreams.portal_faults.add("status", path=path, status=404, body='{"message": "no"}')
    record = await run_sync(settings, Sync.DETAILS, full=True)
    assert (record.failed, record.seen) == (3, 3)
    assert await run_sync(settings, Sync.ISSUES, full=True)
    found = await cases_of(store)
    assert [found[n].details.issue_keys for n in numbers] == [(key,) for key in keys]
    assert [[issue.key for issue in found[n].issues] for n in numbers] == [[key] for key in keys]


#: Answers with 200 to a question for comments or details that tell neither.
NOTHING_TOLD = {
    "hydra": ("/hydra/rest/v1/cases", [
        "{}", "", "[]", '{"message": "Internal error"}', '{"caseNumber": "00000001"}',
        '{"caseNumber": "00000001", "comments": null, "externalTrackers": {}, "bugzillas": 3}',
    ]),
    "graphql": ("/graphql", [
        "{}", "", "[]", '{"errors": [{"message": "oops"}]}', '{"data": null}',
        '{"data": {"redhat_support_uiapi": {"query": {"RedHatSupportCaseComment__c": null}}}}',
        '{"data": {"redhat_support_uiapi": {"query": {"RedHatSupportCaseComment__c": {"totalCount":'
        ' 31, "pageInfo": {"hasNextPage": false}, "edges": []}}}}}',
        '{"data": {"redhat_support_uiapi": {"query": {"RedHatSupportCaseComment__c": {"totalCount":'
        ' 0, "pageInfo": {}, "edges": []}}}}}',
    ]),
}  # fmt: skip


@pytest.mark.parametrize("after", [0, 1], ids=["details", "comments"])
async def test_an_answer_that_tells_nothing_leaves_all_details_as_they_are(
    settings, upstreams, store, after
):
    (number,) = upstreams.add_cases(1)
    upstreams.add_issue(number)
    upstreams.link_bug(4711, number)
    upstreams.portal.update_case(number, notified_users=[NotifiedUser("bert", "Manager")])
    for day in range(3):
        upstreams.portal.add_comment(number, "Anna", "text", created=ago(days=day))
    await synced(settings, Sync.CASES, Sync.DETAILS)
    before = (await one(store, number)).details
    assert len(before.comments) == 3
    path, bodies = NOTHING_TOLD[settings.portal_api]
    hasty = settings.model_copy(update={"upstream_attempts": 1})
    for body in bodies:
        upstreams.portal_faults.add("status", path=path, status=200, body=body, after=after)
        await run_sync(hasty, Sync.DETAILS, full=True)
        assert (await one(store, number)).details == before, body
        upstreams.clear_faults()
    record = await synced(settings, Sync.DETAILS, full=True)
    assert record.changed == 0


async def test_whose_a_comment_is_and_who_sees_it(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    for place, (kind, public) in enumerate(
        [("Customer", True), ("Associate", True), ("Associate", False)]
    ):
        upstreams.portal.add_comment(
            number, "Anna", kind, kind=kind, public=public, created=ago(days=9 - place)
        )
    await synced(settings, Sync.CASES, Sync.DETAILS)
    comments = (await one(store, number)).details.comments
    told = [(c.by_customer, c.public) for c in comments]
    assert told == [(True, True), (False, True), (False, False)]


async def test_more_comments_than_fit_on_a_page_come_all(settings, upstreams, store):
    first, second, third = upstreams.add_cases(3)
    for place in range(250):
        upstreams.portal.add_comment(first, "Anna", f"{place}", created=ago(days=2))
    upstreams.portal.add_comment(third, "Anna", "hello", created=ago(days=1))
    await synced(settings, Sync.CASES, Sync.DETAILS)
    found = await cases_of(store)
    counts = [len(found[number].details.comments) for number in (first, second, third)]
    assert counts == [250, 0, 1]
