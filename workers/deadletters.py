"""Tries JIRA's dead letters again: those whose time has come, and all before a sync of JIRA.

What the letters mean is decided by the intake, as for events that come by HTTP.
"""

from datetime import UTC, datetime

from redis.asyncio import Redis

from t5g.connection import open_redis
from t5g.jira_intake import Drained, open_intake
from t5g.settings import Settings
from t5g.syncs import Sync

JOB = "workers.jobs.deadletters"
JOB_ID = "deadletters"
TIMEOUT = 600
#: A sync of these repairs what a letter tells; the letters come first, so that they stay in order
#: and are not counted as changes that no event had told.
FIRST_BEFORE = frozenset({Sync.CARDS, Sync.ISSUES, Sync.ESCALATIONS})


async def are_due(settings: Settings, redis: Redis) -> bool:
    """Say whether `drain_due` has something to do."""
    return await open_intake(settings, redis).is_due(now=datetime.now(UTC))


async def drain_due(settings: Settings) -> Drained:
    """Try the letters whose time has come, and drop those past their age."""
    redis = open_redis(settings.redis_url)
    try:
        return await open_intake(settings, redis).drain_due(now=datetime.now(UTC))
    finally:
        await redis.aclose()


async def drain_before(name: Sync, settings: Settings, redis: Redis, now: datetime) -> Drained:
    """Try every letter before a sync that concerns JIRA; other syncs have nothing to do with it."""
    if name not in FIRST_BEFORE:
        return Drained()
    return await open_intake(settings, redis).drain_all(now=now)
