"""How a query narrows a list of cases: filters over whole lists, and how they combine.

A filter gets many entries at once and keeps those that match, in their order. Working on lists
instead of single entries lets most of the work run without a function call an entry: a value that
many entries share is looked at once.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from t5g.derived import Entry
from t5g.team import Me

Filter = Callable[[Sequence[Entry], float, Me], list[Entry]]
"""(entries, now in seconds since the epoch, who asks) to the entries that match."""
V = TypeVar("V", bound=Hashable)


def each(test: Callable[[Entry], object]) -> Filter:
    """Keep the entries for which `test` holds."""
    return lambda entries, _, __: [entry for entry in entries if test(entry)]


def each_now(test: Callable[[Entry, float], object]) -> Filter:
    """Keep the entries for which `test` holds at the time of asking."""
    return lambda entries, now, _: [entry for entry in entries if test(entry, now)]


def by_value(of: Callable[[Entry], V], test: Callable[[V, Me], object]) -> Filter:
    """Keep the entries whose value passes `test`, which is asked once for each distinct value."""

    def keep(entries: Sequence[Entry], _: float, me: Me) -> list[Entry]:
        values = list(map(of, entries))
        wanted = {value for value in set(values) if test(value, me)}
        if not wanted:
            return []
        return [entry for entry, value in zip(entries, values, strict=True) if value in wanted]

    return keep


def one_of(filters: Sequence[Filter]) -> Filter:
    """Keep what any of the filters keeps."""
    if len(filters) == 1:
        return filters[0]

    def keep(entries: Sequence[Entry], now: float, me: Me) -> list[Entry]:
        kept = {id(entry) for only in filters for entry in only(entries, now, me)}
        return [entry for entry in entries if id(entry) in kept]

    return keep


def none_of(only: Filter) -> Filter:
    """Keep what the filter does not keep."""

    def keep(entries: Sequence[Entry], now: float, me: Me) -> list[Entry]:
        gone = set(map(id, only(entries, now, me)))
        return [entry for entry in entries if id(entry) not in gone] if gone else list(entries)

    return keep


def word(text: str, *, negated: bool) -> Filter:
    """Keep the entries in whose text a (casefolded) word is found, or is not."""
    if negated:
        return lambda entries, _, __: [entry for entry in entries if text not in entry.text]
    return lambda entries, _, __: [entry for entry in entries if text in entry.text]
