"""A Slack that lies about channels: what is not ours alone is shown nothing, by whatever way."""

import ast
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.announcing import announce
from bot.audience import MOST, shared_with
from bot.context import create_context
from bot.delivery import file, message
from bot.digests import post
from bot.follower import Follower
from bot.people import Tenant
from bot.replies import ReplyTo
from sandbox.faults import Kind
from sandbox.slack.model import ChannelKind
from t5g.alerts import Alerts
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world
from tests.making import portal_seen

ROOT = Path(__file__).resolve().parents[2]


def external(channel: Channel) -> None:
    channel.server.membership.connect(channel.server.state.channel("general"), "T0OTHER")


def pending(channel: Channel) -> None:
    general = channel.server.state.channel("general")
    channel.server.membership.connect(general, "T0OTHER", pending=True)
    channel.server.membership.tell_of("channel_shared", channel=general.id)


def foreign_member(channel: Channel) -> None:
    """Slack's flags say nothing, but one of another company is in it."""
    _joined(channel, team_id="T0OTHER")


def guest(channel: Channel) -> None:
    _joined(channel, is_restricted=True)


def guest_of_one(channel: Channel) -> None:
    _joined(channel, is_ultra_restricted=True)


def other_organisation(channel: Channel) -> None:
    general = channel.server.state.channel("general")
    general.org_teams.append("T0OTHER")
    channel.server.membership.tell_of("channel_shared", channel=general.id)


def _joined(channel: Channel, **standing: Any) -> None:
    state = channel.server.state
    eve = state.add_user("eve", "Eve", "ada@example.com", **standing)
    general = state.channel("general")
    channel.server.membership.let_in(eve, general, eve, join=True)


NOT_OURS: dict[str, tuple[Callable[[Channel], None], str]] = {
    "external": (external, "people of another company are in it"),
    "pending": (pending, "another company is invited into it"),
    "a foreign member": (foreign_member, "people of another company are in it"),
    "a guest": (guest, "guests are in it"),
    "a guest of one channel": (guest_of_one, "guests are in it"),
    "of another organisation": (other_organisation, "people of another company are in it"),
}


@pytest.fixture
def options() -> dict[str, Any]:
    """Every channel of the settings is the same one: #general, by its id."""
    return {}


async def _share(channel: Channel) -> None:
    await channel.ask("case 2")
    await channel.click("share")


async def _share_a_list(channel: Channel) -> None:
    await channel.ask("cases")
    await channel.click("share")


async def _digest(channel: Channel) -> None:
    await post(channel.context, _general(channel))


async def _digest_now(channel: Channel) -> None:
    await channel.as_("ada").ask("digest now")


async def _announcement(channel: Channel) -> None:
    context = channel.context
    await context.board.refresh()
    entry = context.board.entries["00000002"]
    assert entry.card
    settings = channel.settings.model_copy(
        update={"slack_high_channel": _general(channel), "slack_low_channel": _general(channel)}
    )
    made = create_context(settings, context.board, context.redis, context.queue, context.clock)
    await announce(made, entry, entry.card)
    await made.close()


async def _file(channel: Channel) -> None:
    await channel.context.outbox.put([file(_general(channel), "cases.csv", b"x")])


async def _message(channel: Channel) -> None:
    await channel.context.outbox.put([message(_general(channel), {"text": "00000001"})])


async def _link(channel: Channel) -> None:
    await channel.say("https://jira.example.com/browse/T5G-1")


async def _in_channel(channel: Channel) -> None:
    reply = ReplyTo(user=channel.user, channel=_general(channel), url=_response_url(channel))
    await channel.context.replies.send(reply, {"text": "00000001"}, public=True)


WAYS: dict[str, Callable[[Channel], Awaitable[None]]] = {
    "share": _share, "share a list": _share_a_list, "digest": _digest, "digest now": _digest_now,
    "announcement": _announcement, "file": _file, "message": _message, "link": _link,
    "in channel": _in_channel,
}  # fmt: skip


def _general(channel: Channel) -> str:
    return channel.server.state.channel("general").id


def _response_url(channel: Channel) -> str:
    return channel.server.response_urls.issue("commands", _general(channel), channel.user)


async def shown(channel: Channel) -> str:
    """What the bot shows to everybody in #general, previews and files included."""
    for _ in range(3):
        await channel.settle()
        await channel.context.outbox.drain()
    state = channel.server.state
    found = state.messages(_general(channel))
    replies = [x for one in found for x in state.messages(_general(channel), thread=one.ts)]
    mine = [m for m in [*found, *replies] if m.user == state.bot_user.id]
    unfurls = [m.unfurls for m in found if m.unfurls]
    return texts([*(m.as_json(state.team_id) for m in mine), *unfurls])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", NOT_OURS)
async def test_what_is_not_ours_alone_is_shown_nothing(
    channel: Channel, what: str, way: str
) -> None:
    await channel.store.write(world(3), now=NOW)
    NOT_OURS[what][0](channel)
    await channel.settle()
    await WAYS[way](channel)
    assert await shown(channel) == ""
    assert channel.server.files.files == {}
    assert await channel.context.outbox.waiting() == 0


@pytest.mark.parametrize("way", WAYS)
async def test_our_own_channel_is_shown_all_of_it(channel: Channel, way: str) -> None:
    await channel.store.write(world(3), now=NOW)
    await WAYS[way](channel)
    assert await shown(channel) or channel.server.files.files


@pytest.mark.parametrize("what", NOT_OURS)
async def test_the_person_is_told_why_and_the_operators_too(channel: Channel, what: str) -> None:
    await channel.store.write(world(3), now=NOW)
    make, why = NOT_OURS[what]
    make(channel)
    await channel.settle()
    ada = channel.as_("ada")
    for text in ("watch severity:urgent", "digest here 09:00", "digest now"):
        assert why in await ada.said(text)
    assert await channel.context.watches.all() == []
    await ada.ask("case 2")
    assert why in await ada.press("share")
    assert await channel.audited("share") == ["refused"]
    await _digest(channel)
    await channel.context.outbox.drain()
    (alert,) = await Alerts(channel.context.redis, channel.context.keys).raised()
    assert why in alert.text
    assert "(digest)" in alert.text
    assert "T5G_SLACK_EXTERNAL_CHANNELS" in alert.hint
    assert "3 cases" in await channel.said("cases"), "a colleague's own answer is theirs alone"


async def test_a_watch_and_a_shared_case_fall_silent_when_others_come(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.said("watch age>0d")
    await channel.ask("case 2")
    await channel.press("share")
    await _followed(channel)
    before = await shown(channel)
    external(channel)
    await channel.settle()
    later = NOW + timedelta(seconds=5)
    changed = [portal_seen(f"0000000{n}", status="Waiting on Customer", updated=later, seen=later)
               for n in (1, 2)]  # fmt: skip
    await channel.store.write(changed, now=later)
    await _followed(channel)
    assert await shown(channel) == before


async def _followed(channel: Channel) -> None:
    for _ in range(200):
        if await Follower(channel.context).once():
            break


async def test_a_channel_that_others_left_is_shown_cases_again(channel: Channel) -> None:
    external(channel)
    await channel.settle()
    await _message(channel)
    assert await shown(channel) == ""
    general = channel.server.state.channel("general")
    general.external_teams.clear()
    channel.server.membership.tell_of("channel_unshared", channel=general.id)
    await channel.settle()
    await _message(channel)
    assert "00000001" in await shown(channel)
    assert await Alerts(channel.context.redis, channel.context.keys).raised() == []


@pytest.mark.parametrize("method", ["conversations.info", "conversations.members", "users.info"])
async def test_what_slack_does_not_say_now_waits_and_is_not_lost(
    channel: Channel, method: str
) -> None:
    fault = channel.faults.add(Kind.DOWN, path=f"/api/{method}")
    await _message(channel)
    assert await shown(channel) == ""
    assert await channel.context.outbox.waiting() == 1
    channel.faults.remove(fault)
    assert "00000001" in await shown(channel)


async def test_a_channel_that_the_operator_names_is_shown_cases(channel: Channel) -> None:
    external(channel)
    context = channel.context
    named = channel.settings.model_copy(update={"slack_external_channels": _general(channel)})
    made = create_context(named, context.board, context.redis, context.queue, context.clock)
    made.outbox.pace(0.001)
    await made.outbox.put([message(_general(channel), {"text": "00000001"})])
    await made.outbox.drain()
    await made.close()
    assert "00000001" in await shown(channel)


async def test_what_the_bot_can_not_see_into_is_shown_nothing(channel: Channel) -> None:
    """A private channel without the bot, and two people's direct messages."""
    await channel.store.write(world(3), now=NOW)
    state = channel.server.state
    out = state.add_user("out", team_id="T0OTHER")
    members = [channel.user, out.id]
    for name, kind in (("secret", ChannelKind.PRIVATE), ("two", ChannelKind.IM)):
        place = state.add_channel(name, kind=kind, members=members, with_bot=False)
        there = channel.in_(place.id)
        await there.ask("case 2")
        assert "can not see who is in it" in await there.press("share")
        assert [m for m in state.messages(place.id) if not m.ephemeral] == []


async def test_a_crowd_is_not_looked_through(channel: Channel) -> None:
    state = channel.server.state
    state.channel("general").members += [f"U{n}" for n in range(MOST)]
    assert "more members" in await channel.context.audience.refusal(_general(channel))
    assert not any(seen.query == "U1" for seen in channel.faults.recent)


async def test_a_person_whose_role_went_gets_no_message_any_more(channel: Channel) -> None:
    outbox, ann = channel.context.outbox, channel.server.state.user("ann")
    await outbox.put([message(ann.id, {"text": "00000001"})])
    await outbox.drain()
    channel.server.membership.change(ann, is_restricted=True)
    await channel.settle()
    await outbox.put([message(ann.id, {"text": "00000002"})])
    await outbox.drain()
    assert [m["text"] for m in await channel.direct.messages()] == ["00000001"]
    assert await outbox.waiting() == 0


@pytest.mark.parametrize(
    ("facts", "tenant", "refused"),
    [
        ({}, Tenant(team="T1"), False),
        ({"is_shared": False, "shared_team_ids": ["T1"]}, Tenant(team="T1"), False),
        ({"is_shared": True, "shared_team_ids": ["T1"]}, Tenant(team="T1"), True),
        ({"shared_team_ids": ["T1", "T2"]}, Tenant(team="T1"), True),
        ({"connected_team_ids": ["T2"]}, Tenant(team="T1"), True),
        ({"conversation_host_id": "T2"}, Tenant(team="T1"), True),
        ({"pending_shared": ["T2"]}, Tenant(team="T1"), True),
        ({"is_org_shared": True}, Tenant(team="T1"), True),
        (
            {"is_shared": True, "is_org_shared": True, "shared_team_ids": ["T1", "T2"],
             "internal_team_ids": ["T1", "T2"]},
            Tenant(team="T1", enterprise="E1"), False,
        ),
        (
            {"is_shared": True, "is_org_shared": True, "shared_team_ids": ["T1", "T3"],
             "internal_team_ids": ["T1", "T2"]},
            Tenant(team="T1", enterprise="E1"), True,
        ),
        (
            {"is_org_shared": True, "is_ext_shared": True, "internal_team_ids": ["T1"]},
            Tenant(team="T1", enterprise="E1"), True,
        ),
    ],
)  # fmt: skip
def test_the_list_of_workspaces_decides_whatever_the_flags_say(
    facts: dict[str, Any], tenant: Tenant, refused: bool
) -> None:
    assert bool(shared_with(facts, tenant)) is refused


#: Where a message can be sent at all; each of these asks the audience, or sends to one person.
SENDING = {"bot/delivery.py", "bot/replies.py", "bot/previews.py"}
CALLS = ("chat_postMessage", "chat_update", "files_upload_v2", "chat_scheduleMessage",
         "chat_unfurl", "chat.postMessage", "chat.update", "chat.unfurl", "in_channel")  # fmt: skip


def test_nothing_else_in_the_program_sends_to_a_channel() -> None:
    found = set()
    for path in [
        *ROOT.glob("bot/**/*.py"),
        *ROOT.glob("workers/**/*.py"),
        *ROOT.glob("t5g/**/*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
            if isinstance(name, str) and name in CALLS:
                found.add(path.relative_to(ROOT).as_posix())
    assert found == SENDING
