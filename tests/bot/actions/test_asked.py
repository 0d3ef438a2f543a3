"""Who asks the bot by mention or message, and who does not: other bots, edits, joins."""

from typing import Any

import pytest

from tests.bot.conftest import Channel
from tests.bot.worlds import NOW, world


async def answers(channel: Channel, event: dict[str, Any]) -> int:
    """How many messages an event of Slack leads to."""
    before = len(await channel.messages())
    channel.server.dispatcher.emit({"ts": "1.0", "channel": channel.name, **event})
    await channel.settle()
    return len(await channel.messages()) - before


@pytest.mark.parametrize(
    ("more", "answered"),
    [
        ({}, 1),
        ({"subtype": "file_share"}, 1),
        ({"subtype": "message_changed"}, 0),
        ({"subtype": "channel_join"}, 0),
        ({"bot_id": "B0OTHER"}, 0),
        ({"bot_profile": {"id": "B0OTHER"}}, 0),
        ({"user": None}, 0),
    ],
)
async def test_only_what_a_person_wrote_just_now_is_a_question(
    channel: Channel, more: dict[str, Any], answered: int
) -> None:
    await channel.store.write(world(3), now=NOW)
    event = {"type": "message", "channel_type": "im", "user": channel.user, "text": "help", **more}
    assert await answers(channel.direct, event) == answered


@pytest.mark.parametrize(("more", "answered"), [({}, 1), ({"bot_id": "B0OTHER"}, 0)])
async def test_a_mention_by_another_bot_is_no_question(
    channel: Channel, more: dict[str, Any], answered: int
) -> None:
    await channel.store.write(world(3), now=NOW)
    event = {"type": "app_mention", "user": channel.user, "text": "<@U0BOT> help", **more}
    place = channel.server.state.channel(channel.name).id
    assert await answers(channel, {**event, "channel": place}) == answered
