"""A Slack that lies about people: who is let in, by whatever way they come, and who is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.asker import Asker, Standing
from bot.people import LASTS, Tenant, profile_of
from sandbox.faults import Kind
from sandbox.slack.model import User
from t5g.team import Member, Role, Team, team_text
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world

LIMITED = {"kind": Kind.THROTTLE, "body": '{"ok":false,"error":"ratelimited"}', "retry_after": "1"}

#: How people differ who have the address of the administrator Ada and share a channel with us.
OTHERS: dict[str, dict[str, Any]] = {
    "another company's": {"team_id": "T0OTHER"},
    "another organisation's": {"team_id": "T0OTHER", "enterprise_id": "E0OTHER"},
    "a guest": {"is_restricted": True},
    "a guest of one channel": {"is_ultra_restricted": True},
    "deactivated": {"deleted": True},
    "an app": {"is_bot": True},
}
SAID = {
    "another company's": "another company's workspace",
    "another organisation's": "another company's workspace",
    "a guest": "not to guests",
    "a guest of one channel": "not to guests",
    "deactivated": "deactivated",
    "an app": "not other apps",
}


def stranger(channel: Channel, what: str) -> Channel:
    """The channel as somebody sees it who claims to be Ada."""
    state = channel.server.state
    eve = state.add_user("eve", "Ada Admin", "ada@example.com", **OTHERS[what])
    state.join(state.channel("general"), eve.id)
    return channel.as_("eve")


@pytest.fixture
def options() -> dict[str, Any]:
    """An installation that may change JIRA."""
    return {"read_only": False}


@pytest.mark.parametrize("what", OTHERS)
async def test_who_is_no_member_gets_no_case_and_no_role(channel: Channel, what: str) -> None:
    await channel.store.write(world(3), now=NOW)
    eve = stranger(channel, what)
    for text in ("cases", "case 1", "claim 2", "export", "status", "digest", "watch age>1d", "2"):
        said = await eve.said(text)
        assert SAID[what] in said, (text, said)
        assert "0000000" not in said
    await eve.settle()
    assert channel.jobs() == []
    assert channel.server.files.files == {}
    assert await channel.audited("claim") == ["refused"]


async def _mention(eve: Channel) -> str:
    await eve.say("@t5g cases")
    return await eve.shown()


async def _direct(eve: Channel) -> str:
    await eve.direct.say("cases")
    return await eve.direct.shown()


async def _home(eve: Channel) -> str:
    return texts(await eve.home())


async def _search(eve: Channel) -> str:
    await eve.shortcut("search_cases")
    return texts(await eve.modals())


async def _find(eve: Channel) -> str:
    sent = await eve.say("00000001")
    await eve.shortcut("find_case", sent["ts"])
    return texts(await eve.modals())


async def _comment(eve: Channel) -> str:
    sent = await eve.say("00000001")
    await eve.shortcut("comment_on_case", sent["ts"])
    return texts(await eve.modals())


DOORS: dict[str, Callable[[Channel], Awaitable[str]]] = {
    "mention": _mention, "direct": _direct, "home": _home, "search": _search, "find": _find,
    "comment": _comment,
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", ["another company's", "a guest"])
async def test_no_other_door_is_open_to_them(channel: Channel, what: str, door: str) -> None:
    await channel.store.write(world(3), now=NOW)
    said = await DOORS[door](stranger(channel, what))
    assert SAID[what] in said
    assert "T5G-" not in said


async def shared_case(channel: Channel) -> None:
    """Let Ann share a case in the channel."""
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.press("share")


@pytest.mark.parametrize("action", ["ask:claim", "comment", "assign", "ask:refresh"])
async def test_a_stranger_presses_the_buttons_of_a_shared_case_in_vain(
    channel: Channel, action: str
) -> None:
    """It was shared before they came into the channel."""
    await shared_case(channel)
    before = len(channel.jobs())
    eve = stranger(channel, "another company's")
    message = next(m for m in await eve.messages() if "T5G-2" in texts(m))
    present = [x["action_id"] for block in message["blocks"] for x in block.get("elements", ())
               if x.get("action_id", "").startswith(action)]  # fmt: skip
    assert present
    for name in present:
        body = {"user": eve.user, "channel": "general", "message_ts": message["ts"]}
        await eve._post("click", {**body, "action_id": name})
    await eve.settle()
    assert len(channel.jobs()) == before
    assert not any("comment" in str(view) for view in await eve.modals())


async def test_a_links_preview_is_not_made_for_a_stranger(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    eve = stranger(channel, "another company's")
    sent = await eve.say("https://jira.example.com/browse/T5G-1")
    await eve.settle()
    state = channel.server.state
    assert state.message(state.channel("general").id, sent["ts"]).unfurls == {}


async def test_a_form_open_since_before_the_role_went_does_nothing(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("case 2")
    await channel.click("comment")
    await channel.modals()
    ann = channel.server.state.user("ann")
    channel.server.membership.change(ann, is_restricted=True)
    await channel.settle()
    errors = (await channel.submit(text="All is well"))["errors"]
    assert "not to guests" in errors["text"]
    assert channel.jobs() == []


async def test_an_assignment_to_a_stranger_with_a_colleagues_address_is_none(
    channel: Channel,
) -> None:
    await channel.store.write(world(3), now=NOW)
    stranger(channel, "another company's")
    assert "I know no JIRA account" in await channel.said("assign 2 @eve")
    assert channel.jobs() == []


async def asker(channel: Channel, name: str) -> Asker:
    return await channel.context.people.asker(channel.server.state.user(name).id)


async def test_a_look_up_by_address_finds_only_a_member_with_exactly_that(
    channel: Channel,
) -> None:
    state, people = channel.server.state, channel.context.people
    state.add_user("mallory", "M", "boſs@example.com")
    state.add_user("eve", "E", "eve@example.com", team_id="T0OTHER")
    assert await people.id_of_email("boss@example.com") == ""
    assert await people.id_of_email("eve@example.com") == ""
    assert await people.id_of_email("Vic@Example.com") == state.user("vic").id


async def test_the_whole_organisation_of_an_enterprise_grid_is_ours(channel: Channel) -> None:
    state = channel.server.state
    state.enterprise_id = "E0OURS"
    gus = state.add_user("gus", "Gus", "gus@example.com", team_id="T0SISTER")
    out = state.add_user("out", "Out", team_id="T0OTHER", enterprise_id="E0OTHER")
    people = channel.context.people
    assert (await people.asker(gus.id)).role is Role.VIEWER
    assert (await people.asker(out.id)).standing is Standing.OUTSIDER


def test_the_workspace_decides_and_never_a_flag() -> None:
    ours = Tenant(team="T1")
    member = User("U1", "ann", "Ann", "ann@example.com", "T1").as_json()
    assert profile_of("U1", member, ours).standing is Standing.MEMBER
    for lie in ({"team_id": "T2"}, {"team_id": ""}, {"team_id": None, "profile": {}}):
        told = {**member, **lie, "is_stranger": False}
        found = profile_of("U1", {**told, "profile": {"email": "ann@example.com"}}, ours)
        assert (found.standing, found.email) == (Standing.OUTSIDER, "")
    assert not Tenant(team="").owns("")
    assert not Tenant(team="T1").owns("T2", "")


async def test_a_thousand_questions_of_a_stranger_are_one_line(channel: Channel) -> None:
    eve = stranger(channel, "another company's")
    for n in range(20):
        await eve.said(f"cases account:{n}")
    assert await channel.audited("cases") == ["refused"]


UNSURE: dict[str, dict[str, Any]] = {
    "429": LIMITED,
    "503": {"kind": Kind.DOWN},
    "no answer": {"kind": Kind.DROP},
    "an odd answer": {"kind": Kind.STATUS, "status": 200, "body": "[]"},
    "slow": {"kind": Kind.LATENCY, "seconds": 5.0},
}


@pytest.mark.parametrize("what", UNSURE)
@pytest.mark.parametrize("method", ["users.info", "auth.test"])
async def test_could_not_look_is_no_refusal_and_is_said(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, what: str, method: str
) -> None:
    monkeypatch.setattr("bot.people.PATIENCE", 0.3)
    await channel.store.write(world(3), now=NOW)
    channel.faults.add(**UNSURE[what], path=f"/api/{method}")
    for text in ("cases", "claim 2"):
        said = await channel.said(text)
        assert "Try again in a moment" in said, said
        assert "0000000" not in said
        assert "engineers" not in said, "an engineer is not told to be none"
    assert channel.jobs() == []
    assert await channel.audited("claim") == ["failed"]
    channel.faults.clear()


async def test_after_a_429_slack_is_left_alone_as_long_as_it_asked(channel: Channel) -> None:
    fault = channel.faults.add(**{**LIMITED, "retry_after": "30"}, path="/api/users.info")
    for _ in range(5):
        assert "Try again in a moment" in await channel.said("status")
    assert fault.done == 1


async def test_who_slack_does_not_know_is_told_so(channel: Channel) -> None:
    state = channel.server.state
    ghost = state.add_user("ghost")
    ghost_channel = channel.as_("ghost")
    path = "/api/users.info"
    channel.faults.add(
        "status", path=path, status=200, body='{"ok":false,"error":"user_not_found"}'
    )
    assert "Slack does not know you" in await ghost_channel.said("cases")
    assert (await channel.context.people.asker(ghost.id)).standing is Standing.UNKNOWN


async def test_a_group_that_could_not_be_looked_up_is_no_refusal(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    vic = channel.server.state.user("vic").id
    group = channel.server.state.add_user_group("eng", "Engineers", [vic])
    file = channel.settings.team_file
    assert file is not None
    file.write_text(f'[roles.engineer]\nslack_groups = ["{group.id}"]\n')
    channel.faults.add(**LIMITED, path="/api/usergroups.users.list", times=1)
    as_vic = channel.as_("vic")
    assert "Case 00000002" in await as_vic.said("case 2"), "reading needs no group"
    channel.faults.clear()
    channel.faults.add("down", path="/api/usergroups.users.list")
    assert "Try again in a moment" in await as_vic.said("claim 2")


async def test_a_role_is_gone_at_once_when_an_event_tells(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert (await asker(channel, "ann")).role is Role.ENGINEER
    ann = channel.server.state.user("ann")
    channel.server.membership.change(ann, is_restricted=True)
    await channel.settle()
    assert "not to guests" in await channel.said("cases")
    channel.server.membership.change(ann, is_restricted=False)
    await channel.settle()
    assert (await asker(channel, "ann")).role is Role.ENGINEER


async def test_a_role_by_group_is_gone_at_once_when_an_event_tells(channel: Channel) -> None:
    state = channel.server.state
    vic = state.user("vic").id
    group = state.add_user_group("eng", "Engineers", [vic])
    file = channel.settings.team_file
    assert file is not None
    file.write_text(f'[roles.engineer]\nslack_groups = ["{group.id}"]\n')
    assert (await asker(channel, "vic")).role is Role.ENGINEER
    group.users = []
    channel.server.membership.tell_of("subteam_members_changed", subteam_id=group.id)
    await channel.settle()
    assert (await asker(channel, "vic")).role is Role.VIEWER


async def test_an_answer_that_was_on_its_way_when_the_event_came_is_not_believed(
    channel: Channel,
) -> None:
    """Slack answers before the change, slowly; the event overtakes the answer."""
    people, ann = channel.context.people, channel.server.state.user("ann")
    await people.tenant()
    channel.faults.add("latency", path="/api/users.info", seconds=0.3, times=1)
    asked = asyncio.create_task(people.asker(ann.id))
    async with asyncio.timeout(5):
        while not any(seen.path == "/api/users.info" for seen in channel.faults.recent):
            await asyncio.sleep(0.01)
    await people.changed(f"user:{ann.id}")
    await asked
    ann.deleted = True
    assert (await people.asker(ann.id)).standing is Standing.GONE


async def test_what_slack_said_is_believed_for_five_minutes_at_most(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, ann = channel.context.people, channel.server.state.user("ann")
    assert (await people.asker(ann.id)).role is Role.ENGINEER
    ann.deleted = True  # and no event comes
    assert LASTS <= 300
    now = channel.context.clock()
    monkeypatch.setattr(people, "_clock", lambda: now + LASTS + 1)
    assert (await people.asker(ann.id)).standing is Standing.GONE
    key = channel.context.keys.named("slack", "people", f"user:{ann.id}")
    assert await channel.context.redis.pttl(key) <= LASTS * 1000


async def test_slack_being_away_for_long_lets_nobody_stay_in(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, ann = channel.context.people, channel.server.state.user("ann")
    assert (await people.asker(ann.id)).role is Role.ENGINEER
    channel.faults.add("down", path="/api/users.info")
    assert (await people.asker(ann.id)).role is Role.ENGINEER
    now = channel.context.clock()
    monkeypatch.setattr(people, "_clock", lambda: now + LASTS + 1)
    later = await people.asker(ann.id)
    assert (later.role, later.unsure) == (None, True)


async def test_what_a_clock_ahead_of_ours_kept_is_asked_again(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, ann = channel.context.people, channel.server.state.user("ann")
    now = channel.context.clock()
    monkeypatch.setattr(people, "_clock", lambda: now + 86_400)
    await people.asker(ann.id)
    ann.deleted = True
    monkeypatch.setattr(people, "_clock", lambda: now)
    assert (await people.asker(ann.id)).standing is Standing.GONE


async def test_the_team_file_makes_no_member_of_a_stranger(channel: Channel) -> None:
    eve = channel.server.state.add_user("eve", team_id="T0OTHER")
    file = channel.settings.team_file
    assert file is not None
    members = (Member(name="Eve", slack=eve.id, email="eve@example.com", role=Role.ADMIN),)
    file.write_text(team_text(Team(members=members)))
    found = await channel.context.people.asker(eve.id)
    assert (found.role, found.standing) == (None, Standing.OUTSIDER)
