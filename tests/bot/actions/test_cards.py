"""Modals that change a card: field by field, for whoever may, once."""

import asyncio
from typing import Any

import pytest

from bot.once import asked_name
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world
from tests.making import portal_seen


@pytest.fixture
def options() -> dict[str, Any]:
    """An installation that may change JIRA."""
    return {"read_only": False}


async def test_the_comment_button_opens_a_modal_that_asks_for_the_work(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.click("comment")
    (modal,) = await channel.modals()
    assert "00000002" in texts(modal)
    assert (await channel.submit(text="All is well"))["errors"] == {}
    assert "Commenting on case `00000002`" in await channel.shown()
    ((_, args),) = channel.jobs()
    assert args[:3] == ["00000002", "T5G-2", "All is well"]
    assert await channel.modals() == []


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"number": "99999999", "text": "x"}, "number", "no case 99999999"),
        ({"number": "what", "text": "x"}, "number", "eight digits"),
        ({"number": "00000077", "text": "x"}, "number", "no card yet"),
        ({"number": "00000002", "text": "   "}, "text", "Write something."),
    ],
)
async def test_a_comment_is_checked_field_by_field(
    channel: Channel, values: dict[str, str], field: str, said: str
) -> None:
    await channel.store.write([*world(3), portal_seen("00000077", updated=NOW)], now=NOW)
    sent = await channel.say("nothing named here")
    await channel.shortcut("comment_on_case", sent["ts"])
    await channel.modals()
    errors = (await channel.submit(**values))["errors"]
    assert said in errors[field], errors
    assert len(await channel.modals()) == 1
    assert channel.jobs() == []


@pytest.mark.parametrize("named", ["2", "00000002", "t5g-2"])
async def test_a_comment_takes_a_number_or_a_key(channel: Channel, named: str) -> None:
    await channel.store.write(world(3), now=NOW)
    sent = await channel.say("The customer has tried the fix.")
    await channel.shortcut("comment_on_case", sent["ts"])
    assert "The customer has tried the fix." in str(await channel.modals())
    assert (await channel.submit(number=named))["errors"] == {}
    await channel.settle()
    assert channel.jobs()[0][1][:3] == ["00000002", "T5G-2", "The customer has tried the fix."]


async def test_a_submission_that_is_sent_twice_is_done_once(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.click("comment")
    (modal,) = await channel.modals()
    assert await channel.context.once.first(asked_name(f"view:{modal['id']}"))
    await channel.submit(text="again")
    await channel.settle()
    assert channel.jobs() == []


async def test_a_submission_whose_work_was_cut_off_is_not_taken_for_done(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.click("comment")
    await channel.modals()
    redis = channel.context.redis
    await redis.execute_command("CLIENT", "PAUSE", 10_000, "WRITE")
    try:
        assert (await channel.submit(text="All is well"))["errors"] == {}
        (work,) = (task for task in asyncio.all_tasks() if task.get_name() == "comment")
        work.cancel()  # as when the process dies before the work is queued
        await asyncio.wait([work])
    finally:
        await redis.execute_command("CLIENT", "UNPAUSE")
    assert channel.jobs() == []
    await channel.again()
    await channel.settle()
    ((_, args),) = channel.jobs()
    assert args[:3] == ["00000002", "T5G-2", "All is well"]


async def test_a_submission_that_can_not_be_looked_up_stays_with_who_wrote_it(
    channel: Channel,
) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.click("comment")
    await channel.modals()
    redis = channel.context.redis
    await redis.execute_command("ACL", "SETUSER", "default", "-exists")
    try:
        errors = (await channel.submit(text="All is well"))["errors"]
    finally:
        await redis.execute_command("ACL", "SETUSER", "default", "+@all")
    assert "nothing was sent" in errors["text"]
    assert len(await channel.modals()) == 1
    assert channel.jobs() == []


async def test_assign_offers_the_team_and_assigns_the_chosen(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.click("assign")
    (modal,) = await channel.modals()
    assert "Ada Admin" in texts(modal)
    assert (await channel.submit(person="ada@example.com"))["errors"] == {}
    await channel.settle()
    ((_, args),) = channel.jobs()
    assert args[:3] == ["00000002", "T5G-2", "b"]


async def test_readers_are_refused_where_they_clicked(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.press("share")
    vic = channel.as_("vic")
    for action in ("comment", "assign", "ask:claim"):
        shared = (await vic.messages())[0]
        await vic._post("click", {
            "user": vic.user, "channel": "general", "message_ts": shared["ts"],
            "action_id": action,
        })  # fmt: skip
        await vic.settle()
        assert "is for engineers" in texts((await vic.messages())[-1])
    assert await vic.modals() == []
    assert channel.jobs() == []
    for action in ("comment", "assign", "claim"):
        assert await vic.audited(action) == ["refused"]


async def test_claim_on_a_shared_case_claims_for_the_clicker(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.press("share")
    ada = channel.as_("ada")
    await ada.click("ask:claim")
    await ada.settle()
    ((_, args),) = channel.jobs()
    assert args[2:6] == ["b", "ada@example.com", "Ada Admin", ada.user]
