"""Socket Mode with Bolt's own handler: the same requests, no address to call."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.app import APP_TOKEN
from tests.sandbox.slack.serving import Bot, Slack, eventually, make_bot


@pytest.fixture
async def bot(slack: Slack, client: AsyncWebClient) -> AsyncIterator[Bot]:
    made = make_bot(client)
    handler = AsyncSocketModeHandler(made.bolt, APP_TOKEN, ping_interval=0.2)
    await handler.connect_async()
    await eventually(lambda: slack.server.hub.connected)
    try:
        yield made
    finally:
        await handler.close_async()


async def test_command_is_answered_over_the_socket(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(text=f"You asked: {command['text']}", response_type="in_channel")

    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="mine")
    assert (done["status"], done["error"]) == (200, None)
    assert [one["text"] for one in await slack.seen()] == ["/t5g mine", "You asked: mine"]
    [record] = await slack.get("deliveries")
    assert record["transport"] == "socket"


async def test_plain_text_answer_is_shown_too(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck) -> None:
        await ack("plain")

    await slack.post("command", user="ann", channel="general", command="/t5g", text="")
    assert [one["text"] for one in await slack.seen(slack.ann)] == ["plain"]


async def test_unacknowledged_request_times_out(slack: Slack, bot: Bot) -> None:
    slack.server.dispatcher.answer_seconds = 0.2
    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="")
    assert done["error"] == "operation_timeout"


async def test_event_is_repeated_until_it_is_acknowledged(slack: Slack, bot: Bot) -> None:
    slack.server.dispatcher.answer_seconds = 0.2
    slack.server.dispatcher.retry_delays = (0, 0, 0)
    times = 0

    @bot.bolt.event("app_home_opened")
    async def opened() -> None:
        nonlocal times
        times += 1
        if times == 1:
            raise RuntimeError("the first attempt fails")

    await slack.post(f"home/{slack.ann.id}")
    await slack.server.dispatcher.settled()
    records = [one for one in await slack.get("deliveries") if one["what"] == "app_home_opened"]
    assert records[-1]["error"] is None
    assert len({one["event_id"] for one in records}) == 1


async def test_interaction_reaches_the_app_and_its_view_comes_back(
    slack: Slack, bot: Bot, client: AsyncWebClient
) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Search"}, "blocks": []}

    @bot.bolt.shortcut("search")
    async def start(ack: AsyncAck, shortcut: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=view)

    await slack.post("shortcut", user="ann", callback_id="search")
    shown = await eventually(lambda: slack.server.views.shown(slack.ann.id))
    assert shown.payload["title"]["text"] == "Search"


async def test_app_connects_anew_when_asked_to(slack: Slack, bot: Bot) -> None:
    before = slack.server.hub._connections[0]
    await slack.post("socket_mode/disconnect")

    def renewed() -> bool:
        return any(one is not before for one in slack.server.hub._connections)

    await eventually(renewed, 10)


async def test_lost_connection_falls_back_to_dispatch_failed(slack: Slack, bot: Bot) -> None:
    started = asyncio.Event()

    @bot.bolt.command("/t5g")
    async def slow(ack: AsyncAck) -> None:
        started.set()
        await asyncio.sleep(0.5)

    call = asyncio.create_task(
        slack.post("command", user="ann", channel="general", command="/t5g", text="")
    )
    await started.wait()
    await slack.server.hub.close()
    assert (await call)["error"] == "dispatch_failed"


async def test_address_needs_the_app_token_and_works_once(
    slack: Slack, client: AsyncWebClient
) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=str(client.token))
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    assert url.startswith("ws://127.0.0.1:")
    async with slack.http.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
    async with slack.http.get(url.replace("ws://", "http://")) as again:
        assert again.status == 401


async def test_a_request_is_sent_again_as_it_was(slack: Slack, bot: Bot) -> None:
    seen: list[tuple[str, str]] = []

    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck, command: dict[str, Any]) -> None:
        seen.append((command["text"], command["trigger_id"]))
        await ack(text="heard")

    await slack.post("command", user="ann", channel="general", command="/t5g", text="mine")
    again = await slack.post("redeliver")
    assert again["error"] is None
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert [one["retry"] for one in await slack.get("deliveries")] == [0, 1]
