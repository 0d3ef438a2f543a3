"""An installation that only reads says so, wherever something would be changed."""

import pytest

from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world


@pytest.mark.parametrize(
    "text", ["claim 2", "assign 2 @ann", "comment 2 x", "escalate 2 why", "link 2"]
)
async def test_acting_commands_say_that_nothing_is_changed(channel: Channel, text: str) -> None:
    await channel.store.write(world(3), now=NOW)
    answer = await channel.said(text)
    assert "only reads" in answer
    assert "T5G_READ_ONLY" in answer
    assert channel.jobs() == []
    assert await channel.audited(text.split(maxsplit=1)[0]) == ["asked", "refused"]


async def test_a_case_has_no_button_that_could_not_work(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    shown = str((await channel.ask("case 2"))["response"])
    assert "Claim" not in shown
    assert "Watch" in shown


async def test_the_shortcut_says_so_too(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    sent = await channel.say("see 00000002")
    await channel.shortcut("comment_on_case", sent["ts"])
    assert "only reads" in texts(await channel.modals())


async def test_help_says_it_is_read_only(channel: Channel) -> None:
    assert "read-only" in await channel.said("help")
    assert "Not possible here" in await channel.said("help claim")
