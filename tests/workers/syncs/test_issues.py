"""The linked issues: fetched in batches, kept when restricted, gone when unlinked."""

from datetime import timedelta

import pytest

from sandbox.portal.state import LinkedJira
from t5g.syncs import Sync
from tests.workers.reading import one, synced
from tests.workers.upstreams import Upstreams, ago
from workers.jira import client

ALL = (Sync.CASES, Sync.DETAILS, Sync.ISSUES)


@pytest.fixture(params=["cloud", "data center"])
async def upstreams(request):
    world = Upstreams(cloud=request.param == "cloud")
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url)


def later(**kwargs):
    return lambda: ago() + timedelta(**kwargs)


def touch(upstreams, number):
    """Let the case change, so that its details are looked at again."""
    upstreams.portal.update_case(number, group_name=f"{upstreams.portal.revision}")


async def test_an_issue_has_its_facts(settings, upstreams, store):
    first, second = upstreams.add_cases(2)
    key = upstreams.add_issue(
        first,
        second,
        priority="Major",
        fix_versions=["4.16.z"],
        custom={"customfield_10840": {"value": "Critical"}, "customfield_10470": upstreams.anna},
    )
    record = await synced(settings, *ALL)
    for number in (first, second):
        (issue,) = (await one(store, number)).issues
        assert issue.key == key
        assert issue.severity == "Critical"
        assert issue.qa_contact.name == "Anna Příkladová"
        assert issue.fix_versions == ("4.16.z",)
        assert issue.url == f"{upstreams.jira_url}/browse/{key}"
    assert record.requests == 1  # once, however many cases link to it


async def test_keys_are_asked_for_in_batches(settings, upstreams, store):
    numbers = upstreams.add_cases(250)
    for number in numbers:
        upstreams.add_issue(number)
    record = await synced(settings, *ALL)
    assert record.requests == 3
    assert record.changed == 250


async def test_a_key_that_does_not_exist_spoils_no_batch(settings, upstreams, store):
    numbers = upstreams.add_cases(5)
    for number in numbers:
        upstreams.add_issue(number)
    upstreams.portal.cases[numbers[0]].jiras.append(LinkedJira("GONE-1", "https://x"))
    upstreams.portal.cases[numbers[1]].jiras.append(LinkedJira("not a key", "https://x"))
    await synced(settings, *ALL)
    issues = {issue.key: issue for issue in (await one(store, numbers[0])).issues}
    assert issues["GONE-1"].restricted
    assert not issues["OCPBUGS-1"].restricted
    assert {i.key for i in (await one(store, numbers[1])).issues} == {"OCPBUGS-2", "not a key"}
    assert all([(await one(store, number)).issues for number in numbers[2:]])


async def test_many_keys_that_do_not_exist(settings, upstreams, store, monkeypatch):
    monkeypatch.setattr(client, "MOST_REFUSALS", 2)
    monkeypatch.setattr("workers.jira.jql.keys_in", lambda message: set())
    numbers = upstreams.add_cases(6)
    for number in numbers[::2]:
        upstreams.add_issue(number)
    for number in numbers[1::2]:
        upstreams.portal.cases[number].jiras.append(LinkedJira(f"GONE-{number[-1]}", "https://x"))
    await synced(settings, *ALL)
    for index, number in enumerate(numbers):
        (issue,) = (await one(store, number)).issues
        assert issue.restricted == bool(index % 2)


async def test_an_issue_that_becomes_restricted_is_kept_without_its_facts(
    settings, upstreams, store
):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_issue(number)
    await synced(settings, *ALL)
    upstreams.jira.issues[key].security = "Embargoed"
    await synced(settings, Sync.ISSUES, full=True)
    (issue,) = (await one(store, number)).issues
    assert issue.restricted
    assert issue.title == ""
    record = await synced(settings, Sync.ISSUES, full=True)
    assert record.changed == 0
    upstreams.jira.issues[key].security = None
    await synced(settings, Sync.ISSUES, full=True)
    (issue,) = (await one(store, number)).issues
    assert not issue.restricted
    assert issue.title == "it breaks"


async def test_an_issue_that_moved_answers_under_its_new_key(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_issue(number)
    upstreams.jira.move_issue(key, "ESC")
    await synced(settings, *ALL)
    (issue,) = (await one(store, number)).issues
    assert issue.key == "ESC-1"
    assert not issue.restricted


async def test_nothing_changed_means_no_request(settings, upstreams):
    for number in upstreams.add_cases(20):
        upstreams.add_issue(number)
    await synced(settings, *ALL)
    record = await synced(settings, Sync.ISSUES)
    assert record.requests <= 1
    assert record.changed == 0


async def test_a_new_link_is_fetched_at_once(settings, upstreams, store):
    first, second = upstreams.add_cases(2)
    shared = upstreams.add_issue(first)
    await synced(settings, *ALL)
    upstreams.portal.cases[second].jiras.append(LinkedJira(shared, "https://x"))
    touch(upstreams, second)
    await synced(settings, *ALL)
    assert [issue.key for issue in (await one(store, second)).issues] == [shared]


async def test_a_link_that_went_takes_its_issue_along_and_may_come_back(settings, upstreams, store):
    (number,) = upstreams.add_cases(1)
    first, second = upstreams.add_issue(number), upstreams.add_issue(number)
    await synced(settings, *ALL)
    links = list(upstreams.portal.cases[number].jiras)
    upstreams.portal.cases[number].jiras = links[:1]
    touch(upstreams, number)
    await synced(settings, *ALL)
    assert [issue.key for issue in (await one(store, number)).issues] == [first]
    upstreams.portal.cases[number].jiras = links
    touch(upstreams, number)
    await synced(settings, *ALL)
    assert [issue.key for issue in (await one(store, number)).issues] == [first, second]


async def test_all_come_round_within_twelve_hours(settings, upstreams, store):
    numbers = upstreams.add_cases(30)
    keys = [upstreams.add_issue(number) for number in numbers]
    await synced(settings, *ALL)
    for key in keys:
        upstreams.jira.update_issue(key, summary="changed")
    missed = 0
    for hour in range(1, 13):
        missed += (await synced(settings, Sync.ISSUES, now=later(hours=hour))).missed_events
    for number in numbers:
        assert (await one(store, number)).issues[0].title == "changed"
    assert missed == 30  # no webhook had told
