"""The attacks by way of Slack, sent to `t5g web` as a process: nothing is patched there."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.faults import Kind
from t5g.supervisor import free_port
from tests.bot.conftest import Channel, texts
from tests.bot.test_audience import NOT_OURS
from tests.bot.test_people import OTHERS, SAID, stranger
from tests.bot.worlds import NOW, world
from tests.hostile.process import Web


@pytest.fixture
async def attacked(channel: Channel) -> AsyncIterator[Channel]:
    """The channel; what Slack sends goes to a process that was started, and not to this one."""
    await channel.store.write(world(3), now=NOW)
    settings = channel.settings
    web = await asyncio.to_thread(
        Web, settings.redis_url, free_port(0),
        slack_api_url=str(settings.slack_api_url),
        slack_bot_token=settings.slack_bot_token.get_secret_value(),
        slack_signing_secret=settings.slack_signing_secret.get_secret_value(),
        team_file=str(settings.team_file), jira_url=str(settings.jira_url), read_only="false",
    )  # fmt: skip
    channel.server.dispatcher.request_url = f"{web.base}/slack/events"
    try:
        assert "3 cases" in await channel.said("cases"), "the process answers members"
        yield channel
    finally:
        said = web.said()
        await asyncio.to_thread(web.stop)
    assert '"level":"error"' not in said, said[-2_000:]


async def test_nobody_who_is_no_member_gets_anything(attacked: Channel) -> None:
    for what in OTHERS:
        eve = stranger(attacked, what)
        for text in ("cases", "claim 2", "export"):
            said = await eve.said(text)
            assert SAID[what] in said, (what, text, said)
            assert "0000000" not in said
        state = attacked.server.state
        del state.users[state.user("eve").id]
    assert attacked.jobs() == []


async def test_a_role_that_was_taken_away_ends_with_the_event(attacked: Channel) -> None:
    ann = attacked.server.state.user("ann")
    attacked.server.membership.change(ann, is_restricted=True)
    await attacked.settle()
    async with asyncio.timeout(10):
        while "not to guests" not in await attacked.said("cases"):
            await asyncio.sleep(0.05)


async def test_who_can_not_be_looked_up_is_not_let_in(attacked: Channel) -> None:
    vic = attacked.as_("vic")
    for method in ("users.info", "auth.test"):
        attacked.faults.add(
            Kind.THROTTLE, path=f"/api/{method}", body='{"ok":false,"error":"ratelimited"}'
        )
    said = await vic.said("cases")
    assert "Try again in a moment" in said
    assert "0000000" not in said


async def shared(channel: Channel) -> int:
    """Press "share" beneath a case; return in how many messages everybody sees its card then."""
    await channel.ask("case 2")
    await channel.click("share")
    async with asyncio.timeout(10):
        while not await seen(channel):
            await asyncio.sleep(0.05)
    return await seen(channel)


async def seen(channel: Channel) -> int:
    return sum("T5G-2" in texts(m) for m in await channel.as_("vic").messages())


@pytest.mark.parametrize("what", NOT_OURS)
async def test_a_channel_that_is_not_ours_alone_is_shown_nothing(
    attacked: Channel, what: str
) -> None:
    assert await shared(attacked) == 1
    NOT_OURS[what][0](attacked)
    await attacked.settle()
    await attacked.ask("case 2")
    await attacked.click("share")
    async with asyncio.timeout(10):
        while NOT_OURS[what][1] not in texts((await attacked.messages())[-1]):
            await attacked.settle()
            await asyncio.sleep(0.05)
    assert await seen(attacked) == 1
