"""`t5g bot`: speaks to Slack by Socket Mode, for installations without a public address."""

import asyncio
import signal
import time

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler

from bot.app import create_bolt_app, create_context
from t5g.board import Board
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.heartbeat import BEAT_EVERY, beat, leave, process_name
from t5g.keys import Keys
from t5g.settings import Settings

KIND = "bot"


def run_socket(settings: Settings) -> None:
    """Stay connected until told to stop."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    redis, queue = open_redis(settings.redis_url), open_queue_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    context = create_context(settings, board, redis, queue, time.time)
    bolt = create_bolt_app(settings, context)
    handler = AsyncSocketModeHandler(bolt, settings.slack_app_token.get_secret_value())
    handler.client.web_client.base_url = str(settings.slack_api_url)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    name, keys = process_name(), Keys(settings.redis_prefix)
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call]
        while not stop.is_set():
            await asyncio.to_thread(beat, queue, keys, KIND, name)
            try:
                await asyncio.wait_for(stop.wait(), BEAT_EVERY)
            except TimeoutError:
                continue
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
        await asyncio.to_thread(leave, queue, keys, KIND, name)
        queue.close()
        await redis.aclose()
