"""The bodies of Slack's requests to the app: commands, interactions and events.

Pure builders; field by field as docs.slack.dev shows them and as recorded requests have them.
"""

from typing import Any, Final

from sandbox.slack.model import Channel, Json, Message, User, View
from sandbox.slack.state import SlackState

#: The deprecated verification token; apps check the signature instead.
TOKEN: Final = "sandbox-verification-token-not-secret"


def slash_command(
    state: SlackState, user: User, channel: Channel, *, command: str, text: str
) -> dict[str, str]:
    """The form of a slash command, without its response_url and trigger_id."""
    return {
        "token": TOKEN,
        "team_id": state.team_id,
        "team_domain": state.team_domain,
        "channel_id": channel.id,
        "channel_name": channel.command_name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": state.ids["app"],
        "is_enterprise_install": "false",
    }


def interaction(state: SlackState, kind: str, user: User, /, **more: Any) -> Json:
    """What every interaction payload begins with, and `more` of its own."""
    return {
        "type": kind,
        "team": {"id": state.team_id, "domain": state.team_domain},
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": state.team_id,
        },
        "api_app_id": state.ids["app"],
        "token": TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    } | more


def message_place(state: SlackState, channel: Channel, message: Message) -> Json:
    """Where a clicked message stands. An ephemeral one is not sent along: it exists nowhere."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral,
    }
    if message.is_reply:
        container["thread_ts"] = message.thread_ts
    place: Json = {"container": container, "channel": {"id": channel.id, "name": shown(channel)}}
    if not message.ephemeral:
        place["message"] = message.as_json(state.team_id)
    return place


def view_place(state: SlackState, view: View) -> Json:
    """The view in which something was clicked."""
    return {
        "container": {"type": "view", "view_id": view.id},
        "view": view.as_json(state.ids),
    }


def shown(channel: Channel) -> str:
    """The channel's name in interactions."""
    return channel.command_name


def event_callback(state: SlackState, event: Json) -> Json:
    """The envelope of an event, with an event_id of its own."""
    return {
        "token": TOKEN,
        "team_id": state.team_id,
        "api_app_id": state.ids["app"],
        "event": event,
        "type": "event_callback",
        "event_id": state.new_id("Ev"),
        "event_time": int(state.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": state.team_id,
                "user_id": state.bot_user.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{state.new_id('')}",
    }


def message_event(state: SlackState, channel: Channel, message: Message) -> Json:
    """A `message` event."""
    return message.as_json(state.team_id) | {
        "channel": channel.id,
        "channel_type": channel.event_type,
        "event_ts": message.ts,
    }
