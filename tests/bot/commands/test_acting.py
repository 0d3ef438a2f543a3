"""Commands that change a card: who may, what is asked of the workers, and how the result comes."""

import asyncio
from contextvars import copy_context
from typing import Any

import pytest

from bot.jobs import tell
from t5g.audit import Audit
from t5g.current import SETTINGS
from t5g.model import Person
from tests import wall_clock
from tests.bot.conftest import Channel
from tests.bot.worlds import NOW, world
from tests.making import card_seen, portal_seen


@pytest.fixture
def options() -> dict[str, Any]:
    """An installation that may change JIRA."""
    return {"read_only": False}


async def told(channel: Channel, reply: str, number: str, text: str, *, done: bool) -> bool:
    """Run the job that tells somebody what came of their request, as a worker does."""

    def run() -> bool:
        SETTINGS.set(channel.settings)
        return tell(reply, number, done, text, channel.user, "claim")

    return await asyncio.to_thread(copy_context().run, run)


async def test_claiming_asks_for_the_work_and_tells_the_result(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "Claiming case `00000002` for you" in await channel.said("claim 2")
    ((function, args),) = channel.jobs()
    assert function == "workers.actions.assign"
    assert args[:6] == ["00000002", "T5G-2", "a", "ann@example.com", "Ann Müller", channel.user]
    assert await channel.audited("claim") == ["asked"]
    assert await told(channel, args[-1], "00000002", "T5G-2 is assigned to Ann.", done=True)
    shown = await channel.shown()
    assert "T5G-2 is assigned to Ann." in shown
    assert "Open for" in shown
    assert await channel.audited("claim") == ["asked", "done"]


async def test_a_failure_comes_back_as_a_sentence(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.said("claim 2")
    reply = channel.jobs()[0][1][-1]
    assert await told(channel, reply, "00000002", "JIRA does not answer.", done=False)
    assert "⚠️ JIRA does not answer." in await channel.shown()
    assert await channel.audited("claim") == ["asked", "failed"]


async def test_a_result_finds_its_way_when_the_response_url_is_dead(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.said("claim 2")
    reply = channel.jobs()[0][1][-1]
    channel.server.state.clock = lambda: wall_clock.seconds() + 3600
    assert await told(channel, reply, "00000002", "It is yours.", done=True)
    assert "It is yours." in await channel.shown()


async def test_what_is_mine_already_is_said_and_not_done(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "yours already" in await channel.said("claim 1")
    assert channel.jobs() == []


async def test_claiming_tells_whose_it_was(channel: Channel) -> None:
    bob = Person(account="z", name="Bob")
    await channel.store.write(
        [portal_seen(updated=NOW), card_seen(assignee=bob, updated=NOW)], now=NOW
    )
    assert "It was Bob's." in await channel.said("claim 01234567")


@pytest.mark.parametrize("whom", ["@ada", "ada admin", "ada@example.com", "Ada"])
async def test_assigning_understands_mentions_names_and_addresses(
    channel: Channel, whom: str
) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "to Ada Admin" in await channel.said(f"assign 2 {whom}")
    ((_, args),) = channel.jobs()
    assert args[:4] == ["00000002", "T5G-2", "b", "ada@example.com"]


async def test_assigning_knows_a_name_without_its_accents(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "to Ann Müller" in await channel.said("assign 2 muller")


async def test_an_ambiguous_name_is_a_choice_that_assigns(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    answer = await channel.said("assign 2 example.com")
    assert "may be several people" in answer
    await channel.press("ask:option1")
    ((_, args),) = channel.jobs()
    assert args[2] == "b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claim", "Which case?"),
        ("claim 99999999", "There is no case"),
        ("claim nonsense", "There is no case"),
        ("assign 1", "To whom?"),
        ("assign 1 nobody-like-this", "I know nobody called"),
        ("comment 1", "The comment is empty"),
        ("escalate 1", "escalated already (ESC-1)"),
        ("claim 00000077", "has no card yet"),
        ("link", "Which case?"),
    ],
)
async def test_mistakes_are_explained_and_nothing_is_asked(
    channel: Channel, text: str, said: str
) -> None:
    await channel.store.write([*world(3), portal_seen("00000077", updated=NOW)], now=NOW)
    assert said in await channel.said(text)
    assert channel.jobs() == []


async def test_a_comment_keeps_its_words_and_stays_out_of_the_log(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.said("comment 2 The fix is in <4.16> & later")
    ((function, args),) = channel.jobs()
    assert function == "workers.actions.comment"
    assert args[2] == "The fix is in <4.16> & later"
    await channel.settle()
    entries = await Audit(channel.context.redis, channel.context.keys).read()
    assert "fix" not in str([(e.detail, e.case) for e in entries])
    assert entries[0].case == "" or entries[0].case == "00000002"


async def test_escalating_and_linking_are_asked_for(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "potential escalation" in await channel.said("escalate 2 they wait since monday")
    assert "Linking case" in await channel.said("link 2")
    assert [(name, args[:3]) for name, args in channel.jobs()] == [
        ("workers.actions.escalate", ["00000002", "T5G-2", "they wait since monday"]),
        ("workers.actions.link", ["00000002", "T5G-2", "Ann Müller"]),
    ]


async def test_a_potential_escalation_is_marked_once(channel: Channel) -> None:
    seen = [portal_seen(updated=NOW), card_seen(labels=("PotentialEscalation",), updated=NOW)]
    await channel.store.write(seen, now=NOW)
    assert "marked as a potential escalation already" in await channel.said("escalate 01234567")


@pytest.mark.parametrize(
    "text", ["claim 2", "assign 2 @ann", "comment 2 x", "escalate 2", "link 2", "refresh cases"]
)
async def test_readers_are_told_who_may(channel: Channel, text: str) -> None:
    await channel.store.write(world(3), now=NOW)
    vic = channel.as_("vic")
    assert "is for engineers of the team" in await vic.said(text)
    assert vic.jobs() == []
    assert await vic.audited(text.split(maxsplit=1)[0]) == ["refused"]


async def test_help_lists_what_this_person_may_do(channel: Channel) -> None:
    assert "/t5g claim" in await channel.said("help")
    shown = await channel.as_("vic").said("help")
    assert "/t5g claim" not in shown
    assert "You may read (viewer)" in shown


async def test_the_result_of_a_deed_is_not_told_to_whoever_did_it(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.said("claim 2")
    deeds = await channel.context.deeds.of("00000002")
    assert deeds == {"card.assignee": channel.user}


async def test_refresh_of_a_case_and_of_a_source(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "Reading case `00000002` anew" in await channel.said("refresh 00000002")
    assert "Syncing cases" in await channel.said("refresh cases")
    assert channel.jobs()[0][0] == "workers.actions.refresh_case"


async def test_several_cases_are_claimed_at_once_each_by_a_work_of_its_own(
    channel: Channel,
) -> None:
    await channel.store.write(world(5), now=NOW)
    await channel.said("unclaim 1")
    said = await channel.said("claim #00000002, `3` and T5G-4")
    assert "Claiming cases `00000002`, `00000003`, `00000004` for you" in said
    jobs = [args[0] for what, args in channel.jobs() if what == "workers.actions.assign"]
    assert jobs == ["00000002", "00000003", "00000004"]


async def test_too_many_at_once_change_nothing(channel: Channel) -> None:
    await channel.store.write(world(7), now=NOW)
    assert "5 at once are possible" in await channel.said("claim 1 2 3 4 5 6")
    assert channel.jobs() == []


@pytest.mark.parametrize("text", ["assign @ann 2", "assign 2 to @ann", "assign #2: @ann"])
async def test_a_case_is_assigned_in_both_orders(channel: Channel, text: str) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "Assigning case `00000002` to Ann" in await channel.said(text)


async def test_giving_up_takes_only_oneself_off(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "is not yours but nobody's" in await channel.said("unclaim 2")
    assert "Taking case `00000001` off" in await channel.said("unclaim 1")
    ((function, args),) = channel.jobs()
    assert (function, args[:3]) == ("workers.actions.unassign", ["00000001", "T5G-1", "a"])


async def test_text_over_several_lines_is_taken_as_it_is(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.said("comment 00000002\nfirst line\n\n  second line")
    ((_, args),) = channel.jobs()
    assert args[2] == "first line\n\n  second line".replace("  second", " second")


@pytest.mark.parametrize(
    "text",
    [
        "comment 99999999 a long story\nover two lines",
        "escalate 99999999 the customer waits on the bridge",
        "coment 00000002 a long story of some words",
    ],
)
async def test_what_was_written_comes_back_when_nothing_came_of_it(
    channel: Channel, text: str
) -> None:
    await channel.store.write(world(3), now=NOW)
    assert text in await channel.said(text)
    assert channel.jobs() == []


async def test_a_mention_in_a_comment_becomes_one_of_jira(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.said(f"comment 2 <@{channel.user}> please look")
    ((_, args),) = channel.jobs()
    assert "<@" not in args[2]
    assert args[2].endswith("a] please look") and args[2].startswith("[~")


async def test_claiming_is_not_offered_to_the_one_who_has_it(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "'Claim'" not in str(await channel.ask("case 1"))
    assert "'Claim'" in str(await channel.ask("case 2"))
