"""Shortcuts of messages and the global one."""

from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world


async def test_find_case_shows_the_cases_a_message_names(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    sent = await channel.say("00000002, T5G-3 and https://jira.example.com/browse/ESC-1 or 123")
    await channel.shortcut("find_case", sent["ts"])
    (modal,) = await channel.modals()
    for number in ("00000001", "00000002", "00000003"):
        assert number in texts(modal)
    assert "00000004" not in texts(modal)


async def test_find_case_says_when_there_is_none(channel: Channel) -> None:
    sent = await channel.say("Who brings the cake?")
    await channel.shortcut("find_case", sent["ts"])
    assert "No case of ours is named" in texts(await channel.modals())


async def test_a_case_found_can_be_opened_in_the_modal(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    sent = await channel.say("what of 00000002?")
    await channel.shortcut("find_case", sent["ts"])
    await channel.modals()
    await channel.click_view("ask:case")
    stack = await channel.modals()
    assert len(stack) == 2
    assert "Open for" in texts(stack[-1])
    assert "Share in channel" not in texts(stack[-1])


async def test_search_takes_fields_and_words(channel: Channel) -> None:
    await channel.store.write(world(8), now=NOW)
    await channel.shortcut("search_cases")
    await channel.modals()
    outcome = await channel.submit(query="node", severity=["urgent", "high"], only="stale:yes")
    assert outcome["errors"] == {}
    (modal,) = await channel.modals()
    assert "node severity:urgent,high stale:yes" in texts(modal)


async def test_a_mistake_in_the_search_stands_below_its_field(channel: Channel) -> None:
    await channel.shortcut("search_cases")
    await channel.modals()
    outcome = await channel.submit(query="severty:high")
    assert "severity" in outcome["errors"]["query"]
    assert len(await channel.modals()) == 1


async def test_shortcuts_are_audited(channel: Channel) -> None:
    await channel.shortcut("search_cases")
    await channel.modals()
    await channel.submit(query="node")
    assert await channel.audited("shortcut cases") == ["answered"]
    assert await channel.audited("cases") == ["answered"]
