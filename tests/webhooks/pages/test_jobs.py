"""`/jobs` tells engineers what workers do, did and will do; nobody else, and no markup in it."""

import re
from html import unescape

import msgspec
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.runs import Outcome, Run, RunBook, Said
from t5g.settings import Settings
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from t5g.team import Role
from t5g.work import enqueue, load_rq
from tests import wall_clock
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


def table(text: str, name: str) -> list[list[str]]:
    """The rows of a table of the page, as texts."""
    (body,) = re.findall(rf'id="h-{name}".*?<tbody>(.*?)</tbody>', text, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[unescape(cell) for cell in row] for row in cells]


async def test_a_day_is_summed_up_by_its_success_and_how_long_it_took(
    get: Get, settings: Settings, now: float
) -> None:
    with SyncRedis.from_url(settings.redis_url) as raw:
        old = msgspec.structs.replace(run_of(0, now), outcome=Outcome.FAILED)
        yesterday = int((wall_clock.seconds() - 25 * 3600) * 1000)
        raw.xadd("t5g:runs:ended", {"run": msgspec.json.encode(old)}, id=yesterday)
        book = RunBook(raw, KEYS)
        for number in range(1, 21):
            run = msgspec.structs.replace(run_of(number, now), started=now - number)
            book.begin(run)
            book.say(run.id, Said(outcome=Outcome.DONE if number > 2 else Outcome.FAILED))
            book.end(run.id, now)
    _, text = await get("/jobs")
    (row,) = table(text, "day")
    assert row[:5] == ["sync cases", "20", "90%", "10.0 s", "19.0 s"]


async def test_it_says_what_the_schedule_and_the_workers_will_do_and_do(
    get: Get, settings: Settings
) -> None:
    load_rq(KEYS.prefix)
    from rq import Queue, Worker

    from workers.firing import Firing
    from workers.schedule import schedule

    with SyncRedis.from_url(settings.redis_url) as raw:
        Firing(raw, KEYS, schedule(settings)).register()
        enqueue(raw, "workers.jobs.sync", "cards", keys=KEYS, job_id="sync-cards")
        worker = Worker([Queue("default", connection=raw)], connection=raw, name="one.17.1")
        worker.register_birth()
        _, text = await get("/jobs")
        worker.register_death()
    planned = {row[0]: row[1:] for row in table(text, "next")}
    assert {f"sync-{name}" for name in Sync} <= set(planned)
    assert all(re.match(r"(in|late by) \d", due) for due, _ in planned.values())
    assert planned["sync-stats"][1] == "daily 04:40 UTC"
    (one,) = table(text, "workers")
    assert one[0] == "one.17.1"
    assert ["default", "1"] in [row[:2] for row in table(text, "queues")]


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
