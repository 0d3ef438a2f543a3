"""Clicks on answers: turning pages, menus, asking on, sharing, and watching for oneself."""

from datetime import timedelta
from typing import Any

import pytest

from bot.actions.lists import filtered
from bot.follower import Follower
from t5g.query import parse_query
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world
from tests.making import card_seen, portal_seen


@pytest.mark.parametrize(
    ("query", "menu", "choice", "becomes"),
    [
        ("", "severity", "urgent", "severity:urgent"),
        ("severity:low acme", "severity", "urgent", "acme severity:urgent"),
        ("severity:low acme", "severity", "all", "acme"),
        ("acme sort:-age", "only", "stale:yes", "acme stale:yes sort:-age"),
        ("stale:yes acme", "only", "escalated:yes", "acme escalated:yes"),
        ("stale:yes acme", "only", "all", "acme"),
        ("-stale:yes", "only", "sla:risk", "-stale:yes sla:risk"),
    ],
)
def test_a_menu_edits_the_query(query: str, menu: str, choice: str, becomes: str) -> None:
    assert filtered(parse_query(query), menu, choice) == becomes


async def test_pages_turn_both_ways_and_keep_the_title(channel: Channel) -> None:
    await channel.store.write(world(20), now=NOW)
    await channel.ask("new 30")
    second = await channel.press("page:next")
    assert "9–16 of 20" in second
    assert "New in 30 days" in second
    assert "17–20 of 20" in await channel.press("page:next")
    assert "9–16 of 20" in await channel.press("page:previous")
    assert len(await channel.messages()) == 1


async def test_a_page_that_is_gone_is_the_last_one(channel: Channel) -> None:
    await channel.store.write(world(20), now=NOW)
    await channel.ask("cases")
    later = NOW + timedelta(seconds=2)
    closed = [
        portal_seen(f"{n:08}", status="Closed", updated=later, seen=later) for n in range(5, 21)
    ]
    await channel.store.write(closed, now=later)
    shown = await channel.press("page:next")
    assert "4 cases" in shown
    assert "Nothing matches" not in shown


async def test_open_in_browser_carries_the_same_query(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    found = str((await channel.ask("cases account:acme sort:-age"))["response"])
    assert "https://t5g.example.com/cases?q=account%3Aacme%20sort%3A-age" in found


async def test_a_shared_list_is_seen_by_all_and_says_by_whom(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    await channel.ask("cases severity:high")
    await channel.press("share")
    (message,) = await channel.as_("vic").messages()
    assert "severity:high" in texts(message)
    assert f"shared by <@{channel.user}>" in texts(message)
    assert "Share in channel" not in texts(message)
    assert await channel.audited("share") == ["done"]
    assert channel.refused() == []


async def test_menus_of_a_shared_list_answer_the_clicker_alone(channel: Channel) -> None:
    await channel.store.write(world(20), now=NOW)
    await channel.ask("cases")
    await channel.press("share")
    vic = channel.as_("vic")
    await vic.click("page:next")
    await vic.settle()
    assert "9–16 of 20" in texts((await vic.messages())[-1])
    assert "1–8 of 20" in texts((await channel.messages())[-1])


@pytest.mark.parametrize("command", ["stats", "stats account", "status"])
async def test_numbers_can_be_shared_too(channel: Channel, command: str) -> None:
    await channel.store.write(world(4), now=NOW)
    await channel.ask(command)
    await channel.press("share")
    (message,) = await channel.as_("vic").messages()
    assert "shared by" in texts(message)


async def test_a_shared_case_follows_its_changes(channel: Channel) -> None:
    await channel.store.write(world(2), now=NOW)
    await Follower(channel.context).once()
    await channel.ask("case 1")
    await channel.press("share")
    vic = channel.as_("vic")
    assert "Debugging" in texts(await vic.messages())
    later = NOW + timedelta(seconds=5)
    await channel.store.write([card_seen("00000001", status="Done", updated=later)], now=later)
    await followed(channel)
    (message,) = await vic.messages()
    assert "Done" in texts(message)
    assert f"shared by <@{channel.user}>" in texts(message)


async def test_sharing_where_the_bot_is_not_goes_by_the_response_url(channel: Channel) -> None:
    await channel.store.write(world(2), now=NOW)
    quiet = channel.in_("quiet")
    await quiet.ask("case 1")
    await quiet.press("share")
    assert "shared by" in texts(await quiet.as_("vic").messages())


async def test_sharing_where_nothing_works_says_what_to_do(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await channel.store.write(world(2), now=NOW)
    quiet = channel.in_("quiet")
    await quiet.ask("case 1")
    monkeypatch.setattr("sandbox.slack.response_urls.USES", 0)
    assert "`/invite` me first" in texts(await pressed(quiet, "share"))


async def test_watch_on_a_case_is_the_clickers_own(channel: Channel) -> None:
    await channel.store.write(world(2), now=NOW)
    vic = channel.as_("vic")
    await vic.ask("case 1")
    shown = await vic.press("ask:watch")
    assert "You are told about `number:00000001 status:any`" in shown
    assert [w.channel for w in await channel.context.watches.all()] == [vic.user]


async def test_an_old_button_is_taken_politely(channel: Channel) -> None:
    state = channel.server.state
    blocks = [{"type": "actions", "block_id": "b", "elements": [
        {"type": "button", "action_id": "long_gone", "text": {"type": "plain_text", "text": "?"}},
        {"type": "button", "action_id": "page:next", "value": "{broken",
         "text": {"type": "plain_text", "text": "?"}},
    ]}]  # fmt: skip
    state.add_message(state.channel("general").id, state.bot_user.id, "old", blocks=blocks)
    for action in ("long_gone", "page:next"):
        message = (await channel.messages())[0]
        outcome = await channel._post("click", {
            "user": channel.user, "channel": "general", "message_ts": message["ts"],
            "action_id": action,
        })  # fmt: skip
        assert outcome["status"] == 200
        await channel.settle()


async def pressed(channel: Channel, action: str) -> Any:
    """Press a button and return all that is seen then, whatever became of it."""
    await channel.click(action)
    await channel.settle()
    direct = await channel.direct.messages()
    return [*await channel.messages(), *direct]


async def followed(channel: Channel) -> None:
    """Follow the feed to its end, whoever is at it."""
    for _ in range(50):
        if await Follower(channel.context).once():
            break
    await channel.context.outbox.drain()
    await channel.settle()
