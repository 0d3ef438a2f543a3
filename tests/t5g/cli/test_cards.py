"""`t5g cards`: the plan as a table, the guard with the way on, and going ahead by hand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from t5g.cli import cards as cli
from t5g.cli.app import app
from tests.workers.reading import synced
from tests.workers.upstreams import Upstreams

TEAM = '[[people]]\nname = "Anna"\nemail = "anna@example.com"\naccounts = ["ACME"]\n'


@pytest.fixture
async def world() -> AsyncIterator[Upstreams]:
    made = Upstreams()
    await made.start()
    yield made
    await made.stop()


async def run(*arguments: str) -> Result:
    """Run the command as a process of its own would: in a thread without a loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["cards", *arguments])


async def test_plan_guard_and_going_ahead(
    world: Upstreams, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = tmp_path / "team.toml"
    team.write_text(TEAM)
    settings = world.settings(
        redis_url, read_only=False, team_file=team, max_cards_per_run=1, portal_api="hydra"
    )
    monkeypatch.setattr(cli, "ready", lambda *_: settings)
    monkeypatch.setenv("COLUMNS", "160")
    numbers = world.add_cases(2)
    await synced(settings, "cases", "cards")
    planned = await run("plan")
    assert planned.exit_code == 0, planned.output
    assert all(number in planned.output for number in numbers)
    assert "create --confirm 2" in planned.output
    stopped = await run("create")
    assert stopped.exit_code == 1
    assert "0 made" in stopped.output
    assert not world.jira.issues
    made = await run("create", "--confirm", "2")
    assert made.exit_code == 0, made.output
    assert "2 made, 0 failed" in made.output
    assert len(world.jira.issues) == 2
