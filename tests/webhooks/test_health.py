"""`/readyz` says of each part whether it works and why not; only Redis makes us not ready."""

from typing import Any

from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.connection import open_syncs
from t5g.heartbeat import beat, process_name
from t5g.keys import Keys
from t5g.settings import Settings, load_settings
from t5g.syncs import Sync, SyncRecord, SyncState
from t5g.work import enqueue
from tests import wall_clock
from tests.own_redis import OwnRedis
from tests.webhooks.conftest import Client, Serve

KEYS = Keys()


async def readiness(client: Client) -> tuple[int, dict[str, Any]]:
    async with client.get("/readyz") as response:
        return response.status, await response.json()


async def test_each_part_that_is_silent_or_late_gives_its_reason(
    client: Client, settings: Settings, redis: Redis
) -> None:
    now = wall_clock.seconds()
    with SyncRedis.from_url(settings.redis_url) as raw:
        enqueue(raw, "workers.jobs.sync", "cases", keys=KEYS, job_id="sync-cases")
        raw.hset("t5g:rq:job:sync-cases", "enqueued_at", "2026-01-01T00:00:00.000000Z")
        raw.zadd("t5g:schedule:times", {"schedule-sync-cases": now - 300})
    syncs = open_syncs(settings, redis)
    await syncs.write(
        SyncRecord(name=Sync.CARDS, state=SyncState.FAILED, last_success=now - 99_999, error="503")
    )
    status, found = await readiness(client)
    assert (status, found["ready"]) == (200, True)
    parts = found["parts"]
    assert parts["redis"] == {"ok": True}
    assert parts["worker"]["why"] == "gives no sign of life"
    assert parts["scheduler"]["why"] == "gives no sign of life"
    assert "300 seconds late" in parts["schedule"]["why"]
    assert "the oldest job waits" in parts["queues"]["why"]
    assert "cards: 503" in parts["data"]["why"]
    assert parts["events"]["ok"]


async def test_what_works_says_so(client: Client, settings: Settings) -> None:
    with SyncRedis.from_url(settings.redis_url) as raw:
        beat(raw, KEYS, "worker", process_name())
        beat(raw, KEYS, "scheduler", process_name())
    _, found = await readiness(client)
    assert found["parts"]["worker"] == found["parts"]["scheduler"] == {"ok": True}


async def test_without_redis_it_is_alive_but_not_ready(serve: Serve, own_redis: OwnRedis) -> None:
    own_redis.start()
    client = await serve(load_settings(env={"redis_url": own_redis.url}))
    own_redis.kill()
    status, found = await readiness(client)
    assert status == 503
    assert found["parts"]["redis"] == {"ok": False, "why": "does not answer"}
    async with client.get("/healthz") as response:
        assert response.status == 200
    async with client.get("/metrics") as response:
        assert "t5g_redis_up 0.0" in await response.text()
