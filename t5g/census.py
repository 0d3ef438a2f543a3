"""The count of all cases: every number over a set of cases, kept while single ones change.

Going through ten thousand cases takes longer than everything else that a page of numbers needs.
So a case that changes is taken out as it was and put in as it is. What depends on the time is kept
as moments in order: how many have passed is one look, at any time.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

from t5g.derived import NEVER, Entry
from t5g.figures import (
    FACTS,
    HEADLINES,
    Durations,
    Figures,
    relief_days,
    resolution_days,
    week_of,
)

#: More changed cases than this are counted together with all others.
FEW = 2_000


class Census:
    """Counts of a set of cases; `add` and `remove` take single ones."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        #: Cases opened and closed, by week.
        self.opened: Counter[int] = Counter()
        self.closed: Counter[int] = Counter()
        self._windows = {line.name: _Windows() for line in HEADLINES}
        self._facts = {name: Counter[str]() for name in FACTS}
        self._relief: dict[str, _Days] = {}
        self._resolution: dict[str, _Days] = {}
        for entry in entries:
            self._count(entry, 1)
            for line in HEADLINES:
                self._windows[line.name].add(line.window(entry), list.append)
            for days, value in self._days_of(entry):
                days.values.append(value)
        self._sort()

    def _sort(self) -> None:
        for windows in self._windows.values():
            windows.sort()
        for days in (*self._relief.values(), *self._resolution.values()):
            days.values.sort()

    def add(self, entry: Entry) -> None:
        """Count a case."""
        self._count(entry, 1)
        for line in HEADLINES:
            self._windows[line.name].add(line.window(entry))
        for days, value in self._days_of(entry):
            days.add(value)

    def remove(self, entry: Entry) -> None:
        """Count a case no longer: the very entry that was added."""
        self._count(entry, -1)
        for line in HEADLINES:
            self._windows[line.name].remove(line.window(entry))
        for days, value in self._days_of(entry):
            days.remove(value)

    def figures(self, now: float) -> Figures:
        """All numbers at a time."""
        return Figures(
            at=now,
            headlines={name: found.at(now) for name, found in self._windows.items()},
            **{f"by_{name}": _most_first(counted) for name, counted in self._facts.items()},
            relief=_durations(self._relief),
            resolution=_durations(self._resolution),
        )

    @property
    def relief(self) -> Mapping[str, Sequence[float]]:
        """The days to relief of all cases that tell them, by severity, the shortest first."""
        return {name: days.values for name, days in self._relief.items() if days.values}

    @property
    def resolution(self) -> Mapping[str, Sequence[float]]:
        """The same of the days to resolution."""
        return {name: days.values for name, days in self._resolution.items() if days.values}

    def _count(self, entry: Entry, by: int) -> None:
        if entry.created:
            self.opened[week_of(entry.created)] += by
        if entry.closed and not entry.open:
            self.closed[week_of(entry.closed)] += by
        if entry.open:
            for name, fact in FACTS.items():
                _shift(self._facts[name], fact(entry), by)

    def _days_of(self, entry: Entry) -> Iterable[tuple["_Days", float]]:
        severity = entry.severity or "unknown"
        relief, resolution = relief_days(entry), resolution_days(entry)
        if relief is not None:
            yield self._relief.setdefault(severity, _Days()), relief
        if resolution is not None:
            yield self._resolution.setdefault(severity, _Days()), resolution


class KeptCensus:
    """The census of one board. Tell it each case that changes, also what goes."""

    def __init__(self) -> None:
        self._census: Census | None = None
        self._before: dict[str, Entry | None] = {}

    def changed(self, number: str, before: Entry | None) -> None:
        """Remember that a case came, changed or went; `before`: as it was, None if it came."""
        if self._census is not None:
            self._before.setdefault(number, before)
            if len(self._before) > FEW:
                self.forget()

    def forget(self) -> None:
        """Everything is another: count anew when asked."""
        self._census = None
        self._before.clear()

    def of(self, entries: Mapping[str, Entry]) -> Census:
        """Return the census of `entries` (all of the board)."""
        if self._census is None:
            self._census = Census(entries.values())
        for number, before in self._before.items():
            after = entries.get(number)
            if before is not None:
                self._census.remove(before)
            if after is not None:
                self._census.add(after)
        self._before.clear()
        return self._census


class _Windows:
    """The windows of time in which the cases count towards one number (`Headline.window`)."""

    def __init__(self) -> None:
        self._always = 0
        self._begin: list[float] = []
        self._end: list[float] = []

    def at(self, now: float) -> int:
        """How many windows are open."""
        return self._always + bisect_left(self._begin, now) - bisect_left(self._end, now)

    def add(
        self,
        window: tuple[float, float],
        put: Callable[[list[float], float], None] = insort,
    ) -> None:
        """Add one; with `put` at the end, of many in any order, `sort` follows."""
        begin, end = window
        if begin == NEVER:
            return
        if begin == -NEVER:
            self._always += 1
        else:
            put(self._begin, begin)
        if end != NEVER:
            put(self._end, end)

    def remove(self, window: tuple[float, float]) -> None:
        begin, end = window
        if begin == NEVER:
            return
        if begin == -NEVER:
            self._always -= 1
        else:
            del self._begin[bisect_left(self._begin, begin)]
        if end != NEVER:
            del self._end[bisect_left(self._end, end)]

    def sort(self) -> None:
        self._begin.sort()
        self._end.sort()


class _Days:
    """How many days something took, the shortest first."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._durations: Durations | None = None

    def add(self, value: float) -> None:
        insort(self.values, value)
        self._durations = None

    def remove(self, value: float) -> None:
        del self.values[bisect_left(self.values, value)]
        self._durations = None

    @property
    def durations(self) -> Durations:
        """Their number, mean and median, worked out once."""
        if self._durations is None:
            self._durations = Durations(len(self.values), fmean(self.values), _middle(self.values))
        return self._durations


def _middle(ordered: Sequence[float]) -> float:
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _durations(found: Mapping[str, _Days]) -> dict[str, Durations]:
    return {name: days.durations for name, days in sorted(found.items()) if days.values}


def _shift(counted: Counter[str], name: str, by: int) -> None:
    counted[name] += by
    if not counted[name]:
        del counted[name]


def _most_first(counted: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda found: (-found[1], found[0])))


def figures(entries: Iterable[Entry], now: float) -> Figures:
    """Work out all numbers over `entries` (all cases, closed ones too)."""
    return Census(entries).figures(now)
