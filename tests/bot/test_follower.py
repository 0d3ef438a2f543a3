"""Watches, announcements and alerts: told at once, to the right people, once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from bot.delivery import message
from bot.follower import Followed, Follower, pause_after
from t5g.alerts import Alerts
from t5g.board import Board
from t5g.card_reasons import keep_reason
from t5g.lock import Lock
from t5g.model import CaseComment, Comment, Escalation, Person, Source
from t5g.state import CommentSeen
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from tests import wall_clock
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import ANN, NOW, world
from tests.making import ago, card_seen, details_seen, listing, portal_seen


@pytest.fixture
def options() -> dict[str, Any]:
    """Channels by severity, and one for operators, as the sandbox numbers them."""
    return {
        "slack_high_channel": "C000000006", "slack_low_channel": "C000000007",
        "slack_ops_channel": "C000000008", "read_only": False,
    }  # fmt: skip


async def followed(channel: Channel, *, look: bool = False, clock: float = 0.0) -> None:
    """Follow the feed to its end, whoever is at it. `clock`: what time it is, if not now."""
    context = channel.context
    if clock:
        context = msgspec.structs.replace(context, clock=lambda: clock)
    for _ in range(200):
        if await Follower(context).once(look=look):
            break
    await channel.context.outbox.drain()
    await channel.settle()


@asynccontextmanager
async def nobody_following(channel: Channel) -> AsyncIterator[None]:
    """Let the bot's own follower wait, so that it does not tell half of what is written."""
    context = channel.context
    lock = Lock(context.redis, context.keys.lock("slack-follower"))
    async with lock:
        while not await lock.acquire():
            await asyncio.sleep(0.01)
        yield


async def public(channel: Channel, name: str = "general") -> list[str]:
    """What everybody sees in a channel."""
    return [texts(m) for m in await channel.as_("vic").in_(name).messages()]


async def began(channel: Channel, count: int = 4) -> None:
    """Let there be cases from before the follower began."""
    context = channel.context
    async with nobody_following(channel):
        await channel.store.write(world(count), now=NOW)
        await context.redis.delete(context.keys.named("slack", "followed"))
        await context.board.refresh()
    await followed(channel)


async def test_a_long_line_of_one_channel_holds_up_no_other(channel: Channel) -> None:
    """An alert is told while a hundred new cards are announced elsewhere, one a second."""
    outbox = channel.context.outbox
    await began(channel)
    outbox.pace(30.0)
    await outbox.put([message("C000000007", {"text": f"card {n}"}) for n in range(100)])
    following = asyncio.create_task(Follower(channel.context).run())
    try:
        async with asyncio.timeout(20):
            while await outbox.waiting() == 100:
                await asyncio.sleep(0.02)
            alerts = Alerts(channel.context.redis, channel.context.keys)
            await alerts.raise_("sync:cases", "The cases are old.", hint="Look.")
            while not await public(channel, "ops"):
                await asyncio.sleep(0.02)
    finally:
        following.cancel()
    line = channel.context.keys.named("slack", "outbox", "C000000007")
    assert await channel.context.redis.llen(line) == 99


async def test_a_watch_is_told_of_new_matches_escalations_and_status(channel: Channel) -> None:
    await began(channel)
    assert "This channel is told about `severity:urgent`" in await channel.said(
        "watch severity:urgent"
    )
    await followed(channel)
    assert await public(channel) == []
    later = NOW + timedelta(seconds=5)
    await channel.store.write(
        [portal_seen("00000050", severity="1 (Urgent)", updated=later, seen=later),
         portal_seen("00000051", severity="4 (Low)", updated=later, seen=later)], now=later,
    )  # fmt: skip
    await followed(channel)
    (first,) = await public(channel)
    assert "matches now" in first
    assert "00000050" in first
    assert "00000051" not in first
    await channel.store.write(
        [listing("00000050", Source.ESCALATION, Escalation(key="ESC-2", since=later), seen=later)],
        now=later,
    )
    await followed(channel)
    assert "escalated (ESC-2)" in (await public(channel))[-1]
    closing = later + timedelta(seconds=5)
    await channel.store.write(
        [portal_seen("00000050", severity="1 (Urgent)", status="Closed", updated=closing,
                     seen=closing)], now=closing,
    )  # fmt: skip
    await followed(channel)
    shown = await public(channel)
    assert "closed" in shown[-1]
    await followed(channel, look=True)
    assert await public(channel) == shown


async def test_a_personal_watch_comes_by_direct_message_and_spares_own_deeds(
    channel: Channel,
) -> None:
    await began(channel)
    await channel.direct.said("watch number:00000002")
    await channel.context.deeds.remember("00000002", channel.user, "card.status")
    later = NOW + timedelta(seconds=5)
    await channel.store.write(
        [card_seen("00000002", "T5G-2", status="In Progress", updated=later)], now=later
    )
    await followed(channel)
    before = len(await channel.direct.messages())
    assert "Eng Working" not in texts(await channel.direct.messages())
    await channel.store.write(
        [portal_seen("00000002", status="Waiting on Customer", updated=later, seen=later,
                     severity="3 (Normal)")], now=later,
    )  # fmt: skip
    await followed(channel)
    shown = await channel.direct.messages()
    assert len(shown) == before + 1
    assert "Waiting on Customer" in texts(shown[-1])


async def test_the_owner_is_told_the_news_of_a_case_of_theirs(channel: Channel) -> None:
    """By direct message, but not what they switched off, nor what they did themselves."""
    await began(channel)
    await channel.said("notify off crit_sit")
    later = NOW + timedelta(seconds=5)
    answer = CaseComment(id="c1", public=True, by_customer=True)
    await channel.store.write([details_seen("00000001", seen=NOW, comments=())], now=later)
    await channel.store.write(
        [details_seen("00000001", seen=later, crit_sit=True, comments=(answer,))], now=later
    )
    await followed(channel)
    (told,) = await channel.direct.messages()
    assert "the customer answered" in texts(told)
    assert "crit sit now" not in texts(told)
    await channel.context.deeds.remember("00000002", channel.user, "card.assignee")
    taken = [
        card_seen(number, f"T5G-{number[-1]}", assignee=ANN, updated=later)
        for number in ("00000002", "00000003")
    ]
    await channel.store.write(taken, now=later)
    await followed(channel)
    _, second = await channel.direct.messages()
    assert "00000003" in second["text"]
    assert "assigned to Ann" in second["text"]
    assert "00000002" not in texts(second)


async def test_what_a_watch_of_ones_own_tells_does_not_come_twice(channel: Channel) -> None:
    await began(channel)
    await channel.direct.said("watch number:00000001")
    before = len(await channel.direct.messages())
    later = NOW + timedelta(seconds=5)
    filed = Escalation(key="ESC-9", since=later)
    answer = CaseComment(id="c1", public=True, by_customer=True)
    async with nobody_following(channel):
        await channel.store.write([details_seen("00000001", seen=NOW, comments=())], now=later)
        await channel.store.write(
            [listing("00000001", Source.ESCALATION, filed, seen=later),
             details_seen("00000001", seen=later, comments=(answer,))], now=later,
        )  # fmt: skip
    await followed(channel)
    shown = [texts(x) for x in (await channel.direct.messages())[before:]]
    assert sum("escalated (ESC-9)" in text for text in shown) == 1
    assert sum("the customer answered" in text for text in shown) == 1


@pytest.mark.parametrize("by_customer", [False, UNSET])
async def test_who_is_not_known_to_be_the_customer_is_none(
    channel: Channel, by_customer: bool | UnsetType
) -> None:
    await began(channel)
    later = NOW + timedelta(seconds=5)
    said = CaseComment(id="c1", public=True, by_customer=by_customer)
    await channel.store.write([details_seen("00000001", seen=NOW, comments=())], now=later)
    await channel.store.write([details_seen("00000001", seen=later, comments=(said,))], now=later)
    await followed(channel)
    assert await channel.direct.messages() == []


async def test_news_waits_while_slack_does_not_say_who_the_owner_is(channel: Channel) -> None:
    await began(channel)
    vic = channel.as_("vic").direct
    later = NOW + timedelta(seconds=5)
    owner = Person(account="v", name="Vic Viewer", email="vic@example.com")
    channel.faults.add("down", path="/api/users.lookupByEmail")
    filed = Escalation(key="ESC-9", since=later)
    await channel.store.write(
        [card_seen("00000003", "T5G-3", assignee=owner, updated=later),
         listing("00000003", Source.ESCALATION, filed, seen=later)], now=later,
    )  # fmt: skip
    await followed(channel)
    assert "escalated (ESC-9)" in str(await public(channel, "high"))
    assert await vic.messages() == []
    channel.faults.clear()
    await followed(channel, look=True)
    await followed(channel, look=True)
    (told,) = await vic.messages()
    assert "escalated (ESC-9)" in texts(told)
    assert "assigned to Vic Viewer" in texts(told)


async def test_who_had_a_card_before_the_bot_came_is_not_told_that_it_is_theirs(
    channel: Channel,
) -> None:
    await began(channel)
    old = [
        portal_seen("00000070", created=NOW - timedelta(days=9), seen=NOW),
        card_seen("00000070", "T5G-70", assignee=ANN, created=NOW - timedelta(days=9), updated=NOW),
    ]
    await channel.store.write(old, now=NOW)
    await followed(channel)
    assert await channel.direct.messages() == []


async def test_what_comes_in_quiet_hours_is_told_as_one_message(channel: Channel) -> None:
    await began(channel)
    now = channel.context.clock()
    here = datetime.fromtimestamp(now, UTC)
    hours = f"{here - timedelta(hours=1):%H:%M}-{here + timedelta(hours=2):%H:%M}"
    assert "Quiet hours: from" in await channel.said(f"notify quiet {hours} UTC")
    later = NOW + timedelta(seconds=5)
    for key in ("ESC-8", "ESC-9"):
        filed = [Escalation(key=key, since=later)]
        await channel.store.write(
            [listing(f"0000000{key[-1]}", Source.ESCALATION, *filed, seen=later),
             portal_seen(f"0000000{key[-1]}", updated=later, seen=later),
             card_seen(f"0000000{key[-1]}", f"T5G-{key[-1]}", assignee=ANN, updated=later)],
            now=later,
        )  # fmt: skip
        await followed(channel)
    assert await channel.direct.messages() == []
    await followed(channel, look=True, clock=now + 3 * 3600)
    (told,) = await channel.direct.messages()
    assert "ESC-8" in told["text"]
    assert "ESC-9" in told["text"]
    await followed(channel, look=True, clock=now + 3 * 3600)
    assert len(await channel.direct.messages()) == 1


async def test_watches_are_listed_and_stopped(channel: Channel) -> None:
    await began(channel)
    await channel.said("watch severity:urgent")
    assert "That is watched already" in await channel.said("watch severity:urgent")
    await channel.said("watch escalated:yes")
    listed = await channel.said("watches")
    assert "severity:urgent" in listed
    assert "set by Ann Müller" in listed
    assert "Which watch shall end?" in await channel.said("unwatch")
    assert "not watched any more" in await channel.said("unwatch escalated:yes")
    assert "not watched any more" in await channel.said("unwatch")
    assert "Nothing is watched here" in await channel.said("unwatch all")
    assert "Watch what?" in await channel.said("watch")
    assert "Did you mean" in await channel.said("watch severty:high")


async def test_a_watch_of_nothing_and_one_of_everything_say_so(channel: Channel) -> None:
    await began(channel, 20)
    assert "No case matches it now" in await channel.said("watch account:Nowhere")
    assert "It matches 20 of 20 open cases" in await channel.said("watch status:open")
    usual = await channel.said("watch severity:urgent")
    assert "No case matches" not in usual
    assert "It matches" not in usual


async def test_readers_watch_for_themselves_only(channel: Channel) -> None:
    vic = channel.as_("vic")
    assert "is for engineers" in await vic.said("watch severity:urgent")
    assert "You are told" in await vic.direct.said("watch severity:urgent")


async def test_who_began_to_follow_in_the_future_announces_what_comes_now(
    channel: Channel,
) -> None:
    await began(channel)
    context = channel.context
    key = context.keys.named("slack", "followed")
    async with nobody_following(channel):
        kept = msgspec.json.decode(await context.redis.get(key))
        ahead = {**kept, "since": context.clock() + 31 * 86_400}
        await context.redis.set(key, msgspec.json.encode(ahead))
    await followed(channel)
    later = wall_clock.now() + timedelta(seconds=5)
    await channel.store.write(
        [portal_seen("00000060", severity="2 (High)", updated=later, seen=later),
         card_seen("00000060", "T5G-60", assignee=ANN, created=later, updated=later)], now=later,
    )  # fmt: skip
    await followed(channel)
    [told] = await public(channel, "high")
    assert "T5G-60" in told


async def test_a_deed_that_redis_keeps_for_a_month_spares_nobody_the_news(
    channel: Channel,
) -> None:
    context = channel.context
    await context.deeds.remember("00000002", channel.user, "card.status")
    assert await context.deeds.of("00000002")
    await context.redis.expire(context.keys.named("slack", "deeds", "00000002"), 31 * 86_400)
    assert await context.deeds.of("00000002") == {}


async def test_a_new_card_is_announced_by_severity_with_its_description(channel: Channel) -> None:
    await began(channel)
    later = wall_clock.now()
    await channel.store.write(
        [portal_seen("00000060", severity="2 (High)", updated=later, seen=later,
                     description="Line one\nline <two>"),
         card_seen("00000060", "T5G-60", assignee=ANN, created=later, updated=later),
         portal_seen("00000061", severity="4 (Low)", updated=later, seen=later),
         card_seen("00000061", "T5G-61", created=later, updated=later)], now=later,
    )  # fmt: skip
    await followed(channel)
    await followed(channel)
    (high,), (low,) = await public(channel, "high"), await public(channel, "low")
    assert "T5G-60" in high
    assert f"<@{channel.user}>" in high
    assert "T5G-61" in low
    state = channel.server.state
    ts = state.messages("C000000006")[0].ts
    thread = state.messages("C000000006", thread=ts)
    assert "Line one" in texts(thread[-1].blocks)
    assert "line &lt;two&gt;" in texts(thread[-1].blocks)


async def test_a_new_card_for_nobody_is_claimed_there_and_then_says_whose_it_is(
    channel: Channel,
) -> None:
    await began(channel)
    later = wall_clock.now()
    new = card_seen("00000062", "T5G-62", created=later, updated=later)
    await channel.store.write(
        [portal_seen("00000062", severity="4 (Low)", updated=later, seen=later), new], now=later
    )
    await followed(channel)
    (told,) = await channel.as_("vic").in_("low").messages()
    assert "for nobody" in texts(told)
    assert '"action_id": "ask:claim"' in json.dumps(told)
    after = later + timedelta(seconds=5)
    await channel.store.write(
        [card_seen("00000062", "T5G-62", assignee=ANN, created=later, updated=after)], now=after
    )
    await followed(channel)
    (told,) = await channel.as_("vic").in_("low").messages()
    assert f"for <@{channel.user}>" in texts(told)
    assert "ask:claim" not in json.dumps(told)


async def test_the_reason_is_told_also_if_the_event_is_faster_than_the_worker(
    channel: Channel,
) -> None:
    await began(channel)
    later = wall_clock.now()
    await keep_reason(channel.context.redis, channel.context.keys, "00000060", "by account")
    seen = [
        portal_seen("00000060", severity="2 (High)", updated=later, seen=later),
        card_seen("00000060", "T5G-60", assignee=ANN, created=later, updated=later),
    ]
    await channel.store.write(seen, now=later)
    await followed(channel)
    (high,) = await public(channel, "high")
    assert f"<@{channel.user}> (by account)" in high


async def decided(channel: Channel) -> int:
    """How far the follower has told the feed."""
    raw = await channel.context.redis.get(channel.context.keys.named("slack", "followed"))
    return msgspec.json.decode(raw, type=Followed).sequence


class Overtaken(Board):
    """A board of which every refresh is at once followed by a write that it does not show."""

    def __init__(self, *args: Any, write: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(*args)
        self._write = write

    async def refresh(self) -> None:
        await super().refresh()
        await self._write()


async def test_what_the_board_does_not_show_yet_is_told_when_it_does(channel: Channel) -> None:
    """A case raised, and a card made, between the refresh and the look at the feed."""
    await began(channel)
    context, later = channel.context, wall_clock.now()
    writes = [
        [portal_seen("00000003", severity="1 (Urgent)", updated=later, seen=later)],
        [portal_seen("00000060", severity="2 (High)", updated=later, seen=later),
         card_seen("00000060", "T5G-60", created=later, updated=later)],
    ]  # fmt: skip

    async def write() -> None:
        if writes:
            await context.store.write(writes.pop(0), now=later)

    board = Overtaken(
        context.store, SyncRecords(context.redis, context.keys), context.board.rules, write=write
    )
    follower = Follower(msgspec.structs.replace(context, board=board))
    async with asyncio.timeout(60):
        while writes or await decided(channel) < (await context.store.position()).sequence:
            await follower.once()
            await asyncio.sleep(0.01)
    await context.outbox.drain()
    await channel.settle()
    high = await public(channel, "high")
    assert len(high) == 2
    assert any("severity raised: 4 (Low) → 1 (Urgent)" in text for text in high)
    assert any("T5G-60" in text for text in high)
    assert await public(channel, "low") == []


async def test_a_card_that_is_faster_than_its_case_is_announced_with_it(channel: Channel) -> None:
    await began(channel)
    later = wall_clock.now()
    filed = Escalation(key="ESC-60", since=later)
    early = [card_seen("00000060", "T5G-60", created=later, updated=later),
             listing("00000060", Source.ESCALATION, filed, seen=later)]  # fmt: skip
    await channel.store.write(early, now=later)
    await followed(channel)
    assert await public(channel, "high") + await public(channel, "low") == []
    case = portal_seen("00000060", severity="4 (Low)", updated=later, seen=later)
    await channel.store.write([case], now=later)
    await followed(channel)
    high = await public(channel, "high")
    assert any("T5G-60" in text for text in high)
    assert any("escalated (ESC-60)" in text for text in high)
    await channel.store.write([details_seen("00000060", seen=later)], now=later)
    await followed(channel)
    assert len(await public(channel, "high")) == len(high)  # kept current, not told again


async def test_old_cards_are_not_announced(channel: Channel) -> None:
    await began(channel)
    later = NOW + timedelta(seconds=5)
    old = NOW - timedelta(days=3)
    await channel.store.write(
        [card_seen("00000003", "T5G-99", created=old, updated=later)], now=later
    )
    await followed(channel)
    assert await public(channel, "high") == await public(channel, "low") == []


async def test_operators_are_told_of_alerts_and_their_end(channel: Channel) -> None:
    alerts = Alerts(channel.context.redis, channel.context.keys)
    await alerts.raise_("sync-cases", "The sync of cases fails: 503.", hint="Look at the Portal.")
    await followed(channel)
    await followed(channel)
    (told,) = await public(channel, "ops")
    assert "The sync of cases fails: 503." in told
    await alerts.clear("sync-cases", "Cases are synced again.")
    await followed(channel)
    assert "Cases are synced again." in (await public(channel, "ops"))[-1]


async def test_the_channel_of_a_severity_hears_alarms_once(channel: Channel) -> None:
    await began(channel)
    later = NOW + timedelta(seconds=5)
    await channel.store.write(
        [portal_seen("00000003", severity="1 (Urgent)", status="Waiting on Customer",
                     updated=later, seen=later),
         details_seen("00000002", seen=NOW, crit_sit=False),
         listing("00000002", Source.ESCALATION, Escalation(key="ESC-9", since=later), seen=later)],
        now=later,
    )  # fmt: skip
    await channel.store.write([details_seen("00000002", seen=later, crit_sit=True)], now=later)
    await followed(channel)
    await followed(channel, look=True)
    (high,) = await public(channel, "high")
    assert "severity raised: 4 (Low) → 1 (Urgent)" in high
    assert "escalated (ESC-9)" in high
    assert "is a crit sit now" in high
    assert await public(channel, "low") == []


async def test_an_escalation_mentions_the_owner_and_is_told_in_words(channel: Channel) -> None:
    await began(channel)
    later = NOW + timedelta(seconds=5)
    filed = Escalation(key="ESC-9", since=later)
    await channel.store.write(
        [listing("00000001", Source.ESCALATION, filed, seen=later)], now=later
    )
    await followed(channel)
    (sent,) = await channel.as_("vic").in_("high").messages()
    assert f"<@{channel.user}>" in texts(sent)
    portal = channel.context.board.entries["00000001"].case.portal
    assert sent["text"].startswith(f"00000001 · {portal.severity} · {portal.account} · Case")
    assert sent["text"].endswith(": escalated (ESC-9)")


async def test_the_owner_of_a_closed_case_is_not_mentioned(channel: Channel) -> None:
    await began(channel)
    later = NOW + timedelta(seconds=5)
    filed = Escalation(key="ESC-9", since=later)
    await channel.store.write(
        [portal_seen("00000001", status="Closed", updated=later, seen=later),
         listing("00000001", Source.ESCALATION, filed, seen=later)], now=later,
    )  # fmt: skip
    await followed(channel)
    assert "escalated (ESC-9)" in str(await public(channel, "high"))
    assert f"<@{channel.user}>" not in str(await public(channel, "high"))


async def test_a_watch_of_a_channel_by_severity_mentions_the_owner_too(channel: Channel) -> None:
    """What the watch tells there is told by no alarm."""
    await began(channel)
    await channel.in_("high").said("watch status:open")
    await channel.said("watch status:open")
    await followed(channel, look=True)
    later = NOW + timedelta(seconds=5)
    filed = Escalation(key="ESC-9", since=later)
    await channel.store.write(
        [listing("00000001", Source.ESCALATION, filed, seen=later)], now=later
    )
    await followed(channel)
    told = [text for text in await public(channel, "high") if "escalated (ESC-9)" in text]
    assert len(told) == 1
    assert told[0].count(f"<@{channel.user}>") == 1
    (elsewhere,) = [text for text in await public(channel) if "escalated (ESC-9)" in text]
    assert f"<@{channel.user}>" not in elsewhere


async def test_several_escalations_of_one_owner_mention_them_once(channel: Channel) -> None:
    await began(channel)
    later = NOW + timedelta(seconds=5)
    async with nobody_following(channel):
        for n in (2, 3):
            await channel.store.write(
                [card_seen(f"{n:08}", f"T5G-{n}", assignee=ANN, updated=later),
                 listing(f"{n:08}", Source.ESCALATION, Escalation(key=f"ESC-{n}", since=later),
                         seen=later)], now=later,
            )  # fmt: skip
    await followed(channel)
    (told,) = await public(channel, "high")
    assert "ESC-2" in told
    assert "ESC-3" in told
    assert told.count(f"<@{channel.user}>") == 1


async def test_a_watch_of_the_channel_tells_it_instead(channel: Channel) -> None:
    await began(channel)
    await channel.in_("high").said("watch status:open")
    await followed(channel, look=True)
    later = NOW + timedelta(seconds=5)
    await channel.store.write(
        [portal_seen("00000003", severity="1 (Urgent)", updated=later, seen=later)], now=later
    )
    await followed(channel)
    shown = [text for text in await public(channel, "high") if "severity raised" in text]
    assert len(shown) == 1
    assert "status:open" in shown[0]


async def test_a_case_that_nobody_takes_is_told_once(channel: Channel) -> None:
    await began(channel)
    await followed(channel, look=True)  # what is unassigned now is no news
    await channel.store.write(
        [portal_seen("00000070", severity="4 (Low)", updated=NOW, seen=NOW),
         card_seen("00000070", "T5G-70", updated=NOW, created=ago(days=3))], now=NOW,
    )  # fmt: skip
    await followed(channel, look=True)
    assert await public(channel, "low") == []
    clock = channel.context.clock()
    for hours in (3, 5, 9):
        await followed(channel, look=True, clock=clock + hours * 3600)
    await channel.settle()
    (low,) = await public(channel, "low")
    assert "nobody has it for 5 hours" in low
    assert "00000070" in low


async def test_a_card_that_is_done_is_told_when_the_portal_was_asked_again(
    channel: Channel,
) -> None:
    await began(channel)
    await followed(channel, look=True)
    later = NOW + timedelta(seconds=5)
    done = [card_seen(f"{n:08}", f"T5G-{n}", status="Done", updated=later) for n in (1, 2)]
    await channel.store.write(done, now=later)
    await followed(channel, look=True)
    assert await public(channel, "high") + await public(channel, "low") == []
    closed = portal_seen("00000002", status="Closed", updated=later, seen=later)
    await channel.store.write([closed], now=later)
    asked = SyncRecord(name=Sync.CASES, state=SyncState.OK, last_success=wall_clock.seconds() + 1)
    await SyncRecords(channel.context.redis, channel.context.keys).write(asked)
    for _ in range(2):
        await followed(channel, look=True)
    told = await public(channel, "high") + await public(channel, "low")
    (alarm,) = [text for text in told if "card is done, the case is open" in text]
    assert "00000001" in alarm
    assert "00000002" not in alarm


async def test_many_at_once_are_one_message(channel: Channel) -> None:
    await began(channel, 30)
    later = NOW + timedelta(seconds=5)
    async with nobody_following(channel):
        filed = [Escalation(key=f"ESC-{n}", since=later) for n in range(100, 131)]
        await channel.store.write(
            [listing(f"{n:08}", Source.ESCALATION, filed[n], seen=later) for n in range(1, 31)],
            now=later,
        )
    await followed(channel)
    (high,) = await public(channel, "high")
    assert await public(channel, "low") == []
    assert "… and" in high


def test_while_there_is_more_to_tell_it_looks_less_often() -> None:
    assert [pause_after(busy) for busy in range(8)] == [1, 1, 2, 4, 8, 16, 16, 16]


async def test_private_comments_come_to_no_channel(channel: Channel) -> None:
    await began(channel)
    await channel.in_("high").said("watch status:open")
    await channel.said("case 00000001")
    await followed(channel, look=True)
    later = NOW + timedelta(seconds=5)
    secret = Comment(id="901", body="our own worry", created=later, updated=later, restricted=True)
    await channel.store.write(
        [CommentSeen(number="00000001", card="T5G-1", id="901", facts=secret, updated=later,
                     seen=later),
         card_seen("00000001", "T5G-1", status="Done", updated=later)], now=later,
    )  # fmt: skip
    await followed(channel, look=True)
    for name in ("general", "high", "low", "ops"):
        assert not any("our own worry" in text for text in await public(channel, name))
    shown = await channel.said("case 00000001")
    assert "our own worry" not in shown
    assert "to be read in JIRA only" in shown
