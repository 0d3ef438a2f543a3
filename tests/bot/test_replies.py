"""Answers go to Slack and to nobody else, whatever a payload says."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.replies import ReplyTo
from tests.bot.conftest import Channel


async def test_an_address_of_another_host_gets_no_answer(channel: Channel) -> None:
    heard = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hear)
    async with TestServer(app) as server:
        reply = ReplyTo(user=channel.user, url=str(server.make_url("/")))
        replies = channel.context.replies
        assert not await replies.delete(reply)
        assert await replies.send(reply, {"text": "only for you"}), "by a message instead"
    assert heard == []


@pytest.mark.parametrize(
    ("url", "is_slacks"),
    [
        ("https://hooks.slack.com/commands/T1/1/x", True),
        ("https://hooks.slack-gov.com/actions/T1/1/x", True),
        ("http://hooks.slack.com/commands/T1/1/x", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://hooks.slack.com:444/x", False),
        ("https://evil.example/hooks.slack.com", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
        ("http://[::1", False),
        ("", False),
    ],
)
async def test_what_counts_as_slacks_address(channel: Channel, url: str, is_slacks: bool) -> None:
    assert channel.context.replies._is_slacks(url) is is_slacks
