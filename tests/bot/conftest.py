"""The web process with the bot, and the sandbox's Slack in front of it, over real HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.context import Context
from bot.manifest import manifest
from sandbox.faults import Faults
from sandbox.slack.app import BOT_TOKEN, FAULTS, SERVER, SIGNING_SECRET, create_slack_app
from sandbox.slack.installation import Installation
from sandbox.slack.server import SlackServer
from sandbox.slack.state import SlackState
from t5g.audit import Audit, Filter
from t5g.settings import Settings, load_settings
from t5g.store import Store
from t5g.team import Member, Role, Team, team_text
from t5g.work import QUEUES, load_rq
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
    faults: Faults

    def as_(self, user: str) -> "Channel":
        """The same channel as somebody else sees it (by name)."""
        return replace(self, user=self.server.state.user(user).id)

    def in_(self, name: str) -> "Channel":
        """The same person in another channel."""
        return replace(self, name=name)

    @property
    def direct(self) -> "Channel":
        """The same person's direct messages with the bot."""
        return replace(self, name=self.server.state.open_dm([self.user]).id)

    async def settle(self) -> None:
        """Wait until the bot has finished what it began, and Slack has sent what it had to."""
        for _ in range(3):
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

    async def shown(self) -> str:
        """The text of the newest message that this person sees, once everything is settled."""
        await self.settle()
        return texts((await self.messages())[-1])

    async def press(self, action: str, **more: Any) -> str:
        """Press a button of the newest message; return the newest text after it."""
        outcome = await self.click(action, **more)
        assert outcome["status"] == 200, outcome
        return await self.shown()

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        """Write a message."""
        return await self._post(
            "message", {"user": self.user, "channel": self.name, "text": text, **more}
        )

    async def again(self) -> dict[str, Any]:
        """Let Slack send its last request once more, as if it had not heard the answer."""
        return await self._post("redeliver", {})

    async def shortcut(self, name: str, ts: str = "") -> dict[str, Any]:
        """Choose a global shortcut, or one of a message's menu."""
        body = {"user": self.user, "callback_id": name}
        if not ts:
            return await self._post("shortcut", body)
        return await self._post(
            "message_shortcut", {**body, "channel": self.name, "message_ts": ts}
        )

    async def modals(self) -> list[dict[str, Any]]:
        """The open modals of this person, the shown one last, once everything is settled."""
        await self.settle()
        async with self.http.get(f"{self.url}/_sandbox/modal/{self.user}") as answer:
            return list(await answer.json())

    async def submit(self, **values: Any) -> dict[str, Any]:
        """Submit the shown modal with values by field."""
        return await self._post("view_submit", {"user": self.user, "values": values})

    async def click_view(self, action: str, view_id: str = "", **more: Any) -> dict[str, Any]:
        """Press a button in the shown modal, or in a view."""
        body = {"user": self.user, "view_id": view_id, "action_id": action, **more}
        return await self._post("click", body)

    async def home(self) -> dict[str, Any]:
        """Open the home tab; return it as it is when everything is settled."""
        await self._post(f"home/{self.user}", {})
        return await self.home_now()

    async def home_now(self) -> dict[str, Any]:
        """The home tab as it is published."""
        await self.settle()
        async with self.http.get(f"{self.url}/_sandbox/home/{self.user}") as answer:
            return dict(await answer.json() or {})

    def refused(self) -> list[str]:
        """What Slack refused so far."""
        return [f"{x.where}: {x.error} {x.detail}" for x in self.server.state.problems]

    async def audited(self, action: str) -> list[str]:
        """The outcomes in the audit log for an action, oldest first."""
        await self.settle()
        audit = Audit(self.context.redis, self.context.keys)
        found = await audit.read(Filter(action=action))
        return [entry.outcome.value for entry in reversed(found)]

    def jobs(self) -> list[tuple[str, list[Any]]]:
        """The jobs that wait: function and arguments."""
        load_rq(self.context.keys.prefix)
        from rq import Queue

        lines = [Queue(name, connection=self.context.queue) for name in QUEUES]
        return [(job.func_name, list(job.args)) for line in lines for job in line.jobs]

    async def _post(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.http.post(f"{self.url}/_sandbox/{what}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json() or {})


def texts(value: Any) -> str:
    """All text of a payload, a line each."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return "\n".join([*own, *(texts(v) for k, v in value.items() if not isinstance(v, str))])
    if isinstance(value, list):
        return "\n".join(texts(item) for item in value)
    return ""


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings that differ in a module's tests."""
    return {}


@pytest.fixture
async def channel(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, Any]
) -> AsyncIterator[Channel]:
    """#general as Ann sees it, an engineer; Ada is an administrator, Vic only reads."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    state = SlackState()
    ann = state.add_user("ann", "Ann Müller", "ann@example.com", tz="Europe/Berlin")
    ada = state.add_user("ada", "Ada Admin", "ada@example.com")
    state.add_user("vic", "Vic Viewer", "vic@example.com")
    for name in ("general", "high", "low", "ops"):
        state.add_channel(name)
    state.add_channel("quiet", with_bot=False)
    members = (
        Member(name="Ann Müller", email=ann.email, slack=ann.id, jira="a"),
        Member(name="Ada Admin", email=ada.email, slack=ada.id, jira="b", role=Role.ADMIN),
    )
    (tmp_path / "team.toml").write_text(team_text(Team(members=members)))
    slack_app = create_slack_app(state)
    slack_app[SERVER].limits.enabled = False
    async with TestServer(slack_app) as slack, aiohttp.ClientSession() as http:
        url = str(slack.make_url("/")).rstrip("/")
        state.base_url = url
        env = {
            "redis_url": redis_url,
            "slack_api_url": f"{url}/api/",
            "slack_bot_token": BOT_TOKEN,
            "slack_signing_secret": SIGNING_SECRET,
            "slack_digest_channel": state.channel("general").id,
            "public_url": "https://t5g.example.com",
            "jira_url": "https://jira.example.com",
            "team_file": tmp_path / "team.toml",
        }
        settings = load_settings(env={**env, **options})
        # Installed as the manifest says, so that a scope or event it lacks fails a test.
        state.install(Installation.from_manifest(manifest(settings)))
        slack_app[SERVER].enforce_scopes = True
        app = create_app(settings)
        async with TestServer(app) as web:
            slack_app[SERVER].dispatcher.request_url = str(web.make_url("/slack/events"))
            server, store = slack_app[SERVER], app[keys.STORE]
            app[keys.BOT].outbox.pace(0.001)
            slack_app[SERVER].dispatcher.retry_delays = (0.0,)
            yield Channel(
                http, url, ann.id, "general", server, store, settings, app[keys.BOT],
                slack_app[FAULTS],
            )  # fmt: skip
