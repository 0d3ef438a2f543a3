"""`/jobs` tells engineers what workers do, did and will do; nobody else, and no markup in it."""

from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.runs import Outcome, Run, RunBook, Said
from t5g.settings import Settings
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from t5g.team import Role
from tests.webhooks.conftest import Client
from tests.webhooks.pages.conftest import Get
from webhooks.access.tokens import Tokens

KEYS = Keys()


def run_of(number: int, now: float, job: str = "sync cases") -> Run:
    return Run(
        id=f"run{number}", job_id="sync-cases", job=job, queue="default", worker="w",
        asked_by="schedule", queued=now - 20, started=now - 10 + number,
    )  # fmt: skip


async def test_it_shows_what_runs_what_ended_and_what_went_wrong(
    get: Get, settings: Settings, records: SyncRecords, now: float
) -> None:
    record = SyncRecord(name=Sync.CASES, state=SyncState.RUNNING, current=40, total=90, what="read")
    await records.write(record)
    with SyncRedis.from_url(settings.redis_url) as raw:
        book = RunBook(raw, KEYS)
        book.begin(run_of(1, now))
        book.begin(run_of(2, now))
        book.begin(run_of(3, now))
        book.say("run1", Said(outcome=Outcome.DONE, result="90 cases"))
        told = Said(outcome=Outcome.FAILED, error="<b>HTTP 503</b>", trace="Traceback: <i>line</i>")
        book.say("run2", told)
        book.end("run1", now)
        book.end("run2", now)
    status, text = await get("/jobs")
    assert status == 200
    assert "40 of 90 read" in text
    assert "90 cases" in text
    assert "&lt;b&gt;HTTP 503" in text
    assert "Traceback: &lt;i&gt;line" in text
    assert "<i>line" not in text
    assert "50%" in text
    assert "No worker gives a sign of life." in text


async def test_it_is_there_before_anything_ran(get: Get) -> None:
    status, text = await get("/jobs")
    assert status == 200
    assert "Nothing ran yet." in text


async def test_only_engineers_and_up_see_it(client: Client, redis: Redis) -> None:
    tokens = Tokens(redis, KEYS)
    for role, status in ((Role.VIEWER, 403), (Role.ENGINEER, 200), (Role.ADMIN, 200)):
        _, secret = await tokens.create(role.value, role)
        headers = {"Authorization": f"Bearer {secret}"}
        async with client.get("/jobs", headers=headers) as response:
            assert response.status == status
