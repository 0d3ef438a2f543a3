"""Cursors: where a reader of a long list was, so that changes in between neither hide nor repeat.

A cursor holds the place of the last case that was told, in the order of the query and at the
moment of the first page: all pages of one walk see the same time. A case that did not change is
told exactly once. Nothing is remembered for a cursor.
"""

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from t5g.derived import Entry, attention
from t5g.errors import T5GError
from t5g.query import SORTS, Query

LASTS = 24 * 3600.0
#: What a cursor looks like, and how long it can be: no line of a request is longer.
SHAPE = "^[A-Za-z0-9_-]+$"
LONGEST = 8_000


class CursorError(T5GError):
    """The cursor was not made for this query, or is too old."""

    status = 400


class Cursor(Struct, frozen=True, array_like=True):
    """The place after the last case told; `at`: seconds since the epoch of the first page."""

    query: str
    at: float
    keys: tuple[float | str | None, ...]
    place: tuple[float | str | bool, ...]

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(_ENCODE(self)).rstrip(b"=").decode()


_ENCODE = msgspec.json.Encoder().encode
_DECODER = msgspec.json.Decoder(Cursor)


def cursor_after(entry: Entry, query: Query, at: float) -> Cursor:
    """Make the cursor of the place after `entry`."""
    keys = tuple(SORTS[sort.name].key(entry, at) for sort in query.sorts)
    return Cursor(_digest(query), at, keys, attention(at)(entry))  # type: ignore[arg-type]


def read_cursor(text: str, query: Query, now: float) -> Cursor:
    """Read a cursor that was given out for `query`. Raises CursorError."""
    try:
        cursor = _DECODER.decode(unpacked(text))
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise CursorError("The cursor is not one of ours; begin without one.") from error
    if cursor.query != _digest(query) or len(cursor.keys) != len(query.sorts):
        raise CursorError("The cursor belongs to another query; begin without one.")
    if not math.isfinite(cursor.at) or not now - LASTS < cursor.at <= now + 1:
        raise CursorError("The cursor is more than a day old; begin without one.")
    return cursor


def unpacked(text: str) -> bytes:
    """Return what is packed in a cursor. Raises ValueError for what does not look like one."""
    if len(text) > LONGEST or not re.fullmatch(SHAPE, text):
        raise ValueError("no cursor")
    return base64.urlsafe_b64decode(text.encode("ascii") + b"==")


def rest(found: Sequence[Entry], cursor: Cursor, query: Query) -> list[Entry]:
    """Return the cases of `found` (in order, at the cursor's time) that come after the cursor."""
    order = attention(cursor.at)
    try:
        return [entry for entry in found if _after(entry, cursor, query, order(entry))]
    except TypeError as error:  # a forged place compares numbers with texts
        raise CursorError("The cursor is not one of ours; begin without one.") from error


def _after(entry: Entry, cursor: Cursor, query: Query, place: tuple[object, ...]) -> bool:
    for sort, then in zip(query.sorts, cursor.keys, strict=True):
        key = SORTS[sort.name].key(entry, cursor.at)
        if key == then:
            continue
        if key is None or then is None:
            return key is None  # what has no value comes last
        return (key > then) != sort.descending  # type: ignore[operator]
    return place > cursor.place


def _digest(query: Query) -> str:
    return hashlib.blake2b(query.text.encode(), digest_size=6).hexdigest()
