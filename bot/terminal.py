"""`t5g ask` and `t5g digest`: the bot's answers at a terminal, and the digest on demand."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console

from bot.answers import DigestAnswer, Freshness, Note, data_of
from bot.app import create_context
from bot.asking import answer
from bot.commands.digest import current_digest
from bot.digests import post_digest
from bot.router import Asker, Context
from bot.views.terminal import show
from t5g.board import Board
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.errors import SettingsError
from t5g.settings import Settings

TERMINAL = Asker(id="terminal", name="terminal")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Context]:
    """Open what commands work with, for a short while."""
    redis, queue = open_redis(settings.redis_url), open_queue_redis(settings.redis_url)
    try:
        board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
        yield create_context(settings, board, redis, queue, time.time)
    finally:
        queue.close()
        await redis.aclose()


async def ask_once(settings: Settings, text: str, *, as_json: bool, console: Console) -> bool:
    """Answer one question at the terminal; say whether it failed."""
    async with opened(settings) as context:
        await context.board.refresh()  # a large board may take longer than Slack would wait
        found = await answer(text, TERMINAL, context)
    if as_json:
        console.print_json(json.dumps(data_of(found)))
    else:
        show(found, console)
    return isinstance(found, Note) and found.failed


async def digest_once(settings: Settings, channel: str, *, dry_run: bool, console: Console) -> None:
    """Print the digest, or post it now. Raises SettingsError without a channel."""
    channel = channel or settings.slack_digest_channel
    async with opened(settings) as context:
        await context.board.refresh()
        if dry_run:
            made = await current_digest(context)
            freshness = Freshness.of(context.board.syncs, context.clock())
            show(DigestAnswer(digest=made, freshness=freshness), console)
            return
        if not channel:
            raise SettingsError(["T5G_SLACK_DIGEST_CHANNEL is missing: where to post the digest"])
        await post_digest(context, channel)
    console.print(f"Posted to {channel}.")
