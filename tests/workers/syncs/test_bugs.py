"""The linked bugs: in batches, restricted ones kept as such, over REST and XML-RPC."""

import pytest

from sandbox.faults import Kind
from t5g.syncs import Sync, SyncState
from tests.workers.reading import one, synced
from tests.workers.upstreams import ago
from workers.bugzilla import client
from workers.runner import run_sync

ALL = (Sync.CASES, Sync.DETAILS, Sync.BUGS)


@pytest.fixture(params=["rest", "xmlrpc"])
def settings(request, upstreams, redis_url):
    return upstreams.settings(redis_url, bugzilla_api=request.param, portal_api="hydra")


async def test_a_bug_has_its_facts(settings, upstreams, store):
    first, second = upstreams.add_cases(2)
    upstreams.add_bug(
        2000001,
        first,
        second,
        summary="it <breaks>",
        status="ASSIGNED",
        severity="high",
        target_release=["4.16.z"],
        assigned_to="anna@example.com",
        qa_contact="bert@example.com",
        whiteboard="Telco",
        changed=ago(days=2),
    )
    record = await synced(settings, *ALL)
    for number in (first, second):
        (bug,) = (await one(store, number)).bugs
        assert bug.id == 2000001
        assert bug.url == f"{upstreams.bugzilla_url}/show_bug.cgi?id=2000001"
        assert (bug.summary, bug.status, bug.severity) == ("it <breaks>", "ASSIGNED", "high")
        assert bug.target_release == ("4.16.z",)
        assert bug.assignee.startswith("anna")
        assert bug.qa_contact.startswith("bert")
        assert bug.whiteboard == "Telco"
        assert bug.updated == upstreams.bugzilla.bugs[2000001].changed
        assert not bug.restricted
    assert record.requests == 2  # connecting, and one batch


async def test_restricted_missing_and_impossible_bugs_are_kept_as_such(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    upstreams.add_bug(1, number)
    upstreams.add_bug(2, number, restricted=True)
    upstreams.link_bug(3, number)
    upstreams.link_bug(2**33, number)
    await synced(settings, *ALL)
    bugs = {bug.id: bug.restricted for bug in (await one(store, number)).bugs}
    assert bugs == {1: False, 2: True, 3: True, 2**33: True}


async def test_a_lone_restricted_bug_does_not_fail_the_run(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    upstreams.add_bug(2, number, restricted=True)
    await synced(settings, *ALL)
    (bug,) = (await one(store, number)).bugs
    assert bug.restricted
    assert bug.summary == ""


async def test_a_bug_that_becomes_restricted_loses_its_facts_and_gets_them_back(
    settings, upstreams, store
):
    (number,) = upstreams.add_cases(1)
    upstreams.add_bug(2, number)
    await synced(settings, *ALL)
    upstreams.bugzilla.update_bug(2, restricted=True)
    await synced(settings, Sync.BUGS, full=True)
    (bug,) = (await one(store, number)).bugs
    assert (bug.restricted, bug.summary) == (True, "")
    upstreams.bugzilla.update_bug(2, restricted=False)
    await synced(settings, Sync.BUGS, full=True)
    (bug,) = (await one(store, number)).bugs
    assert (bug.restricted, bug.summary) == (False, "bug 2")


async def test_bugs_are_asked_for_in_batches(settings, upstreams, store, monkeypatch):
    monkeypatch.setattr(client, "BATCH", 10)
    numbers = upstreams.add_cases(35)
    for number in numbers:
        upstreams.add_bug(int(number), number)
    record = await synced(settings, *ALL)
    assert record.requests == 5
    for number in numbers:
        assert (await one(store, number)).bugs[0].summary == f"bug {int(number)}"


async def test_no_bugs_no_request(settings, upstreams):
    upstreams.add_cases(3)
    record = await synced(settings, *ALL)
    assert record.requests == 0


async def test_a_server_that_cuts_answers_hides_no_bug(upstreams, redis_url, store):
    upstreams.bugzilla.default_limit = 20
    (number,) = upstreams.add_cases(1)
    for bug_id in range(1, 91):
        upstreams.add_bug(bug_id, number)
    settings = upstreams.settings(redis_url, portal_api="hydra")
    await synced(settings, *ALL)
    assert not any(bug.restricted for bug in (await one(store, number)).bugs)


async def test_a_refused_key_is_said_and_nothing_is_lost(settings, upstreams, store, caplog):
    (number,) = upstreams.add_cases(1)
    upstreams.add_bug(1, number)
    await synced(settings, *ALL)
    upstreams.bugzilla.api_key = "another-key-not-secret"
    record = await run_sync(settings, Sync.BUGS, full=True)
    assert record.state is SyncState.FAILED
    assert "T5G_BUGZILLA_API_KEY" in record.error
    key = settings.bugzilla_api_key.get_secret_value()
    assert key not in record.error
    assert key not in caplog.text
    assert (await one(store, number)).bugs[0].summary == "bug 1"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": Kind.DOWN, "every": 2},
        {"kind": Kind.THROTTLE, "every": 2, "retry_after": "0"},
        {"kind": Kind.TRUNCATE, "every": 2},
        {"kind": Kind.DROP, "every": 2},
        {"kind": Kind.STATUS, "status": 500, "every": 3},
    ],
    ids=lambda fault: fault["kind"].value,
)
async def test_bad_answers_are_repeated(settings, upstreams, store, monkeypatch, fault):
    monkeypatch.setattr(client, "BATCH", 5)
    numbers = upstreams.add_cases(20)
    for number in numbers:
        upstreams.add_bug(int(number), number)
    upstreams.bugzilla_faults.add(**fault)
    await synced(settings, *ALL)
    for number in numbers:
        assert not (await one(store, number)).bugs[0].restricted


async def test_a_bugzilla_that_is_down_loses_nothing(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    upstreams.add_bug(1, number)
    await synced(settings, *ALL)
    upstreams.bugzilla_faults.add(Kind.DOWN)
    record = await run_sync(settings, Sync.BUGS, full=True)
    assert record.state is SyncState.FAILED
    assert (await one(store, number)).bugs[0].summary == "bug 1"
