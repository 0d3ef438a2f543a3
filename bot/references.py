"""What cases a text speaks of: numbers, keys of cards and issues, and links to any of them. Pure.

This is the one reader for commands (`named`), messages and previews (`of_text`).

It finds what may be meant; whether there is such a case, the board knows.
"""

import re
from collections.abc import Iterable, Mapping, Set
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from t5g.board import Board
from t5g.derived import Entry
from t5g.query import Query
from t5g.settings import Settings

MOST = 20
_URL = re.compile(r"https?://[^\s<>|\"']+")
_NUMBER = re.compile(r"(?<![\w/-])_?(\d{8})_?(?![\w-])", re.ASCII)
_KEY = re.compile(r"(?<![\w/-])_?([A-Z][A-Z0-9_]{1,15}-\d{1,9})_?(?![\w-])", re.ASCII)
_WORD = re.compile(
    r"<https?://[^>]*>|[*_~`(]*https?://\S+|bug\s+#?\d{1,9}(?![\w-])|[^\s,;&]+", re.IGNORECASE
)
_TYPED_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,15}-\d{1,9}", re.ASCII | re.IGNORECASE)
_TYPED_BUG = re.compile(r"bug\s+#?(\d{1,9})", re.ASCII | re.IGNORECASE)
_TYPED_NUMBER = re.compile(r"\d{1,8}", re.ASCII)
#: What is written around a number or a key: markup, brackets, and the sentence's signs.
_AROUND = "#*_~`'\"()[]<>.,:;!?|"
_JOINING = ("and", "case", "cases")
_DIGITS = 8
_CASE_PATH = re.compile(
    r"(?:/case/|/cases/|caseNumber=|case_number=|caseId=)(\d{7,8})(?!\d)", re.ASCII
)
_BROWSE = re.compile(r"/(?:browse|issues)/([A-Z][A-Z0-9_]+-\d+)(?![\w-])", re.ASCII)
_BUG = re.compile(r"[?&]id=(\d{1,9})(?!\d)", re.ASCII)
_BUG_PATH = re.compile(r"/(\d{1,9})/?$", re.ASCII)


class Reference(Struct, frozen=True):
    """One thing a text points at: `kind` is case, key or bug; `url` "" if it was written out."""

    kind: str
    name: str
    url: str = ""


def of_url(url: str, settings: Settings) -> Reference | None:
    """Read a link to the Portal, the page, JIRA or Bugzilla; None for any other.

    `url` may have Slack's `&amp;`; the reference keeps it exactly as it was.
    """
    plain = url.replace("&amp;", "&")
    try:
        parts = urlsplit(plain)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None
    host = (parts.hostname or "").casefold()
    rest = unquote(plain.partition("://")[2].partition("/")[2])
    path = f"/{rest}"
    if host in (_host(settings.case_url), _host(settings.base_url)):
        found = _CASE_PATH.search(path)
        return Reference("case", found[1].zfill(_DIGITS), url) if found else None
    if host == _host(str(settings.jira_url)):
        found = _BROWSE.search(path) or re.search(r"[?&]selectedIssue=([A-Z][A-Z0-9_]+-\d+)", path)
        return Reference("key", found[1], url) if found else None
    if host == _host(str(settings.bugzilla_url)):
        found = _BUG.search(path) or _BUG_PATH.search(parts.path)
        return Reference("bug", found[1], url) if found else None
    return None


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").casefold()


def of_text(text: str, settings: Settings) -> list[Reference]:
    """Return what a text points at, links first, each once, at most twenty."""
    found = [x for url in _URL.findall(text) if (x := of_url(url, settings))]
    rest = _URL.sub(" ", text)
    found += [Reference("case", number) for number in _NUMBER.findall(rest)]
    found += [Reference("key", key) for key in _KEY.findall(rest)]
    unique = {(x.kind, x.name): x for x in reversed(found)}
    return list(reversed(unique.values()))[:MOST]


def of_word(word: str, settings: Settings) -> Reference | None:
    """Read one typed word as a case number (zeros may lack), a key or a link; None for any other.

    Markup, brackets and the signs of a sentence around it do not matter.
    """
    bare = word.strip(_AROUND)
    if "://" in bare:
        return of_url(bare.partition("|")[0].rstrip(_AROUND), settings)
    if _TYPED_NUMBER.fullmatch(bare):
        return Reference("case", bare.zfill(_DIGITS))
    if bug := _TYPED_BUG.fullmatch(bare):
        return Reference("bug", bug[1])
    return Reference("key", bare.upper()) if _TYPED_KEY.fullmatch(bare) else None


def named(text: str, settings: Settings, most: int = MOST) -> tuple[list[Reference], str]:
    """Return what a command begins with, each once, and the text behind it as it was typed.

    Commas, `and`, and `case` before a number may stand between. What is named
    beyond `most` is text.
    """
    found: dict[Reference, None] = {}
    end = 0
    for word in _WORD.finditer(text):
        reference = of_word(word.group(), settings)
        if reference:
            bare = Reference(reference.kind, reference.name)
            if bare not in found and len(found) == most:
                break
            found[bare] = None
            end = word.end()
        elif word.group().casefold().strip(_AROUND) not in _JOINING:
            break
    return list(found), text[end:].strip(" \t,;").strip()


def entries_of(reference: Reference, board: Board) -> list[Entry]:
    """Return the cases on the board that a reference points at."""
    match reference.kind:
        case "case":
            numbers: Set[str] = {reference.name}
        case "bug":
            numbers = board.by_bug(int(reference.name))
        case _:
            key = reference.name
            numbers = board.by_card(key) or board.by_issue(key) or board.by_escalation(key)
    return [entry for number in sorted(numbers) if (entry := board.get(number))]


def allowed_channels(settings: Settings) -> frozenset[str]:
    """The channels that may know of restricted bugs and issues."""
    return channels_of(settings.slack_restricted_channels)


def channels_of(text: str) -> frozenset[str]:
    """Return the ids of channels that a setting names."""
    return frozenset(text.replace(",", " ").split())


def restricted(reference: Reference, entries: Iterable[Entry]) -> bool:
    """Say whether a reference is to a bug or issue that not everybody may know of."""
    for entry in entries:
        for issue in entry.case.issues:
            if reference.kind == "key" and issue.key == reference.name and issue.restricted:
                return True
        for bug in entry.case.bugs:
            if reference.kind == "bug" and str(bug.id) == reference.name and bug.restricted:
                return True
    return False


def names_restricted(query: Query, board: Board) -> bool:
    """Say whether a query asks for a bug or issue that not everybody may know of."""
    named = [Reference("bug", x) for x in query.values_of("bug") if x.isascii() and x.isdigit()]
    named += [Reference("key", x.upper()) for x in query.values_of("issue")]
    return any(restricted(x, entries_of(x, board)) for x in named)


def text_of_message(message: Mapping[str, Any]) -> str:
    """All text of a Slack message: its own, that of its blocks and of its attachments."""
    return "\n".join(_texts(message, 0))


def _texts(value: Any, depth: int) -> Iterable[str]:
    if depth > 12:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str) and key in ("text", "url", "fallback", "title", "title_link"):
                yield item
            else:
                yield from _texts(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
