"""`t5g token` and `t5g sessions`, as an operator types them."""

import asyncio
import json

import pytest
import typer
from typer.testing import CliRunner, Result

from t5g.audit import Audit
from t5g.cli import access
from t5g.connection import open_redis
from t5g.errors import NotFoundError
from t5g.keys import Keys
from webhooks.access.sessions import Sessions
from webhooks.access.tokens import Tokens

Run = object


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("T5G_REDIS_URL", redis_url)
    monkeypatch.setenv("T5G_LOG_LEVEL", "error")
    app = typer.Typer()
    access.add_commands(app)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, words)

    return typed


def ask(redis_url: str, work):
    """Look into Redis as a process does."""

    async def opened():
        redis = open_redis(redis_url)
        try:
            return await work(redis)
        finally:
            await redis.aclose()

    return asyncio.run(opened())


def test_token_is_shown_once_and_works(run, redis_url: str) -> None:
    made = run("token", "create", "nightly", "--role", "engineer", "--days", "7")
    secret = made.stdout.strip()
    assert secret.startswith("t5g_")
    found = ask(redis_url, lambda redis: Tokens(redis, Keys()).find(secret))
    assert (found.name, found.role) == ("nightly", "engineer")
    listed = run("token", "list").output
    assert "nightly" in listed
    assert secret not in listed
    assert secret.removeprefix("t5g_")[:12] not in listed


def test_token_is_revoked_by_name(run, redis_url: str) -> None:
    secret = run("token", "create", "nightly").stdout.strip()
    assert "Revoked: nightly" in run("token", "revoke", "nightly").output
    assert ask(redis_url, lambda redis: Tokens(redis, Keys()).find(secret)) is None
    assert "There are no tokens." in run("token", "list").output
    assert isinstance(run("token", "revoke", "nightly").exception, NotFoundError)


def test_sessions_are_listed_and_ended(run, redis_url: str) -> None:
    async def begin(redis):
        sessions = Sessions(redis, Keys(), idle=3600, absolute=7200)
        first = await sessions.begin("ann", email="ann@example.com", name="Ann [bold]")
        return first, await sessions.begin("bob", email="bob@example.com")

    identity, _ = ask(redis_url, begin)
    rows = json.loads(run("sessions", "list", "--json").stdout)
    assert {row["person"] for row in rows} == {"ann@example.com", "bob@example.com"}
    assert identity not in json.dumps(rows)
    assert "Ann [bold]" in run("sessions", "list").output
    assert "Ended: 1" in run("sessions", "revoke", "Ann@example.com").output
    assert (
        "Ended: 1"
        in run(
            "sessions", "revoke", rows[[r["person"] for r in rows].index("bob@example.com")]["id"]
        ).output
    )
    assert "Nobody is logged in." in run("sessions", "list").output
    assert isinstance(run("sessions", "revoke", "ann@example.com").exception, NotFoundError)


def test_what_the_operator_did_is_in_the_audit_log(run, redis_url: str) -> None:
    run("token", "create", "a")
    run("token", "revoke", "a")
    entries = ask(redis_url, lambda redis: Audit(redis, Keys()).export())
    assert [entry.action for entry in entries] == ["token create", "token revoke"]
    assert all(entry.origin == "cli" and entry.who.startswith("cli") for entry in entries)
