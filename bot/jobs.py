"""The bot's jobs, as RQ calls them: plain functions, safe to run twice."""

import asyncio

from bot.digests import post_due_digest
from bot.terminal import opened
from t5g.settings import load_settings


def digest_tick() -> bool:
    """Post the digest of the day if it is due; say whether it was posted now."""

    async def tick() -> bool:
        async with opened(load_settings()) as context:
            return await post_due_digest(context)

    return asyncio.run(tick())
