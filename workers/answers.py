"""Reads objects and lists out of answers: what is not there is an error, never empty.

An upstream, or what stands before it, may answer 200 with an empty object, an error object, or a
list that is shorter than it says; none of these says that there is nothing.
"""

from typing import Any

from workers.calls import Transient

Json = dict[str, Any]

NOT_ASKED_FOR = "the answer is not what was asked for"


def table_in(found: Any) -> Json:
    """Return an answer that is a JSON object. Raises Transient for any other."""
    if not isinstance(found, dict):
        raise Transient(NOT_ASKED_FOR)
    return found


def rows_in(found: Any, name: str = "") -> list[Json]:
    """Return the objects of a list: the answer itself, or what it has under a name.

    Raises Transient if there is no list, or if it holds something else.
    """
    rows = table_in(found).get(name) if name else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Transient(f"the answer has no list of {name}" if name else NOT_ASKED_FOR)
    return rows


def count_in(found: Json, name: str = "total") -> int | None:
    """Return how many rows there are on all pages, as one page tells; None if it does not."""
    count = found.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) else None
