"""The cases sync against the sandbox's Portal, in both dialects: complete, and never loses."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import UNSET

from sandbox.faults import Kind
from t5g.alerts import Alerts
from t5g.keys import Keys
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, one, synced
from tests.workers.upstreams import ago
from workers.portal import graphql, hydra
from workers.runner import run_sync

LISTING = {"graphql": "/graphql", "hydra": "/hydra/rest/search"}


def listing(settings):
    return LISTING[settings.portal_api]


def hours_later(hours):
    def now():
        return ago() + timedelta(hours=hours)

    return now


async def test_every_case_of_the_query_is_stored(settings, upstreams, store):
    numbers = upstreams.add_cases(7)
    record = await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == numbers
    assert (record.seen, record.changed, record.failed) == (7, 7, 0)
    case = await one(store, numbers[0])
    assert case.portal.status == "Waiting on Red Hat"
    assert case.portal.severity == "3 (Normal)"
    assert case.portal.account == "ACME & Sons"
    assert case.portal.summary == f"Node <worker> of {numbers[0]} not ready"
    assert case.portal.created == upstreams.portal.cases[numbers[0]].created


async def test_the_first_run_learns_what_closed_lately(settings, upstreams, store):
    numbers = upstreams.add_cases(2)
    for number, days in (("09999991", 1), ("09999992", 89), ("09999993", 91)):
        upstreams.add_case(number, status="closed", modified=ago(days=days), closed=ago(days=days))
    upstreams.add_case("09999994", status="closed", tags=[], modified=ago(days=1))
    record = await synced(settings, Sync.CASES)
    # By GraphQL all that the account may see is ours, by hydra what has our tag.
    others = ["09999994"] if settings.portal_api == "graphql" else []
    assert sorted(await cases_of(store)) == [*numbers, "09999991", "09999992", *others]
    assert (record.seen, record.removed) == (4 + len(others), 0)
    assert record.known_since == record.started - 90 * 86_400
    case = await one(store, "09999992")
    assert (case.portal.status, case.portal.closed) == ("Closed", ago(days=89))
    upstreams.add_case("09999995", status="closed", modified=ago(days=2), closed=ago(days=2))
    await synced(settings, Sync.CASES, full=True)
    assert "09999995" not in await cases_of(store), "later ones ask what became of known cases"


async def test_the_first_run_learns_no_case_that_the_next_would_forget(settings, upstreams, store):
    settings = settings.model_copy(update={"closed_days": 30})
    for number, days in (("09999991", 29), ("09999992", 31)):
        upstreams.add_case(number, status="closed", modified=ago(days=days), closed=ago(days=days))
    await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == ["09999991"]


async def test_of_very_many_closed_cases_the_first_run_takes_some(
    settings, upstreams, store, monkeypatch
):
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    for number in range(1, 81):
        upstreams.add_case(f"{number:08}", status="closed", modified=ago(days=2))
    record = await synced(settings, Sync.CASES)
    assert record.seen == 50
    assert record.requests < 10
    assert record.known_since == record.started, "others may have closed in the same time"


async def test_with_a_query_of_ones_own_nobody_knows_which_closed_cases_were_ours(
    settings, upstreams, store
):
    tagged = "case_tags:shift_telco5g AND -case_status:Closed"
    query = {"hydra": tagged, "graphql": '{"IsClosed": {"eq": false}}'}
    settings = settings.model_copy(update={"portal_query": query[settings.portal_api]})
    numbers = upstreams.add_cases(2)
    upstreams.add_case("09999991", status="closed", modified=ago(days=1))
    record = await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == numbers
    assert record.requests == 2  # a token and a page


async def test_all_pages_are_fetched(settings, upstreams, store, monkeypatch):
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    numbers = upstreams.add_cases(35)
    record = await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == numbers
    assert record.requests == 6  # a token, four pages, and what closed lately


async def test_the_second_run_asks_for_changes_only(settings, upstreams, store):
    numbers = upstreams.add_cases(30)
    await synced(settings, Sync.CASES)
    upstreams.portal.update_case(numbers[3], severity=1)
    upstreams.add_case("00000999")
    upstreams.reset_requests()
    record = await synced(settings, Sync.CASES)
    assert record.changed == 2
    assert record.seen <= 3  # those changed shortly before the last run are asked for again
    assert (await one(store, numbers[3])).portal.severity == "1 (Urgent)"
    assert "00000999" in await cases_of(store)
    assert upstreams.requests() == 3  # a token, what changed, what closed


async def test_a_case_that_closes_is_kept_as_closed(settings, upstreams, store):
    numbers = upstreams.add_cases(3)
    await synced(settings, Sync.CASES)
    upstreams.portal.close_case(numbers[1])
    record = await synced(settings, Sync.CASES)
    case = await one(store, numbers[1])
    assert case.portal.status == "Closed"
    assert case.portal.closed is not None
    assert record.removed == 0


async def test_closed_cases_of_others_do_not_come_in(settings, upstreams, store):
    upstreams.add_cases(2)
    await synced(settings, Sync.CASES)
    upstreams.add_case("09999999", tags=[])
    upstreams.portal.close_case("09999999")
    await synced(settings, Sync.CASES)
    assert "09999999" not in await cases_of(store)


async def test_when_too_many_closed_ours_are_asked_for_by_number(
    settings, upstreams, store, monkeypatch
):
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    numbers = upstreams.add_cases(4)
    await synced(settings, Sync.CASES)
    upstreams.portal.close_case(numbers[2])
    for number in range(9_000, 9_200):
        upstreams.add_case(f"0000{number}", tags=[], status="closed", closed=ago(minutes=1))
    upstreams.reset_requests()
    await synced(settings, Sync.CASES)
    assert (await one(store, numbers[2])).portal.status == "Closed"
    assert sorted(await cases_of(store)) == numbers
    assert upstreams.requests() < 12


async def test_a_reopened_case_is_open_again(settings, upstreams, store):
    numbers = upstreams.add_cases(3)
    await synced(settings, Sync.CASES)
    upstreams.portal.close_case(numbers[0])
    await synced(settings, Sync.CASES)
    upstreams.portal.reopen_case(numbers[0])
    await synced(settings, Sync.CASES)
    assert (await one(store, numbers[0])).portal.status == "Waiting on Red Hat"


async def test_a_full_run_closes_and_removes(settings, upstreams, store):
    numbers = upstreams.add_cases(8)
    await synced(settings, Sync.CASES)
    upstreams.portal.close_case(numbers[0])
    upstreams.portal.remove_case(numbers[1])
    record = await synced(settings, Sync.CASES, full=True)
    found = await cases_of(store)
    assert found[numbers[0]].portal.status == "Closed"
    assert numbers[1] not in found
    assert record.removed == 1
    assert record.last_full == record.started


async def test_a_case_closed_long_ago_is_forgotten_by_a_full_run(settings, upstreams, store):
    numbers = upstreams.add_cases(4)
    await synced(settings, Sync.CASES)
    for number, days in ((numbers[0], 29), (numbers[1], 31)):
        upstreams.portal.close_case(number)
        upstreams.portal.update_case(number, closed=ago(days=days))
    await synced(settings, Sync.CASES)
    settings = settings.model_copy(update={"closed_days": 30})
    assert (await synced(settings, Sync.CASES)).removed == 0, "only a full run forgets"
    record = await synced(settings, Sync.CASES, full=True)
    assert record.removed == 1
    assert sorted(await cases_of(store)) == [numbers[0], *numbers[2:]]


async def test_nothing_is_forgotten_by_a_listing_that_is_not_whole(settings, upstreams, store):
    numbers = upstreams.add_cases(3)
    await synced(settings, Sync.CASES)
    upstreams.portal.close_case(numbers[0])
    upstreams.portal.update_case(numbers[0], closed=ago(days=400))
    await synced(settings, Sync.CASES)
    for number in numbers[1:]:
        upstreams.portal.remove_case(number)
    record = await run_sync(settings, Sync.CASES, full=True)
    assert record.state is SyncState.PARTIAL
    assert sorted(await cases_of(store)) == numbers


async def test_a_closed_case_that_the_query_has_stays(settings, upstreams, store):
    query = {"hydra": "case_tags:shift_telco5g", "graphql": "{}"}[settings.portal_api]
    settings = settings.model_copy(update={"portal_query": query})
    upstreams.add_case("00000001", status="closed", closed=ago(days=400))
    for full in (False, True):
        assert (await synced(settings, Sync.CASES, full=full)).removed == 0
    assert (await one(store, "00000001")).portal.status == "Closed"


async def test_everything_is_listed_at_least_once_a_day(settings, upstreams, store):
    numbers = upstreams.add_cases(8)
    await synced(settings, Sync.CASES)
    upstreams.portal.remove_case(numbers[1])
    await synced(settings, Sync.CASES, now=hours_later(1))
    assert numbers[1] in await cases_of(store)
    await synced(settings, Sync.CASES, now=hours_later(25))
    assert numbers[1] not in await cases_of(store)


@pytest.mark.parametrize("left", [0, 3])
async def test_a_listing_that_shrinks_too_much_is_not_believed(
    settings, upstreams, store, redis, left
):
    numbers = upstreams.add_cases(8)
    await synced(settings, Sync.CASES)
    for number in numbers[left:]:
        upstreams.portal.remove_case(number)
    record = await run_sync(settings, Sync.CASES, full=True)
    assert record.state is SyncState.PARTIAL
    assert "suspicious" in record.error
    assert "--accept-shrink" in record.error
    assert sorted(await cases_of(store)) == numbers
    (alert,) = await Alerts(redis, Keys()).raised()
    assert "suspicious" in alert.text

    record = await synced(settings, Sync.CASES, full=True, accept_shrink=True)
    assert record.removed == 8 - left
    assert sorted(await cases_of(store)) == numbers[:left]
    assert await Alerts(redis, Keys()).raised() == []


async def test_a_suspicion_stays_until_a_whole_listing_or_a_person_ends_it(
    settings, upstreams, store, redis
):
    """Also when a look at changes only works meanwhile, which says nothing about the rest."""
    numbers = upstreams.add_cases(8)
    await synced(settings, Sync.CASES)
    gone = {number: upstreams.portal.cases[number] for number in numbers[2:]}
    for number in gone:
        upstreams.portal.remove_case(number)
    assert (await run_sync(settings, Sync.CASES, full=True)).state is SyncState.PARTIAL
    again = await run_sync(settings, Sync.CASES)
    assert "suspicious" in again.error
    assert len(await Alerts(redis, Keys()).raised()) == 1
    upstreams.portal.cases |= gone
    upstreams.portal.revision += 1
    await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == numbers
    assert await Alerts(redis, Keys()).raised() == []


async def test_to_accept_it_is_to_list_everything_anew(settings, upstreams, store):
    numbers = upstreams.add_cases(8)
    await synced(settings, Sync.CASES)
    for number in numbers[2:]:
        upstreams.portal.remove_case(number)
    record = await synced(settings, Sync.CASES, accept_shrink=True)
    assert record.removed == 6
    assert sorted(await cases_of(store)) == numbers[:2]


async def test_a_listing_that_shrinks_because_cases_closed_is_believed(settings, upstreams, store):
    numbers = upstreams.add_cases(8)
    await synced(settings, Sync.CASES)
    for number in numbers[1:]:
        upstreams.portal.close_case(number)
    await synced(settings, Sync.CASES, full=True)
    found = await cases_of(store)
    assert sum(case.portal.status == "Closed" for case in found.values()) == 7


async def test_a_case_that_slips_between_two_pages_is_not_lost(
    settings, upstreams, store, monkeypatch
):
    """While pages are fetched a case closes: all behind it move up, one falls between the pages."""
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    numbers = upstreams.add_cases(30, status="waiting_customer")
    await synced(settings, Sync.CASES)
    closed = []

    def progress(record):
        if record.current == 10 and not closed:
            closed.append(min(numbers))
            upstreams.portal.close_case(closed[0])

    record = await synced(settings, Sync.CASES, full=True, on_progress=progress)
    assert closed
    assert record.removed == 0
    found = await cases_of(store)
    assert sorted(found) == numbers


@pytest.mark.parametrize("full", [True, False], ids=["full", "changes"])
async def test_a_new_case_that_slips_between_two_pages_is_found(
    settings, upstreams, store, monkeypatch, full
):
    """Nothing known is missing then, and of the numbers that came one more is closed already."""
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    await synced(settings, Sync.CASES)
    numbers = upstreams.add_cases(30, status="waiting_customer", modified=ago())
    closed = []

    def progress(record):
        if record.current == 10 and not closed:
            closed.append(min(numbers))
            upstreams.portal.close_case(closed[0])

    await synced(settings, Sync.CASES, full=full, on_progress=progress)
    assert closed
    assert sorted(await cases_of(store)) == numbers


async def test_a_listing_that_ends_early_is_no_success(settings, upstreams, store, monkeypatch):
    """What came is kept, nothing is removed, and the next run lists everything again."""
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    numbers = upstreams.add_cases(20)
    await synced(settings, Sync.CASES)
    upstreams.portal.remove_case(numbers[0])
    numbers += upstreams.add_cases(10, first=100)
    body = ENDED[settings.portal_api]
    upstreams.portal_faults.add(
        Kind.STATUS, path=listing(settings), status=200, after=1, times=3, body=body
    )
    record = await run_sync(settings, Sync.CASES, full=True)
    assert record.state is SyncState.PARTIAL
    assert "the listing gave 10 of 29 cases" in record.error
    assert record.removed == 0
    assert set(numbers[:20]) <= set(await cases_of(store))
    upstreams.clear_faults()
    await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == numbers[1:]


async def test_a_look_at_missing_cases_that_ends_early_lets_none_go(
    settings, upstreams, store, monkeypatch
):
    """Fewer entries than there are: who is not among them may be there all the same."""
    numbers = upstreams.add_cases(20)
    await synced(settings, Sync.CASES)
    upstreams.portal.remove_case(numbers[0])
    body = ENDED[settings.portal_api]
    upstreams.portal_faults.add(Kind.STATUS, path=listing(settings), status=200, after=1, body=body)
    record = await run_sync(settings, Sync.CASES, full=True)
    assert (record.removed, record.failed) == (0, 1)
    assert "0 of 29 came of the query" in record.notes[0]
    upstreams.clear_faults()
    assert (await synced(settings, Sync.CASES, full=True)).removed == 1


ENDED = {
    "graphql": '{"data": {"redhat_support_uiapi": {"query": {"RedHatSupportCase":'
    ' {"totalCount": 29, "edges": [], "pageInfo": {"hasNextPage": false}}}}}}',
    "hydra": '{"response": {"numFound": 29, "start": 10, "docs": []}}',
}


async def test_a_malformed_case_is_named_and_the_rest_is_stored(settings, upstreams, store):
    numbers = upstreams.add_cases(5)
    odd = {"Subject": {"value": {"a": 1}}, "case_summary": {"a": 1}}
    upstreams.portal.update_case(numbers[2], odd=odd)
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.PARTIAL
    assert (record.seen, record.failed) == (4, 1)
    assert numbers[2] in record.error
    assert sorted(await cases_of(store)) == [n for n in numbers if n != numbers[2]]
    assert record.last_success == record.started
    assert not record.stale(record.ended)


async def test_a_case_that_could_not_be_read_is_asked_for_until_it_can(settings, upstreams, store):
    """It changed long before; only the next full listing would have it."""
    numbers = upstreams.add_cases(5)
    odd = {"Subject": {"value": {"a": 1}}, "case_summary": {"a": 1}}
    upstreams.portal.update_case(numbers[2], odd=odd)
    await run_sync(settings, Sync.CASES)
    record = await run_sync(settings, Sync.CASES, now=hours_later(2))
    assert (record.state, record.failed) == (SyncState.PARTIAL, 1)
    assert numbers[2] in record.error
    upstreams.portal.cases[numbers[2]].odd = {}
    record = await synced(settings, Sync.CASES, now=hours_later(3))
    assert (record.seen, record.failed) == (2, 0)  # and the newest one, which each run looks at
    assert sorted(await cases_of(store)) == numbers
    record = await synced(settings, Sync.CASES, now=hours_later(4))
    assert record.seen == 1


async def test_a_known_case_that_turns_malformed_is_kept(settings, upstreams, store):
    numbers = upstreams.add_cases(5)
    await synced(settings, Sync.CASES)
    odd = {"Subject": {"value": {"a": 1}}, "case_summary": {"a": 1}}
    upstreams.portal.update_case(numbers[2], odd=odd)
    await run_sync(settings, Sync.CASES, full=True)
    assert sorted(await cases_of(store)) == numbers


async def test_with_a_nameless_entry_nothing_is_removed(settings, upstreams, store):
    numbers = upstreams.add_cases(5)
    await synced(settings, Sync.CASES)
    upstreams.portal.update_case(numbers[2], odd={"CaseNumber__c": None, "case_number": None})
    upstreams.portal.remove_case(numbers[3])
    record = await run_sync(settings, Sync.CASES, full=True)
    assert record.state is SyncState.PARTIAL
    assert "no readable number" in record.error
    assert sorted(await cases_of(store)) == numbers


async def test_a_page_that_repeats_ends_the_run_and_loses_nothing(
    settings, upstreams, store, monkeypatch
):
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    numbers = upstreams.add_cases(30)
    await synced(settings, Sync.CASES)
    upstreams.portal_faults.add(Kind.REPEAT, path=listing(settings), after=1, times=50)
    record = await run_sync(settings, Sync.CASES, full=True)
    assert record.state in (SyncState.PARTIAL, SyncState.FAILED)
    assert "of 30 cases" in record.error or "came again and again" in record.error
    assert sorted(await cases_of(store)) == numbers
    assert record.removed == 0
    upstreams.clear_faults()
    await synced(settings, Sync.CASES, full=True)
    assert sorted(await cases_of(store)) == numbers


async def test_what_a_dialect_can_not_tell_is_kept(upstreams, redis_url, store):
    (number,) = upstreams.add_cases(1)
    upstreams.portal.update_case(number, tags=["shift_telco5g", "a"])
    await synced(upstreams.settings(redis_url, portal_api="hydra"), Sync.CASES)
    upstreams.portal.update_case(number, summary="changed")
    await synced(upstreams.settings(redis_url, portal_api="graphql"), Sync.CASES)
    portal = (await one(store, number)).portal
    assert portal.summary == "changed"
    assert portal.tags == ("shift_telco5g", "a")


async def test_more_than_the_window_is_fetched_by_splitting(
    upstreams, redis_url, store, monkeypatch
):
    """Also when more cases than fit share a second, and when a case has no creation date."""
    monkeypatch.setattr("sandbox.portal.hydra.WINDOW", 50)
    monkeypatch.setattr(hydra, "WINDOW", 50)
    monkeypatch.setattr(hydra, "ROWS", 20)
    numbers = upstreams.add_cases(120)
    numbers += upstreams.add_cases(130, first=5_000, created=ago(days=30))
    upstreams.portal.cases[numbers[0]].created = None
    record = await synced(upstreams.settings(redis_url, portal_api="hydra"), Sync.CASES)
    assert sorted(await cases_of(store)) == sorted(numbers)
    assert record.seen == len(numbers)


async def test_a_number_that_stands_on_two_records_is_one_case(upstreams, redis_url, store):
    """GraphQL counts records; the newer one says how the case is."""
    settings = upstreams.settings(redis_url, portal_api="graphql")
    numbers = upstreams.add_cases(100)
    cases = upstreams.portal.cases
    cases[numbers[5]] = replace(
        cases[numbers[5]], group_name="newer", severity=1, modified=ago(hours=1)
    )
    cases["twin"] = replace(
        cases[numbers[5]], record="twin", group_name="older", severity=4, modified=ago(days=9)
    )
    for count in range(3):
        record = await synced(settings, Sync.CASES, full=count == 2)
        assert record.seen <= 100
        await synced(settings, Sync.DETAILS, full=True)
        found = await cases_of(store)
        assert sorted(found) == numbers
        assert found[numbers[5]].portal.severity.startswith("1")
        assert {number for number in numbers if found[number].details.comments is UNSET} == set()
        assert found[numbers[5]].details.group_name == "newer"
    assert record.changed == 0
