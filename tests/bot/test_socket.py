"""Socket Mode: the same answers without a public address, over reconnections."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.context import create_context
from bot.socket import serve
from sandbox.slack.app import APP_TOKEN
from t5g.board import Board
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.derived import Rules
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world


@pytest.fixture
async def connected(channel: Channel) -> AsyncIterator[Channel]:
    """The channel with the bot connected by Socket Mode; no address to send anything to."""
    settings = channel.settings.model_copy(
        update={"slack_app_token": type(channel.settings.slack_app_token)(APP_TOKEN)}
    )
    channel.server.dispatcher.request_url = ""
    redis, queue = open_redis(settings.redis_url), open_queue_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    context = create_context(settings, board, redis, queue, channel.context.clock)
    context.outbox.pace(0.001)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, context, stop))
    await until_connected(channel)
    yield channel
    stop.set()
    await asyncio.wait_for(serving, 10)
    await context.close()
    queue.close()
    await redis.aclose()


async def until_connected(channel: Channel) -> None:
    """Wait for the bot's connection."""
    for _ in range(500):
        if channel.server.hub.connected:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the bot did not connect within five seconds")


async def test_commands_clicks_and_events_come_by_the_socket(connected: Channel) -> None:
    await connected.store.write(world(20), now=NOW)
    assert "20 cases" in await connected.said("cases")
    outcome = await connected.click("page:next")
    assert outcome["error"] is None
    await appears(connected, "9–16 of 20")
    await connected.direct.say("mine")
    await appears(connected.direct, "00000001")
    ways = {d.transport for d in connected.server.dispatcher.deliveries}
    assert ways == {"socket"}


async def test_the_bot_connects_anew_when_slack_asks_for_it(connected: Channel) -> None:
    await connected.store.write(world(3), now=NOW)
    await connected.server.hub.disconnect("refresh_requested")
    for _ in range(300):  # what is sent in the moment of the change is lost, as with Slack
        await until_connected(connected)
        outcome = await connected.ask("cases")
        if outcome["error"] is None:
            break
        await asyncio.sleep(0.02)
    assert "3 cases" in texts(outcome["response"])


async def appears(channel: Channel, words: str) -> None:
    """Wait until this person sees some words."""
    for _ in range(300):
        if words in str(await channel.messages()):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"“{words}” did not appear")
