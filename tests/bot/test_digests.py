"""The digest: once for each occasion, across restarts, with threads, picture and quiet days."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from bot.context import Context
from bot.digests import post_due
from bot.terminal import opened
from t5g.census import figures
from t5g.settings import Settings
from t5g.statistics import DayRow
from tests import wall_clock
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import ANN, NOW, world
from tests.making import card_seen, portal_seen


@pytest.fixture
def options() -> dict[str, Any]:
    """The days and times below are those of UTC, whatever zone the machine is set to."""
    return {"timezone": "UTC"}


@asynccontextmanager
async def started(channel: Channel, now: datetime, **more: object) -> AsyncIterator[Context]:
    """A process that was just started, at that time."""
    settings: Settings = channel.settings.model_copy(update=more)
    async with opened(settings) as context:
        context.outbox.pace(0.001)
        yield msgspec.structs.replace(context, clock=now.timestamp)


async def tick(channel: Channel, now: datetime, **more: object) -> int:
    """Start, post what is due, and end; say how many digests."""
    async with started(channel, now, **more) as context:
        posted = await post_due(context)
        await context.outbox.drain()
        return len(posted)


async def seen(channel: Channel) -> list[str]:
    """What everybody sees in the channel."""
    return [texts(m) for m in await channel.as_("vic").messages()]


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    """A moment of today (in UTC), or days later."""
    day = NOW.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return day + timedelta(days=days)


async def test_a_digest_that_a_wrong_clock_posted_ahead_of_its_day_comes_on_its_day(
    channel: Channel,
) -> None:
    await channel.store.write(world(8), now=NOW)
    moments = [at(9, 1, days=7), at(8, days=7), at(9, 1, days=7), at(9, 2, days=7)]
    assert [await tick(channel, moment) for moment in moments] == [1, 0, 1, 0]


async def test_it_comes_once_a_day_over_restarts_and_is_made_up_for(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    posted = [
        await tick(channel, moment)
        for moment in (at(8, 59), at(9), at(9, 1), at(12, 59), at(13, 1), at(8, 0, days=1),
                       at(12, 30, days=1), at(12, 40, days=1), at(13, 0, days=2))
    ]  # fmt: skip
    assert posted == [0, 1, 0, 0, 0, 0, 1, 0, 0]
    assert len(await seen(channel)) == 2


async def test_a_crash_between_line_and_slack_loses_and_doubles_nothing(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    async with started(channel, at(9)) as context:
        assert len(await post_due(context)) == 1  # and the process dies before it posts
    assert await seen(channel) == []
    assert await tick(channel, at(9, 5)) == 0
    assert len(await seen(channel)) == 1


async def test_a_post_whose_answer_was_lost_is_found_again(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    async with started(channel, wall_clock.now(), digest_at=NOW.time()) as context:
        await post_due(context)
        (line,) = [k async for k in context.redis.scan_iter("t5g:slack:outbox:*")]
        waiting = await context.redis.lrange(line, 0, -1)
        await context.outbox.drain()
        # As if the process had died after Slack took the message and before it was noted.
        item = msgspec.json.decode(waiting[0])
        await context.redis.delete(f"t5g:slack:posted:{item['id']}")
        await context.redis.set(f"t5g:slack:trying:{item['id']}", repr(context.clock()))
        await context.redis.rpush(line, *waiting)
        await context.redis.sadd("t5g:slack:outbox", item["channel"])
        await context.outbox.drain()
    digests = [text for text in await seen(channel) if "digest" in text.casefold()]
    assert len(digests) == 1


async def test_channels_have_their_own_times(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    ada = channel.as_("ada")
    answer = await ada.in_("high").said("digest here 07:30 Asia/Kolkata daily")
    assert "comes here at 07:30 (Asia/Kolkata), every day" in answer
    moment = at(2, 0, days=1)  # 07:30 in Kolkata
    assert await tick(channel, moment - timedelta(minutes=1)) == 0
    assert await tick(channel, moment) == 1
    assert await tick(channel, at(9, days=1)) == 1
    assert len([texts(m) for m in await channel.as_("vic").in_("high").messages()]) == 1


async def test_setting_up_needs_an_administrator_and_good_words(channel: Channel) -> None:
    ada = channel.as_("ada")
    assert "is for administrators" in await channel.said("digest here 09:00")
    assert "is for administrators" in await channel.said("digest off")
    assert "is for engineers" in await channel.as_("vic").said("digest now")
    assert "no time of day" in await ada.said("digest here 9am")
    assert "Did you mean Europe/Berlin?" in await ada.said("digest here 09:00 Berlin")
    assert "Did you mean preview?" in await ada.said("digest previw")
    assert "does not come here any more" in await ada.said("digest off")
    assert "No digest comes here" in await ada.said("digest off")
    assert await tick(channel, at(9)) == 0
    assert "No digest comes anywhere" in await ada.said("digest list")
    await ada.said("digest weekly here 08:30 mon")
    listed = await ada.said("digest list")
    assert "Weekly report" in listed
    assert "08:30 UTC, mon" in listed


async def test_a_personal_digest_comes_at_ones_own_time(channel: Channel) -> None:
    assert "(Europe/Berlin), weekdays" in await channel.direct.said("digest here 08:00")
    assert "Your digest" in texts(await channel.home())


async def test_a_quiet_day_is_one_line(channel: Channel) -> None:
    old = NOW - timedelta(days=2)
    await channel.store.write(
        [portal_seen("00000001", severity="4 (Low)", created=NOW - timedelta(days=9), updated=NOW),
         card_seen("00000001", assignee=ANN, created=old, updated=NOW)], now=NOW,
    )  # fmt: skip
    assert await tick(channel, NOW, digest_at=NOW.time()) == 1
    (message,) = await channel.as_("vic").messages()
    assert "A quiet day, 1 open case" in message["text"]
    assert len(message["blocks"]) == 1


async def test_owners_are_mentioned_and_numbers_are_compared(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    await channel.said("status")
    entries = list(channel.context.board.entries.values())
    numbers = figures(entries, NOW.timestamp())
    history = channel.context.history
    for days in range(1, 6):
        day = NOW - timedelta(days=days)
        headlines = {**numbers.headlines, "open": 3}
        await history.write(DayRow(day=f"{day:%Y-%m-%d}", at=day.timestamp(), headlines=headlines))
    await tick(channel, NOW, digest_at=NOW.time())
    (digest,) = await seen(channel)
    assert f"<@{channel.user}>" in digest
    assert "*8* open (+5)" in digest
    assert "Newly escalated" in digest
    assert "Open cases, 6 days" in digest
    pictures = [f for f in channel.server.files.files.values() if f.name.endswith(".png")]
    assert len(pictures) == 1
    assert pictures[0].content.startswith(b"\x89PNG")


async def test_long_lists_continue_in_the_thread(channel: Channel) -> None:
    await channel.store.write(world(60), now=NOW)
    await tick(channel, NOW, digest_at=NOW.time())
    (main,) = await channel.as_("vic").messages()
    assert "more" in texts(main)
    state = channel.server.state
    thread = state.messages(state.channel("general").id, thread=main["ts"])
    rest = "\n".join(texts(m.blocks) for m in thread[1:])
    assert "continued" in rest
    for n in range(1, 61):
        assert f"{n:08}" in texts(main) + rest
    assert channel.refused() == []


async def test_the_weekly_report_can_be_copied(channel: Channel) -> None:
    await channel.store.write(world(12), now=NOW)
    assert "is on its way" in await channel.said("digest weekly now")
    await channel.settle()
    (main,) = await channel.as_("vic").messages()
    assert "Weekly report" in texts(main)
    state = channel.server.state
    thread = state.messages(state.channel("general").id, thread=main["ts"])
    mail = "\n".join(texts(m.blocks) for m in thread[1:])
    assert "To copy into an e-mail" in mail
    assert "Field support, weekly report" in mail


async def test_preview_is_for_the_asker_alone(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    assert "Field support digest" in await channel.said("digest")
    assert await seen(channel) == []


@pytest.mark.parametrize("settings", [{"read_only": True}])
async def test_digests_come_also_when_nothing_may_be_changed(
    channel: Channel, settings: dict[str, object]
) -> None:
    await channel.store.write(world(8), now=NOW)
    assert await tick(channel, at(9), **settings) == 1
