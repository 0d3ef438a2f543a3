"""`t5g export` and `t5g import`, and `t5g check --keys`, as an operator types them."""

import asyncio

import pytest
import typer
from typer.testing import CliRunner, Result

from t5g.audit import Audit
from t5g.cli import backup, checking
from t5g.connection import open_redis
from t5g.errors import RefusedError
from t5g.keys import Keys
from tests import wall_clock


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("T5G_REDIS_URL", redis_url)
    monkeypatch.setenv("T5G_LOG_LEVEL", "error")
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    backup.add_commands(app)
    checking.add_commands(app)

    def typed(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return typed


@pytest.fixture
def do(redis_url):
    """Send a command to Redis."""

    def doing(*words):
        async def opened():
            async with open_redis(redis_url) as redis:
                return await redis.execute_command(*words)

        return asyncio.run(opened())

    return doing


def test_out_and_back(run, do, tmp_path) -> None:
    file = tmp_path / "t5g.backup"
    do("HSET", "t5g:statistics", "2026-11-24", "{}")
    out = run("export", file)
    assert out.exit_code == 0, out.output
    assert "a row of numbers for each day" in out.output
    do("FLUSHALL")
    assert "is whole" in run("import", "--check", file).output
    assert do("DBSIZE") == 0
    back = run("import", file)
    assert back.exit_code == 0, back.output
    assert do("HGET", "t5g:statistics", "2026-11-24") == b"{}"
    again = run("import", file)
    assert isinstance(again.exception, RefusedError)
    assert "--replace" in str(again.exception)
    assert run("import", "--replace", file).exit_code == 0


def test_it_is_in_the_audit_log(run, do, redis_url, tmp_path) -> None:
    run("export", tmp_path / "one")

    async def actions():
        async with open_redis(redis_url) as redis:
            return [entry.action for entry in await Audit(redis, Keys()).read()]

    assert asyncio.run(actions()) == ["export"]


def test_while_something_is_alive_nothing_is_imported(run, do, tmp_path) -> None:
    file = tmp_path / "t5g.backup"
    run("export", file)
    do("FLUSHALL")
    do("HSET", "t5g:alive:worker", "host.1", repr(wall_clock.seconds()))
    refused = run("import", file)
    assert isinstance(refused.exception, RefusedError)
    assert "worker" in str(refused.exception)
    assert do("EXISTS", "t5g:audit") == 0


def test_strangers_in_redis_are_listed(run, do) -> None:
    assert run("check", "--keys").exit_code == 0
    do("SET", "t5g:odd", "1")
    listed = run("check", "--keys")
    assert listed.exit_code == 1
    assert "t5g:odd: nobody owns it" in listed.output
