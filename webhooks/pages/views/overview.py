"""The first page: headline numbers with their change, and what needs attention now."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from t5g.derived import SEVERITIES, Entry
from t5g.digest import differences
from t5g.figures import HEADLINES, Figures, Headline, engineer_of
from t5g.query import FIELDS
from t5g.statistics import DayRow
from webhooks.pages import addresses
from webhooks.pages.addresses import Links
from webhooks.pages.views.rows import Row, row
from webhooks.pages.views.words import cut

MAIN = ("open", "escalated", "crit_sit", "breaching", "at_risk", "stale", "untracked", "unassigned")
PANELS = (
    ("escalated", "Escalations"),
    ("crit_sit", "Crit sits"),
    ("breaching", "Breaching the SLA"),
    ("at_risk", "At risk of breaching"),
    ("opened_7d", "New in 7 days"),
)
MOST_ROWS = 8
MOST_PEOPLE = 12
MOST_BARS = 10


class Delta(Struct, frozen=True):
    """By how much a number changed since a day: `sign` is up, down or same."""

    sign: str
    text: str
    since: str


class Tile(Struct, frozen=True):
    """One headline number, which leads to its list."""

    name: str
    title: str
    value: int
    url: str
    deltas: tuple[Delta, ...] = ()


class Bar(Struct, frozen=True):
    """A count as a bar; `percent` of the longest. `parts`: (name, percent, count) within it."""

    name: str
    title: str
    value: int
    percent: float
    url: str
    parts: tuple[tuple[str, float, int], ...] = ()


class Panel(Struct, frozen=True):
    """The first cases of a list, and the way to all of it."""

    name: str
    title: str
    total: int
    rows: tuple[Row, ...]
    url: str


class Overview(Struct, frozen=True, kw_only=True):
    """The first page."""

    tiles: tuple[Tile, ...]
    more: tuple[Tile, ...]
    panels: tuple[Panel, ...]
    internal: tuple[Bar, ...]
    severity: tuple[Bar, ...]
    people: tuple[Bar, ...]
    people_left: int


def overview(
    ordered: Sequence[Entry],
    numbers: Figures,
    now: float,
    links: Links,
    *,
    yesterday: DayRow | None = None,
    last_week: DayRow | None = None,
) -> Overview:
    """Say the first page over all cases, in the order of attention, and their numbers."""
    tiles = {line.name: _tile(line, numbers, yesterday, last_week) for line in HEADLINES}
    people = workload(ordered)
    return Overview(
        tiles=tuple(tiles[name] for name in MAIN),
        more=tuple(tile for name, tile in tiles.items() if name not in MAIN),
        panels=_panels(ordered, now, links),
        internal=bars(numbers.by_internal_status, "internal"),
        severity=bars(_in_order(numbers.by_severity), "severity"),
        people=people[:MOST_PEOPLE],
        people_left=max(0, len(people) - MOST_PEOPLE),
    )


def _tile(
    line: Headline, numbers: Figures, yesterday: DayRow | None, last_week: DayRow | None
) -> Tile:
    rows = ((yesterday, "in a day"), (last_week, "in a week"))
    deltas = tuple(
        delta(differences(numbers, before)[line.name], since)
        for before, since in rows
        if before is not None and line.name in before.headlines
    )
    return Tile(line.name, line.title, numbers[line.name], addresses.cases(line.query), deltas)


def delta(difference: int, since: str) -> Delta:
    """Say a difference."""
    if difference == 0:
        return Delta("same", "±0", since)
    return Delta(
        "up" if difference > 0 else "down", f"{difference:+,}".replace("-", "\N{MINUS SIGN}"), since
    )


def _panels(ordered: Sequence[Entry], now: float, links: Links) -> tuple[Panel, ...]:
    by_name = {line.name: line for line in HEADLINES}
    return tuple(
        _panel(by_name[name], title, ordered, now, links)
        for name, title in PANELS
        if name != "crit_sit" or any(e.open and e.crit_sit for e in ordered)
    )


def _panel(line: Headline, title: str, ordered: Sequence[Entry], now: float, links: Links) -> Panel:
    found = line.of(ordered, now)
    if line.name == "at_risk":
        found.sort(key=lambda entry: -(entry.sla_used(now) or 0))
    elif line.name == "opened_7d":
        found.sort(key=lambda entry: -entry.created)
    return Panel(
        line.name,
        title,
        len(found),
        tuple(row(entry, now, links) for entry in islice(found, MOST_ROWS)),
        addresses.cases(line.query),
    )


def _in_order(by_severity: Mapping[str, int]) -> dict[str, int]:
    order = [*SEVERITIES.values()]
    known = {name: by_severity[name] for name in order if name in by_severity}
    return known | {name: n for name, n in by_severity.items() if name not in known}


def bars(counted: Mapping[str, int], key: str, most: int = MOST_BARS) -> tuple[Bar, ...]:
    """Counts as bars; each leads to the list that `key` narrows to it."""
    longest = max(counted.values(), default=1)
    return tuple(
        Bar(word.casefold(), cut(word, 40) or "(blank)", n, 100 * n / longest, _list_of(key, word))
        for word, n in islice(counted.items(), most)
    )


def _list_of(key: str, word: str) -> str:
    if word in ("No card", "Unassigned"):
        return addresses.cases(f"{key}:none")
    if word == "unknown":
        return ""
    known = {value.casefold() for value in FIELDS[key].values}
    value = word.casefold() if word.casefold() in known else word
    return addresses.cases(addresses.term(key, value))


def workload(entries: Iterable[Entry]) -> tuple[Bar, ...]:
    """Who carries how many open cases, and of which severity; the most laden first."""
    found: dict[str, dict[str, int]] = {}
    for entry in entries:
        if entry.open and entry.assignee is not None:
            mine = found.setdefault(engineer_of(entry), {})
            word = entry.severity if entry.severity in SEVERITIES.values() else "Other"
            mine[word] = mine.get(word, 0) + 1
    longest = max((sum(mine.values()) for mine in found.values()), default=1)
    order = sorted(found.items(), key=lambda x: (-sum(x[1].values()), x[0].casefold()))
    return tuple(_person(name, mine, longest) for name, mine in order)


def _person(name: str, mine: Mapping[str, int], longest: int) -> Bar:
    total = sum(mine.values())
    parts = tuple(
        (word, 100 * mine[word] / longest, mine[word])
        for word in (*SEVERITIES.values(), "Other")
        if word in mine
    )
    return Bar("", cut(name, 60), total, 100 * total / longest, addresses.engineer(name), parts)
