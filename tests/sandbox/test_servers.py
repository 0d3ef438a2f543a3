"""The whole sandbox over real HTTP: addresses, settings, webhooks, faults, its own process."""

import asyncio
import hashlib
import hmac
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.servers import Ports, Sandbox, SandboxConfig, demo_environment, start_sandbox
from sandbox.slack.state import SlackState
from sandbox.workspace import channel_ids, furnish_workspace
from t5g.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with start_sandbox(SandboxConfig(cases=30, seed=3)) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def status(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(url) as answer:
        return answer.status


async def test_every_server_answers(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    urls = sandbox.urls
    assert await status(http, f"{urls['portal']}/_sandbox/cases") == 200
    assert await status(http, f"{urls['jira']}/rest/api/2/serverInfo") == 200
    assert await status(http, f"{urls['bugzilla']}/rest/version") == 200
    assert await status(http, f"{urls['slack']}/_sandbox/state") == 200


async def test_faults_can_be_set_on_every_server(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    for name, url in sandbox.urls.items():
        async with http.post(f"{url}/_sandbox/faults", json={"kind": "down"}) as answer:
            assert answer.status == 201
        assert await status(http, f"{url}/rest/version") == 503
        assert sandbox.faults[name].total == 1


async def test_the_settings_are_settings(sandbox: Sandbox) -> None:
    env = sandbox.env()
    known = {f"T5G_{name}".upper() for name in Settings.model_fields}
    assert env.keys() <= known
    fields = {name.removeprefix("T5G_").lower(): value for name, value in env.items()}
    load_settings(("portal", "jira", "bugzilla", "slack", "socket", "webhook"), env=fields)


async def test_the_settings_are_known_before_anything_is_started(sandbox: Sandbox) -> None:
    assert demo_environment(sandbox.ports) == sandbox.env()
    named = {name: sandbox.channels[name] for name in channel_ids()}
    assert named == channel_ids()


async def test_channels_that_the_settings_name_exist(sandbox: Sandbox) -> None:
    env, slack = sandbox.env(), sandbox.slack.state
    assert slack.channels[env["T5G_SLACK_DIGEST_CHANNEL"]].name == "t5g-digest"
    assert slack.bot_user.id in slack.channels[env["T5G_SLACK_OPS_CHANNEL"]].members


def test_a_workspace_has_the_whole_team() -> None:
    slack = SlackState()
    furnish_workspace(slack, ())
    assert {channel.name for channel in slack.channels.values()} >= {"general", "t5g-ops"}


def test_other_dialects_have_other_settings() -> None:
    env = demo_environment(Ports.beginning_at(9000), portal_api="hydra", cloud=False)
    assert env["T5G_PORTAL_URL"] == "http://127.0.0.1:9000/hydra/rest"
    assert env["T5G_JIRA_USER"] == ""
    assert env["T5G_JIRA_FIELDS__SPRINT"] == "customfield_12310940"
    assert env["T5G_BUGZILLA_URL"] == "http://127.0.0.1:9002"


async def test_links_lead_to_these_servers(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    cases = sandbox.portal.cases.values()
    bug = next(link for case in cases for link in case.bugzillas if not_restricted(sandbox, link))
    assert await status(http, bug.url) == 200
    jira = next(link for case in cases for link in case.jiras)
    assert jira.url.startswith(sandbox.urls["jira"])


def not_restricted(sandbox: Sandbox, link: Any) -> bool:
    bug = sandbox.bugzilla.bugs.get(link.number)
    return bug is not None and not bug.restricted


async def test_a_step_of_life_is_asked_for_over_http(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{sandbox.urls['portal']}/_sandbox/life/step") as answer:
        assert (await answer.json())["happened"] == sandbox.life.history[-1]


async def test_a_moved_card_sends_a_signed_webhook() -> None:
    got: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        await got.put((request.headers["X-Hub-Signature"], await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    async with TestServer(app) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook"
        async with start_sandbox(SandboxConfig(cases=12, webhook_url=url)) as sandbox:
            sandbox.jira.transition(next(iter(sandbox.world.cards.values())), "Blocked")
            signature, body = await asyncio.wait_for(got.get(), 5)
            secret = sandbox.config.webhook_secret.encode()
    assert signature == "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


async def test_it_lives_when_told_to() -> None:
    told: list[str] = []
    config = SandboxConfig(cases=12, live=0.01, tell=told.append)
    async with start_sandbox(config), asyncio.timeout(5):
        while len(told) < 3:
            await asyncio.sleep(0.005)


async def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(OSError, match=f"jira can not listen on port {port}"):
            async with start_sandbox(SandboxConfig(cases=1, ports=Ports(jira=port))):
                pass


async def test_thousands_of_cases_are_answered_page_by_page(http: aiohttp.ClientSession) -> None:
    async with start_sandbox(SandboxConfig(cases=5_000, closed=0)) as sandbox:
        form = {
            "grant_type": "refresh_token",
            "client_id": "rhsm-api",
            "refresh_token": sandbox.sso.offline_token,
        }
        env = sandbox.env()
        async with http.post(env["T5G_SSO_URL"], data=form) as answer:
            token = (await answer.json())["access_token"]
        found: list[str] = []
        for start in range(0, 5_000, 1_000):
            async with http.get(
                f"{env['T5G_PORTAL_REST_URL']}/search/cases",
                params={"q": "case_tags:shift_telco5g", "rows": 1000, "start": start},
                headers={"Authorization": f"Bearer {token}"},
            ) as answer:
                rows = (await answer.json())["response"]["docs"]
                found += [row["case_number"] for row in rows]
        assert len(found) == len(set(found)) == 5_000


def test_it_runs_as_a_process_until_a_signal(tmp_path: Path) -> None:
    env_file, team = tmp_path / "sandbox.env", tmp_path / "team.toml"
    command = [sys.executable, "-m", "sandbox", "--cases", "12", "--port", "0", "--live", "0.05"]
    process = subprocess.Popen(
        [*command, "--env-file", str(env_file), "--team", str(team)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    assert lines[0].startswith("12 open cases")
    assert [line.split()[0] for line in lines[1:5]] == ["portal", "jira", "bugzilla", "slack"]
    assert lines[5].startswith("• ")
    assert re.search(r'^T5G_JIRA_PROJECT="T5G"$', env_file.read_text(), re.MULTILINE)
    assert "[[people]]" in team.read_text()
