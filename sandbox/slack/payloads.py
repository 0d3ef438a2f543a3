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
        **_grid(user),
        "team_id": user.team_id,
        "team_domain": domain_of(state, user.team_id),
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
        "team": {"id": user.team_id, "domain": domain_of(state, user.team_id)},
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": user.team_id,
        },
        "api_app_id": state.ids["app"],
        "token": TOKEN,
        "enterprise": {"id": user.enterprise_id, "name": "Org"} if user.enterprise_id else None,
        "is_enterprise_install": False,
    } | more


def domain_of(state: SlackState, team: str) -> str:
    """The name of a workspace: ours, or another company's whose people share a channel."""
    return state.team_domain if team == state.team_id else f"company-{team.lower()}"


def _grid(user: User) -> dict[str, str]:
    if not user.enterprise_id:
        return {}
    return {"enterprise_id": user.enterprise_id, "enterprise_name": "Org"}


def _is_ext_shared(state: SlackState, event: Json) -> bool:
    known = state.channels.get(event["channel"]) if isinstance(event.get("channel"), str) else None
    return known is not None and known.ext_shared


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
                "enterprise_id": state.enterprise_id or None,
                "team_id": state.team_id,
                "user_id": state.bot_user.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": _is_ext_shared(state, event),
        "event_context": f"4-{state.new_id('')}",
    }


def message_event(state: SlackState, channel: Channel, message: Message) -> Json:
    """A `message` event."""
    author = state.users.get(message.user)
    team = author.team_id if author else state.team_id
    return message.as_json(team) | {
        "channel": channel.id,
        "channel_type": channel.event_type,
        "event_ts": message.ts,
    }
