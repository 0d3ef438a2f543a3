"""`t5g jobs`, as an operator types it."""

import subprocess
import sys

import pytest
import typer
from redis import Redis
from typer.testing import CliRunner, Result

from t5g.cli import jobs
from t5g.errors import NotFoundError, RefusedError
from t5g.keys import Keys
from t5g.runs import Outcome, Run, RunBook, Said
from t5g.work import enqueue
from tests import wall_clock

KEYS = Keys()
BURST = """
import sys
from t5g.settings import load_settings
from workers.worker import run_worker
run_worker(load_settings(), 1, burst=True)
"""


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("T5G_REDIS_URL", redis_url)
    monkeypatch.setenv("T5G_LOG_LEVEL", "error")
    monkeypatch.setenv("COLUMNS", "220")
    app = typer.Typer()
    jobs.add_commands(app)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, ["jobs", *words])

    return typed


@pytest.fixture
def raw(redis_url: str):
    with Redis.from_url(redis_url) as client:
        yield client


def a_run(raw: Redis, number: int, outcome: Outcome, trace: str = "") -> None:
    now = wall_clock.seconds()
    book = RunBook(raw, KEYS)
    book.begin(Run(id=f"r{number}", job_id="sync-cases", job="sync cases", queue="default",
                   started=now - number))  # fmt: skip
    book.say(f"r{number}", Said(outcome=outcome, error="boom" if trace else "", trace=trace))
    book.end(f"r{number}", now)


def test_it_lists_queues_what_ran_and_how_long(run, raw: Redis) -> None:
    enqueue(raw, "workers.jobs.sync", "cards", keys=KEYS, job_id="sync-cards")
    a_run(raw, 1, Outcome.DONE)
    a_run(raw, 3, Outcome.FAILED, "Traceback (most recent call last)")
    shown = run().output
    assert "sync cases" in shown
    assert "50%" in shown
    assert "3.0 s" in shown
    assert run("list").exit_code == 0


def test_it_shows_the_error_of_a_job_in_full(run, raw: Redis) -> None:
    a_run(raw, 1, Outcome.FAILED, "Traceback [most] recent\nValueError: boom")
    shown = run("show", "sync-cases").output
    assert "Traceback [most] recent" in shown
    assert isinstance(run("show", "nothing").exception, NotFoundError)


def test_a_failed_job_is_asked_for_again_or_dropped(run, raw: Redis) -> None:
    enqueue(raw, "t5g.no_such.function", keys=KEYS, job_id="broken", description="breaks")
    assert isinstance(run("retry", "broken").exception, RefusedError)
    subprocess.run([sys.executable, "-c", BURST], check=True, capture_output=True)
    assert "breaks" in run("failed").output
    assert run("retry", "broken").exit_code == 0
    assert raw.llen("t5g:rq:queue:default") == 1
    assert run("drop", "broken").exit_code == 0
    assert raw.llen("t5g:rq:queue:default") == 0
    assert isinstance(run("drop", "broken").exception, NotFoundError)
    assert isinstance(run("drop", "schedule-digest").exception, NotFoundError)
    assert raw.exists("t5g:audit") or list(raw.scan_iter("t5g:audit*"))
