"""The digest: what we learned since the last one, once for each occasion, whatever breaks."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from bot.context import Context
from bot.digests import post_due
from bot.terminal import opened
from sandbox.faults import Kind
from t5g.census import figures
from t5g.model import Escalation, Source
from t5g.settings import Settings
from t5g.state import PortalSeen
from t5g.statistics import DayRow
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from tests import wall_clock
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import ANN, NOW, SEVERITIES, world
from tests.making import card_seen, listing, portal_seen


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
    assert "comes here at 07:30 in Asia/Kolkata, every day" in answer
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
    assert "Did you mean Europe/Monaco?" in await ada.said("digest here 09:00 Monaco")
    assert "one too many" in await ada.said("digest here 09:00 10:00")
    assert "one too many" in await ada.said("digest here 09:00 UTC Europe/Monaco")
    said = await ada.said("digest here Europe/Monaco 09:00 Monday wed")
    assert "at 09:00 in Europe/Monaco, Monday, Wednesday" in said
    assert "Did you mean preview?" in await ada.said("digest previw")
    assert "does not come here any more" in await ada.said("digest off")
    assert "No digest comes here" in await ada.said("digest off")
    assert await tick(channel, at(9)) == 0
    assert "No digest comes anywhere" in await ada.said("digest list")
    await ada.said("digest weekly here 08:30 mon")
    listed = await ada.said("digest list")
    assert "Weekly report" in listed
    assert "08:30 UTC, Monday" in listed


async def test_a_personal_digest_comes_at_ones_own_time(channel: Channel) -> None:
    assert "in Europe/Berlin, weekdays" in await channel.direct.said("digest here 08:00")
    assert "Your digest" in texts(await channel.home())


async def test_ones_own_digest_is_of_ones_own_cases(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    await synced(channel)
    answer = await channel.said("digest me 08:30")
    assert "The digest of your own cases comes to you at 08:30 in Europe/Berlin" in answer
    assert "quiet" in (await channel.as_("vic").said("digest me")).casefold()
    shown = await channel.said("digest me")
    assert "Your digest" in shown
    assert "00000001" in shown
    assert "00000002" not in shown
    assert "<@" not in shown
    assert "is on its way" in await channel.said("digest me now")
    await channel.settle()
    assert "Your digest" in texts((await channel.direct.messages())[-1])
    assert await channel.as_("ada").messages() == [], "it is for nobody else"
    assert "does not come to you any more" in await channel.said("digest me off")


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
    assert "status%3Aopen|open> (+5)" in digest
    assert "escalated (ESC-1)" in digest
    assert channel.server.files.files == {}, "the trend is for the weekly report"


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
    assert "Escalated (1)" in mail


async def test_the_weekly_report_has_the_trend_as_a_picture(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    for days in range(1, 6):
        day = NOW - timedelta(days=days)
        row = DayRow(day=f"{day:%Y-%m-%d}", at=day.timestamp(), headlines={"open": 3})
        await channel.context.history.write(row)
    await channel.said("digest weekly now")
    await channel.settle()
    (main,) = await channel.as_("vic").messages()
    assert "Open cases, 6 days" in texts(main)
    pictures = [f for f in channel.server.files.files.values() if f.name.endswith(".png")]
    assert [picture.content[:4] for picture in pictures] == [b"\x89PNG"]


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


# What is told: what we learned since the place up to which Slack has the last one


async def synced(channel: Channel, *names: Sync, at: datetime = NOW) -> None:
    """Let these syncs (or all) have succeeded."""
    records = SyncRecords(channel.context.redis, channel.context.keys)
    for name in names or tuple(Sync):
        record = SyncRecord(name=name, state=SyncState.OK, last_success=at.timestamp())
        await records.write(record)


async def digests(channel: Channel) -> list[str]:
    """What everybody sees of digests in the channel, each as notifications show it."""
    return [message["text"] for message in await channel.as_("vic").messages()]


def opened_case(number: str, moment: datetime, **facts: Any) -> PortalSeen:
    return portal_seen(number, created=moment, updated=moment, **facts)


async def test_what_came_to_be_known_after_a_digest_is_in_the_next_once(channel: Channel) -> None:
    await channel.store.write([opened_case("01111111", at(9, days=-5))], now=NOW)
    await synced(channel)
    assert await tick(channel, at(9)) == 1
    # Opened and escalated before that digest, known after it.
    late = opened_case("02222222", at(8, 50))
    escalation = Escalation(key="ESC-1", since=at(8, 40))
    await channel.store.write([late], now=at(9, 5))
    await channel.store.write(
        [listing("01111111", Source.ESCALATION, escalation, seen=at(10))], now=at(10)
    )
    await tick(channel, at(9, days=1))
    await tick(channel, at(9, days=2))
    first, second, third = await digests(channel)
    assert "Nothing changed" in first
    assert "1 escalated, 1 new" in second
    assert "01111111" in second
    assert "02222222" in second
    assert "Nothing changed" in third


async def test_what_slack_refused_is_in_the_next_digest(channel: Channel) -> None:
    await channel.store.write(
        [opened_case(f"{n:08}", at(9, days=-9)) for n in range(1, 4)], now=NOW
    )
    await synced(channel)
    await tick(channel, at(9))
    closed = opened_case("00000002", at(9, days=-9), status="Closed", closed=at(10))
    closed = msgspec.structs.replace(closed, updated=at(10))
    await channel.store.write([closed], now=at(10))
    state = channel.server.state
    state.channel("general").archived = True
    await tick(channel, at(9, days=1))
    state.channel("general").archived = False
    await tick(channel, at(9, days=2))
    await tick(channel, at(9, days=3))
    _, second, third = await digests(channel)
    assert "1 closed" in second
    assert "Nothing changed" in third


async def test_where_the_feed_does_not_reach_back_the_cases_times_tell_and_it_says_so(
    channel: Channel,
) -> None:
    await channel.store.write([opened_case("01111111", at(9, days=-5))], now=NOW)
    await synced(channel)
    await tick(channel, at(9))
    new = [opened_case("02222222", at(10)), card_seen("02222222", "T5G-2", assignee=ANN)]
    await channel.store.write(new, now=at(10))
    await channel.context.redis.xtrim("t5g:feed", 1, approximate=False)
    await tick(channel, at(9, days=1))
    _, message = await channel.as_("vic").messages()
    assert "1 new" in message["text"]
    assert "it is not kept what was learned since" in texts(message["blocks"])


async def test_a_time_that_an_older_version_kept_is_where_it_begins(channel: Channel) -> None:
    place = channel.server.state.channel("general").id
    stamp = repr(at(9, days=-2).timestamp())
    await channel.context.redis.hset("t5g:slack:digests", f"daily:{place}", stamp)
    await channel.store.write([opened_case("01111111", at(10, days=-2))], now=NOW)
    await tick(channel, at(9))
    assert "1 new" in (await digests(channel))[0]


async def test_a_weekly_report_that_slack_refused_leaves_no_part_behind(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    general = channel.server.state.channel("general")
    general.archived = True
    await channel.said("digest weekly now")
    await channel.settle()
    general.archived = False
    await channel.context.outbox.reopen(general.id)
    await channel.context.outbox.drain()
    assert await channel.as_("vic").messages() == []
    assert await channel.context.outbox.waiting() == 0


async def test_a_redis_that_forgot_all_posts_and_tells_nothing_twice(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    await synced(channel)
    moment = at(9)
    async with started(channel, wall_clock.now(), digest_at=NOW.time()) as context:
        assert len(await post_due(context)) == 1
        await context.outbox.drain()
        await context.redis.flushdb()
        await channel.store.write(world(8), now=NOW)
        await synced(channel, Sync.CASES)
        assert await post_due(context) == []
        await context.outbox.drain()
    assert len(await digests(channel)) == 1
    # Escalations are looked for later; what their first sync finds was there all along.
    await channel.store.write(
        [listing("00000002", Source.ESCALATION, Escalation(key="ESC-2", since=at(9, days=-9)))],
        now=moment,
    )
    tomorrow = wall_clock.now() + timedelta(days=1)
    assert await tick(channel, tomorrow, digest_at=NOW.time()) == 1
    assert "ESC-2" not in (await digests(channel))[-1]


async def test_slack_that_can_not_say_whether_it_has_a_digest_is_asked_again(
    channel: Channel,
) -> None:
    await channel.store.write(world(8), now=NOW)
    channel.faults.add(Kind.DOWN, path="/api/conversations.history", times=1)
    assert await tick(channel, at(9)) == 0
    assert await tick(channel, at(9, 5)) == 1


@pytest.mark.parametrize("count", [0, 1, 25, 300])
async def test_one_message_tells_each_case_once_and_leads_to_exactly_the_rest(
    channel: Channel, count: int
) -> None:
    await channel.store.write(
        [opened_case("01111111", at(9, days=-5), severity="4 (Low)")], now=NOW
    )
    await synced(channel)
    await tick(channel, at(9))
    names = ("株式会社サンプル電機製作所", "شركة الاتصالات السعودية", "Acme <&> Co")
    new = [
        opened_case(f"{n:08}", at(10), account=names[n % 3], severity=SEVERITIES[n % 4],
                    summary="Knoten nach Aktualisierung nicht bereit, seit gestern Abend schon")
        for n in range(2, count + 2)
    ]  # fmt: skip
    cards = [card_seen(f"{n:08}", f"T5G-{n}", assignee=ANN) for n in range(2, count + 2)]
    await channel.store.write([*new, *cards], now=at(10))
    await tick(channel, at(9, days=1))
    _, message = await channel.as_("vic").messages()
    state = channel.server.state
    thread = state.messages(state.channel("general").id, thread=message["ts"])
    assert len(thread) <= 1
    assert channel.refused() == []
    text = texts(message["blocks"])
    shown = set(re.findall(r"\|(\d{8})>", text))
    linked = {
        number
        for block in message["blocks"] if block["type"] == "actions"
        for button in block["elements"]
        for number in re.findall(r"\d{8}", unquote(button["url"]))
    }  # fmt: skip
    assert len(shown) == min(count, 25)
    assert not shown & linked
    assert shown | linked == {f"{n:08}" for n in range(2, count + 2)}
    assert text.count(f"<@{channel.user}>") == min(count, 1)
    if count > 25:
        assert f"and {count - 25} more" in text
    assert (f"{count} new" if count else "Nothing changed") in message["text"]
