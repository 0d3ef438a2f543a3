"""A bot that is connected to the sandbox's Slack by Socket Mode, for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.context import create_context
from bot.socket import serve
from sandbox.slack.app import APP_TOKEN
from t5g.board import Board
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.derived import Rules
from tests.bot.conftest import Channel


@asynccontextmanager
async def socket_mode(channel: Channel) -> AsyncIterator[Channel]:
    """The channel with the bot connected; there is no address to send anything to."""
    settings = channel.settings.model_copy(
        update={"slack_app_token": type(channel.settings.slack_app_token)(APP_TOKEN)}
    )
    channel.server.dispatcher.request_url = ""
    redis, queue = open_redis(settings.redis_url), open_queue_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    context = create_context(settings, board, redis, queue, channel.context.clock)
    context.outbox.pace(0.001)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, context, stop))
    await until_connected(channel)
    try:
        yield replace(channel, context=context)
    finally:
        stop.set()
        await asyncio.wait_for(serving, 10)
        await context.close()
        queue.close()
        await redis.aclose()


async def until_connected(channel: Channel) -> None:
    """Wait for the bot's connection."""
    for _ in range(500):
        if channel.server.hub.connected:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the bot did not connect within five seconds")
