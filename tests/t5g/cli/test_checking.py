"""`t5g check` looks at every part and names the one that is broken; `t5g health` at processes."""

import asyncio

import pytest
import typer
from aiohttp.test_utils import TestServer
from redis import Redis
from typer.testing import CliRunner

from sandbox.faults import Kind
from sandbox.slack.app import BOT_TOKEN, create_slack_app
from sandbox.slack.app import FAULTS as SLACK_FAULTS
from sandbox.slack.app import SERVER as SLACK
from sandbox.slack.state import SlackState
from t5g.cli import checking
from t5g.cli.checking import _checked
from t5g.connection import open_redis
from t5g.heartbeat import beat, process_name
from t5g.inbox import Inbox
from t5g.keys import Keys
from t5g.syncs import Sync, SyncRecord, SyncRecords
from tests import wall_clock
from tests.workers.test_killed import plain
from tests.workers.upstreams import Upstreams


@pytest.fixture
async def upstreams():
    world = Upstreams()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def slack():
    async with TestServer(create_slack_app(SlackState())) as server:
        yield server


@pytest.fixture
def settings(upstreams, slack, redis_url):
    url = str(slack.make_url("/api/"))
    return upstreams.settings(redis_url, slack_api_url=url, slack_bot_token=BOT_TOKEN)


def failing(results):
    return [result.name for result in results if not result.ok]


async def test_all_parts_are_looked_at(settings):
    results = await _checked(settings)
    names = ["team", "login", "redis", "clock", "events", "portal", "jira", "bugzilla", "slack"]
    assert [r.name for r in results] == names
    assert failing(results) == []


@pytest.mark.parametrize("kind", [Kind.DOWN, Kind.DENY, Kind.DROP, Kind.REFUSE_TOKEN])
@pytest.mark.parametrize("part", ["portal", "jira", "bugzilla"])
async def test_the_broken_upstream_is_named(settings, upstreams, part, kind):
    getattr(upstreams, f"{part}_faults").add(kind)
    results = await _checked(settings)
    assert failing(results) == [part]
    (result,) = [r for r in results if r.name == part]
    assert f"T5G_{part.upper()}" in result.hint


async def test_a_dead_offline_token_is_the_portal_s(settings, upstreams):
    upstreams.sso.refusal = "Token is not active"
    results = await _checked(settings)
    assert failing(results) == ["portal"]
    assert "not active" in next(r.found for r in results if r.name == "portal")


async def test_a_token_that_slack_does_not_know_is_slack_s(settings):
    wrong = settings.model_copy(update={"slack_bot_token": type(settings.jira_token)("xoxb-wrong")})
    results = await _checked(wrong)
    assert failing(results) == ["slack"]


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ("slack_api_url", "slack"), ("jira_url", "jira"), ("bugzilla_url", "bugzilla"),
        ("portal_url", "portal"), ("sso_url", "portal"),
    ],
)  # fmt: skip
async def test_a_server_that_is_not_there_is_named(settings, free_tcp_port, setting, part):
    gone = settings.model_copy(update={setting: f"http://127.0.0.1:{free_tcp_port}/"})
    assert failing(await _checked(gone)) == [part]


async def test_a_redis_that_is_not_there_is_named_and_the_rest_is_looked_at(settings, tmp_path):
    gone = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/none.sock"})
    results = await _checked(gone)
    assert failing(results) == ["redis"]
    assert "none.sock. No such file" in next(r.found for r in results if r.name == "redis")


async def test_a_redis_that_wants_another_password_says_so_without_ours(settings, redis_url):
    with Redis.from_url(redis_url) as raw:
        raw.execute_command("ACL", "SETUSER", "t5g", "on", ">right-not-secret", "~*", "+@all")
        try:
            url = f"{redis_url}?username=t5g&password=planted-wrong-not-secret"
            results = await _checked(settings.model_copy(update={"redis_url": url}))
        finally:
            raw.execute_command("ACL", "DELUSER", "t5g")
    (result,) = [r for r in results if r.name == "redis"]
    assert not result.ok
    assert "password" in result.found
    assert "planted" not in result.found


async def test_a_team_file_with_mistakes_is_named_with_each_of_them(settings, tmp_path):
    path = tmp_path / "team.toml"
    path.write_text('[[people]]\nname = "Ann"\nrole = "queen"\n')
    results = await _checked(settings.model_copy(update={"team_file": path}))
    assert failing(results) == ["team"]
    (result,) = [r for r in results if r.name == "team"]
    assert "queen" in result.found
    assert "T5G_TEAM_FILE" in result.hint


@pytest.mark.parametrize("kind", [Kind.DOWN, Kind.DENY, Kind.DROP])
async def test_slack_that_does_not_answer_is_named(settings, slack, kind):
    slack.app[SLACK_FAULTS].add(kind)
    assert failing(await _checked(settings)) == ["slack"]


async def test_each_channel_of_the_settings_is_looked_at(settings, slack):
    """Found by its id, with its name; whether the bot can post and read, and who else reads."""
    server = slack.app[SLACK]
    state = server.state
    ours, without, old, others = (
        state.add_channel(name, with_bot=name != "without") for name in
        ("ours", "without", "old", "others")
    )  # fmt: skip
    old.archived = True
    server.membership.connect(others, "T0OTHER")
    given = {"slack_digest_channel": ours.id, "slack_high_channel": without.id,
             "slack_low_channel": old.id, "slack_ops_channel": others.id}  # fmt: skip
    told = {r.name: r for r in await _checked(settings.model_copy(update=given))}
    assert told["slack the digest"].ok
    assert "#ours; the bot is in it" in told["slack the digest"].found
    high = told["slack urgent and high cases"]
    assert "the bot is not in #without" in high.found
    assert "T5G_SLACK_HIGH_CHANNEL" in high.hint
    assert "#old is archived" in told["slack normal and low cases"].found
    assert "#others: people of another company" in told["slack alerts for operators"].found
    nowhere = settings.model_copy(update={"slack_digest_channel": "C0NOWHERE"})
    (line,) = [r for r in await _checked(nowhere) if r.name == "slack the digest"]
    assert "channel_not_found" in line.found
    assert not line.ok


async def test_events_that_stopped_while_things_changed_are_told(settings, redis_url):
    async with open_redis(redis_url) as redis:
        inbox, now = Inbox(redis, Keys()), wall_clock.seconds()
        await inbox.mark_done(["d-1"], now=now - 7200)
        assert next(r.found for r in await _checked(settings) if r.name == "events") == (
            "The last event of JIRA came 2 h ago"
        )
        record = SyncRecord(name=Sync.CARDS, started=now - 60, missed_events=3)
        await SyncRecords(redis, Keys()).write(record)
        results = await _checked(settings)
        assert failing(results) == ["events"]
        (told,) = [r for r in results if r.name == "events"]
        assert "3 in cards" in told.found
        assert "t5g webhook list" in told.hint


async def test_the_command_has_a_line_for_each_part_and_fails_if_one_does(
    settings, upstreams, monkeypatch
):
    given = {**plain(settings), "slack_api_url": str(settings.slack_api_url)}
    given |= {"slack_bot_token": BOT_TOKEN, "slack_signing_secret": "planted-not-secret"}
    given |= {"jira_webhook_secret": "planted-not-secret"}
    for name, value in given.items():
        monkeypatch.setenv(f"T5G_{name.upper()}", str(value))
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    checking.add_commands(app)

    async def check():
        done = await asyncio.to_thread(CliRunner().invoke, app, ["check"])
        words = [line.split() for line in done.output.splitlines()]
        return done.exit_code, {row[1]: row[0] for row in words if row[0] in ("ok", "fails")}

    parts = dict.fromkeys(
        ("team", "login", "redis", "clock", "events", "portal", "jira", "bugzilla", "slack"), "ok"
    )
    assert await check() == (0, parts)
    upstreams.bugzilla_faults.add(Kind.DOWN)
    assert await check() == (1, {**parts, "bugzilla": "fails"})
    monkeypatch.delenv("T5G_JIRA_WEBHOOK_SECRET")
    assert (await check())[1] == {**parts, "bugzilla": "fails", "settings": "fails"}


def test_health_asks_about_the_processes_of_this_machine_only(
    redis_url, monkeypatch, free_tcp_port
):
    monkeypatch.setenv("T5G_REDIS_URL", redis_url)
    monkeypatch.setenv("T5G_HTTP_PORT", str(free_tcp_port))
    app = typer.Typer()
    checking.add_commands(app)

    def health(kind):
        return CliRunner().invoke(app, ["health", kind]).exit_code

    with Redis.from_url(redis_url) as raw:
        assert health("worker") == 1
        beat(raw, Keys(), "worker", "another-machine.17")
        assert health("worker") == 1
        beat(raw, Keys(), "worker", process_name())
        assert health("worker") == 0
        raw.hset("t5g:alive:worker", process_name(), repr(wall_clock.seconds() - 600))
        assert health("worker") == 1
    assert health("web") == 1
