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


async def test_what_was_received_is_answered_before_the_process_ends(channel: Channel) -> None:
    """Ten commands are on their way when it is told to stop; Slack is slow to say who asks."""
    await channel.store.write(world(3), now=NOW)
    async with socket_mode(channel) as connected:
        slow = channel.faults.add("latency", path="/api/users.info", seconds=0.3)
        asked = [asyncio.create_task(connected.ask("cases")) for _ in range(10)]
        async with asyncio.timeout(10):
            while not slow.done:
                await asyncio.sleep(0.005)
    outcomes = await asyncio.gather(*asked)
    assert [outcome["error"] for outcome in outcomes] == [None] * 10
    assert all("3 cases" in texts(outcome["response"]) for outcome in outcomes)


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
