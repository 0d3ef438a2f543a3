"""Reads Slack's interaction bodies into typed values, trusting no shape. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from bot.replies import ReplyTo


class Click(Struct, frozen=True, kw_only=True):
    """Somebody clicked something. `choice`: what they chose in a menu.

    `view`: the kind of view it stands in (`modal`, `home`) or "" in a message. `ephemeral`: only
    this person sees the message.
    """

    user: str
    name: str = ""
    channel: str = ""
    action: str = ""
    value: Mapping[str, Any] = {}
    choice: str = ""
    block: Mapping[str, Any] = {}
    trigger: str = ""
    url: str = ""
    view: str = ""
    view_id: str = ""
    ephemeral: bool = False
    message_ts: str = ""
    thread: str = ""

    @property
    def verb(self) -> str:
        """The part of the action's name before a colon: who answers."""
        return self.action.partition(":")[0]

    @property
    def rest(self) -> str:
        """The part of the action's name after the colon."""
        return self.action.partition(":")[2]

    @property
    def back(self) -> ReplyTo:
        """The way back to the person."""
        return ReplyTo(
            user=self.user,
            channel=self.channel,
            url=self.url,
            thread=self.thread,
            request=request_name("click", self.trigger),
        )

    def text(self, key: str) -> str:
        """A text of the button's value."""
        found = self.value.get(key)
        return found if isinstance(found, str) else ""


def request_name(kind: str, trigger: str) -> str:
    """The name of a request by its trigger, which Slack gives to each once."""
    return f"{kind}:{trigger}" if trigger else ""


def click_of(body: Mapping[str, Any]) -> Click:
    """Read a click (`block_actions`), a shortcut or a submission as far as they are alike."""
    actions = body.get("actions")
    action = _mapping(actions[0]) if isinstance(actions, list) and actions else {}
    container = _mapping(body.get("container"))
    user = _mapping(body.get("user"))
    view = _mapping(body.get("view"))
    channel = _mapping(body.get("channel"))
    return Click(
        user=_text(user.get("id")),
        name=_text(user.get("username") or user.get("name")),
        channel=_text(channel.get("id") or container.get("channel_id")),
        action=_text(action.get("action_id")),
        value=_json(action.get("value")),
        choice=_text(_mapping(action.get("selected_option")).get("value")),
        block=_json(action.get("block_id")),
        trigger=_text(body.get("trigger_id")),
        url=_text(body.get("response_url")),
        view=_text(view.get("type")),
        view_id=_text(view.get("id")),
        ephemeral=bool(container.get("is_ephemeral")),
        message_ts=_text(container.get("message_ts") or body.get("message_ts")),
        thread=_text(container.get("thread_ts")),
    )


class Submission(Struct, frozen=True, kw_only=True):
    """A modal that was submitted: what stands in its fields, and what it carried along."""

    user: str
    name: str = ""
    trigger: str = ""
    view_id: str = ""
    values: Mapping[str, Mapping[str, Any]] = {}
    metadata: Mapping[str, Any] = {}

    def text(self, block_id: str) -> str:
        """The text of a field, or the value of its choice; "" if it is empty."""
        entry = _mapping(self.values.get(block_id))
        for found in (
            entry.get("value"),
            _mapping(entry.get("selected_option")).get("value"),
            entry.get("selected_user"),
        ):
            if isinstance(found, str):
                return found.strip()
        return ""

    def many(self, block_id: str) -> list[str]:
        """The values chosen in a menu of several."""
        options = _mapping(self.values.get(block_id)).get("selected_options")
        rows = options if isinstance(options, list) else []
        return [_text(_mapping(row).get("value")) for row in rows]


def submission_of(body: Mapping[str, Any]) -> Submission:
    """Read a submission (`view_submission`)."""
    user, view = _mapping(body.get("user")), _mapping(body.get("view"))
    state = _mapping(_mapping(view.get("state")).get("values"))
    return Submission(
        user=_text(user.get("id")),
        name=_text(user.get("username") or user.get("name")),
        trigger=_text(body.get("trigger_id")),
        view_id=_text(view.get("id")),
        values={_text(block): _only(fields) for block, fields in state.items()},
        metadata=_json(view.get("private_metadata")),
    )


def _only(fields: Any) -> Mapping[str, Any]:
    """The one field of a block."""
    return next((_mapping(x) for x in _mapping(fields).values()), {})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json(text: Any) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text)) if isinstance(text, str) and text else {}
    except ValueError:
        return {}
