"""The escalations sync: which cases are escalated, and only while they are."""

import pytest

from sandbox.faults import Kind
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, one, synced
from tests.workers.upstreams import CASE_LINK, ago
from workers.runner import run_sync


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url)


async def escalated(store):
    return sorted(n for n, case in (await cases_of(store)).items() if case.escalations)


async def test_cases_are_named_in_every_spelling(settings, upstreams, store):
    numbers = upstreams.add_cases(12, first=1_000_000)
    upstreams.add_escalation(int(numbers[0]))
    upstreams.add_escalation(f"{numbers[1]}, {numbers[2]}")
    upstreams.add_escalation(CASE_LINK.format(number=numbers[3]))
    upstreams.add_escalation([numbers[4], numbers[5]])
    upstreams.add_escalation({"value": numbers[6]})
    upstreams.add_escalation(f"[{numbers[7]}|{CASE_LINK.format(number=numbers[7])}]")
    key = upstreams.add_escalation(None)
    upstreams.jira.set_property(key, "sfdc-cases-links", {"value": f"{numbers[8]},{numbers[9]}"})
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    assert await escalated(store) == numbers[:10]


async def test_an_escalation_has_its_key_link_and_since_when(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_escalation(number, created=ago(days=3))
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    (escalation,) = (await one(store, number)).escalations
    assert escalation.key == key
    assert escalation.url == f"{upstreams.jira_url}/browse/{key}"
    assert escalation.since == upstreams.jira.issues[key].created


async def test_a_closed_escalation_no_longer_counts(settings, upstreams, store):
    first, second = upstreams.add_cases(2)
    key = upstreams.add_escalation(f"{first} {second}")
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    assert await escalated(store) == [first, second]
    upstreams.jira.transition(key, "Closed")
    await synced(settings, Sync.ESCALATIONS)
    assert await escalated(store) == []


async def test_other_projects_and_labels_do_not_count(settings, upstreams, store):
    first, _ = upstreams.add_cases(2)
    upstreams.add_escalation(first, labels=["other"])
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    assert await escalated(store) == []


async def test_nothing_changed_means_one_request_and_no_change(settings, upstreams):
    numbers = upstreams.add_cases(20)
    for number in numbers[:5]:
        upstreams.add_escalation(number)
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    record = await synced(settings, Sync.ESCALATIONS)
    assert (record.seen, record.changed, record.requests) == (5, 0, 1)


async def test_one_that_names_no_case_is_noted(settings, upstreams):
    upstreams.add_cases(1)
    key = upstreams.add_escalation("no number")
    record = await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    assert record.notes == (f"{key} names no case",)


async def test_one_that_can_not_be_read_stays_and_the_others_are_concluded(
    settings, upstreams, store, monkeypatch
):
    numbers = upstreams.add_cases(3)
    keys = [upstreams.add_escalation(number) for number in numbers]
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    from workers.syncs import escalations

    readable = escalations.escalation_of

    def read(issue, given):
        if issue["key"] == keys[0]:
            raise ValueError("odd")
        return readable(issue, given)

    monkeypatch.setattr(escalations, "escalation_of", read)
    upstreams.jira.delete_issue(keys[1])
    record = await run_sync(settings, Sync.ESCALATIONS)
    assert record.state is SyncState.PARTIAL
    assert record.error == f"{keys[0]}: odd"
    assert record.failures == 0
    assert await escalated(store) == [numbers[0], numbers[2]]


async def test_jira_down_for_an_hour_keeps_what_is_known(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    upstreams.add_escalation(number)
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    upstreams.jira_faults.add(Kind.DOWN)
    record = await run_sync(settings, Sync.ESCALATIONS)
    assert record.state is SyncState.FAILED
    assert "503" in record.error
    assert await escalated(store) == [number]
    upstreams.clear_faults()
    await synced(settings, Sync.ESCALATIONS)


async def test_a_look_at_one_escalation_asks_for_all_that_the_search_asks_for(
    settings, upstreams, store
):
    """Cases may stand in a property of the issue alone, and searches lag behind."""
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_escalation(None)
    upstreams.jira.set_property(key, "sfdc-cases-links", {"value": number})
    await synced(settings, Sync.CASES, Sync.ESCALATIONS)
    body = '{"issues": [], "isLast": true}'
    upstreams.jira_faults.add("status", path="/rest/api/2/search", status=200, body=body)
    record = await synced(settings, Sync.ESCALATIONS)
    assert await escalated(store) == [number]
    assert record.notes == ()
