"""The jobs of cards: off while only reading, summaries for people, repeated where that helps."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from sandbox.faults import Kind
from t5g.audit import Filter
from t5g.current import SETTINGS
from t5g.errors import UpstreamError
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.settings import Settings
from t5g.work import load_rq
from tests.workers.cards.conftest import complete, learn
from tests.workers.reading import synced
from tests.workers.upstreams import Upstreams, ago
from workers.cards import jobs
from workers.cards.desk import open_desk
from workers.schedule import schedule

NUMBER = "00000001"
pytestmark = pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])


@pytest.fixture(autouse=True)
def _rq(settings: Settings) -> None:
    load_rq(settings.redis_prefix)


async def run(settings: Settings, job: Any, *args: Any) -> dict[str, Any]:
    """Run a job as a worker does it."""
    token = SETTINGS.set(settings)
    try:
        return await asyncio.to_thread(job, *args)
    finally:
        SETTINGS.reset(token)


async def busy_world(world: Upstreams, settings: Settings) -> None:
    """A world in which every job has something to do."""
    world.add_case(NUMBER, severity=1)
    world.add_case("00000002", severity=1)
    world.add_card("00000002", priority="Minor")
    world.add_case("00000003")
    world.add_card("00000003")
    world.add_bug(77, NUMBER)
    world.add_issue("00000002")
    await learn(settings)
    world.portal.update_case("00000003", status="Closed", closed=ago(days=9))
    await learn(settings)
    await synced(settings, "details", "issues", "bugs")
    world.reset_requests()


async def test_each_job_says_what_it_did(world: Upstreams, settings: Settings):
    await busy_world(world, settings)
    did = {"planned": 1, "done": 1, "failed": 0, "left alone": 0, "first": ""}
    assert await run(settings, jobs.create) == {
        "planned": 1, "made": 1, "failed": 0, "lacking": 0, "stopped": 0, "busy": 0,
    }  # fmt: skip
    assert await run(settings, jobs.priorities) == did
    assert await run(settings, jobs.close) == did
    assert await run(settings, jobs.tag) == {**did, "planned": 2, "done": 2}


async def test_while_only_reading_no_job_calls_anything_and_none_is_scheduled(
    world: Upstreams, settings: Settings
):
    await busy_world(world, settings)
    reading = settings.model_copy(update={"read_only": True})
    for job in (jobs.create, jobs.priorities, jobs.close, jobs.tag):
        assert await run(reading, job) == {"skipped": "T5G_READ_ONLY is true"}
    assert await run(reading, jobs.mail, NUMBER, "T5G-1") == {"skipped": "T5G_READ_ONLY is true"}
    assert world.requests() == 0
    async with open_desk(settings) as desk:
        assert not await desk.audit.read(Filter())
        assert not await desk.ledger.unfinished()
    assert not [one for one in schedule(reading) if one.name.startswith("cards-")]
    assert len([one for one in schedule(settings) if one.name.startswith("cards-")]) == 4


async def test_without_fresh_data_a_job_says_so_and_does_nothing(
    world: Upstreams, settings: Settings
):
    for job in (jobs.create, jobs.priorities, jobs.close, jobs.tag):
        (said,) = (await run(settings, job)).values()
        assert "never worked; `t5g sync" in said
    assert world.requests() == 0


async def test_what_waits_is_an_error_so_that_it_is_repeated_soon(
    world: Upstreams, settings: Settings
):
    world.add_case(NUMBER)
    await learn(settings)
    down = world.jira_faults.add(Kind.DOWN, path="/rest/agile")
    with pytest.raises(
        UpstreamError, match=f"1 wait, first {NUMBER}: T5G-1 lacks sprint: jira: HTTP 503"
    ):
        await run(settings, jobs.create)
    world.jira_faults.remove(down)
    await run(settings, jobs.create)
    complete(world, NUMBER)


async def test_the_lock_of_a_dead_worker_is_no_reason_to_wait_an_hour(
    world: Upstreams, settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    world.add_case(NUMBER)
    await learn(settings)
    dead = Lock(redis, Keys().lock("cards"))
    assert await dead.acquire()
    assert (await run(settings, jobs.create))["busy"] == 1, "outside of a worker nothing repeats it"
    monkeypatch.setattr(jobs, "last_attempt", lambda: False)
    with pytest.raises(UpstreamError, match="another run is at work"):
        await run(settings, jobs.create)
    await dead.release()
    assert (await run(settings, jobs.create))["made"] == 1


async def test_a_person_goes_past_the_guard_with_a_job_too(world: Upstreams, settings: Settings):
    world.add_cases(11)
    await learn(settings)
    assert (await run(settings, jobs.create, 10, "U1"))["stopped"] == 1
    assert (await run(settings, jobs.create, 11, "U1"))["made"] == 11
    async with open_desk(settings) as desk:
        assert {row.who for row in await desk.audit.read(Filter(), limit=None)} == {"U1"}


async def test_each_change_of_a_creation_is_audited_before_and_after(
    world: Upstreams, settings: Settings
):
    await busy_world(world, settings)
    await run(settings, jobs.create)
    async with open_desk(settings) as desk:
        rows = await desk.audit.read(Filter(case=NUMBER))
    key = next(key for key, one in world.jira.issues.items() if one.summary.startswith(NUMBER))
    assert [row.detail for row in reversed(rows)] == [
        f"no card → {key}, assigned to Anna: by account",
        f"{key} sprint: none → {world.sprint}",
        f"{key} status: New → To Do",
        f"{key} links: + Support Case, Bug 77",
        f"{key} comment: none → why the card is whose",
    ]
    assert {(row.who, row.origin, row.action) for row in rows} == {
        ("schedule", "job", "cards create")
    }
