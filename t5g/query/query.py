"""A query that was understood: it filters and sorts entries; menus and links can edit it."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from t5g.derived import Entry, attention
from t5g.query.filters import Filter
from t5g.query.lexer import Term, quoted
from t5g.query.sorts import SORTS
from t5g.team import Me

NOBODY = Me()
STATUS = "status"


class SortTerm(Struct, frozen=True):
    """One key to sort by."""

    name: str
    descending: bool = False

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.name


class Query(Struct, frozen=True, kw_only=True):
    """Terms that must all hold, and an order (none: what needs attention first)."""

    terms: tuple[Term, ...] = ()
    sorts: tuple[SortTerm, ...] = ()
    filters: tuple[Filter, ...] = ()

    @property
    def text(self) -> str:
        """The query in its canonical spelling; parsing it gives the same query."""
        words = [term.text for term in self.terms]
        if self.sorts:
            words.append("sort:" + ",".join(str(sort) for sort in self.sorts))
        return " ".join(words)

    @property
    def names_status(self) -> bool:
        """Say whether the query speaks of the status; if not, only open cases match."""
        return any(term.key == STATUS for term in self.terms)

    @property
    def personal(self) -> bool:
        """Say whether the answer depends on who asks (`me`)."""
        return any(term.key and "me" in map(str.casefold, term.values) for term in self.terms)

    def matches(self, entry: Entry, now: float, me: Me = NOBODY) -> bool:
        """Say whether one case matches. `me`: the asker's names, casefolded."""
        return bool(self.filter((entry,), now, me))

    def filter(self, entries: Iterable[Entry], now: float, me: Me = NOBODY) -> list[Entry]:
        """Return the cases that match, in the order they came."""
        if self.names_status:
            return self.narrow(list(entries), now, me)
        return self.narrow([entry for entry in entries if entry.open], now, me)

    def narrow(self, found: list[Entry], now: float, me: Me = NOBODY) -> list[Entry]:
        """Return which of `found` match, if those that are not open were left out where due."""
        for only in self.filters:
            found = only(found, now, me)
        return found

    def order(self, entries: Iterable[Entry], now: float) -> list[Entry]:
        """Return `entries` in the query's order; ties keep what needs attention first."""
        found = sorted(entries, key=attention(now))
        return self.reorder(found, now)

    def reorder(self, found: list[Entry], now: float) -> list[Entry]:
        """Sort in place what is in the order of attention already; returns it."""
        for sort in reversed(self.sorts):
            _sort(found, sort, now)
        return found

    def select(self, entries: Iterable[Entry], now: float, me: Me = NOBODY) -> list[Entry]:
        """Return the cases that match, in the query's order."""
        return self.order(self.filter(entries, now, me), now)

    def with_term(self, key: str, *values: str) -> str:
        """Return the text of this query with `key` set to `values` (for menus and links)."""
        kept = [term.text for term in self.terms if term.key != key or term.negated]
        if values:
            kept.append(f"{key}:" + ",".join(quoted(value) for value in values))
        return self._joined(kept, self.sorts)

    def without(self, key: str) -> str:
        """Return the text of this query without any term of `key`."""
        kept = [term.text for term in self.terms if term.key != key]
        return self._joined(kept, self.sorts)

    def with_sort(self, *names: str) -> str:
        """Return the text of this query in another order."""
        sorts = [SortTerm(name.removeprefix("-"), name.startswith("-")) for name in names]
        return self._joined([term.text for term in self.terms], sorts)

    def values_of(self, key: str) -> tuple[str, ...]:
        """Return the values that the query narrows `key` to."""
        return tuple(
            value
            for term in self.terms
            if term.key == key and not term.negated
            for value in term.values
        )

    @staticmethod
    def _joined(words: Sequence[str], sorts: Sequence[SortTerm]) -> str:
        order = ["sort:" + ",".join(map(str, sorts))] if sorts else []
        return " ".join([*words, *order])

    def unsorted(self) -> "Query":
        """The same query in the order of attention."""
        return replace(self, sorts=())


def _sort(found: list[Entry], sort: SortTerm, now: float) -> None:
    """Sort in place; what has no value comes last whichever way.

    Cases of one value are put together first: of ten thousand, many share an account or a status.
    """
    key = SORTS[sort.name].key
    alike: dict[float | str | None, list[Entry]] = {}
    for entry in found:
        value = key(entry, now)
        if value in alike:
            alike[value].append(entry)
        else:
            alike[value] = [entry]
    unknown = alike.pop(None, [])
    values: list[Any] = sorted(alike, reverse=sort.descending)
    found[:] = chain(chain.from_iterable(map(alike.__getitem__, values)), unknown)
