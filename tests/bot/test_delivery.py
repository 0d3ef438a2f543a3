"""Messages to channels: in order, at Slack's pace, and what Slack refuses."""

import asyncio
import time

import msgspec
import pytest

from bot.delivery import message
from sandbox.faults import Kind
from sandbox.slack.model import ChannelKind
from t5g.alerts import Alerts
from tests.bot.conftest import Channel, texts


async def put(channel: Channel, *words: str, place: str = "general") -> None:
    """Put messages into a channel's line."""
    target = channel.server.state.channel(place).id
    await channel.context.outbox.put([message(target, {"text": word}) for word in words])


async def seen(channel: Channel) -> list[str]:
    """The texts in the channel."""
    return [m["text"] for m in await channel.messages()]


async def test_messages_come_in_order_also_when_slack_asks_to_wait(channel: Channel) -> None:
    limits = channel.server.limits
    limits.enabled, limits.per_second, limits.burst = True, 10.0, 1
    limits.reset()
    await put(channel, "one", "two", "three")
    await channel.context.outbox.drain()
    assert await seen(channel) == ["one", "two", "three"]


async def test_two_messages_of_a_channel_are_a_second_apart(channel: Channel) -> None:
    channel.context.outbox.pace(0.2)
    await put(channel, "one", "two", "three")
    begun = time.monotonic()
    await channel.context.outbox.drain()
    assert time.monotonic() - begun >= 0.38


async def test_a_wait_that_redis_set_while_its_clock_was_ahead_holds_up_nobody(
    channel: Channel,
) -> None:
    context, place = channel.context, channel.server.state.channel("general").id
    await context.redis.set(context.keys.named("slack", "pace", place), b"1", ex=31 * 86_400)
    await put(channel, "one")
    await context.outbox.drain()
    assert await seen(channel) == ["one"]


async def test_a_post_that_a_wrong_clock_began_is_found_instead_of_made_twice(
    channel: Channel,
) -> None:
    context, place = channel.context, channel.server.state.channel("general").id
    item = message(place, {"text": "one"})
    await context.outbox.put([item])
    await context.outbox.drain()
    ahead = repr(context.clock() + 31 * 86_400)
    await context.redis.delete(context.keys.named("slack", "posted", item.id))  # it was not noted
    await context.redis.set(context.keys.named("slack", "trying", item.id), ahead)
    await context.outbox.put([item])
    await context.outbox.drain()
    assert await seen(channel) == ["one"]
    assert await context.outbox.posted(item.id) is not None


async def test_whoever_has_little_time_leaves_the_rest_to_the_next(channel: Channel) -> None:
    outbox = channel.context.outbox
    outbox.pace(1.0)
    await put(channel, "one", "two", "three", "four")
    await outbox.drain(within=0.3)
    assert await outbox.waiting()
    outbox.pace(0.001)
    await outbox.drain()
    assert await seen(channel) == ["one", "two", "three", "four"]


async def test_a_line_that_was_begun_goes_on_by_itself(channel: Channel) -> None:
    outbox = channel.context.outbox
    outbox.pace(0.1)
    await put(channel, "one", "two", "three")
    await outbox.begin()
    await outbox.begin()
    assert await outbox.waiting() == 3
    async with asyncio.timeout(10):
        while await outbox.waiting():
            await asyncio.sleep(0.02)
    await outbox.drain()
    assert await seen(channel) == ["one", "two", "three"]


async def test_a_process_that_stops_leaves_a_long_line_to_the_next(channel: Channel) -> None:
    outbox = channel.context.outbox
    await channel.settle()
    outbox.pace(0.5)
    await put(channel, *map(str, range(50)))
    await outbox.begin()
    async with asyncio.timeout(10):
        while await outbox.waiting() == 50:
            await asyncio.sleep(0.01)
        await outbox.close()
    left = await outbox.waiting()
    assert 0 < left < 50
    await outbox.drain()
    assert await outbox.waiting() == left, "it does not begin again"
    assert await seen(channel) == [str(n) for n in range(50 - left)]


async def test_a_set_with_a_name_is_taken_once(channel: Channel) -> None:
    target = channel.server.state.channel("general").id
    outbox = channel.context.outbox
    taken = [await outbox.put([message(target, {"text": "x"})], once="a") for _ in range(3)]
    assert taken == [True, False, False]


async def test_a_refused_channel_is_an_alert_and_holds_up_nobody(channel: Channel) -> None:
    outbox = channel.context.outbox
    await outbox.put([message("C0NOWHERE", {"text": "kept"})])
    await put(channel, "seen")
    await outbox.drain()
    assert await seen(channel) == ["seen"]
    raised = await Alerts(channel.context.redis, channel.context.keys).raised()
    assert "C0NOWHERE: channel_not_found" in raised[0].text
    assert await outbox.waiting() == 1, "what nobody else tells waits"


@pytest.mark.parametrize("how", ["archived", "left"])
async def test_what_a_closed_channel_did_not_take_comes_when_it_does(
    channel: Channel, how: str
) -> None:
    """An alarm is told, though late; a digest's news is in the next digest, and it is not kept."""
    state, outbox = channel.server.state, channel.context.outbox
    room, bot = state.channel("high"), state.bot_user.id
    asked = channel.faults.total
    if how == "archived":
        room.archived = True
    else:
        room.members.remove(bot)
        room.kind = ChannelKind.PRIVATE
    window = (("t5g:slack:digests", "daily", "1.0"),)
    digest = msgspec.structs.replace(message(room.id, {"text": "a digest"}), then=window)
    await outbox.put([digest])
    await outbox.put([message(room.id, {"text": "an alarm"})])
    for _ in range(20):
        await outbox.drain()
    assert await outbox.waiting() == 1
    assert channel.faults.total - asked < 12, "a closed channel is not tried all the time"
    assert await channel.context.redis.hget(*window[0][:2]) is None
    room.archived, room.kind = False, ChannelKind.PUBLIC
    if how == "left":
        channel.server.membership.let_in(state.bot_user, room, state.bot_user, join=True)
        await channel.settle()
    else:
        await outbox.reopen(room.id)
    await channel.context.people.changed(f"channel:{room.id}")
    async with asyncio.timeout(10):
        while await outbox.waiting():
            await outbox.drain()
    told = [m.text for m in state.messages(room.id)]
    assert told[-1] == "an alarm"
    assert "a digest" not in told
    assert await Alerts(channel.context.redis, channel.context.keys).raised() == []


async def test_where_nothing_can_be_looked_up_a_message_comes_twice_rather_than_never(
    channel: Channel,
) -> None:
    """Its answer was lost, and the bot may not read the channel's history."""
    no_scope = '{"ok":false,"error":"missing_scope"}'
    channel.faults.add("status", path="/api/conversations.history", status=200, body=no_scope)
    channel.faults.add("lose_answer", path="/api/chat.postMessage", times=1)
    await put(channel, "one")
    async with asyncio.timeout(10):
        while await channel.context.outbox.waiting():
            await channel.context.outbox.drain()
    assert await seen(channel) == ["one", "one"]


async def test_a_revoked_token_loses_nothing(channel: Channel) -> None:
    await channel.settle()
    channel.server.auth_error = "token_revoked"
    await put(channel, "one")
    await channel.context.outbox.drain()
    assert await channel.context.outbox.waiting() == 1
    channel.server.auth_error = ""
    await channel.context.outbox.drain()
    assert await seen(channel) == ["one"]
    assert await Alerts(channel.context.redis, channel.context.keys).raised() == []


@pytest.mark.parametrize("blocks", [[{"type": "nonsense"}], [{"type": "section"}]])
async def test_blocks_that_slack_does_not_take_leave_the_words(
    channel: Channel, blocks: list[dict[str, str]]
) -> None:
    target = channel.server.state.channel("general").id
    await channel.context.outbox.put([message(target, {"text": "words", "blocks": blocks})])
    await channel.context.outbox.drain()
    assert await seen(channel) == ["words"]
    assert texts(await channel.messages())


ODD_ANSWERS: dict[str, dict[str, object]] = {
    "a page of a proxy": {"kind": Kind.DENY},
    "a page that says it is down": {"kind": Kind.DOWN},
    "nothing": {"kind": Kind.STATUS, "body": " "},
    "words": {"kind": Kind.STATUS, "status": 502, "body": "upstream connect error"},
    "JSON of something else": {"kind": Kind.STATUS, "status": 200, "body": "{}"},
    "a list": {"kind": Kind.STATUS, "status": 200, "body": "[]"},
    "no JSON, though it says so": {"kind": Kind.STATUS, "status": 200, "body": "{oops"},
    "an answer cut off": {"kind": Kind.TRUNCATE},
    "too much, without Slack's word": {"kind": Kind.THROTTLE, "retry_after": "0"},
    "too much, until some day": {"kind": Kind.THROTTLE, "retry_after": "Fri, 31 Dec 1999"},
}


@pytest.mark.parametrize("what", ODD_ANSWERS)
async def test_an_answer_that_is_not_slacks_own_loses_nothing(channel: Channel, what: str) -> None:
    """Twice such an answer to the post, once to the look whether it is there."""
    outbox = channel.context.outbox
    await channel.settle()
    for method, times in (("chat.postMessage", 2), ("conversations.history", 1)):
        channel.faults.add(**ODD_ANSWERS[what], path=f"/api/{method}", times=times)  # type: ignore[arg-type]
    await put(channel, "one", "two")
    for _ in range(5):
        await outbox.drain()
    assert await seen(channel) == ["one", "two"]
    assert await outbox.waiting() == 0
    assert await Alerts(channel.context.redis, channel.context.keys).raised() == []
