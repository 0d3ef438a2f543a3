"""Posts the digest: once a day and channel, made up for when the bot was down at the hour."""

from datetime import datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler

from bot.answers import Freshness
from bot.app import create_client
from bot.commands.digest import current_digest
from bot.router import Context
from bot.views.blocks import digest_message
from t5g.errors import UpstreamError

#: A digest that was missed is made up for within this time.
LATE = timedelta(hours=3)
KEPT = 14 * 24 * 3600
CLAIM_LASTS = 600
POSTED = b"posted"


def due_day(now: datetime, at: time_of_day, zone: ZoneInfo) -> str | None:
    """Return the day (`2026-11-24`) whose digest is due at `now`, or None."""
    local = now.astimezone(zone)
    hour = datetime.combine(local.date(), at, zone)
    return local.date().isoformat() if hour <= local < hour + LATE else None


async def post_due_digest(context: Context) -> bool:
    """Post the digest of the day if it is due and nobody did; say whether it was posted now."""
    settings = context.settings
    channel = settings.slack_digest_channel
    now = datetime.fromtimestamp(context.clock(), settings.zone)
    day = due_day(now, settings.digest_at, settings.zone)
    if not channel or day is None:
        return False
    key = context.keys.named("digest", channel, day)
    redis = context.redis
    if not await redis.set(key, b"claimed", nx=True, ex=CLAIM_LASTS):
        return False
    try:
        await context.board.refresh()
        await post_digest(context, channel)
    except BaseException:
        await redis.delete(key)
        raise
    await redis.set(key, POSTED, ex=KEPT)
    return True


async def post_digest(context: Context, channel: str) -> None:
    """Post the digest as it is now. Raises UpstreamError with Slack's reason."""
    made = await current_digest(context)
    freshness = Freshness.of(context.board.syncs, context.clock())
    message = digest_message(made, freshness, context.settings)
    client = create_client(context.settings)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=3))
    try:
        await client.chat_postMessage(channel=channel, **message, unfurl_links=False)
    except SlackApiError as error:
        why = str(error.response.get("error", "unknown_error"))
        raise UpstreamError("slack", f"the digest was not posted to {channel}: {why}") from None
