"""Previews: links and numbers become short cards, but never tell a channel too much."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.follower import Follower
from bot.previews import answer_numbers, unfurl
from sandbox.slack.model import ChannelKind, Message
from t5g.model import Bug, Issue, Source
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world
from tests.making import listing, portal_seen

SECRET_BUG = Bug(id=77, url="https://bugzilla.example.com/show_bug.cgi?id=77", restricted=True)
OPEN_BUG = Bug(id=78, url="https://bugzilla.example.com/show_bug.cgi?id=78", summary="Slow")
SECRET_ISSUE = Issue(key="OCPBUGS-9", url="https://jira.example.com/browse/OCPBUGS-9",
                     restricted=True)  # fmt: skip


@pytest.fixture
def options() -> dict[str, Any]:
    """Upstreams whose links are previewed."""
    return {"bugzilla_url": "https://bugzilla.example.com"}


@pytest.fixture
async def filled(channel: Channel) -> AsyncIterator[Channel]:
    """The channel with cases, one of which has a restricted bug and issue."""
    await channel.store.write(
        [
            *world(4),
            listing("00000002", Source.BUGS, SECRET_BUG, OPEN_BUG, seen=NOW),
            listing("00000002", Source.ISSUES, SECRET_ISSUE, seen=NOW),
        ],
        now=NOW,
    )
    yield channel


def unfurled(channel: Channel, ts: str, name: str = "general") -> str:
    """The text of the previews below a message."""
    state = channel.server.state
    found: Message = state.message(state.channel(name).id, ts)
    return texts(list(found.unfurls.values()))


@pytest.mark.parametrize(
    ("link", "number"),
    [
        ("https://jira.example.com/browse/T5G-1", "00000001"),
        ("https://jira.example.com/browse/ESC-1?focusedId=1", "00000001"),
        ("https://bugzilla.example.com/show_bug.cgi?a=1&id=78", "00000002"),
        ("https://bugzilla.example.com/78", "00000002"),
        ("https://t5g.example.com/cases/00000003", "00000003"),
        ("PORTAL", "00000004"),
    ],
)
async def test_a_link_becomes_a_card(filled: Channel, link: str, number: str) -> None:
    link = link.replace("PORTAL", filled.settings.case_url.replace("{number}", "00000004"))
    sent = await filled.say(f"look at {link} please")
    await filled.settle()
    assert number in unfurled(filled, sent["ts"])
    assert await filled.audited("preview") == ["answered"]
    assert filled.refused() == []


@pytest.mark.parametrize(
    "link", [SECRET_BUG.url, SECRET_ISSUE.url, "https://jira.example.com/browse/NONE-1"]
)
async def test_what_is_restricted_or_unknown_gets_no_card(filled: Channel, link: str) -> None:
    sent = await filled.say(link)
    await filled.settle()
    assert unfurled(filled, sent["ts"]) == ""


async def test_a_link_in_the_composer_waits_until_it_is_known_where_it_goes(
    filled: Channel,
) -> None:
    body = {"user": filled.user, "text": "https://jira.example.com/browse/T5G-1"}
    unfurl_id = (await filled._post("paste", body))["unfurl_id"]
    await filled.settle()
    assert filled.server.previews.shared[unfurl_id].draft == {}
    assert filled.refused() == []


async def test_nothing_is_told_to_channels_of_other_companies(filled: Channel) -> None:
    general = filled.server.state.channel("general").id
    event = {
        "type": "link_shared",
        "user": filled.user,
        "channel": general,
        "message_ts": "1.0",
        "links": [{"url": "https://jira.example.com/browse/T5G-1"}],
    }
    await watched(filled)
    filled.server.membership.connect(filled.server.state.channel("general"), "T0OTHER")
    await filled.settle()
    await unfurl(filled.context, {"event": event})
    event = {"type": "message", "user": filled.user, "channel": general, "text": "00000001",
             "ts": "1.0"}  # fmt: skip
    await answer_numbers(filled.context, {"event": event})
    assert filled.refused() == []
    assert await filled.context.outbox.waiting() == 0


async def watched(channel: Channel) -> None:
    """Let the channel have a watch."""
    await channel.said("watch severity:urgent")


async def test_a_number_in_a_watched_channel_gets_a_card_in_its_thread_once(
    filled: Channel,
) -> None:
    await watched(filled)
    sent = await filled.say("the customer of 00000003 called")
    await filled.settle()
    state = filled.server.state
    thread = state.messages(state.channel("general").id, filled.user, sent["ts"])
    assert len(thread) == 2
    assert "00000003" in texts(thread[1].as_json(state.team_id))
    again = await filled.say("yes, 00000003")
    await filled.settle()
    assert len(state.messages(state.channel("general").id, filled.user, again["ts"])) == 1


async def test_a_number_elsewhere_is_left_alone(filled: Channel) -> None:
    sent = await filled.say("the customer of 00000003 called")
    await filled.settle()
    state = filled.server.state
    assert len(state.messages(state.channel("general").id, filled.user, sent["ts"])) == 1


async def test_restricted_channels_are_allowed_by_name_of_their_id(filled: Channel) -> None:
    state = filled.server.state
    secret = state.add_channel("secret", kind=ChannelKind.PRIVATE)
    settings = filled.settings.model_copy(update={"slack_restricted_channels": f"C1, {secret.id}"})
    allowed = msgspec.structs.replace(filled.context, settings=settings)
    sent = await filled.in_("secret").say(SECRET_BUG.url)
    await filled.settle()
    assert unfurled(filled, sent["ts"], "secret") == ""
    event = {"type": "link_shared", "user": filled.user, "channel": secret.id,
             "message_ts": sent["ts"], "links": [{"url": SECRET_BUG.url}]}  # fmt: skip
    await unfurl(allowed, {"event": event})
    assert "00000002" in unfurled(filled, sent["ts"], "secret")


async def test_a_shared_case_names_what_is_restricted_only_where_it_may(filled: Channel) -> None:
    await filled.ask("case 2")
    assert "Bug 77" in texts((await filled.messages())[-1])  # the engineer alone may know
    await filled.press("share")
    (shared,) = await filled.as_("vic").messages()
    assert "Bug 78" in texts(shared)
    assert "2 restricted, not named in this channel" in texts(shared)
    assert "Bug 77" not in str(shared)
    assert "OCPBUGS-9" not in str(shared)


async def test_a_shared_case_that_changes_still_names_nothing(filled: Channel) -> None:
    await followed(filled)
    await filled.ask("case 2")
    await filled.press("share")
    later = NOW + timedelta(seconds=5)
    closed = portal_seen("00000002", status="Waiting on Customer", updated=later, seen=later)
    await filled.store.write([closed], now=later)
    await followed(filled)
    (shared,) = await filled.as_("vic").messages()
    assert "Waiting on Customer" in texts(shared)
    assert "Bug 77" not in str(shared)


@pytest.mark.parametrize("query", ["bug:77", "issue:OCPBUGS-9"])
async def test_a_list_of_a_restricted_bug_is_neither_shared_nor_watched(
    filled: Channel, query: str
) -> None:
    assert "00000002" in await filled.said(f"cases {query}")  # for the asker alone
    assert "restricted bug or issue" in await filled.press("share")
    assert "restricted bug or issue" in await filled.said(f"watch {query}")
    assert await filled.as_("vic").messages() == []
    assert "You are told" in await filled.direct.said(f"watch {query}")


async def test_a_watch_whose_bug_becomes_restricted_falls_silent(filled: Channel) -> None:
    await filled.said("watch bug:78")
    await followed(filled)
    later = NOW + timedelta(seconds=5)
    secret = msgspec.structs.replace(OPEN_BUG, restricted=True)
    changed = portal_seen("00000002", status="Waiting on Customer", updated=later, seen=later)
    await filled.store.write([listing("00000002", Source.BUGS, secret, seen=later), changed],
                             now=later)  # fmt: skip
    await followed(filled)
    assert await filled.as_("vic").messages() == []


async def test_a_digest_names_no_bug_at_all(filled: Channel) -> None:
    answer = str((await filled.ask("digest"))["response"])
    assert "00000002" in answer
    assert "Bug 7" not in answer
    assert "OCPBUGS" not in answer


async def followed(channel: Channel) -> None:
    """Follow the feed to its end, whoever is at it."""
    for _ in range(200):
        if await Follower(channel.context).once():
            break
    await channel.context.outbox.drain()
    await channel.settle()
