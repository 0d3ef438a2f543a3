"""Socket Mode: the same answers without a public address, over reconnections."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.bot.conftest import Channel, texts
from tests.bot.connecting import socket_mode, until_connected
from tests.bot.worlds import NOW, world


@pytest.fixture
async def connected(channel: Channel) -> AsyncIterator[Channel]:
    """The channel with the bot connected by Socket Mode."""
    async with socket_mode(channel) as found:
        yield found


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
