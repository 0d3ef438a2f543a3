"""`t5g webhook`, as an administrator types it, against the sandbox's JIRA."""

import asyncio
import threading

import pytest
import typer
from typer.testing import CliRunner, Result

from t5g.audit import Audit, Filter
from t5g.cli import webhook
from t5g.connection import open_redis
from t5g.errors import RefusedError
from t5g.keys import Keys
from tests.workers.upstreams import Upstreams

PUBLIC = "https://t5g.example.com"


@pytest.fixture
def upstreams():
    """The sandbox on a thread of its own: the commands have an event loop of theirs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    world = Upstreams()
    asyncio.run_coroutine_threadsafe(world.start(), loop).result(10)
    yield world
    asyncio.run_coroutine_threadsafe(world.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def run(upstreams, redis_url: str, monkeypatch: pytest.MonkeyPatch):
    settings = upstreams.settings(redis_url)
    for name, value in {
        "REDIS_URL": redis_url,
        "PUBLIC_URL": PUBLIC,
        "READ_ONLY": "false",
        "JIRA_URL": str(settings.jira_url),
        "JIRA_USER": settings.jira_user,
        "JIRA_TOKEN": settings.jira_token.get_secret_value(),
        "JIRA_WEBHOOK_SECRET": "hook-secret-not-secret",
        "LOG_LEVEL": "error",
    }.items():
        monkeypatch.setenv(f"T5G_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    webhook.add_commands(app)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, ["webhook", *words])

    return typed


def registered(upstreams):
    return list(upstreams.webhooks.registered.values())


def test_without_one_it_says_how_to_make_one(run) -> None:
    shown = run("list")
    assert shown.exit_code == 1
    assert "t5g webhook register" in shown.output


def test_one_is_registered_listed_and_taken_away(run, upstreams, redis_url) -> None:
    made = run("register")
    assert made.exit_code == 0, made.output
    assert 'Events of: project in ("ESC", "T5G")' in made.output
    assert [found.url for found in registered(upstreams)] == [f"{PUBLIC}/webhooks/jira"]
    shown = run("list")
    assert (shown.exit_code, "as it should be" in shown.output) == (0, True)
    assert "hook-secret" not in shown.output
    assert "Removed 1" in run("unregister").output
    assert registered(upstreams) == []
    assert "No webhook of JIRA leads here." in run("unregister").output

    async def audited():
        async with open_redis(redis_url) as redis:
            return [entry.action for entry in await Audit(redis, Keys()).read(Filter())]

    assert sorted(asyncio.run(audited())) == ["webhook register", "webhook unregister"]


def test_a_second_time_replaces_the_first(run, upstreams) -> None:
    run("register")
    again = run("register", "--jql", "project = T5G")
    assert "In place of 1" in again.output
    assert [found.filter for found in registered(upstreams)] == ["project = T5G"]
    shown = run("list")
    assert shown.exit_code == 1
    assert "its filter leaves out ESC" in shown.output
    assert "t5g webhook register" in shown.output


def test_a_dry_run_changes_nothing(run, upstreams) -> None:
    assert "Would register" in run("register", "--dry-run").output
    assert registered(upstreams) == []
    run("register")
    assert "Would remove 1" in run("unregister", "--dry-run").output
    assert len(registered(upstreams)) == 1


def test_read_only_refuses_and_says_the_way(run, upstreams, monkeypatch) -> None:
    monkeypatch.setenv("T5G_READ_ONLY", "true")
    refused = run("register")
    assert isinstance(refused.exception, RefusedError)
    assert "T5G_READ_ONLY=false t5g webhook" in str(refused.exception)
    assert registered(upstreams) == []
    assert "Would register" in run("register", "--dry-run").output
