"""`t5g ask` and `t5g digest`: the bot's answers at a terminal, and the digest on demand."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console

from bot.answers import Export, Note
from bot.asker import Asker, Origin
from bot.asking import answer
from bot.context import Context, create_context
from bot.digests import answer_of, post
from bot.plans import Report
from bot.views.data import data_of
from bot.views.terminal import show
from t5g.board import Board
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.errors import RefusedError, SettingsError
from t5g.settings import Settings
from t5g.team import Role

#: Seconds that a command waits for Slack to say who is in a channel.
PATIENCE = 30.0
#: Whoever may start a process with these settings may do all.
TERMINAL = Asker(id="terminal", name="terminal", role=Role.ADMIN, origin=Origin.TERMINAL)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Context]:
    """Open what commands work with, for a short while."""
    redis, queue = open_redis(settings.redis_url), open_queue_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    context = create_context(settings, board, redis, queue, time.time)
    try:
        yield context
    finally:
        await context.close()
        queue.close()
        await redis.aclose()


async def ask_once(settings: Settings, text: str, *, as_json: bool, console: Console) -> bool:
    """Answer one question at the terminal; say whether it failed."""
    async with opened(settings) as context:
        found = await answer(text, TERMINAL, context)
    if as_json:
        console.print_json(json.dumps(data_of(found)))
    elif isinstance(found, Export):
        console.out(found.content, end="", highlight=False)
    else:
        show(found, console)
    return isinstance(found, Note) and found.failed


async def digest_once(settings: Settings, channel: str, *, dry_run: bool, console: Console) -> None:
    """Print the digest, or post it now. Raises SettingsError without a channel, RefusedError."""
    channel = channel or settings.slack_digest_channel
    async with opened(settings) as context:
        await context.board.refresh()
        if dry_run:
            show(await answer_of(context, Report.DAILY, channel=channel), console)
            return
        if not channel:
            raise SettingsError(["T5G_SLACK_DIGEST_CHANNEL is missing: where to post the digest"])
        if why := await context.audience.refusal(channel, patience=PATIENCE):
            raise RefusedError(f"{channel} is shown no cases: {why}.")
        await post(context, channel)
        await context.outbox.drain(channel)
    console.print(f"Posted to {channel}.")
