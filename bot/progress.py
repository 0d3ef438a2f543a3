"""Shows how far a sync is, in the message that asked for it, until it is over.

A response URL takes five posts: four tell of progress, at growing distances, and the last one of
the end. A message that can be changed directly is changed more often.
"""

import asyncio
import time

import msgspec
from redis.exceptions import RedisError

from bot.answers import Progress
from bot.context import Context
from bot.replies import ReplyTo
from bot.views.blocks import render
from t5g.errors import StoreError
from t5g.syncs import SyncState

LOOK_EVERY = 0.3
#: Seconds after the question at which progress is told.
STEPS = (1.5, 6.0, 20.0)
EVERY = 3.0
LONGEST = 1_500.0


async def follow(context: Context, progress: Progress, reply: ReplyTo) -> None:
    """Tell of progress until the sync is over, or half an hour has almost gone by."""
    begun = time.monotonic()
    steps = list(STEPS) if reply.url else [EVERY * n for n in range(1, int(LONGEST / EVERY))]
    told: Progress | None = None
    while time.monotonic() - begun < LONGEST:
        await asyncio.sleep(LOOK_EVERY)
        try:
            progress = await _look(context, progress)
        except (StoreError, RedisError, OSError):
            continue
        if progress.over:
            break
        if steps and time.monotonic() - begun >= steps[0]:
            steps.pop(0)
            if told is None or told.records != progress.records:
                told = progress
                await context.replies.send(reply, render(progress, context.settings), replace=True)
    await context.replies.send(reply, render(progress, context.settings), replace=True)


async def _look(context: Context, progress: Progress) -> Progress:
    await context.board.refresh()
    records = tuple(context.board.syncs[record.name] for record in progress.records)
    over = all(
        record.state not in (SyncState.RUNNING, SyncState.NEVER) and record.served >= wish
        for record, wish in zip(records, progress.wishes, strict=True)
    )
    return msgspec.structs.replace(progress, records=records, now=context.clock(), over=over)
