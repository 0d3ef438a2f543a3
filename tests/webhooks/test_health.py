"""`/readyz` says of each part whether it works and why not; only Redis makes us not ready."""

from typing import Any

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.connection import open_syncs
from t5g.heartbeat import beat, process_name
from t5g.keys import Keys
from t5g.settings import Settings, load_settings
from t5g.syncs import Sync, SyncRecord, SyncState
from t5g.team import Role
from t5g.work import enqueue
from tests import wall_clock
from tests.own_redis import OwnRedis
from tests.webhooks import logins
from tests.webhooks.conftest import Client, Serve
from tests.webhooks.logins import Configure
from webhooks.access.tokens import Tokens

KEYS = Keys()
idp, team_file, configure = logins.idp, logins.team_file, logins.configure


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


#: What upstreams say when they fail, and what is the team's to know only.
SAID = "JIRA: 400 for 01234567 of Acme Corp <ann@example.com> at https://jira.example.com"


@pytest.mark.parametrize(
    ("role", "reasons"),
    [(None, False), (Role.VIEWER, False), (Role.ENGINEER, True), (Role.ADMIN, True)],
)
async def test_reasons_are_for_operators_and_a_word_for_everybody(
    serve: Serve, configure: Configure, redis: Redis, role: Role | None, reasons: bool
) -> None:
    settings = configure()
    await open_syncs(settings, redis).write(
        SyncRecord(name=Sync.CARDS, state=SyncState.FAILED, last_success=1.0, error=SAID)
    )
    client, headers = await serve(settings), {"Authorization": "Bearer t5g_made-up"}
    if role is not None:
        _, secret = await Tokens(redis, KEYS).create("prober", role)
        headers = {"Authorization": f"Bearer {secret}"}
    async with client.get("/readyz", headers=headers) as response:
        text, found = await response.text(), await response.json()
    assert response.status == 200
    assert (SAID in text) is reasons
    assert ("syncs" in found) is reasons
    if not reasons:
        assert set(found) == {"ready", "parts"}
        assert set(found["parts"].values()) == {"ok", "not ok"}
        assert found["parts"]["data"] == "not ok"


@pytest.mark.parametrize("headers", [{"Host": "evil.test"}, {"X-Forwarded-For": "192.0.2.7"}])
async def test_reasons_are_for_this_machine_without_a_login(
    client: Client, headers: dict[str, str]
) -> None:
    async with client.get("/readyz") as response:
        assert "syncs" in await response.json()
    async with client.get("/readyz", headers=headers) as response:
        assert set(await response.json()) == {"ready", "parts"}


async def test_numbers_are_on_the_port_of_the_inside_and_behind_the_login(
    serve: Serve, configure: Configure, redis: Redis, free_tcp_port: int
) -> None:
    client = await serve(configure(metrics_port=free_tcp_port))
    async with client.get("/metrics") as response:
        assert response.status == 401
    _, secret = await Tokens(redis, KEYS).create("prometheus", Role.VIEWER)
    async with client.get("/metrics", headers={"Authorization": f"Bearer {secret}"}) as response:
        assert "t5g_board_cases" in await response.text()
    inside = client.session.get(f"http://127.0.0.1:{free_tcp_port}/metrics")
    async with inside as response:
        text = await response.text()
        assert response.headers["Server"] == "t5g"
    assert "t5g_board_cases" in text and "t5g_slack_outbox_messages" in text


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
