"""The web process with the bot, and the sandbox's Slack in front of it, over real HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.context import Context
from sandbox.slack.app import BOT_TOKEN, SERVER, SIGNING_SECRET, create_slack_app
from sandbox.slack.server import SlackServer
from sandbox.slack.state import SlackState
from t5g.settings import Settings, load_settings
from t5g.store import Store
from t5g.team import Member, Team, team_text
from webhooks import keys
from webhooks.app import create_app


@dataclass
class Channel:
    """Somebody's view of a channel: types commands, clicks, reads."""

    http: aiohttp.ClientSession
    url: str
    user: str
    name: str
    server: SlackServer
    store: Store
    settings: Settings
    context: Context

    async def settle(self) -> None:
        """Wait until the bot has finished what it began, and Slack has sent what it had to."""
        await self.server.dispatcher.settled()
        await self.context.tasks.settled()

    async def ask(self, text: str) -> dict[str, Any]:
        """Type `/t5g TEXT`; return the outcome as the person meets it."""
        body = {"user": self.user, "channel": self.name, "command": "/t5g", "text": text}
        return await self._post("command", body)

    async def said(self, text: str) -> str:
        """Type `/t5g TEXT`; return the answer's visible text."""
        outcome = await self.ask(text)
        assert outcome["status"] == 200, outcome
        return texts(outcome["response"])

    async def click(self, action: str, **more: Any) -> dict[str, Any]:
        """Press a button (or choose in a menu) of the newest message that this person sees."""
        message = (await self.messages())[-1]
        body = {
            "user": self.user, "channel": self.name, "message_ts": message["ts"],
            "action_id": action, **more,
        }  # fmt: skip
        return await self._post("click", body)

    async def messages(self) -> list[dict[str, Any]]:
        """What this person sees in the channel, oldest first."""
        path = f"{self.url}/_sandbox/channels/{self.name}/messages"
        async with self.http.get(path, params={"user": self.user}) as answer:
            found = await answer.json()
        return list(found["messages"] if isinstance(found, dict) else found)

    async def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.http.post(f"{self.url}/_sandbox/{what}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())


def texts(value: Any) -> str:
    """All text of a payload, a line each."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return "\n".join([*own, *(texts(v) for k, v in value.items() if not isinstance(v, str))])
    if isinstance(value, list):
        return "\n".join(texts(item) for item in value)
    return ""


@pytest.fixture
async def channel(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Channel]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    state = SlackState()
    ann = state.add_user("ann", "Ann Müller", "ann@example.com", tz="Europe/Berlin")
    state.add_channel("general")
    team = Team(members=(Member(name="Ann Müller", email=ann.email, slack=ann.id, jira="a"),))
    (tmp_path / "team.toml").write_text(team_text(team))
    slack_app = create_slack_app(state)
    slack_app[SERVER].limits.enabled = False
    async with TestServer(slack_app) as slack, aiohttp.ClientSession() as http:
        url = str(slack.make_url("/")).rstrip("/")
        state.base_url = url
        settings = load_settings(
            env={
                "redis_url": redis_url,
                "slack_api_url": f"{url}/api/",
                "slack_bot_token": BOT_TOKEN,
                "slack_signing_secret": SIGNING_SECRET,
                "slack_digest_channel": state.channel("general").id,
                "team_file": tmp_path / "team.toml",
            }
        )
        app = create_app(settings)
        async with TestServer(app) as web:
            slack_app[SERVER].dispatcher.request_url = str(web.make_url("/slack/events"))
            server, store = slack_app[SERVER], app[keys.STORE]
            yield Channel(http, url, ann.id, "general", server, store, settings, app[keys.BOT])
