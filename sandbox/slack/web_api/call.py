"""One call of a Web API method: its arguments, and the table of methods.

Arguments come as a form, as JSON or in the query, and Slack takes blocks both as JSON and as a
text of JSON; a method sees the same either way.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.slack.model import Channel, Json, SlackError
from sandbox.slack.server import SlackServer
from sandbox.slack.state import SlackState

_FORMAT_ERRORS: Final = {"blocks": "invalid_blocks_format", "attachments": "invalid_attachments"}
_TRUE: Final = frozenset({"true", "1"})
_DEFAULT_LIMIT: Final = 100
_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Call:
    """A method's view of one request."""

    server: SlackServer
    args: Mapping[str, Any]

    @property
    def state(self) -> SlackState:
        """The workspace."""
        return self.server.state

    @property
    def bot(self) -> str:
        """The id of the user the token stands for."""
        return self.state.bot_user.id

    def text(self, name: str, default: str | None = None) -> str:
        """A text argument; `invalid_arguments` if it is missing without a default."""
        value = self.args.get(name, default)
        if value is None or (value == "" and default is None):
            raise missing(name)
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A yes or no, as JSON or as text."""
        value = self.args.get(name)
        return default if value is None else str(value).lower() in _TRUE

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.args.get(name, default)
        if value is None:
            raise missing(name)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments", detail=f"{name} must be a number") from None

    def structured(self, name: str) -> Any:
        """An argument that is JSON, or a text of JSON; None if it is not there."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(_FORMAT_ERRORS.get(name, "invalid_arguments")) from None

    def names(self, name: str) -> list[str]:
        """A list given as JSON or separated by commas."""
        value = self.args.get(name) or ""
        parts = value if isinstance(value, list) else str(value).split(",")
        return [str(part).strip() for part in parts if str(part).strip()]

    def message(self) -> Json:
        """The parts of a message that validation looks at."""
        return {
            "text": self.args.get("text"),
            "blocks": self.structured("blocks"),
            "attachments": self.structured("attachments"),
            "metadata": self.structured("metadata"),
        }

    def channel(self, name: str = "channel") -> Channel:
        """A channel by id that the bot may know of."""
        found = self.state.channels.get(self.text(name))
        if found is None or not found.visible_to(self.bot):
            raise SlackError("channel_not_found")
        return found

    def posting_channel(self, name: str = "channel") -> Channel:
        """Where to post: a channel by id or #name the bot is in, or a person's direct messages."""
        reference = self.text(name)
        if reference in self.state.users:
            return self.state.open_dm([reference])
        channel = self.state.channel(reference)
        if not channel.visible_to(self.bot):
            raise SlackError("channel_not_found")
        if channel.archived:
            raise SlackError("is_archived")
        if self.bot not in channel.members and not self._may_post_anywhere():
            raise SlackError("not_in_channel")
        return channel

    def _may_post_anywhere(self) -> bool:
        scopes = self.state.installation.scopes
        return scopes is None or "chat:write.public" in scopes

    def page(self, found: Sequence[Any], key: str, default: int = _DEFAULT_LIMIT) -> Json:
        """One page of a list, with the cursor of the next."""
        limit = min(max(self.number("limit", default), 1), _MOST)
        start = _from_cursor(self.text("cursor", ""))
        more = start + limit < len(found)
        return {
            key: list(found[start : start + limit]),
            "response_metadata": {"next_cursor": _to_cursor(start + limit) if more else ""},
        }


def missing(name: str) -> SlackError:
    """The error of an argument that is not there."""
    return SlackError(
        "invalid_arguments",
        response_metadata={"messages": [f"[ERROR] missing required field: {name}"]},
    )


def _to_cursor(start: int) -> str:
    return base64.b64encode(f"offset:{start}".encode()).decode()


def _from_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("offset:"))
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None


Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what it does, the scopes of which it needs one, its rate tier, its token."""

    name: str
    handler: Handler
    scopes: tuple[str, ...] = ()
    tier: int | None = 3
    app_token: bool = False
    posts: bool = False


@dataclass(slots=True)
class Methods:
    """Methods by name; each module has its own, and they add up."""

    by_name: dict[str, Method] = field(default_factory=dict)

    def add(self, name: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a function as a method."""

        def register(handler: Handler) -> Handler:
            self.by_name[name] = Method(name, handler, **options)
            return handler

        return register

    def __add__(self, other: "Methods") -> "Methods":
        return Methods({**self.by_name, **other.by_name})

    def __iter__(self) -> Iterator[Method]:
        return iter(self.by_name.values())
