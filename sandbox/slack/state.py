"""The workspace: its people, groups, channels and messages, and who wants to hear of changes.

`SlackState` owns the clock and the making of ids and timestamps; modals, files, previews and
scheduled messages have books of their own (`views.py`, `files.py`, ...) that share them. It knows
no HTTP and nothing of the bot.
"""

import copy
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.slack.installation import APP_ID, BOT_ID, Installation
from sandbox.slack.model import (
    SLACKBOT,
    Change,
    Channel,
    ChannelKind,
    Json,
    Message,
    SlackError,
    User,
    UserGroup,
)
from sandbox.slack.rules import elements_of

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TEXT_CUT: Final = 40_000
_MOST_MESSAGES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that Slack refused of the bot: for tests that expect none, and for the page."""

    where: str
    error: str
    detail: str
    at: float


@dataclass(slots=True)
class SlackState:
    """One workspace with one app. `clock` gives epoch seconds."""

    clock: Callable[[], float] = time.time
    team_id: str = "T0T5GSANDBOX"
    team_domain: str = "t5g-sandbox"
    enterprise_id: str = ""
    base_url: str = ""
    installation: Installation = field(default_factory=Installation)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    problems: deque[Problem] = field(default_factory=lambda: deque(maxlen=500))
    _messages: dict[str, dict[str, Message]] = field(default_factory=dict)
    _listeners: list[Callable[[Change], None]] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _last_ts: int = 0
    _used_ts: set[int] = field(default_factory=set)
    bot_user: User = field(init=False)

    def __post_init__(self) -> None:
        self.bot_user = self.add_user(self.installation.name, "T5G bot", is_bot=True)
        self.users[SLACKBOT] = User(SLACKBOT, "slackbot", "Slackbot", "", self.team_id, is_bot=True)

    @property
    def ids(self) -> dict[str, str]:
        """The ids that payloads repeat: team, app, bot and bot user."""
        return {"team": self.team_id, "app": APP_ID, "bot": BOT_ID, "user": self.bot_user.id}

    def install(self, installation: Installation) -> None:
        """Install (anew) what a manifest describes."""
        self.installation = installation
        self.bot_user.name = installation.name
        self.changed(Change("people"))

    # ids, time, listeners

    def new_id(self, prefix: str) -> str:
        """An id such as `C0000000A1`: unique, and the same in every run."""
        number, digits = next(self._ids), ""
        while number:
            number, rest = divmod(number, len(_DIGITS))
            digits = _DIGITS[rest] + digits
        return f"{prefix}0{digits.rjust(8, '0')}"

    def new_ts(self, at: float | None = None) -> str:
        """A message timestamp, never the same twice; without `at`, later than all before."""
        if at is None:
            micros = self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        else:
            micros = int(at * 1_000_000)
        while micros in self._used_ts:
            micros += 1
        self._used_ts.add(micros)
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def on_change(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call a listener at every change; the answer stops that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed(self, change: Change) -> None:
        """Tell everyone who listens."""
        for listener in list(self._listeners):
            listener(change)

    def problem(self, where: str, error: str, detail: str = "") -> None:
        """Record what Slack refused."""
        self.problems.append(Problem(where, error, detail, self.clock()))
        self.changed(Change("problems"))

    # people and channels

    def add_user(
        self,
        name: str,
        real_name: str = "",
        email: str = "",
        *,
        tz: str = "Etc/UTC",
        title: str = "",
        is_bot: bool = False,
        is_admin: bool = False,
        user_id: str | None = None,
        **standing: Any,
    ) -> User:
        """Add a person (or a bot) under a fresh id unless one is given.

        `standing`: other fields of `User`: the `team_id` of another company, `is_restricted`, …
        """
        user = User(
            id=user_id or self.new_id("U"),
            name=name,
            real_name=real_name or name,
            email=email or f"{name}@example.com",
            team_id=standing.pop("team_id", self.team_id),
            enterprise_id=standing.pop("enterprise_id", self.enterprise_id),
            tz=tz,
            title=title,
            is_bot=is_bot,
            is_admin=is_admin,
            **standing,
        )
        self.users[user.id] = user
        self.changed(Change("people"))
        return user

    def add_user_group(self, handle: str, name: str, users: list[str]) -> UserGroup:
        """Add a user group of these user ids."""
        group = UserGroup(self.new_id("S"), handle, name, list(users))
        self.groups[group.id] = group
        return group

    def add_channel(
        self,
        name: str,
        *,
        kind: ChannelKind = ChannelKind.PUBLIC,
        members: list[str] | None = None,
        topic: str = "",
        with_bot: bool = True,
    ) -> Channel:
        """Add a channel; without `members` everybody but bots is in it."""
        people = [one.id for one in self.users.values() if not one.is_bot]
        inside = list(people if members is None else members)
        if with_bot and self.bot_user.id not in inside:
            inside.append(self.bot_user.id)
        prefix = "D" if kind is ChannelKind.IM else "C"
        channel = Channel(self.new_id(prefix), name, kind, inside, topic, created=int(self.clock()))
        self.channels[channel.id] = channel
        self._messages[channel.id] = {}
        self.changed(Change("people"))
        return channel

    def open_dm(self, users: list[str]) -> Channel:
        """The bot's direct (or group) conversation with these people, made if there is none."""
        members = sorted({*users, self.bot_user.id})
        kind = ChannelKind.IM if len(members) == 2 else ChannelKind.MPIM
        for channel in self.channels.values():
            if channel.kind is kind and sorted(channel.members) == members:
                return channel
        names = "--".join(self.users[one].name for one in members)
        return self.add_channel(f"mpdm-{names}", kind=kind, members=members)

    def join(self, channel: Channel, user: str) -> bool:
        """Let someone into a channel; False if they were in already."""
        if user in channel.members:
            return False
        channel.members.append(user)
        text = f"<@{user}> has joined the channel"
        self.add_message(channel.id, user, text, subtype="channel_join")
        return True

    def leave(self, channel: Channel, user: str) -> bool:
        """Let someone leave a channel; False if they were not in it."""
        if user not in channel.members:
            return False
        channel.members.remove(user)
        self.changed(Change("channel", channel.id))
        return True

    def user(self, reference: str) -> User:
        """Someone by id, name or e-mail address; `users_not_found` otherwise."""
        if reference in self.users:
            return self.users[reference]
        wanted = reference.removeprefix("@").casefold()
        for user in self.users.values():
            if wanted in {user.name.casefold(), user.email.casefold()}:
                return user
        raise SlackError("users_not_found")

    def channel(self, reference: str) -> Channel:
        """A channel by id or `#name`; `channel_not_found` otherwise."""
        if reference in self.channels:
            return self.channels[reference]
        wanted = reference.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == wanted and channel.kind is not ChannelKind.IM:
                return channel
        raise SlackError("channel_not_found")

    # messages

    def add_message(self, channel: str, user: str, text: str = "", **fields: Any) -> Message:
        """Put a message into a channel, ids filled in where blocks lack them.

        Fields are those of `Message`; `at` (epoch seconds) dates it back.
        """
        at = fields.pop("at", None)
        fields["blocks"] = with_ids(self, fields.get("blocks") or [])
        fields["attachments"] = attachments_with_ids(self, fields.get("attachments") or [])
        message = Message(channel, self.new_ts(at), user, text[:_TEXT_CUT], **fields)
        if user == self.bot_user.id:
            message.bot_id, message.app_id = BOT_ID, APP_ID
        kept = self._messages[channel]
        kept[message.ts] = message
        if len(kept) > _MOST_MESSAGES:
            kept.pop(next(iter(kept)))
        if message.is_reply and not message.ephemeral:
            self._count_reply(message)
        self.changed(Change("channel", channel, message.to))
        return message

    def _count_reply(self, reply: Message) -> None:
        parent = self._messages[reply.channel].get(reply.thread_ts or "")
        if parent is None:
            return
        parent.thread_ts = parent.ts
        parent.reply_count += 1
        parent.latest_reply = reply.ts
        if reply.user not in parent.reply_users:
            parent.reply_users.append(reply.user)

    def edit_message(
        self,
        message: Message,
        *,
        text: str,
        blocks: list[Json] | None,
        attachments: list[Json] | None = None,
    ) -> None:
        """Change a message as chat.update does: what is not given is taken away."""
        message.text = text[:_TEXT_CUT]
        message.blocks = with_ids(self, blocks or [])
        message.attachments = attachments_with_ids(self, attachments or [])
        message.edited = self.new_ts()
        self.changed(Change("channel", message.channel, message.to))

    def touch(self, message: Message) -> None:
        """Show a message anew, after its reactions or previews changed."""
        self.changed(Change("channel", message.channel, message.to))

    def delete_message(self, message: Message) -> None:
        """Take a message away."""
        self._messages[message.channel].pop(message.ts, None)
        parent = self._messages[message.channel].get(message.thread_ts or "")
        if parent is not None and message.is_reply and not message.ephemeral:
            parent.reply_count -= 1
        self.changed(Change("channel", message.channel, message.to))

    def message(self, channel: str, ts: str) -> Message:
        """One message; `message_not_found` otherwise."""
        found = self._messages.get(channel, {}).get(ts)
        if found is None:
            raise SlackError("message_not_found")
        return found

    def messages(
        self, channel: str, user: str | None = None, thread: str | None = None
    ) -> list[Message]:
        """A channel's messages, oldest first, or those of a thread with its parent.

        `user` adds the ephemeral messages that this person sees.
        """
        return sorted(
            (
                one
                for one in self._messages.get(channel, {}).values()
                if (not one.ephemeral or one.to == user) and _stands_in(one, thread)
            ),
            key=lambda one: one.ts,
        )

    def permalink(self, message: Message) -> str:
        """Where a message can be looked at."""
        return f"{self.base_url}/archives/{message.channel}/p{message.ts.replace('.', '')}"


def _stands_in(message: Message, thread: str | None) -> bool:
    if thread is None:
        return not message.is_reply or message.broadcast
    return thread in {message.ts, message.thread_ts}


def with_ids(state: SlackState, blocks: list[Json]) -> list[Json]:
    """A copy of blocks in which every block and element has an id, as Slack makes them."""
    copied = copy.deepcopy(blocks)
    for block in copied:
        if not block.get("block_id"):
            block["block_id"] = state.new_id("b")
        for element in elements_of(block):
            if isinstance(element, dict) and element.get("type") != "image":
                element.setdefault("action_id", state.new_id("a"))
    return copied


def attachments_with_ids(state: SlackState, attachments: list[Json]) -> list[Json]:
    """A copy of attachments in which every block has an id."""
    return [
        {**one, "blocks": with_ids(state, one["blocks"])} if one.get("blocks") else dict(one)
        for one in attachments
    ]
