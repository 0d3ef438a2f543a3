"""What Slack makes of a text that a person types: escapes, mentions as ids, links in brackets.

The same happens to a slash command's text if the command asks for it (`should_escape`).
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.slack.model import ChannelKind, Json, User
from sandbox.slack.rules import Kind, escape, sequences
from sandbox.slack.state import SlackState

_LINK: Final = re.compile(r"https?://[^\s<>|]+")
_CHANNEL: Final = re.compile(r"(?<![\w#&])#([\w][\w-]*)")
_TRAILING: Final = ".,;:!?)]}'\""
_BROADCASTS: Final = frozenset({"here", "channel", "everyone"})


def as_stored(state: SlackState, typed: str, *, labels: bool = False) -> str:
    """A person's text as Slack keeps and sends it; `labels` adds names to ids, as commands do."""
    parts, last = [], 0
    for match in _LINK.finditer(typed):
        url = match[0].rstrip(_TRAILING)
        parts.append(_with_mentions(state, typed[last : match.start()], labels=labels))
        parts.append(f"<{escape(url)}>")
        last = match.start() + len(url)
    parts.append(_with_mentions(state, typed[last:], labels=labels))
    return "".join(parts)


def as_plain(typed: str) -> str:
    """A slash command's text without `should_escape`: only the three escapes."""
    return escape(typed)


def _with_mentions(state: SlackState, typed: str, *, labels: bool) -> str:
    targets = _mention_targets(state, labels=labels)
    names = sorted(targets, key=len, reverse=True)  # "ann marie" before "ann"
    mentions = re.compile(
        rf"(?<![\w@])@({'|'.join(map(re.escape, names))})(?![\w@-])", re.IGNORECASE
    )

    def mention(match: re.Match[str]) -> str:
        return targets[match[1].casefold()]

    def channel(match: re.Match[str]) -> str:
        return _channel(state, match[1], match[0], labels=labels)

    return _CHANNEL.sub(channel, mentions.sub(mention, escape(typed)))


def _mention_targets(state: SlackState, *, labels: bool) -> dict[str, str]:
    """What a mention by (casefolded, escaped) name becomes; a handle wins over a full name."""
    targets = {one: f"<!{one}>" for one in _BROADCASTS}
    for group in state.groups.values():
        targets[escape(group.handle).casefold()] = f"<!subteam^{group.id}|@{group.handle}>"
    for user in state.users.values():
        targets[escape(user.real_name).casefold()] = _user_mention(user, labels=labels)
    for user in state.users.values():
        targets[escape(user.name).casefold()] = _user_mention(user, labels=labels)
    return targets


def _user_mention(user: User, *, labels: bool) -> str:
    return f"<@{user.id}|{user.name}>" if labels else f"<@{user.id}>"


def _channel(state: SlackState, name: str, typed: str, *, labels: bool) -> str:
    for channel in state.channels.values():
        if channel.name == name and channel.kind is ChannelKind.PUBLIC:
            return f"<#{channel.id}|{channel.name}>"
        if channel.name == name and channel.kind is ChannelKind.PRIVATE:
            return f"<#{channel.id}|>" if labels else f"<#{channel.id}|{channel.name}>"
    return typed


def links_of(text: str) -> list[str]:
    """The web links of a stored text, exactly as they stand there, each once."""
    found = (one.target for one in sequences(text) if one.kind is Kind.LINK)
    return list(dict.fromkeys(url for url in found if url.startswith("http")))


def host_of(url: str) -> str:
    """The host of a link, empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def rich_text(text: str) -> list[Json]:
    """The blocks that Slack adds to what a person wrote, with its mentions and links."""
    elements: list[Json] = []
    last = 0
    for found in sequences(text):
        elements += _plain(text[last : found.start])
        elements.append(_element(found.kind, found.target, found.label))
        last = found.end
    elements += _plain(text[last:])
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "elements": [section]}] if elements else []


def _plain(text: str) -> list[Json]:
    return [{"type": "text", "text": text}] if text else []


def _element(kind: Kind, target: str, label: str | None) -> dict[str, Any]:
    match kind:
        case Kind.USER:
            return {"type": "user", "user_id": target[1:]}
        case Kind.CHANNEL:
            return {"type": "channel", "channel_id": target[1:]}
        case Kind.GROUP:
            return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
        case Kind.BROADCAST:
            return {"type": "broadcast", "range": target[1:]}
        case Kind.LINK:
            return {"type": "link", "url": target} | ({"text": label} if label else {})
        case _:
            return {"type": "text", "text": label or target}
