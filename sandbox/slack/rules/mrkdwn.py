"""Slack's text markup: its `<…>` control sequences, whether they are well formed, and how long
Slack finds a text. Read by the rules and by the page that renders messages; knows no blocks.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SEQUENCE: Final = re.compile(r"<([^<>\n]*)>")
_STRAY_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt);)")
_USER: Final = re.compile(r"[UWB][A-Z0-9]+\Z")
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]+\Z")
_GROUP: Final = re.compile(r"subteam\^S[A-Z0-9]+\Z")
_DATE: Final = re.compile(r"date\^-?\d+\^[^^|]+(?:\^[^|]+)?\Z")
_URL: Final = re.compile(r"(?:https?://|mailto:|tel:|slack://)[^\s|]+\Z", re.IGNORECASE)
_BROADCASTS: Final = frozenset({"here", "channel", "everyone"})
#: What Slack stores as a `:short_name:`.
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u23e9-\u23fa]")


class Kind(StrEnum):
    """What a control sequence does when Slack shows it."""

    LINK = "link"
    USER = "user"
    CHANNEL = "channel"
    GROUP = "group"
    BROADCAST = "broadcast"
    DATE = "date"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sequence:
    """One `<target|label>` in a text; `start` and `end` are its place there."""

    kind: Kind
    target: str
    label: str | None
    start: int
    end: int


def sequences(text: str) -> Iterator[Sequence]:
    """Every control sequence of a mrkdwn text, in order; what is none is UNKNOWN."""
    for match in _SEQUENCE.finditer(text):
        target, bar, label = match[1].partition("|")
        yield Sequence(_kind(target), target, label if bar else None, *match.span())


def _kind(target: str) -> Kind:
    body = target[1:]
    if target.startswith("@"):
        return Kind.USER if _USER.match(body) else Kind.UNKNOWN
    if target.startswith("#"):
        return Kind.CHANNEL if _CHANNEL.match(body) else Kind.UNKNOWN
    if target.startswith("!"):
        if body in _BROADCASTS:
            return Kind.BROADCAST
        if _GROUP.match(body):
            return Kind.GROUP
        return Kind.DATE if _DATE.match(body) else Kind.UNKNOWN
    return Kind.LINK if _URL.match(target) else Kind.UNKNOWN


def mistakes(text: str) -> Iterator[str]:
    """What Slack would show wrongly in a mrkdwn text, a sentence each.

    Slack refuses none of these; it swallows an unknown `<…>`, and a stray `<` or `&` means that
    a text from outside was not escaped.
    """
    known = list(sequences(text))
    for found in known:
        raw = text[found.start : found.end]
        if found.kind is Kind.UNKNOWN:
            yield f"{raw!r} is no link, mention or date: escape `<` as `&lt;`"
        if found.kind is Kind.DATE and not found.label:
            yield f"{raw!r} has no fallback text after `|`"
    rest = _SEQUENCE.sub("", text)
    if "<" in rest:
        yield "a `<` that opens nothing: escape it as `&lt;`"
    if _STRAY_AMPERSAND.search(rest):
        yield "a `&` that is not escaped as `&amp;`"


def slack_length(text: str) -> int:
    """How many characters Slack counts: escapes and emoji count in their expanded form.

    Slack stores `&` as `&amp;` and an emoji as its `:short_name:`; the short name is estimated by
    the Unicode name, which is as long or longer, so the answer errs on the safe side.
    """
    length = len(_STRAY_AMPERSAND.sub("&amp;", text))
    if text.isascii():
        return length
    return length + sum(_emoji_name_length(char) - 1 for char in _EMOJI.findall(text))


def _emoji_name_length(char: str) -> int:
    return len(unicodedata.name(char, "x")) + 2


def unescape(text: str) -> str:
    """The text a person reads for the three escapes Slack knows."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escape(text: str) -> str:
    """A person's text as Slack sends it: only `&`, `<` and `>` are escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
