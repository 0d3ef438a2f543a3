"""Cards and escalations that a listing has not any more: gone only if JIRA says why, or few."""

import pytest

from sandbox.faults import Kind
from t5g.alerts import Alerts
from t5g.keys import Keys
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, synced
from tests.workers.upstreams import Upstreams, ago
from workers.runner import run_sync

ALL = (Sync.CASES, Sync.CARDS, Sync.DETAILS, Sync.ISSUES, Sync.ESCALATIONS)
OLD = {"created": ago(days=9), "updated": ago(days=1)}


@pytest.fixture(params=["cloud", "data center"])
async def upstreams(request):
    world = Upstreams(cloud=request.param == "cloud")
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url)


@pytest.fixture
def world(upstreams):
    """Eight cases, each with a card, a defect and an escalation of its own."""
    numbers = upstreams.add_cases(8)
    keys = {
        Sync.CARDS: [upstreams.add_card(number, **OLD) for number in numbers],
        Sync.ISSUES: [upstreams.add_issue(number) for number in numbers],
        Sync.ESCALATIONS: [upstreams.add_escalation(number, **OLD) for number in numbers],
    }
    return numbers, keys


async def counted(store, name):
    """How many cases have something readable of a kind."""
    found = (await cases_of(store)).values()
    things = {
        Sync.CARDS: lambda case: case.cards,
        Sync.ISSUES: lambda case: [issue for issue in case.issues if not issue.restricted],
        Sync.ESCALATIONS: lambda case: case.escalations,
    }
    return sum(bool(things[name](case)) for case in found)


@pytest.mark.parametrize("name", [Sync.CARDS, Sync.ISSUES, Sync.ESCALATIONS])
@pytest.mark.parametrize("full", [True, False], ids=["full", "changes"])
async def test_a_token_that_expired_takes_nothing_away(
    settings, upstreams, store, redis, world, name, full
):
    """Cloud answers it as if nobody had asked: with no issues, and no error."""
    await synced(settings, *ALL)
    upstreams.expire_jira_token()
    record = await run_sync(settings, name, full=full)
    assert await counted(store, name) == 8
    if full or name is not Sync.ISSUES:  # no issue's turn has come: nothing is asked
        assert record.state is SyncState.FAILED
        assert "T5G_JIRA_TOKEN" in record.error
        assert len(await Alerts(redis, Keys()).raised()) == 1


@pytest.mark.parametrize("name", [Sync.CARDS, Sync.ESCALATIONS])
async def test_a_listing_without_most_is_not_believed(
    settings, upstreams, store, redis, world, name
):
    await synced(settings, *ALL)
    for key in world[1][name][3:]:
        upstreams.jira.delete_issue(key)
    for full in (True, False):  # the suspicion lasts until a whole listing settles it
        record = await run_sync(settings, name, full=full)
        assert record.state is SyncState.PARTIAL
        assert f"5 of 8 known {name} are missing" in record.error
        assert f"t5g sync {name} --accept-shrink" in record.error
    assert await counted(store, name) == 8
    assert len(await Alerts(redis, Keys()).raised()) == 1
    await synced(settings, name, accept_shrink=True)
    assert await counted(store, name) == 3
    assert await Alerts(redis, Keys()).raised() == []


@pytest.mark.parametrize("name", [Sync.CARDS, Sync.ESCALATIONS])
async def test_an_empty_listing_of_what_is_there_is_not_believed(
    settings, upstreams, store, world, name
):
    """As while JIRA builds its index anew."""
    await synced(settings, *ALL)
    upstreams.jira_faults.add(
        Kind.STATUS, path="/rest/api/2/search", status=200, times=1,
        body='{"issues": [], "isLast": true, "total": 0}',
    )  # fmt: skip
    record = await run_sync(settings, name, full=True)
    assert record.state is SyncState.PARTIAL
    assert "8 of 8" in record.error
    assert await counted(store, name) == 8
    await synced(settings, name)


@pytest.mark.parametrize("name", [Sync.CARDS, Sync.ESCALATIONS])
async def test_the_few_that_a_search_left_out_stay(settings, upstreams, store, name):
    number, other = upstreams.add_cases(2)
    for one in (number, other):
        upstreams.add_card(one, **OLD)
        upstreams.add_escalation(one, **OLD)
    await synced(settings, *ALL)
    upstreams.jira_faults.add(
        Kind.STATUS, path="/rest/api/2/search", status=200, times=1,
        body='{"issues": [], "isLast": true, "total": 0}',
    )  # fmt: skip
    await synced(settings, name, full=True)
    assert await counted(store, name) == 2


@pytest.mark.parametrize("name", [Sync.CARDS, Sync.ESCALATIONS])
async def test_what_lost_its_label_goes_however_much_it_is(settings, upstreams, store, world, name):
    await synced(settings, *ALL)
    for key in world[1][name][1:]:
        upstreams.jira.update_issue(key, labels=["other"])
    await synced(settings, name, full=True)
    assert await counted(store, name) == 1


async def test_escalations_that_were_closed_go_however_many(settings, upstreams, store, world):
    await synced(settings, *ALL)
    for key in world[1][Sync.ESCALATIONS]:
        upstreams.jira.transition(key, "Closed")
    await synced(settings, Sync.ESCALATIONS)
    assert await counted(store, Sync.ESCALATIONS) == 0


@pytest.mark.parametrize("name", [Sync.CARDS, Sync.ESCALATIONS])
async def test_a_few_may_be_deleted(settings, upstreams, store, world, name):
    await synced(settings, *ALL)
    for key in world[1][name][:2]:
        upstreams.jira.delete_issue(key)
    await synced(settings, name, full=True)
    assert await counted(store, name) == 6
