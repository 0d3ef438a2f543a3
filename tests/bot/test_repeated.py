"""What Slack sends a second time is answered as before, and nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.bot.conftest import Channel, texts
from tests.bot.connecting import socket_mode
from tests.bot.worlds import NOW, world


@pytest.fixture
def options() -> dict[str, Any]:
    """An installation that may change JIRA."""
    return {"read_only": False}


@pytest.fixture(params=["http", "socket"])
async def either(request: pytest.FixtureRequest, channel: Channel) -> AsyncIterator[Channel]:
    """The channel with cases, reached over HTTP and by Socket Mode."""
    await channel.store.write(world(20), now=NOW)
    if request.param == "http":
        yield channel
        return
    async with socket_mode(channel) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "job"),
    [
        ("claim 2", "assign"),
        ("assign 2 @ada", "assign"),
        ("comment 2 All is well", "comment"),
        ("escalate 2 they wait", "escalate"),
        ("link 2", "link"),
        ("refresh 00000002", "refresh_case"),
    ],
)
async def test_a_command_that_comes_again_asks_for_its_work_once(
    either: Channel, text: str, job: str
) -> None:
    first = await either.ask(text)
    assert first["error"] is None
    again = await either.again()
    assert texts(again["response"]) == texts(first["response"])
    assert [name for name, _ in either.jobs()] == [f"workers.actions.{job}"]
    if not text.startswith("refresh"):  # which changes nothing
        assert await either.audited(text.partition(" ")[0]) == ["asked"]


async def test_the_same_words_typed_twice_are_two_requests(either: Channel) -> None:
    await either.ask("comment 2 again")
    await either.ask("comment 2 again")
    assert len(either.jobs()) == 2
    assert len({args[-2] for _, args in either.jobs()}) == 2  # the ids under which each is done


async def test_a_digest_that_is_asked_for_again_by_slack_is_posted_once(either: Channel) -> None:
    await either.ask("digest now")
    await either.again()
    await eventually(either, "Field support digest", 1)
    await either.ask("digest now")
    await eventually(either, "Nothing changed", 1)  # since the one before, which Slack has


async def test_a_file_is_sent_once(either: Channel) -> None:
    await either.ask("export")
    await either.again()
    await until(lambda: bool(either.server.files.files))
    await either.settle()
    assert len(either.server.files.files) == 1


async def test_a_click_that_comes_again_shares_once(either: Channel) -> None:
    await either.ask("case 2")
    await either.click("share")
    await either.again()
    await eventually(either, "shared by", 1)


async def test_a_click_that_comes_again_claims_once(either: Channel) -> None:
    await either.ask("case 2")
    await either.click("ask:claim")
    await either.again()
    await until(lambda: bool(either.jobs()))
    await either.settle()
    assert len(either.jobs()) == 1


async def test_a_watch_that_is_set_again_is_one_watch(either: Channel) -> None:
    await either.ask("watch severity:urgent")
    await either.again()
    assert len(await either.context.watches.all()) == 1


async def test_a_submission_that_comes_again_comments_once(either: Channel) -> None:
    await either.ask("case 2")
    await either.click("comment")
    await until(lambda: bool(either.server.views.stack(either.user)))
    await either.submit(text="All is well")
    again = await either.again()
    assert again["error"] is None
    await until(lambda: bool(either.jobs()))
    await either.settle()
    assert len(either.jobs()) == 1


async def test_a_question_in_a_direct_message_is_answered_once(either: Channel) -> None:
    direct = either.direct
    await direct.say("mine")
    await eventually(direct, "00000001", 1)
    await direct.again()
    await direct.settle()
    await eventually(direct, "00000001", 1)
    ways = [(d.retry, d.outcome.error) for d in either.server.dispatcher.deliveries]
    assert ways[-1] == (1, None)


async def until(found: Any) -> None:
    """Wait until something is so."""
    for _ in range(500):
        if found():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to be within five seconds")


async def eventually(channel: Channel, words: str, count: int) -> None:
    """Wait until so many messages with these words are there, and see that no more come."""
    everybody = channel if channel.name.startswith("D") else channel.as_("vic")

    async def seen() -> int:
        found = [texts(m) for m in await everybody.messages() if m["user"] != channel.user]
        return sum(words in text for text in found)

    for _ in range(500):
        if await seen() >= count:
            break
        await asyncio.sleep(0.01)
    await channel.settle()
    assert await seen() == count
