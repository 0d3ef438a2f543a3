"""What a workspace is made of, and how Slack writes each part as JSON.

Plain records without behaviour of their own; `state.py` keeps them and makes their ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

Json = dict[str, Any]

SLACKBOT: Final = "USLACKBOT"


class SlackError(Exception):
    """A Web API failure: `code` as Slack names it, `extra` fields of the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class ChannelKind(StrEnum):
    """The four kinds of conversation."""

    PUBLIC = "public_channel"
    PRIVATE = "private_channel"
    IM = "im"
    MPIM = "mpim"


#: How the slash command and the event of each kind name it.
EVENT_CHANNEL_TYPE: Final = {
    ChannelKind.PUBLIC: "channel",
    ChannelKind.PRIVATE: "group",
    ChannelKind.IM: "im",
    ChannelKind.MPIM: "mpim",
}


@dataclass(slots=True)
class User:
    """A person of the workspace, or a bot."""

    id: str
    name: str
    real_name: str
    email: str
    team_id: str
    tz: str = "Etc/UTC"
    title: str = ""
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False
    #: The organisation of an Enterprise Grid that their workspace is of.
    enterprise_id: str = ""
    #: A guest: of several channels, or of one.
    is_restricted: bool = False
    is_ultra_restricted: bool = False

    def as_json(self, *, with_email: bool = True) -> Json:
        """As users.info gives it; the e-mail address needs its own scope."""
        profile: Json = {
            "real_name": self.real_name,
            "display_name": self.name,
            "title": self.title,
            "team": self.team_id,
        }
        if with_email and not self.is_bot:
            profile["email"] = self.email
        grid: Json = {}
        if self.enterprise_id:
            grid = {
                "enterprise_user": {
                    "id": self.id,
                    "enterprise_id": self.enterprise_id,
                    "teams": [self.team_id],
                }
            }
        offset = datetime.now(UTC).astimezone(ZoneInfo(self.tz)).utcoffset()
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": profile,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_restricted": self.is_restricted or self.is_ultra_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            # False also for people of another company, once they share a channel with the app.
            "is_stranger": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 0,
            **grid,
        }


@dataclass(slots=True)
class UserGroup:
    """A named group of people, mentioned as `<!subteam^ID>`."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Channel:
    """A conversation and who is in it; `members` keeps the order of joining."""

    id: str
    name: str
    kind: ChannelKind
    members: list[str] = field(default_factory=list)
    topic: str = ""
    created: int = 0
    archived: bool = False
    #: The other workspaces it is shared with, those that were invited, those of the organisation.
    external_teams: list[str] = field(default_factory=list)
    pending_teams: list[str] = field(default_factory=list)
    org_teams: list[str] = field(default_factory=list)

    @property
    def ext_shared(self) -> bool:
        """Whether people of another company can be in it (Slack Connect)."""
        return bool(self.external_teams)

    @property
    def event_type(self) -> str:
        """The `channel_type` of its events."""
        return EVENT_CHANNEL_TYPE[self.kind]

    @property
    def command_name(self) -> str:
        """The `channel_name` that a slash command carries."""
        names = {ChannelKind.IM: "directmessage", ChannelKind.PRIVATE: "privategroup"}
        return names.get(self.kind, self.name)

    def visible_to(self, user: str) -> bool:
        """Whether someone may know of it: public, or a member."""
        return self.kind is ChannelKind.PUBLIC or user in self.members

    def as_json(self, bot: str, team: str = "") -> Json:
        """As conversations.info gives it to the bot of a workspace."""
        base: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_im": self.kind is ChannelKind.IM,
            "is_mpim": self.kind is ChannelKind.MPIM,
            "is_private": self.kind is not ChannelKind.PUBLIC,
            "context_team_id": team,
        }
        if self.kind is ChannelKind.IM:
            return base | {"user": next((one for one in self.members if one != bot), bot)}
        return base | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind is ChannelKind.PUBLIC,
            "is_group": self.kind is ChannelKind.PRIVATE,
            "is_member": bot in self.members,
            "is_general": self.name == "general",
            **self._sharing(team),
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.topic, "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }

    def _sharing(self, team: str) -> Json:
        return {
            "is_shared": bool(self.external_teams or self.org_teams),
            "is_ext_shared": self.ext_shared,
            "is_pending_ext_shared": bool(self.pending_teams),
            "is_org_shared": bool(self.org_teams),
            "shared_team_ids": [team, *self.org_teams, *self.external_teams],
            "internal_team_ids": [team, *self.org_teams] if self.org_teams else [],
            "connected_team_ids": list(self.external_teams),
            "pending_shared": list(self.pending_teams),
            "pending_connected_team_ids": list(self.pending_teams),
        }


@dataclass(slots=True)
class File:
    """An uploaded file; it has a message once it is shared."""

    id: str
    name: str
    title: str
    length: int
    user: str
    content: bytes = b""
    mimetype: str = "application/octet-stream"
    channels: list[str] = field(default_factory=list)
    complete: bool = False
    upload_token: str = ""

    def as_json(self, base_url: str) -> Json:
        """As a message and files.completeUploadExternal give it."""
        address = f"{base_url}/files/{self.id}/{self.name}"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "size": len(self.content),
            "user": self.user,
            "channels": self.channels,
            "url_private": address,
            "url_private_download": address,
            "permalink": address,
        }


@dataclass(slots=True)
class Message:
    """A message as Slack keeps it; `to` names the one person who sees an ephemeral one."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    to: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    username: str | None = None
    client_msg_id: str | None = None
    edited: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    files: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    unfurls: dict[str, Json] = field(default_factory=dict)
    reply_count: int = 0
    reply_users: list[str] = field(default_factory=list)
    latest_reply: str | None = None

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.to is not None

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread and not in the channel."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def as_json(self, team: str) -> Json:
        """As conversations.history and an event give it: without what is empty."""
        body: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts}
        optional: Json = {
            "team": team,
            "subtype": self.subtype,
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "username": self.username,
            "client_msg_id": self.client_msg_id,
            "blocks": self.blocks,
            "attachments": self.attachments + list(self.unfurls.values()),
            "thread_ts": self.thread_ts,
            "metadata": self.metadata,
            "files": [{"id": one} for one in self.files],
        }
        body |= {key: value for key, value in optional.items() if value}
        if self.edited:
            body["edited"] = {"user": self.user, "ts": self.edited}
        if self.reactions:
            body["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in self.reactions.items()
            ]
        return body | self._thread_json()

    def _thread_json(self) -> Json:
        if not self.reply_count:
            return {}
        return {
            "reply_count": self.reply_count,
            "reply_users": self.reply_users,
            "reply_users_count": len(self.reply_users),
            "latest_reply": self.latest_reply,
        }


class ViewKind(StrEnum):
    """A modal or the home tab."""

    MODAL = "modal"
    HOME = "home"


@dataclass(slots=True)
class View:
    """A modal or a home tab as shown to one person."""

    id: str
    user: str
    kind: ViewKind
    payload: Json
    hash: str
    root: str
    previous: str | None = None
    values: Json = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """Its blocks."""
        blocks: list[Json] = self.payload.get("blocks") or []
        return blocks

    def as_json(self, ids: Mapping[str, str]) -> Json:
        """As views.open answers and interactions carry it; `ids` names team, app and bot."""
        body: Json = {
            "id": self.id,
            "team_id": ids["team"],
            "type": str(self.kind),
            "blocks": self.blocks,
            "private_metadata": self.payload.get("private_metadata", ""),
            "callback_id": self.payload.get("callback_id", ""),
            "external_id": self.payload.get("external_id", ""),
            "state": {"values": self.values},
            "hash": self.hash,
            "previous_view_id": self.previous,
            "root_view_id": self.root,
            "clear_on_close": bool(self.payload.get("clear_on_close")),
            "notify_on_close": bool(self.payload.get("notify_on_close")),
            "app_id": ids["app"],
            "app_installed_team_id": ids["team"],
            "bot_id": ids["bot"],
        }
        for key in ("title", "submit", "close"):
            if self.kind is ViewKind.MODAL:
                body[key] = self.payload.get(key)
        return body


@dataclass(slots=True)
class ScheduledMessage:
    """A message that is to be posted at `post_at` (epoch seconds)."""

    id: str
    channel: str
    post_at: int
    payload: Json
    created: int


@dataclass(frozen=True, slots=True)
class Change:
    """Something a person's page may have to show anew; `user` None means everybody."""

    scope: str
    channel: str | None = None
    user: str | None = None
