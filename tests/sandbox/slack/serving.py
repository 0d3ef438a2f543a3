"""What these tests stand on: a served workspace, and a tiny real Bolt app."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.app import SIGNING_SECRET
from sandbox.slack.model import Channel, User
from sandbox.slack.server import SlackServer
from sandbox.slack.state import SlackState


async def eventually(
    condition: Callable[[], Any], seconds: float = 5.0, what: str = "the condition"
) -> Any:
    """Poll until a condition holds; gives what it gave."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.005)
    return found


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback; gives its address."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield str(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@dataclass
class Slack:
    """A served workspace with three people and four conversations."""

    server: SlackServer
    url: str
    http: aiohttp.ClientSession
    ann: User
    bob: User
    eve: User
    general: Channel
    private: Channel
    closed: Channel

    @property
    def state(self) -> SlackState:
        return self.server.state

    async def post(self, path: str, method: str = "POST", **body: Any) -> Any:
        async with self.http.request(method, f"{self.url}/_sandbox/{path}", json=body) as answer:
            result = await answer.json()
            assert answer.status == 200, result
            return result

    async def get(self, path: str) -> Any:
        async with self.http.get(f"{self.url}/_sandbox/{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def seen(self, user: User | None = None, channel: Channel | None = None) -> list[Any]:
        who = f"?user={user.id}" if user else ""
        return await self.get(f"channels/{(channel or self.general).id}/messages{who}")

    def problems(self) -> list[str]:
        return [f"{one.where}: {one.error} {one.detail}" for one in self.state.problems]


@dataclass
class Bot:
    """A real Bolt app. `bodies` are all requests it got; `headers` theirs."""

    bolt: AsyncApp
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [body["event"] for body in self.bodies if (body.get("event") or {})["type"] == kind]


def make_bot(client: AsyncWebClient) -> Bot:
    bolt = AsyncApp(client=client, signing_secret=SIGNING_SECRET)
    bot = Bot(bolt)

    @bolt.middleware
    async def remember(req: Any, next: Callable[[], Awaitable[None]]) -> None:
        bot.bodies.append(req.body)
        bot.headers.append({key: value[0] for key, value in req.headers.items()})
        await next()

    @bolt.event({"type": "message"})
    @bolt.event("app_mention")
    @bolt.event("member_joined_channel")
    @bolt.event("member_left_channel")
    async def ignore() -> None: ...

    return bot
