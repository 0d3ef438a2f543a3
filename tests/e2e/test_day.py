"""A day in the life of the demo, at speed: what it counts is right, also when workers are killed.

The schedule's clock is moved by hours while people ask and the world changes; what `/metrics` says
is held against what was really asked, sent and fired. What all processes wrote is read afterwards.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from redis import Redis

from sandbox.servers import Ports, demo_environment
from t5g.keys import Keys
from t5g.lifeline import since_boot_ns, started
from t5g.logs import secrets_of
from t5g.runs import Run
from t5g.settings import load_settings
from t5g.work import load_rq
from tests import wall_clock
from tests.e2e.conftest import START_LIMIT, Demo, start_demo, stop_demo, until
from tests.workers.starting import descendants
from workers.jobs import MOST_RUNS

KEYS = Keys()
#: Hours between two looks at the clock, and the hours after which somebody is killed.
STEP, KILLED, KILLED_WHOLE = 3, 9, 18
MOMENTS = 24 // STEP
#: Seconds; a killed worker's lock goes by itself, and a machine may have other things to do.
PATIENCE = 90.0
#: Requests of one work-horse that may be on their way, and its token.
MOST_AT_ONCE = 3
UPSTREAMS = ("portal", "jira", "bugzilla")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that writes every line that it can, and in which nothing happens by itself."""
    folder = tmp_path_factory.mktemp("day")
    options = ("--cases", "30", "--seed", "11", "--port", "0", "--still")
    running = start_demo(folder, *options, T5G_LOG_LEVEL="debug")
    try:
        until(running.ready, "the demo to be ready", START_LIMIT)
        yield running
    finally:
        stop_demo(running)


@pytest.fixture
def raw(demo: Demo) -> Iterator[Redis]:
    environment = Path(f"/proc/{demo.addresses['pids']['web']}/environ").read_bytes()
    given = dict(pair.split(b"=", 1) for pair in environment.split(b"\0") if b"=" in pair)
    with Redis.from_url(given[b"T5G_REDIS_URL"].decode()) as client:
        yield client


def scraped(demo: Demo) -> list[Sample]:
    text = demo.http.get(demo.url("page") + "/metrics").text
    return [s for family in text_string_to_metric_families(text) for s in family.samples]


def total(samples: list[Sample], name: str, **labels: str) -> float:
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


def asked_of(demo: Demo, upstream: str) -> dict[str, Any]:
    """What the sandbox says of the requests that it got."""
    return dict(demo.http.get(demo.url(upstream) + "/_sandbox/requests").json())


def accepted_events(demo: Demo) -> int:
    deliveries = demo.http.get(demo.url("jira") + "/_sandbox/deliveries").json()
    return sum(answer == 200 for one in deliveries for answer in one["answers"])


def open_runs(raw: Redis) -> list[Run]:
    return [msgspec.json.decode(one, type=Run) for one in raw.hvals("t5g:runs:open")]


def at_rest(raw: Redis, lost: set[str]) -> bool:
    """Say whether no job waits or runs, but those whose worker was killed."""
    keys = [k for k in raw.scan_iter("t5g:rq:job:*") if k.decode().split(":")[3] not in lost]
    states = {raw.hget(key, "status") for key in keys if raw.type(key) == b"hash"}
    return not {b"queued", b"started"} & states and not raw.hlen("t5g:runs:open")


def horse_of(worker: int, since: float) -> int | None:
    """The child that a worker forked for its job (another one brings back repeated jobs)."""
    booted = wall_clock.seconds() - since_boot_ns() / 1e9
    young = [pid for pid in descendants(worker) if booted + started(pid) > since - 0.1]
    return max(young, key=started, default=None)


def kill(demo: Demo, raw: Redis, *, worker: bool) -> str:
    """Kill whoever does the sync of cases (a worker, or only its work-horse); return the job."""
    slow = demo.url("portal") + "/_sandbox/faults"
    demo.http.post(slow, json={"latency": 1.0}).raise_for_status()
    try:
        demo.ask("refresh cases")
        run = until(
            lambda: next((r for r in open_runs(raw) if r.job == "sync cases"), None),
            "the sync of cases to run",
        )
        pid = int(run.worker.split(".")[-2])
        horse = until(lambda: horse_of(pid, run.started), "its work-horse")
        os.kill(pid if worker else horse, signal.SIGKILL)
        until(lambda: run.id not in {r.id for r in open_runs(raw)}, "its run to be ended")
        return str(run.job_id)
    finally:
        demo.http.delete(slow).raise_for_status()


@pytest.mark.timeout(300)
def test_a_day_at_speed_is_counted_right(demo: Demo, raw: Redis) -> None:
    load_rq(KEYS.prefix)
    from workers.firing import Firing
    from workers.schedule import schedule

    clock = SimpleNamespace(now=wall_clock.seconds())
    firing = Firing(raw, KEYS, schedule(load_settings()), now=lambda: clock.now)
    lost: set[str] = set()
    until(lambda: at_rest(raw, lost), "the first syncs to end", PATIENCE)
    before, events = scraped(demo), accepted_events(demo)
    requests = {name: asked_of(demo, name)["total"] for name in UPSTREAMS}
    fired = questions = 0
    for hour in range(STEP, 24 + STEP, STEP):
        clock.now += STEP * 3600
        fired += sum(firing.enqueue_job(name) for name in firing.get_jobs_to_queue())
        for _ in range(3):
            demo.http.post(demo.url("portal") + "/_sandbox/life/step").raise_for_status()
        demo.ask("cases severity:urgent")
        questions += 1
        until(lambda: at_rest(raw, lost), f"the jobs of hour {hour}", PATIENCE)
        if hour in (KILLED, KILLED_WHOLE):
            lost.add(kill(demo, raw, worker=hour == KILLED_WHOLE))
    until(lambda: at_rest(raw, lost), "the last jobs", PATIENCE)
    until(lambda: accepted_events(demo) - events == grown_events(demo, before), "the last events")
    after = scraped(demo)

    def grown(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    assert grown("t5g_slack_commands_total", command="cases", outcome="answered") == questions
    assert grown("t5g_slack_commands_total", command="refresh", outcome="answered") == 2
    assert accepted_events(demo) > events
    assert total(after, "t5g_jobs_running") == 0
    assert total(after, "t5g_jobs_started_total") == total(after, "t5g_jobs_total")
    assert total(after, "t5g_job_seconds_count") == total(after, "t5g_jobs_total")
    assert total(after, "t5g_jobs_total") == raw.xlen("t5g:runs:ended")
    assert grown("t5g_jobs_total", outcome="died") == 2
    assert grown("t5g_jobs_total", outcome="failed") == 0
    # The demo's own scheduler goes by the clock on the wall, whose tick may fall into the test.
    assert MOMENTS <= grown("t5g_jobs_total", job="digest_tick", outcome="done") <= MOMENTS + 1
    # Seven entries at each moment, but that of the killed sync while it waits to be repeated.
    assert grown("t5g_jobs_total", outcome="done") >= fired >= MOMENTS * 6
    for sync in ("details", "cards", "issues", "bugs", "escalations"):
        done = grown("t5g_jobs_total", job=f"sync {sync}", outcome="done")
        runs = grown("t5g_sync_runs_total", sync=sync, state="ok")
        # A job runs its sync once more for what was wished for while it ran.
        assert 0 < done <= runs <= MOST_RUNS * done, sync
        assert grown("t5g_sync_run_seconds_count", sync=sync) == runs, sync
    made = {name: asked_of(demo, name)["total"] - requests[name] for name in UPSTREAMS}
    assert grown("t5g_upstream_calls_total", service="jira") == made["jira"]
    assert grown("t5g_upstream_calls_total", service="bugzilla") == made["bugzilla"]
    # The Portal gives tokens too. What a killed work-horse had asked is known to it only.
    asked = sum(grown("t5g_upstream_calls_total", service=name) for name in ("portal", "sso"))
    assert 0 <= made["portal"] - asked <= 2 * MOST_AT_ONCE
    open_now = total(after, "t5g_cases", headline="open")
    assert open_now == total(after, "t5g_open_cases") == len(demo.cases())


def grown_events(demo: Demo, before: list[Sample]) -> float:
    return total(scraped(demo), "t5g_jira_events_total") - total(before, "t5g_jira_events_total")


def lines(demo: Demo, process: str) -> list[dict[str, Any]]:
    text = (demo.folder / "logs" / f"{process}.log").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_the_id_of_a_question_in_slack_is_on_every_hop_to_the_upstream(demo: Demo) -> None:
    demo.ask("refresh cards")

    def ended() -> list[dict[str, Any]]:
        found = [line for line in lines(demo, "worker") if line["event"] == "job_ended"]
        return [line for line in found if line.get("request") and line["job"] == "sync-cards"]

    (*_, job) = until(ended, "the job to end")
    request = job["request"]
    assert any(line.get("request") == request for line in lines(demo, "web"))
    assert any(line.get("request") == request for line in lines(demo, "worker"))
    until(lambda: request in asked_of(demo, "jira")["traces"], "the id at JIRA", 5)


def test_no_secret_is_in_any_log_nor_in_what_is_kept_or_shown(demo: Demo, raw: Redis) -> None:
    given = demo_environment(Ports())
    names = {name.removeprefix("T5G_").lower(): value for name, value in given.items()}
    known = {
        name: value for name, value in names.items() if name in type(load_settings()).model_fields
    }
    secrets = [secret for secret in secrets_of(load_settings(env=known)) if len(secret) > 8]
    assert len(secrets) >= 6
    said = {path.name: path.read_text("utf-8") for path in (demo.folder / "logs").iterdir()}
    assert {"web.log", "worker.log", "scheduler.log", "sandbox.log"} <= set(said)
    said = {name: text for name, text in said.items() if not name.startswith("sandbox")}
    said["terminal"] = demo.output()
    for path in ("/metrics", "/readyz", "/jobs", "/audit"):
        said[path] = demo.http.get(demo.url("page") + path).text
    for key in raw.scan_iter("t5g:*"):
        said[key.decode()] = (raw.dump(key) or b"").decode("latin-1")
    found = [
        (where, secret[:4]) for secret in secrets for where, text in said.items() if secret in text
    ]
    assert not found
