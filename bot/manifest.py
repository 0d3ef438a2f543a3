"""The Slack app manifest of an installation, made from what is registered: commands, shortcuts,
events, domains of previews, and the scopes with the reason for each.
"""

from typing import Any
from urllib.parse import urlsplit

import bot.commands  # noqa: F401 (registers all commands)
from bot import shortcuts
from bot.commands.help import place
from bot.http import PATH
from bot.router import router
from t5g.settings import Settings

#: Each scope and why it is asked for; `docs/slack.md` has the same table.
SCOPES = {
    "commands": "the slash command and the shortcuts",
    "chat:write": "answers, digests, alerts; changing shared messages; the home tab",
    "chat:write.public": "post to a public channel without being a member",
    "app_mentions:read": "hear `@t5g …` in channels",
    "im:history": "hear direct messages to the bot, and see whether one was posted",
    "im:write": "open the direct conversation in which results and own digests arrive",
    "im:read": "know whether a direct conversation is with the bot",
    "channels:read": "know who is in a public channel before cases are shown there",
    "groups:read": "the same for private channels",
    "channels:history": "case numbers in watched channels; see whether a message was posted",
    "groups:history": "the same for private channels",
    "links:read": "hear of links to cases, cards and bugs",
    "links:write": "show a short card for them",
    "files:write": "the exported file and the weekly report's picture",
    "users:read": "who the person who asks is: of this workspace, no guest; name and time zone",
    "users:read.email": "the e-mail of that person, to find their cards",
    "usergroups:read": "roles by user group",
}
EVENTS = {
    "app_home_opened": "fill the home tab",
    "app_mention": "answer `@t5g …`",
    "channel_shared": "show nothing where people of another company come to be",
    "channel_unshared": "show it again when they went",
    "link_shared": "previews of links",
    "member_joined_channel": "look again who is in a channel",
    "message.channels": "case numbers in watched public channels",
    "message.groups": "case numbers in watched private channels",
    "message.im": "answer direct messages",
    "subteam_members_changed": "a role that a user group gives ends at once",
    "subteam_updated": "the same for the group itself",
    "team_join": "look again who somebody is",
    "user_change": "a role ends at once when an account is deactivated or becomes a guest",
}
SHORTCUTS = (
    ("global", shortcuts.SEARCH, "Search cases…", "Find the team's customer cases"),
    ("message", shortcuts.FIND, "Find case in message", "Show the cases a message names"),
    ("message", shortcuts.COMMENT, "Comment on case…", "Put a message's words on a card"),
)
ABOUT = (
    "Ask for the team's customer cases, see what needs attention, and follow them without leaving "
    "the channel. Every answer says how fresh its data is. The daily digest tells what changed, "
    "what is escalated and what is about to breach its SLA."
)
LONGEST_HINT = 100
MOST_DOMAINS = 5


def manifest(settings: Settings) -> dict[str, Any]:
    """Return the manifest; with an app-level token set it asks for Socket Mode."""
    socket = bool(settings.slack_app_token.get_secret_value())
    url = settings.base_url + PATH
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": "T5G field support",
            "description": f"Customer cases at {urlsplit(settings.base_url).hostname}"[:140],
            "long_description": ABOUT,
            "background_color": "#1f2937",
        },
        "features": _features("" if socket else url, settings),
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": _settings("" if socket else url, socket=socket),
    }


def _features(url: str, settings: Settings) -> dict[str, Any]:
    command: dict[str, Any] = {
        "command": settings.slack_command,
        "description": "Customer cases of the field support team",
        "usage_hint": _hint(),
        "should_escape": True,
    }
    if url:
        command["url"] = url
    return {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": "t5g", "always_online": True},
        "shortcuts": [
            {"type": kind, "callback_id": name, "name": title, "description": about}
            for kind, name, title, about in SHORTCUTS
        ],
        "slash_commands": [command],
        "unfurl_domains": domains(settings),
    }


def _settings(url: str, *, socket: bool) -> dict[str, Any]:
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if url:
        events["request_url"] = url
        interactivity["request_url"] = url
    return {
        "event_subscriptions": events,
        "interactivity": interactivity,
        "org_deploy_enabled": False,
        "socket_mode_enabled": socket,
        "token_rotation_enabled": False,
    }


def _hint() -> str:
    """As many names of commands as fit."""
    hint = ""
    for command in sorted(router.commands.values(), key=place):
        longer = f"{hint} | {command.name}" if hint else command.name
        if len(longer) > LONGEST_HINT:
            break
        hint = longer
    return hint


def domains(settings: Settings) -> list[str]:
    """The domains whose links get a preview: Portal, JIRA, Bugzilla and our own page."""
    urls = (
        settings.case_url,
        str(settings.jira_url),
        str(settings.bugzilla_url),
        settings.public_url,
    )
    found = [(urlsplit(url).hostname or "").casefold() for url in urls]
    return [host for host in dict.fromkeys(found) if "." in host][:MOST_DOMAINS]
