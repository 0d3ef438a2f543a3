"""Each bad day of an upstream: the end state is right, and people are told what happened.

All begins with a world that is known in full and has changed once since. What a bad day hides stays
as it was known; after it one more run has everything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from sandbox.faults import Kind
from t5g.alerts import Alerts
from t5g.keys import Keys
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of
from tests.workers.telling import readiness, said
from tests.workers.upstreams import Upstreams, ago
from workers.bugzilla import client as bugzilla_client
from workers.jira import client as jira_client
from workers.portal import graphql, hydra
from workers.runner import run_all, run_sync

COUNT = 12
NUMBERS = [f"{number:08d}" for number in range(1, COUNT + 1)]
ODD = {"Subject": {"value": {"a": 1}}, "case_summary": {"a": 1}}
ANSWERED = {"graphql": "/graphql", "hydra": "/hydra"}
LISTED = {"graphql": "/graphql", "hydra": "/hydra/rest/search"}

OK, PARTIAL, FAILED = SyncState.OK, SyncState.PARTIAL, SyncState.FAILED


@dataclass(frozen=True)
class Day:
    """A bad day: what breaks, for which sync, how it ends, and what is said (`alert`: also there).

    `of_listing`: the fault strikes only the Portal's search, not what leads to it.
    """

    sync: Sync
    state: SyncState
    words: tuple[str, ...] = ()
    fault: dict[str, object] | None = None
    breaks: Callable[[Upstreams], None] | None = None
    alert: bool = False
    of_listing: bool = False


def without(count):
    def breaks(upstreams):
        for number in NUMBERS[:count]:
            upstreams.portal.remove_case(number)

    return breaks


def refused(upstreams):
    upstreams.sso.refusal = "Token is not active"


def another_key(upstreams):
    upstreams.bugzilla.api_key = "another-key-not-secret"


def odd(upstreams):
    upstreams.portal.update_case(NUMBERS[5], odd=ODD)


PORTAL_DAYS = {
    "the offline token is refused": Day(
        Sync.CASES, FAILED, ("T5G_PORTAL_OFFLINE_TOKEN",), breaks=refused, alert=True
    ),
    "a storm of 429 that ends": Day(
        Sync.CASES, OK, fault={"kind": Kind.THROTTLE, "retry_after": "0", "times": 3}
    ),
    "a storm of 429 that does not end": Day(
        Sync.CASES, FAILED, ("HTTP 429",), {"kind": Kind.THROTTLE, "retry_after": "0"}
    ),
    "500 on every third request": Day(
        Sync.DETAILS, OK, fault={"kind": Kind.STATUS, "status": 500, "every": 3}
    ),
    "500 on every request": Day(
        Sync.DETAILS, FAILED, ("HTTP 500",), {"kind": Kind.STATUS, "status": 500}
    ),
    "answers cut off now and then": Day(
        Sync.DETAILS, OK, fault={"kind": Kind.TRUNCATE, "every": 3}
    ),
    "all answers cut off": Day(
        Sync.CASES, FAILED, ("the answer was cut off",), {"kind": Kind.TRUNCATE}
    ),
    "a page that repeats": Day(
        Sync.CASES, FAILED, ("a page of the listing came again and again",),
        {"kind": Kind.REPEAT, "after": 1}, of_listing=True,
    ),
    "a case that vanishes before its details are read": Day(
        Sync.DETAILS, PARTIAL, (NUMBERS[0], "does not have it"), breaks=without(1)
    ),
    "an empty listing": Day(
        Sync.CASES, PARTIAL, ("suspicious", "12 of 12", "--accept-shrink"),
        breaks=without(12), alert=True,
    ),
    "a listing of less than half": Day(
        Sync.CASES, PARTIAL, ("suspicious", "7 of 12", "--accept-shrink"),
        breaks=without(7), alert=True,
    ),
    "a malformed case among good ones": Day(
        Sync.CASES, PARTIAL, (NUMBERS[5], "an object where a text is expected"), breaks=odd
    ),
}  # fmt: skip
JIRA_DAYS = {
    "cards while JIRA is down": Day(Sync.CARDS, FAILED, ("HTTP 503",), {"kind": Kind.DOWN}),
    "issues while JIRA is down": Day(Sync.ISSUES, FAILED, ("HTTP 503",), {"kind": Kind.DOWN}),
    "escalations while JIRA is down": Day(
        Sync.ESCALATIONS, FAILED, ("HTTP 503",), {"kind": Kind.DOWN}
    ),
    "JIRA refuses the token": Day(
        Sync.CARDS, FAILED, ("T5G_JIRA_TOKEN",), {"kind": Kind.REFUSE_TOKEN}, alert=True
    ),
    "JIRA's token has expired unseen": Day(
        Sync.CARDS, FAILED, ("T5G_JIRA_TOKEN",), breaks=Upstreams.expire_jira_token, alert=True
    ),
    "JIRA throttles every other request": Day(
        Sync.CARDS, OK, fault={"kind": Kind.THROTTLE, "retry_after": "0", "every": 2}
    ),
    "a page of JIRA that repeats": Day(
        Sync.CARDS, FAILED, ("a page of the search came again and again",),
        {"kind": Kind.REPEAT, "path": "/rest/api/2/search", "after": 1},
    ),
}  # fmt: skip
BUGZILLA_DAYS = {
    "Bugzilla refuses the key": Day(
        Sync.BUGS, FAILED, ("T5G_BUGZILLA_API_KEY",), breaks=another_key, alert=True
    ),
    "Bugzilla is down": Day(Sync.BUGS, FAILED, ("HTTP 503",), {"kind": Kind.DOWN}),
    "Bugzilla breaks every other connection": Day(
        Sync.BUGS, OK, fault={"kind": Kind.DROP, "every": 2}
    ),
}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """So that a small world has many pages."""
    for module, name in (
        (graphql, "PAGE_SIZE"), (graphql, "DETAILS_PAGE"), (hydra, "ROWS"),
        (hydra, "NUMBERS_AT_ONCE"), (jira_client, "PAGE_SIZE"), (jira_client, "KEYS_AT_ONCE"),
        (bugzilla_client, "BATCH"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 4)


@pytest.fixture
def world(upstreams):
    """Twelve cases, each with a card, an issue and a bug, one of them escalated."""
    for number in upstreams.add_cases(COUNT):
        upstreams.add_card(number, created=ago(days=9), updated=ago(days=1))
        upstreams.add_issue(number)
        upstreams.add_bug(int(number), number)
    upstreams.add_escalation(NUMBERS[0])


def change(upstreams):
    """Something happens to one case, its card, its defects."""
    case = upstreams.portal.cases.get(NUMBERS[-1])
    if case is not None:
        upstreams.portal.update_case(NUMBERS[-1], severity=1, group_name="changed")
    for key, issue in upstreams.jira.issues.items():
        if NUMBERS[-1] in issue.summary:
            upstreams.jira.transition(key, "Blocked")
    upstreams.bugzilla.update_bug(COUNT, status="VERIFIED")


def facts(case) -> Iterator[object]:
    """What is known of the things of a case."""
    yield from (case.portal.status, case.portal.severity, len(case.cards), len(case.issues))
    yield from (len(case.bugs), [issue.restricted for issue in case.issues])
    yield [bug.restricted for bug in case.bugs]
    yield [card.status for card in case.cards]


async def snapshot(store):
    found = await cases_of(store)
    return {number: list(facts(case)) for number, case in sorted(found.items())}


async def lived_through(upstreams, settings, store, redis, day, faults):
    """Let a bad day come and go."""
    await run_all(settings)
    before = await snapshot(store)
    assert list(before) == NUMBERS
    change(upstreams)
    kept = dict(upstreams.portal.cases), upstreams.bugzilla.api_key
    if day.breaks:
        day.breaks(upstreams)
    if day.fault:
        faults.add(**day.fault)
    async with readiness(settings) as readyz:
        record = await run_sync(settings, day.sync, full=True)
        during = await snapshot(store)
        told, health = said(record), (await readyz())["syncs"][day.sync.value]
        raised = [alert.name for alert in await Alerts(redis, Keys()).raised()]

        assert record.state is day.state, record.error
        assert health["state"] == day.state.value
        assert health["error"] == record.error
        assert f"exit code {0 if day.state is OK else 1}" in told
        assert bool(record.error) == (day.state is not OK)
        for word in day.words:
            assert word in told
            assert word in health["error"]
        assert [f"sync-{day.sync}"] * day.alert == raised
        assert list(during) == NUMBERS
        for number in NUMBERS[:-1]:
            assert during[number] == before[number]

        upstreams.portal.cases, upstreams.bugzilla.api_key = kept
        upstreams.portal.cases[NUMBERS[5]].odd = {}
        upstreams.portal.revision += 1
        upstreams.sso.refusal = None
        upstreams.jira_door.expired.clear()
        upstreams.clear_faults()
        records = await run_all(settings)
        after = await snapshot(store)
        assert {one.state for one in records} == {OK}, records
        assert list(after) == NUMBERS
        assert after[NUMBERS[-1]] != before[NUMBERS[-1]]
        assert {sync["error"] for sync in (await readyz())["syncs"].values()} == {""}
        assert await Alerts(redis, Keys()).raised() == []


@pytest.mark.parametrize("day", PORTAL_DAYS.values(), ids=PORTAL_DAYS.keys())
async def test_of_the_portal(settings, upstreams, store, redis, world, day):
    if day.fault:
        paths = LISTED if day.of_listing else ANSWERED
        day = replace(day, fault={"path": paths[settings.portal_api], **day.fault})
    settings = settings.model_copy(update={"upstream_attempts": 8})
    await lived_through(upstreams, settings, store, redis, day, upstreams.portal_faults)


@pytest.mark.parametrize("day", JIRA_DAYS.values(), ids=JIRA_DAYS.keys())
async def test_of_jira(upstreams, redis_url, store, redis, world, day):
    settings = upstreams.settings(redis_url, portal_api="hydra")
    await lived_through(upstreams, settings, store, redis, day, upstreams.jira_faults)


@pytest.mark.parametrize("api", ["rest", "xmlrpc"])
@pytest.mark.parametrize("day", BUGZILLA_DAYS.values(), ids=BUGZILLA_DAYS.keys())
async def test_of_bugzilla(upstreams, redis_url, store, redis, world, day, api):
    settings = upstreams.settings(redis_url, portal_api="hydra", bugzilla_api=api)
    await lived_through(upstreams, settings, store, redis, day, upstreams.bugzilla_faults)
