"""All cases in the order of what needs attention first, kept from one change to the next.

Sorting ten thousand cases takes longer than everything else that a list needs. So they are sorted
anew once a minute only, as time moves them; between, a case that changed is taken out and put
where it belongs now.
"""

from bisect import insort
from collections.abc import Callable, Mapping

from t5g.derived import Entry, attention, settle

SECONDS = 60
#: So many changed cases are put in one by one; more are sorted with all others.
FEW = 500


class Order:
    """The cases of one board in order. Tell it each number that changes, also what goes."""

    def __init__(self) -> None:
        self._sorted: list[Entry] = []
        self._changed: set[str] = set()
        self._minute: int | None = None
        self._key: Callable[[Entry], tuple[object, ...]] = attention(0.0)

    def changed(self, number: str) -> None:
        """Remember that the case came, changed or went."""
        self._changed.add(number)

    def forget(self) -> None:
        """Everything is another: sort anew when asked."""
        self._minute = None

    def of(self, entries: Mapping[str, Entry], now: float) -> list[Entry]:
        """Return `entries` (all of the board) in order: the same list until something changes."""
        minute = int(now // SECONDS)
        if minute != self._minute or len(self._changed) > FEW:
            self._minute, self._key = minute, attention(now)
            self._sorted = sorted(entries.values(), key=self._key)
            settle(self._sorted, minute)
        elif self._changed:
            self._sorted = [entry for entry in self._sorted if entry.number not in self._changed]
            changed = [entries[number] for number in self._changed & entries.keys()]
            settle(changed, minute)
            for entry in changed:
                insort(self._sorted, entry, key=self._key)
        self._changed.clear()
        return self._sorted
