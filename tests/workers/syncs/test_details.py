"""The details sync: for changed cases at once, for all within twelve hours, once after closing."""

from datetime import timedelta

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
