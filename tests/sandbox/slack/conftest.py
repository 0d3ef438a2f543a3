"""A served workspace, the real slack_sdk client, and a tiny real Bolt app behind HTTP."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.app import BOT_TOKEN, SERVER, create_slack_app
from sandbox.slack.model import ChannelKind
from sandbox.slack.state import SlackState
from tests.sandbox.slack.serving import Bot, Slack, make_bot, serving


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    state = SlackState()
    ann = state.add_user("ann", "Ann Müller", "ann@example.com", tz="Europe/Berlin")
    bob = state.add_user("bob", "Bob Ray", "bob@example.com", tz="America/New_York")
    eve = state.add_user("eve", "Eve Stone", "eve@example.com", is_admin=True)
    general = state.add_channel("general", topic="Everything")
    private = state.add_channel("acme", kind=ChannelKind.PRIVATE, members=[ann.id])
    closed = state.add_channel("secret", kind=ChannelKind.PRIVATE, members=[eve.id], with_bot=False)
    app = create_slack_app(state)
    app[SERVER].limits.enabled = False
    app[SERVER].dispatcher.retry_delays = ()  # tests of repetition set their own
    async with serving(app) as port, aiohttp.ClientSession() as http:
        url = state.base_url = f"http://127.0.0.1:{port}"
        yield Slack(app[SERVER], url, http, ann, bob, eve, general, private, closed)


@pytest.fixture
def client(slack: Slack) -> AsyncWebClient:
    return AsyncWebClient(token=BOT_TOKEN, base_url=f"{slack.url}/api/")


@pytest.fixture
async def bot(slack: Slack, client: AsyncWebClient) -> AsyncIterator[Bot]:
    made = make_bot(client)

    async def receive(request: web.Request) -> web.Response:
        answer = await made.bolt.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(answer)

    app = web.Application()
    app.router.add_post("/slack/events", receive)
    async with serving(app) as port:
        slack.server.dispatcher.request_url = f"http://127.0.0.1:{port}/slack/events"
        yield made
        await slack.server.dispatcher.close()
