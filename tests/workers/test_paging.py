"""No walk over the pages of an upstream goes on for ever, and none that ends early is whole."""

import json

import pytest

from sandbox.faults import Kind
from t5g.errors import UpstreamError
from t5g.model import Bug
from t5g.syncs import Sync, SyncState
from tests.wall_clock import ago
from tests.workers.reading import cases_of, synced
from workers.clients import Clients
from workers.paging import Walk
from workers.portal import client, hydra
from workers.runner import run_sync


def test_a_page_that_was_there_before_ends_a_walk() -> None:
    walk = Walk("jira", "the comments")
    walk.turn("1", "2")
    walk.turn("2", "3")  # they moved by one meanwhile
    walk.turn()
    with pytest.raises(UpstreamError, match="a page of the comments came again and again"):
        walk.turn("3", "1")


def test_too_many_pages_end_a_walk() -> None:
    walk = Walk("jira", "the comments", most=3)
    for page in range(3):
        walk.turn(str(page))
    with pytest.raises(UpstreamError, match="more than 3 pages of the comments"):
        walk.turn("4")


def test_a_walk_that_ends_early_is_not_whole() -> None:
    walk = Walk("jira", "the comments")
    walk.came(3, 3)
    walk.came(3, None)
    with pytest.raises(UpstreamError, match="2 of 3 came of the comments"):
        walk.came(2, 3)


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url, portal_api="hydra", upstream_attempts=1)


async def test_a_portal_that_gives_the_same_page_for_ever_is_given_up(
    settings, upstreams, store, monkeypatch
):
    monkeypatch.setattr(hydra, "ROWS", 10)
    numbers = upstreams.add_cases(45)
    await synced(settings, Sync.CASES)
    upstreams.portal_faults.add(Kind.REPEAT, path="/hydra/rest/search")
    record = await run_sync(settings, Sync.CASES, full=True)
    assert record.state is SyncState.FAILED
    assert "came again and again" in record.error
    assert record.requests < 10
    assert sorted(await cases_of(store)) == numbers


async def test_a_portal_that_does_not_mind_the_dates_is_given_up(settings, upstreams, monkeypatch):
    """It claims more than any window has, whatever stretch of time is asked for."""
    monkeypatch.setattr(client, "MOST_PARTS", 40)
    upstreams.add_cases(1)
    endless = {"response": {"numFound": 1_000_000, "docs": [{"case_number": "00000001"}]}}
    upstreams.portal_faults.add(
        Kind.STATUS, path="/hydra/rest/search", status=200, body=json.dumps(endless)
    )
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.FAILED
    assert "more than 40 pages of the listing" in record.error
    assert record.requests < 50


async def test_what_closed_is_not_taken_for_whole_when_its_pages_end_early(
    settings, upstreams, store, monkeypatch
):
    monkeypatch.setattr(hydra, "ROWS", 5)
    numbers = upstreams.add_cases(12)
    await synced(settings, Sync.CASES)
    for number in numbers:
        upstreams.portal.close_case(number)
    nothing = json.dumps({"response": {"numFound": 12, "docs": []}})
    upstreams.portal_faults.add(
        Kind.STATUS, path="/hydra/rest/search", status=200, body=nothing, after=2
    )
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.FAILED
    assert "of 12 came of what closed" in record.error
    upstreams.clear_faults()
    await synced(settings, Sync.CASES)
    assert {case.portal.status for case in (await cases_of(store)).values()} == {"Closed"}


async def test_bugs_that_nobody_asked_for_are_neither_kept_nor_asked_for_again(settings, upstreams):
    wanted = list(range(1, 201))
    others = [{"id": n, "summary": "x", "status": "NEW",
               "last_change_time": f"{ago(days=1):%Y-%m-%dT%H:%M:%SZ}"}
              for n in range(1_000, 1_030)]  # fmt: skip
    upstreams.bugzilla_faults.add(
        Kind.STATUS, path="/rest/bug", status=200, body=json.dumps({"bugs": others})
    )
    settings = settings.model_copy(update={"bugzilla_api": "rest"})
    async with Clients(settings) as clients:
        found: dict[int, Bug | UpstreamError] = {}
        async for batch in clients.bugzilla.bugs(wanted):
            found |= batch
    assert sorted(found) == wanted
    assert all(isinstance(bug, Bug) and bug.restricted for bug in found.values())
    assert upstreams.bugzilla_faults.requests["GET /rest/bug"] <= 2
