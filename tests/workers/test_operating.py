"""Sums and runs are right whoever counts them, also when workers are killed in between."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from t5g.keys import Keys
from t5g.lifeline import end, session_members
from t5g.logs import bind
from t5g.metrics import COUNTED
from t5g.runs import Outcome, Run, Runs
from t5g.scraping import Scrape
from t5g.settings import load_settings
from t5g.vault import Vault, new_key
from t5g.work import enqueue, load_rq
from tests.workers.starting import Workers, descendants, until

KEYS = Keys()
SECRET = "planted-token-not-secret"


@pytest.fixture
def settings(redis_url):
    return load_settings(env={"redis_url": redis_url, "jira_token": SECRET, "log_format": "json"})


@pytest.fixture
def raw(redis_url):
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_counted():
    """Begin as a fork does: what other tests made this process count is not added here."""
    COUNTED._forked()


@pytest.fixture
async def start(settings):
    """Start worker processes; all are ended in the end."""
    workers = Workers(settings)
    yield workers
    await workers.stop()


def ask_for(raw, name, *args, **more):
    enqueue(raw, f"tests.workers.doings.{name}", *args, keys=KEYS, **more)


async def scraped(settings, redis):
    """Scrape, and give the value of each sample."""
    text = (await Scrape(settings, redis, "web").text()).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(found, name, **labels):
    """Add up the samples of a name that have these labels."""
    return sum(
        v for (n, ls), v in found.items() if n == name and labels.items() <= dict(ls).items()
    )


async def test_work_horses_and_their_deaths_are_counted_once(start, settings, raw, redis):
    for _ in range(4):
        ask_for(raw, "short", 3)
    ask_for(raw, "dying")
    ask_for(raw, "fail", SECRET)
    await (await start(burst=True)).wait()
    found = await scraped(settings, redis)
    assert total(found, "t5g_upstream_calls_total", service="portal", status="ok") == 12
    assert total(found, "t5g_jobs_total", job="short", outcome="done") == 4
    assert total(found, "t5g_jobs_total", job="dying", outcome="died") == 1
    assert total(found, "t5g_jobs_total", job="fail", outcome="failed") == 1
    assert total(found, "t5g_jobs_started_total") == total(found, "t5g_jobs_total") == 6
    assert total(found, "t5g_job_seconds_count") == 6
    assert total(found, "t5g_job_seconds_bucket", le="+Inf") == 6
    assert total(found, "t5g_jobs_running") == 0
    again = await scraped(settings, redis)
    assert total(again, "t5g_jobs_total") == 6
    runs = await Runs(redis, KEYS).ended(0)
    assert {run.job: run.outcome for run in runs} == {
        "short": Outcome.DONE, "dying": Outcome.DIED, "fail": Outcome.FAILED,
    }  # fmt: skip


async def test_a_worker_killed_in_the_middle_of_a_job_leaves_the_sums_right(
    start, settings, raw, redis
):
    ask_for(raw, "short", 2)
    ask_for(raw, "long")
    crew = await start(2)
    await until(lambda: raw.hlen("t5g:runs:open") == 1 and raw.xlen("t5g:runs:ended") == 1)
    before = await scraped(settings, redis)
    assert total(before, "t5g_jobs_running") == 1
    assert total(before, "t5g_jobs_total") == 1
    (run,) = await Runs(redis, KEYS).open()
    os.kill(int(run.worker.split(".")[-2]), signal.SIGKILL)
    await until(lambda: raw.hlen("t5g:runs:open") == 0)
    ask_for(raw, "short", 2)
    await until(lambda: raw.xlen("t5g:runs:ended") == 3)
    crew.send_signal(signal.SIGTERM)
    after = await scraped(settings, redis)
    assert total(after, "t5g_jobs_started_total") == total(after, "t5g_jobs_total") == 3
    assert total(after, "t5g_jobs_total", job="long", outcome="died") == 1
    assert total(after, "t5g_upstream_calls_total", service="portal", status="ok") == 4


async def test_a_day_at_speed_with_workers_killed_in_between_adds_up(start, settings, raw, redis):
    """The real schedule, its clock moved by two hours at a time, with jobs that only count."""
    load_rq(KEYS.prefix)
    from workers.firing import Firing
    from workers.schedule import schedule

    begin = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    clock = SimpleNamespace(now=begin)
    made = {"function": "tests.workers.doings.short", "args": ("3",), "attempts": (0, 0)}
    table = [replace(entry, **made) for entry in schedule(settings)]
    firing = Firing(raw, KEYS, table, now=lambda: clock.now)
    firing.register()
    crew = await start(2)
    await until(lambda: raw.scard("t5g:rq:workers") == 2)
    fired = 0

    def idle():
        # Between a queue and its run a job is in neither; its own state tells.
        jobs = [key for key in raw.scan_iter("t5g:rq:job:*") if b":long-" not in key]
        states = [raw.hget(key, "status") for key in jobs]
        busy = {b"queued", b"started"} & set(states)
        return not busy and not raw.hlen("t5g:runs:open")

    for hour in range(2, 26, 2):
        clock.now = begin + hour * 3600
        fired += len(firing.enqueue_jobs())
        if hour in (8, 16):
            ask_for(raw, "long", job_id=f"long-{hour}")
            found = await until(lambda: [r for r in open_runs(raw) if r.job == "long"])
            os.kill(int(found[0].worker.split(".")[-2]), signal.SIGKILL)
        await until(idle)
    crew.send_signal(signal.SIGTERM)
    found = await scraped(settings, redis)
    assert fired >= 12 * 7
    assert total(found, "t5g_jobs_total", job="long", outcome="died") == 2
    assert total(found, "t5g_jobs_total", job="short", outcome="done") == fired
    assert total(found, "t5g_jobs_started_total") == total(found, "t5g_jobs_total") == fired + 2
    assert total(found, "t5g_upstream_calls_total", status="ok") == 3 * fired
    assert total(found, "t5g_job_wait_seconds_count") == fired + 2


def open_runs(raw):
    return [msgspec.json.decode(one, type=Run) for one in raw.hvals("t5g:runs:open")]


async def test_the_scheduler_ends_the_run_of_a_worker_that_is_gone(start, raw, redis):
    ask_for(raw, "long")
    worker = await start()
    await until(lambda: raw.hlen("t5g:runs:open") == 1)
    family = descendants(worker.pid)
    worker.kill()
    await worker.wait()
    from workers.firing import Firing  # only after a job was asked for: RQ is imported then

    firing = Firing(raw, KEYS, ())
    assert firing.bury_runs() == []  # it may only be slow: its sign of life has not faded yet
    for key in raw.scan_iter("t5g:rq:worker:*"):
        raw.delete(key)
    (job,) = firing.bury_runs()
    assert firing.bury_runs() == []
    (run,) = await Runs(redis, KEYS).ended(0)
    assert (run.job_id, run.outcome) == (job, Outcome.DIED)
    assert family


async def test_a_job_that_is_gone_when_it_ends_is_done(start, raw, redis):
    """RQ asks again for the end of a job when Redis took it but the answer was lost."""
    ask_for(raw, "removed", job_id="removed", attempts=(1,))
    await (await start(burst=True)).wait()
    (run,) = await Runs(redis, KEYS).ended(0)
    assert (run.outcome, run.result) == (Outcome.DONE, "all done")
    assert raw.zcard("t5g:rq:wip:default") == 0, "it does not look as if it ran still"
    assert raw.zcard("t5g:rq:failed:default") == 0
    assert raw.zcard("t5g:rq:scheduled:default") == 0, "and it is not done again"
    assert not raw.exists("t5g:rq:job:removed"), "the worker's sign of life would block its id"


async def test_no_secret_is_in_what_is_kept_of_a_failed_job(start, raw, redis):
    ask_for(raw, "fail", "another-planted-not-secret", job_id="failing")
    worker = await start(burst=True, jira_token="another-planted-not-secret")
    await worker.wait()
    said = start.said()
    (run,) = await Runs(redis, KEYS).ended(0)
    assert "ValueError" in run.error
    assert "Traceback" in run.trace
    assert b"another-planted" not in said
    for key in raw.scan_iter("t5g:*"):
        if key.startswith((b"t5g:runs", b"t5g:rq:results")):
            assert b"another-planted" not in raw.dump(key), key


async def test_what_people_wrote_is_not_in_the_log_of_a_failed_job(start, raw):
    ask_for(raw, "fail", "words of a customer")
    await (await start(burst=True)).wait()
    said = start.said()
    lines = [json.loads(line) for line in said.splitlines()]
    (failed,) = [line for line in lines if line["event"] == "job_failed"]
    assert "Traceback" in failed["exception"]
    assert not any("arguments" in line for line in lines)


async def test_the_id_of_a_request_reaches_the_worker_its_log_and_the_upstream(start, raw, redis):
    asked = []

    async def answer(request):
        asked.append(request.headers.get("X-Request-Id"))
        return web.json_response({})

    upstream = web.Application()
    upstream.router.add_get("/", answer)
    async with TestServer(upstream) as server:
        with bind(request="abcd1234"):
            ask_for(raw, "ask", str(server.make_url("/")))
        worker = await start(burst=True)
        await worker.wait()
    said = start.said()
    assert asked == ["abcd1234"]
    lines = [json.loads(line) for line in said.splitlines()]
    (line,) = [line for line in lines if line["event"] == "asked"]
    (run,) = await Runs(redis, KEYS).ended(0)
    assert (line["request"], line["job"]) == ("abcd1234", run.job_id)
    assert run.request == "abcd1234"
    (ended,) = [line for line in lines if line["event"] == "job_ended"]
    assert ended["request"] == "abcd1234"


async def test_workers_answer_a_scrape_on_their_port(start, redis, free_tcp_port):
    import httpx

    worker = await start(2, metrics_port=free_tcp_port)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def answered():
            try:
                return await client.get(f"http://127.0.0.1:{free_tcp_port}/metrics")
            except httpx.HTTPError:
                return None

        answer = await until(answered)
    assert "t5g_redis_up 1.0" in answer.text
    worker.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await worker.wait() == 0


async def test_an_error_in_a_job_reaches_sentry_before_the_fork_is_gone(raw, redis_url):
    arrived = []

    async def take(request):
        arrived.append(await request.read())
        return web.json_response({})

    collector = web.Application()
    collector.router.add_post("/api/1/envelope/", take)
    async with TestServer(collector) as server:
        ask_for(raw, "fail", SECRET)
        env = {
            "T5G_REDIS_URL": redis_url,
            "T5G_JIRA_TOKEN": SECRET,
            "T5G_PORTAL_OFFLINE_TOKEN": "sandbox-not-secret",
            "T5G_BUGZILLA_API_KEY": "sandbox-not-secret",
            "T5G_SENTRY_DSN": f"http://key@127.0.0.1:{server.port}/1",
        }
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "t5g", "worker", env={**os.environ, **env},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await until(lambda: arrived)
        finally:
            worker.kill()
            await worker.wait()
    sent = b"".join(arrived)
    assert b"ValueError" in sent
    assert SECRET.encode() not in sent


async def test_a_rotated_secret_reaches_the_next_job_of_a_running_worker(
    raw, redis, redis_url, tmp_path
):
    key, vault = new_key(), tmp_path / "secrets.json"
    Vault(vault, key).put("T5G_JIRA_TOKEN", "short-not-secret")
    env = {
        "T5G_REDIS_URL": redis_url,
        "T5G_SECRETS_FILE": str(vault),
        "T5G_SECRETS_KEY": key,
        "T5G_PORTAL_OFFLINE_TOKEN": "sandbox-not-secret",
        "T5G_BUGZILLA_API_KEY": "sandbox-not-secret",
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "t5g", "worker", env={**os.environ, **env}, cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        for number, secret in enumerate(("short-not-secret", "much-longer-token-not-secret")):
            Vault(vault, key).put("T5G_JIRA_TOKEN", secret)
            ask_for(raw, "token_length")
            await until(lambda wanted=number + 1: raw.xlen("t5g:runs:ended") == wanted)
            run = (await Runs(redis, KEYS).ended(0))[0]
            assert run.result == f"{len(secret)} letters"
    finally:
        worker.kill()
        await worker.wait()
        end(session_members(worker.pid), 0.0)


def test_a_result_is_told_in_words():
    load_rq(KEYS.prefix)
    from workers.queue_worker import told

    assert (
        told([{"state": "ok", "seen": 4}, {"state": "failed"}]) == "state ok, seen 4; state failed"
    )
    assert told(None) == told("") == ""
    assert told(True) == "True"


async def test_a_job_that_somebody_stopped_says_so(start, raw, redis):
    ask_for(raw, "long", job_id="endless")
    await start()
    await until(lambda: raw.hlen("t5g:runs:open") == 1, 60, workers=start)
    await until(lambda: raw.hget("t5g:rq:job:endless", "status") == b"started", workers=start)
    from rq.command import send_stop_job_command

    send_stop_job_command(raw, "endless")
    await until(lambda: raw.xlen("t5g:runs:ended") == 1)
    (run,) = await Runs(redis, KEYS).ended(0)
    assert run.outcome is Outcome.STOPPED
