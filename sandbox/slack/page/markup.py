"""Slack's mrkdwn, plain text and markdown as HTML; every character from outside is escaped.

A link is one only if it is http(s) or mailto. Names of people and channels come from a `Names`.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt
from markupsafe import Markup

from sandbox.slack.model import ChannelKind
from sandbox.slack.page.emoji import EMOJI
from sandbox.slack.rules import Kind, Sequence, sequences, unescape
from sandbox.slack.state import SlackState

_OPEN, _CLOSE = "\ue000", "\ue001"
_KEPT: Final = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_FENCE: Final = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_EMOJI: Final = re.compile(r":([a-z0-9_+'-]+):")
_STYLES: Final = tuple(
    (re.compile(rf"(?<![\w{mark}]){mark}(?=\S)([^{mark}\n]*?\S){mark}(?![\w{mark}])"), tag)
    for mark, tag in ((r"\*", "b"), ("_", "i"), ("~", "s"))
)
_QUOTE: Final = re.compile(r"(?:^|(?<=\n))((?:&gt;[^\n]*(?:\n|$))+)")
_DATE_FORMATS: Final = {
    "{date_num}": "%Y-%m-%d",
    "{date}": "%-d %B %Y",
    "{date_short}": "%-d %b %Y",
    "{date_long}": "%A, %-d %B %Y",
    "{date_pretty}": "%-d %B %Y",
    "{date_short_pretty}": "%-d %b %Y",
    "{date_long_pretty}": "%A, %-d %B %Y",
    "{time}": "%H:%M",
    "{time_secs}": "%H:%M:%S",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called, and the time zone of whoever reads."""

    state: SlackState
    reader: str
    zone: tzinfo = UTC

    @classmethod
    def of(cls, state: SlackState, reader: str) -> "Names":
        """Names as this person sees them."""
        return cls(state, reader, ZoneInfo(state.users[reader].tz))

    def user(self, user_id: str) -> str:
        """Someone's display name, else the id."""
        user = self.state.users.get(user_id)
        return user.name if user else user_id

    def channel(self, channel_id: str) -> str | None:
        """A channel's name, None if this person may not know it."""
        channel = self.state.channels.get(channel_id)
        if channel is None or not channel.visible_to(self.reader):
            return None
        return "direct message" if channel.kind is ChannelKind.IM else channel.name

    def group(self, group_id: str) -> str:
        """A user group's handle, else the id."""
        group = self.state.groups.get(group_id)
        return group.handle if group else group_id

    def local(self, epoch: float) -> datetime:
        """A moment in the reader's time zone."""
        return datetime.fromtimestamp(epoch, self.zone)


def plain(text: str) -> Markup:
    """A plain_text: emoji names are the only markup."""
    return _html(_emoji(_escape(text)).replace("\n", "<br>"))


def mrkdwn(text: str, names: Names) -> Markup:
    """A mrkdwn text with links, mentions, bold, italic, strike, code, quotes and emoji."""
    kept: list[str] = []

    def keep(markup: str) -> str:
        kept.append(markup)
        return f"{_OPEN}{len(kept) - 1}{_CLOSE}"

    text = text.replace(_OPEN, "").replace(_CLOSE, "")
    text = _FENCE.sub(lambda m: keep(f"<pre>{_escape(_bare(m[1]))}</pre>"), text)
    text = _CODE.sub(lambda m: keep(f"<code>{_escape(_bare(m[1]))}</code>"), text)
    text = _replace_sequences(text, lambda one: keep(_sequence(one, names)))
    text = _emoji(_escape(text))
    for pattern, tag in _STYLES:
        text = pattern.sub(rf"<{tag}>\1</{tag}>", text)
    text = _QUOTE.sub(_quote, text).replace("\n", "<br>")
    return _html(_restore(text, kept))


def markdown(text: str) -> Markup:
    """A markdown block; HTML in it is text."""
    return _html(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


def date_text(names: Names, timestamp: int, template: str, fallback: str) -> str:
    """A date as its reader sees it; the fallback if the format is unknown."""
    try:
        moment = names.local(timestamp)
    except (ValueError, OverflowError, OSError):
        return fallback
    for token, pattern in _DATE_FORMATS.items():
        template = template.replace(token, moment.strftime(pattern))
    return fallback if "{" in template else template


def safe_href(url: str) -> str | None:
    """A link's address if a browser may follow it."""
    return url if url.startswith(("http://", "https://", "mailto:")) else None


def _html(escaped: str) -> Markup:
    return Markup(escaped)  # noqa: S704 - every caller has escaped what came from outside


def _restore(text: str, kept: list[str]) -> str:
    while _KEPT.search(text):  # a kept code may stand within a kept link's label
        text = _KEPT.sub(lambda m: kept[int(m[1])], text)
    return text


def _replace_sequences(text: str, replace: Callable[[Sequence], str]) -> str:
    parts, last = [], 0
    for one in sequences(text):
        if one.kind is not Kind.UNKNOWN:
            parts += [text[last : one.start], replace(one)]
            last = one.end
    return "".join([*parts, text[last:]])


def _sequence(one: Sequence, names: Names) -> str:
    match one.kind:
        case Kind.LINK:
            return _link(one)
        case Kind.USER:
            return _mention(f"@{names.user(one.target[1:])}", one.target[1:] == names.reader)
        case Kind.CHANNEL:
            name = names.channel(one.target[1:]) or one.label or "private-channel"
            return _mention(f"#{name}")
        case Kind.GROUP:
            return _mention(f"@{names.group(one.target.removeprefix('!subteam^'))}")
        case Kind.BROADCAST:
            return _mention(f"@{one.target[1:]}", mine=True)
        case _:
            return _date(one, names)


def _link(one: Sequence) -> str:
    label = _emoji(_escape(one.label if one.label is not None else one.target))
    href = safe_href(unescape(one.target))
    if href is None or _OPEN in href:  # a code span in an address is no address
        return label
    address = html.escape(href)
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _mention(text: str, mine: bool = False) -> str:
    kind = "mention mine" if mine else "mention"
    return f'<span class="{kind}">{html.escape(text)}</span>'


def _date(one: Sequence, names: Names) -> str:
    _, timestamp, template, *_ = one.target.split("^")
    shown = date_text(names, int(timestamp), unescape(template), unescape(one.label or ""))
    return f"<time>{html.escape(shown)}</time>"


def _quote(match: re.Match[str]) -> str:
    lines = [line.removeprefix("&gt;").lstrip(" ") for line in match[1].rstrip("\n").split("\n")]
    return f"<blockquote>{'<br>'.join(lines)}</blockquote>"


def _bare(text: str) -> str:
    return _replace_sequences(text, lambda one: one.label or one.target)


def _escape(text: str) -> str:
    return html.escape(unescape(text))


def _emoji(escaped: str) -> str:
    return _EMOJI.sub(lambda match: EMOJI.get(match[1], match[0]), escaped)
