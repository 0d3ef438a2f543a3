"""What goes wrong with upstreams and with Redis, and that the end state is right all the same."""

import asyncio
import contextlib
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sandbox.faults import Kind
from t5g.connection import open_redis
from t5g.embedded_redis import redis_executable
from t5g.errors import StoreError
from t5g.keys import Keys
from t5g.lifeline import tied
from t5g.store import Store
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of, one, synced
from tests.workers.telling import readiness, said
from tests.workers.upstreams import ago
from workers.jira import client as jira_client
from workers.portal import graphql, hydra
from workers.runner import run_all, run_sync

NAMES = (Sync.CASES, Sync.CARDS, Sync.DETAILS, Sync.ISSUES, Sync.BUGS, Sync.ESCALATIONS)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """So that a small world has many pages."""
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    monkeypatch.setattr(graphql, "DETAILS_PAGE", 10)
    monkeypatch.setattr(hydra, "ROWS", 10)
    monkeypatch.setattr(hydra, "NUMBERS_AT_ONCE", 10)
    monkeypatch.setattr(jira_client, "PAGE_SIZE", 10)
    monkeypatch.setattr(jira_client, "KEYS_AT_ONCE", 10)


@pytest.fixture
def world(upstreams):
    """Forty cases; each second one has a card, an issue and a bug, two are escalated."""
    numbers = upstreams.add_cases(40)
    for number in numbers[::2]:
        upstreams.add_card(number)
        upstreams.add_issue(number)
        upstreams.add_bug(int(number), number)
    upstreams.add_escalation(f"{numbers[0]} {numbers[1]}")
    return numbers


async def right(store, numbers, *, bugs):
    """Check that the store says what the world is."""
    found = await cases_of(store)
    assert sorted(found) == numbers
    cases = [found[number] for number in numbers]
    assert [len(case.cards) for case in cases] == [1, 0] * 20
    assert [len(case.issues) for case in cases] == [1, 0] * 20
    assert not any(issue.restricted for case in cases for issue in case.issues)
    assert [case.number for case in cases if case.escalations] == numbers[:2]
    if bugs:
        assert [len(case.bugs) for case in cases] == [1, 0] * 20
        assert not any(bug.restricted for case in cases for bug in case.bugs)


FAULTS = {
    "every third answer is a 500": {"kind": Kind.STATUS, "status": 500, "every": 3},
    "every third connection breaks": {"kind": Kind.DROP, "every": 3},
    "every third answer is lost": {"kind": Kind.LOSE_ANSWER, "every": 3},
    "every third answer is cut off": {"kind": Kind.TRUNCATE, "every": 3},
    "every fourth is throttled": {"kind": Kind.THROTTLE, "every": 4, "retry_after": "0"},
    "every fifth is answered by a gateway": {"kind": Kind.DOWN, "every": 5},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_upstreams_that_stumble(settings, upstreams, store, world, fault):
    for faults in (upstreams.portal_faults, upstreams.jira_faults, upstreams.bugzilla_faults):
        faults.add(**fault)
    records = await run_all(settings.model_copy(update={"upstream_attempts": 8}))
    assert {record.state for record in records} == {SyncState.OK}, records
    await right(store, world, bugs=settings.portal_api == "hydra")


async def test_a_storm_of_429_is_waited_out_together(settings, upstreams, store, world):
    upstreams.portal_faults.add(Kind.THROTTLE, retry_after="1", after=3, times=4)
    record = await synced(settings, Sync.CASES, Sync.DETAILS)
    assert record.seen == 40
    assert upstreams.portal_faults.total < 80


async def test_the_gate_that_says_too_many_with_a_page(settings, upstreams, store, world):
    path = "/graphql" if settings.portal_api == "graphql" else "/hydra"
    upstreams.portal_faults.add(Kind.DENY, path=path, every=4)
    await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == world


async def test_errors_inside_a_200(upstreams, redis_url, store, world):
    settings = upstreams.settings(redis_url, portal_api="graphql")
    body = '{"errors": [{"message": "503: Service Unavailable"}], "data": null}'
    upstreams.portal_faults.add(Kind.STATUS, path="/graphql", status=200, body=body, every=2)
    await synced(settings, Sync.CASES)
    assert sorted(await cases_of(store)) == world
    lasting = '{"errors": [{"message": "no", "extensions": {"code": "VALIDATION_X"}}]}'
    upstreams.clear_faults()
    upstreams.portal_faults.add(Kind.STATUS, path="/graphql", status=200, body=lasting)
    before = upstreams.portal_faults.total
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.FAILED
    assert upstreams.portal_faults.total - before == 2  # a token, and one question
    assert sorted(await cases_of(store)) == world


async def test_a_401_in_the_middle_costs_one_refresh(
    settings, upstreams, store, world, monkeypatch
):
    monkeypatch.setattr("workers.portal.client.BATCHES_AT_ONCE", 1)
    monkeypatch.setattr("workers.portal.client.REST_AT_ONCE", 10)
    await synced(settings, Sync.CASES)
    upstreams.reset_requests()
    seen = []

    def progress(record):
        if record.current and not seen:
            seen.append(record.current)
            upstreams.sso.revoke_all()

    await synced(settings, Sync.DETAILS, full=True, on_progress=progress)
    exchanges = [n for route, n in upstreams.portal_faults.requests.items() if "token" in route]
    assert seen
    assert exchanges == [2]


async def test_short_lived_tokens_are_renewed_in_time(settings, upstreams, store, world):
    upstreams.sso.expires_in = 0.2
    upstreams.portal_faults.latency = 0.1
    await synced(settings, Sync.CASES, Sync.DETAILS)
    assert upstreams.sso.issued >= 3


async def test_a_refused_offline_token(settings, upstreams, store, world):
    await synced(settings, Sync.CASES)
    upstreams.sso.refusal = "Offline user session not found"
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.FAILED
    assert "access.redhat.com/management/api" in record.error
    assert upstreams.sso.offline_token not in record.error
    assert sorted(await cases_of(store)) == world
    upstreams.sso.refusal = None
    await synced(settings, Sync.CASES)


async def test_a_server_that_hangs_is_given_up(upstreams, redis_url, store, world):
    settings = upstreams.settings(redis_url, upstream_timeout=0.2, upstream_attempts=2)
    upstreams.portal_faults.add(Kind.HANG, path="/graphql", seconds=5, times=2)
    record = await run_sync(settings, Sync.CASES)
    assert record.state is SyncState.FAILED
    assert "no answer in time" in record.error
    await synced(settings, Sync.CASES)


async def test_one_part_down_does_not_stop_the_others(settings, upstreams, store, world):
    upstreams.jira_faults.add(Kind.DOWN)
    states = {record.name: record.state for record in await run_all(settings)}
    assert states.pop(Sync.CARDS) is SyncState.FAILED
    assert states.pop(Sync.ESCALATIONS) is SyncState.FAILED
    assert states.pop(Sync.ISSUES) is SyncState.FAILED
    assert set(states.values()) == {SyncState.OK}
    upstreams.clear_faults()
    await run_all(settings)
    await right(store, world, bugs=settings.portal_api == "hydra")


async def test_jira_down_for_an_hour_then_catches_up(upstreams, redis_url, store):
    """Asked for is what changed since the last success, however long ago that was."""
    settings = upstreams.settings(redis_url, portal_api="hydra")
    start, minutes = ago(), 0

    def clock():
        return start + timedelta(minutes=minutes)

    upstreams.jira.clock = clock
    numbers = upstreams.add_cases(4)
    old = {"created": ago(days=9), "updated": ago(days=1)}
    key = upstreams.add_card(numbers[0], **old)
    for number in numbers[1:3]:
        upstreams.add_card(number, **old)
    await synced(settings, Sync.CASES, Sync.CARDS, now=clock)
    fault = upstreams.jira_faults.add(Kind.DOWN)
    async with readiness(settings) as readyz:
        for minutes in (5, 20, 40, 60):
            if minutes == 20:  # while nobody can ask
                upstreams.jira.transition(key, "Blocked")
                upstreams.add_card(numbers[3], created=clock(), updated=clock())
            record = await run_sync(settings, Sync.CARDS, now=clock)
            assert record.state is SyncState.FAILED
            assert "HTTP 503" in said(record)
            assert "HTTP 503" in (await readyz())["syncs"]["cards"]["error"]
        assert record.failures == 4
        assert (await one(store, numbers[0])).card.status == "Open"
        upstreams.jira_faults.remove(fault)
        minutes = 62
        record = await synced(settings, Sync.CARDS, now=clock)
        assert (record.requests, record.seen, record.failures) == (2, 2, 0)  # one for renames
        assert (await readyz())["syncs"]["cards"]["error"] == ""
    found = await cases_of(store)
    assert [len(case.cards) for _, case in sorted(found.items())] == [1, 1, 1, 1]
    assert found[numbers[0]].card.status == "Blocked"


async def test_two_told_to_run_the_same_run_it_once(settings, upstreams, store, world):
    upstreams.portal_faults.latency = 0.03
    one_run = await asyncio.gather(*(run_sync(settings, Sync.CASES) for _ in range(4)))
    assert len({record.started for record in one_run}) == 1
    exchanges = [n for route, n in upstreams.portal_faults.requests.items() if "token" in route]
    assert exchanges == [1]


class OwnRedis:
    """A Redis with persistence that can be stopped and started."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="t5g-redis-"))
        self.url = f"unix://{self.folder}/redis.sock"

    async def start(self) -> None:
        self.server = await asyncio.create_subprocess_exec(
            *tied([redis_executable()]),
            *("--port", "0", "--unixsocket", f"{self.folder}/redis.sock"),
            *("--dir", str(self.folder), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(10), Redis.from_url(self.url) as probe:
            while True:
                with contextlib.suppress(RedisError, OSError):
                    await probe.ping()
                    return
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        if self.server.returncode is None:
            self.server.kill()
        await self.server.wait()


@pytest.fixture
async def own_redis():
    server = OwnRedis()
    await server.start()
    yield server
    await server.kill()
    shutil.rmtree(server.folder, ignore_errors=True)


RESTARTS = [(Sync.CASES, 10), (Sync.CASES, 30), (Sync.CARDS, 10), (Sync.DETAILS, 10)]


@pytest.mark.parametrize(("name", "at"), RESTARTS)
async def test_redis_that_restarts_in_the_middle(upstreams, world, own_redis, name, at):
    settings = upstreams.settings(own_redis.url)
    if name is not Sync.CASES:
        await synced(settings, Sync.CASES)
    upstreams.portal_faults.latency = upstreams.jira_faults.latency = 0.02
    restarted = []

    async def progress(record):
        if record.current >= at and not restarted:
            restarted.append(True)
            await own_redis.kill()
            asyncio.get_running_loop().call_later(0.3, lambda: tasks.append(start()))

    def start():
        return asyncio.ensure_future(own_redis.start())

    tasks = []
    record = await run_sync(settings, name, on_progress=progress)
    await asyncio.gather(*tasks)
    assert restarted
    assert record.state is SyncState.OK
    assert "exit code 0" in said(record)
    redis = open_redis(own_redis.url)
    found = await cases_of(Store(redis, Keys()))
    await redis.aclose()
    assert sorted(found) == world
    if name is Sync.CARDS:
        assert [len(found[number].cards) for number in world] == [1, 0] * 20
    if name is Sync.DETAILS:
        assert [len(found[number].details.issue_keys) for number in world] == [1, 0] * 20
    async with readiness(settings) as readyz:
        assert (await readyz())["syncs"][name.value]["state"] == "ok"


async def test_redis_that_refuses_writes_is_said(settings, upstreams, redis, store, world):
    await synced(settings, Sync.CASES)
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreError, match="Redis is full"):
            await run_sync(settings, Sync.CASES, full=True)
    finally:
        await redis.config_set("maxmemory", "0")
    await synced(settings, Sync.CASES, full=True)
    assert sorted(await cases_of(store)) == world
