"""What `t5g check` looks at in Slack."""

from collections.abc import Awaitable
from functools import partial
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError, SlackClientError

from bot.audience import shared_with
from bot.context import create_client
from bot.people import Tenant
from bot.refusals import refusal
from t5g.checks import Check
from t5g.errors import UpstreamError
from t5g.settings import Settings

T = TypeVar("T")

#: The settings that name one channel, with what is posted there.
CHANNELS = {
    "slack_digest_channel": "the digest",
    "slack_high_channel": "urgent and high cases",
    "slack_low_channel": "normal and low cases",
    "slack_ops_channel": "alerts for operators",
}
INVITE = "Invite the bot into it: /invite @t5g there."


def slack_checks(settings: Settings) -> list[Check]:
    """The bot token works and names its workspace; each channel of the settings can be used."""
    hint = "Look at T5G_SLACK_BOT_TOKEN (the app may have to be installed again) and at the proxy."
    found: list[Check] = [("slack", partial(_look_at_token, settings), hint)]
    for name, what in CHANNELS.items():
        if channel := getattr(settings, name):
            variable = f"T5G_{name.upper()}"
            look = partial(_look_at_channel, settings, channel, what)
            found.append((f"slack {what}", look, f"Look at {variable}. {INVITE}"))
    return found


async def _look_at_token(settings: Settings) -> str:
    found = await _told(create_client(settings).auth_test())
    return f"{found.get('user')} in {found.get('team')}"


async def _look_at_channel(settings: Settings, channel: str, what: str) -> str:
    """Find out whether the bot can post and read in a channel, and who else reads there."""
    client = create_client(settings)
    us = await _told(client.auth_test())
    tenant = Tenant(
        team=str(us.get("team_id") or ""), enterprise=str(us.get("enterprise_id") or "")
    )
    facts: dict[str, Any] = (await _told(client.conversations_info(channel=channel)))["channel"]
    name = f"#{facts.get('name')}"
    if facts.get("is_archived"):
        raise UpstreamError("slack", f"{name} is archived")
    if not facts.get("is_member"):
        raise UpstreamError("slack", f"the bot is not in {name}: it can not read there, and a post "
                            "whose answer was lost may come twice")  # fmt: skip
    if channel not in settings.slack_external_channels.split() and (
        why := shared_with(facts, tenant)
    ):
        raise UpstreamError("slack", f"{name}: {why}, so no case is shown there")
    await _told(client.conversations_history(channel=channel, limit=1))
    return f"{what}: {name}; the bot is in it, and can post and read"


async def _told(call: Awaitable[T]) -> T:
    """Return Slack's answer. Raises UpstreamError with its word for what went wrong."""
    try:
        return await call
    except SlackApiError as error:
        raise UpstreamError("slack", refusal(error).why) from None
    except SlackClientError as error:
        raise UpstreamError("slack", type(error).__name__) from None
