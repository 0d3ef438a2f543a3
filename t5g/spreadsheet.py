"""Tables as files for spreadsheets (CSV, RFC 4180): no cell is ever taken for a formula. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

BATCH = 500
LONGEST_CELL = 2_000
#: What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
#: Control characters, and those that turn round the direction of what follows.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def csv_pieces(titles: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Write a table in pieces of some hundred rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(titles)
    for at, row in enumerate(rows, start=1):
        writer.writerow(map(cell, row))
        if at % BATCH == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def cell(value: object) -> str:
    """Return a value as a cell: no control characters, and an apostrophe before a formula."""
    text = seen("" if value is None else str(value))  # first: what it hides may hide a formula
    text = f"'{text}" if text.lstrip(" \n").startswith(FORMULA) else text
    return text[:LONGEST_CELL]


def seen(text: str) -> str:
    """Leave out the characters that nobody sees but that change how the others look."""
    return _UNSEEN.sub("", text)
