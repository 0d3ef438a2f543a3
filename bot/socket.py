"""`t5g bot`: speaks to Slack by Socket Mode, for installations without a public address."""

import asyncio
import signal
import time
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.app import create_bolt_app, create_context
from bot.context import Context
from bot.follower import Follower
from t5g.board import Board
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.heartbeat import BEAT_EVERY, beat, leave, process_name
from t5g.logs import logger
from t5g.metrics_port import serving
from t5g.scraping import Scrape, add_once, measure_lag
from t5g.settings import Settings

log = logger(__name__)
KIND = "bot"
#: Seconds that what was received may take to be answered when the process is told to stop.
GRACE = 10.0
#: Seconds between two looks at whether all of it is answered.
LOOK_EVERY = 0.05
#: Seconds between attempts to connect at the start.
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


class Handler(AsyncSocketModeHandler):
    """Bolt's handler, which knows what it received and has not answered yet.

    Slack takes what is not acknowledged for lost, and a person sees that their command failed.
    """

    def __init__(self, app: AsyncApp, token: str) -> None:
        super().__init__(app, token)
        self._under_way = 0

    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        """Answer one request."""
        self._under_way += 1
        try:
            await super().handle(client, req)
        finally:
            self._under_way -= 1

    async def finish(self) -> None:
        """Answer what was received, also what waits in the client's queue, and close."""
        until, idle = time.monotonic() + GRACE, 0
        while idle < 2 and time.monotonic() < until:
            await asyncio.sleep(LOOK_EVERY)
            idle = idle + 1 if not self._under_way and self.client.message_queue.empty() else 0
        await self.close_async()  # type: ignore[no-untyped-call]


def run_socket(settings: Settings) -> None:
    """Stay connected until told to stop."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    redis, queue = open_redis(settings.redis_url), open_queue_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    context = create_context(settings, board, redis, queue, time.time)
    try:
        async with serving(settings, Scrape(settings, redis, KIND, board)):
            await serve(settings, context, stop)
    finally:
        await context.close()
        queue.close()
        await redis.aclose()


async def serve(settings: Settings, context: Context, stop: asyncio.Event) -> None:
    """Connect, answer and follow until `stop` is set; then finish what was begun."""
    bolt = create_bolt_app(settings, context)
    handler = Handler(bolt, settings.slack_app_token.get_secret_value())
    handler.client.proxy = context.client.proxy
    context.tasks.loop(Follower(context).run(), "follower")
    context.tasks.loop(measure_lag(KIND), "loop lag")
    name = process_name()
    try:
        await _connect(handler, stop)
        while not stop.is_set():
            await asyncio.to_thread(beat, context.queue, context.keys, KIND, name)
            await add_once(context.redis, context.keys)
            try:
                await asyncio.wait_for(stop.wait(), BEAT_EVERY)
            except TimeoutError:
                continue
    finally:
        await handler.finish()
        await asyncio.to_thread(leave, context.queue, context.keys, KIND, name)
        await add_once(context.redis, context.keys)


async def _connect(handler: Handler, stop: asyncio.Event) -> None:
    """Connect; Slack being away at the start is no reason to die."""
    for attempt in range(10_000):
        if stop.is_set():
            return
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]
        except Exception as error:
            log.warning("socket_not_connected", why=type(error).__name__)
            pause = PAUSES[min(attempt, len(PAUSES) - 1)]
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue
        else:
            return
