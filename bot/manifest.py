"""The Slack app manifest of an installation, made from the registered commands."""

from typing import Any
from urllib.parse import urlsplit

import bot.commands  # noqa: F401 (registers all commands)
from bot.app import COMMAND
from bot.http import PATH
from bot.router import router
from t5g.settings import Settings

SCOPES = {
    "commands": "the slash command",
    "chat:write": "answers, digests and alerts",
    "chat:write.public": "post to a public channel without being a member",
    "users:read": "the name of the person who asks, so that `mine` works",
    "users:read.email": "the e-mail of that person, to find their cards",
}
ABOUT = (
    "Ask for the team's customer cases, see what needs attention, and follow them without leaving "
    "the channel. Every answer says how fresh its data is. The daily digest tells what changed, "
    "what is escalated and what is about to breach its SLA."
)


def manifest(settings: Settings) -> dict[str, Any]:
    """Return the manifest; with an app-level token set it asks for Socket Mode."""
    socket = bool(settings.slack_app_token.get_secret_value())
    url = settings.base_url + PATH
    command: dict[str, Any] = {
        "command": COMMAND,
        "description": "Customer cases of the field support team",
        "usage_hint": " | ".join(list(router.commands)[:6]),
        "should_escape": False,
    }
    interactivity: dict[str, Any] = {"is_enabled": True}
    if not socket:
        command["url"] = url
        interactivity["request_url"] = url
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": "T5G field support",
            "description": f"Customer cases at {urlsplit(settings.base_url).hostname}"[:140],
            "long_description": ABOUT,
            "background_color": "#1f2937",
        },
        "features": {
            "bot_user": {"display_name": "t5g", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }
