"""`t5g cards`: the plan as a table, the guard with the way on, and going ahead by hand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from t5g.cli import cards as cli
from t5g.cli.app import app
from t5g.settings import Settings
from tests.workers.reading import synced
from tests.workers.upstreams import Upstreams, ago

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


@pytest.fixture
def settings(
    world: Upstreams, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """What the commands read, and a wide terminal."""
    team = tmp_path / "team.toml"
    team.write_text(TEAM)
    found = world.settings(
        redis_url, read_only=False, team_file=team, max_cards_per_run=1, portal_api="hydra"
    )
    monkeypatch.setattr(cli, "ready", lambda *_: found)
    monkeypatch.setenv("COLUMNS", "200")
    return found


async def test_plan_guard_and_going_ahead(world: Upstreams, settings: Settings) -> None:
    numbers = world.add_cases(2)
    await synced(settings, "cases", "cards")
    planned = await run("plan")
    assert planned.exit_code == 0, planned.output
    assert all(number in planned.output for number in numbers)
    assert "create --confirm 2" in planned.output
    assert "Normal · ACME & Sons" in planned.output
    assert "by account" in planned.output
    wrong = await run("create", "--confirm", "3")
    assert wrong.exit_code == 1
    assert "You confirmed 3, but there are 2 now: none is made." in wrong.output
    stopped = await run("create")
    assert stopped.exit_code == 1
    assert "0 made" in stopped.output
    assert not world.jira.issues
    made = await run("create", "--confirm", "2")
    assert made.exit_code == 0, made.output
    assert "2 made, 0 failed" in made.output
    assert sorted(world.jira.issues) == ["T5G-1", "T5G-2"]
    assert "T5G-2" in made.output
    again = await run("plan")
    assert again.output.strip() == "Every open case has its card."


async def test_what_cards_lack_stands_below_the_plan(world: Upstreams, settings: Settings) -> None:
    world.jira.set_sprint_state(world.sprint, "closed")
    world.add_cases(1)
    await synced(settings, "cases", "cards")
    for verb in ("create", "plan"):
        shown = await run(verb)
        assert shown.exit_code == 0
        assert "T5G-1 lacks sprint: The board 'T5G field support' has no active" in shown.output


async def test_what_jira_refuses_ends_with_an_error(world: Upstreams, settings: Settings) -> None:
    world.jira.projects["T5G"].required = ("components",)
    world.add_cases(1)
    await synced(settings, "cases", "cards")
    shown = await run("create")
    assert shown.exit_code == 1
    assert "00000001 failed: jira: refused: components: Component/s is required." in shown.output


async def test_the_other_verbs_show_what_they_would_do_and_did(
    world: Upstreams, settings: Settings
) -> None:
    world.add_case("00000001", severity=1)
    world.add_card("00000001", priority="Minor")
    world.add_case("00000002")
    world.add_card("00000002")
    world.add_bug(77, "00000001", whiteboard="kept")
    world.add_bug(78, "00000001", restricted=True)
    await synced(settings, "cases", "cards", "details", "issues", "bugs")
    world.portal.update_case("00000002", status="Closed", closed=ago(days=9))
    await synced(settings, "cases", "cards")
    world.reset_requests()
    expected = {
        "priorities": ("Critical", "1 done, 0 failed, 0 left alone", "has the priority of its"),
        "close": ("Done (proposed)", "1 done, 0 failed, 0 left alone", "No card is to be proposed"),
        "tag": ("kept Telco Telco:Case", "1 done, 0 failed, 1 left alone", "was so already"),
    }
    for verb, (after, _, _) in expected.items():
        dry = await run(verb, "--dry-run")
        assert dry.exit_code == 0, dry.output
        assert after in dry.output
        assert "would be done" in dry.output
    assert world.requests() == 0
    for verb, (_, done, nothing) in expected.items():
        assert done in (await run(verb)).output
        assert nothing in (await run(verb)).output
    assert world.jira.issues["T5G-1"].priority == "Critical"
    assert world.jira.issues["T5G-2"].comments
    assert world.bugzilla.bugs[77].whiteboard == "kept Telco Telco:Case"


async def test_while_only_reading_only_looking_works(
    world: Upstreams, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = settings.model_copy(update={"read_only": True})
    monkeypatch.setattr(cli, "ready", lambda *_: reading)
    world.add_cases(1)
    await synced(settings, "cases", "cards")
    world.reset_requests()
    assert (await run("plan")).exit_code == 0
    for verb in ("create", "priorities", "close", "tag"):
        assert (await run(verb, "--dry-run")).exit_code == 0
        refused = await run(verb)
        assert refused.exit_code == 1
        assert "T5G_READ_ONLY is true" in str(refused.exception)
    assert world.requests() == 0
