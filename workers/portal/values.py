"""What the two dialects of the Portal have in common: words, shapes, and what a page is."""

import html
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Protocol

from msgspec import Struct

from t5g.model import CaseComment, Details, Portal, Status, is_case_number
from t5g.state import EPOCH
from t5g.timestamps import parse_time

SERVICE = "portal"
DEEPEST = 10

#: What each dialect says, and what it means; any other word passes through as it is.
STATUS_WORDS: Mapping[str, Status] = {
    "open": Status.WAITING_ON_RED_HAT,
    "waiting on red hat": Status.WAITING_ON_RED_HAT,
    "in progress": Status.WAITING_ON_RED_HAT,
    "waiting on customer": Status.WAITING_ON_CUSTOMER,
    "waiting on customer action required": Status.WAITING_ON_CUSTOMER,
    "closed": Status.CLOSED,
}
_VERSION = re.compile(r"v?(\d[\w.]*)")


class Malformed(Struct, frozen=True):
    """An entry that could not be read: its number, if that at least could be, and why."""

    number: str
    why: str


class Page(Struct, frozen=True, kw_only=True):
    """A part of a listing. `total`: how many entries all pages have, where the Portal tells.

    `records`: the Portal's own ids of the entries, where it has such; a case number may stand on
    more than one of them.
    """

    cases: tuple[Portal, ...] = ()
    malformed: tuple[Malformed, ...] = ()
    #: Entries that are no cases (escalation records) and count in `total` all the same.
    skipped: int = 0
    total: int | None = None
    records: tuple[str, ...] = ()

    @property
    def entries(self) -> int:
        """How many entries of `total` are on it."""
        return len(self.cases) + len(self.malformed) + self.skipped


class CaseDetails(Struct, frozen=True, kw_only=True):
    """The details of one case, or None and why there are none (`gone`: the Portal has it not)."""

    number: str
    details: Details | None = None
    updated: datetime | None = None
    why: str = ""
    gone: bool = False


class PortalClient(Protocol):
    """The Portal, whichever dialect it speaks."""

    #: Facts of a listing that this dialect has no source for; what is known of them is kept.
    unknown: frozenset[str]

    @property
    def tells_closed(self) -> bool:
        """Whether it can be asked which closed cases were ours: not with a configured query."""
        ...

    def listing(self, since: datetime | None = None) -> AsyncIterator[Page]:
        """Yield the cases of the configured query, all or those changed at or after `since`."""
        ...

    def members(self, numbers: Sequence[str]) -> AsyncIterator[Page]:
        """Yield those of `numbers` that the configured query has."""
        ...

    def look_up(self, numbers: Sequence[str]) -> AsyncIterator[Page]:
        """Yield those of `numbers` that the Portal has, in the query or not."""
        ...

    def closed(self, since: datetime) -> AsyncIterator[Page]:
        """Yield all cases, ours or not, that changed at or after `since` and are closed."""
        ...

    def closed_of_ours(self, since: datetime) -> AsyncIterator[Page]:
        """Yield the closed cases that the default query had before, changed at or after `since`.

        With a configured query nothing: it does not say what was ours before it closed.
        """
        ...

    def details(self, numbers: Sequence[str]) -> AsyncIterator[CaseDetails]:
        """Yield the details of each of `numbers`, in any order."""
        ...

    async def notify(self, number: str, user: str) -> None:
        """Have a person told of a case's changes; may be called again."""
        ...

    async def check(self) -> str:
        """Ask the least that proves the credentials; return a sentence on what answered."""
        ...


def status_of(word: str, *, closed: bool | None = None) -> str:
    """Return our word for an upstream status; `closed` (if told) decides about closed ones."""
    if closed:
        return Status.CLOSED.value
    known = STATUS_WORDS.get(word.strip().casefold())
    return known.value if known else word


def time_of(value: Any, zone: tzinfo) -> datetime | None:
    """Return a moment, None for null. Raises ValueError for what is none."""
    moment = parse_time(value, zone)
    if moment is None and value is not None:
        raise ValueError(f"no moment: {str(value)[:40]}")
    return moment


def in_order(comments: Iterable[CaseComment]) -> tuple[CaseComment, ...]:
    """Return comments, oldest first."""
    return tuple(sorted(comments, key=lambda comment: (comment.created or EPOCH, comment.id)))


def text_of(value: Any, depth: int = 0) -> str:
    """Return a text: entities resolved, lists joined, null empty, numbers as they are written.

    Raises TypeError for what is no text, lists in lists without end included.
    """
    if depth > DEEPEST:
        raise TypeError("lists in lists without end")
    if value is None:
        return ""
    if isinstance(value, bool):
        raise TypeError("yes or no where a text is expected")
    if isinstance(value, list):
        return ", ".join(text for item in value if (text := text_of(item, depth + 1)))
    if isinstance(value, dict):
        raise TypeError("an object where a text is expected")
    return _unescaped(str(value)).strip()


def _unescaped(text: str) -> str:
    """Resolve entities; of a text with one that names a number of thousands of digits, none."""
    try:
        return html.unescape(text)
    except ValueError:
        return text


def texts_of(value: Any) -> tuple[str, ...]:
    """Return a list of texts, also from one text with `;` or from none."""
    rows = value if isinstance(value, list) else [value]
    return tuple(part for row in rows for text in text_of(row).split(";") if (part := text.strip()))


def ids_of(value: Any) -> tuple[int, ...]:
    """Return the bug numbers among texts and numbers."""
    return tuple(dict.fromkeys(int(t) for t in texts_of(value) if t.isascii() and t.isdigit()))


def product_and_version(name: str, parent: str = "") -> tuple[str, str]:
    """Split a product's name that ends in its version (`… Platform 4.16`)."""
    if parent and name.startswith(parent):
        return parent, name[len(parent) :].strip(" -")
    words = name.rsplit(maxsplit=1)
    found = _VERSION.fullmatch(words[1]) if len(words) > 1 else None
    return (words[0], found[1]) if found else (name, "")


def number_of(value: Any) -> str | None:
    """Return a case number; None for escalation records and all else that is none.

    Raises ValueError if there is no text at all: then an entry can not even be named.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError("no case number")
    text = value.strip()
    return text if is_case_number(text) else None
