"""The cases of one account or of one engineer, with their numbers and defects."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct

from t5g.census import figures
from t5g.derived import Entry
from t5g.figures import HEADLINES, Tally
from webhooks.pages import addresses
from webhooks.pages.addresses import Links
from webhooks.pages.views.defects import Defect, defects
from webhooks.pages.views.overview import Bar, Tile
from webhooks.pages.views.rows import Link, Remark, Row, remark, row
from webhooks.pages.views.statistics import took_row
from webhooks.pages.views.words import cut

TILES = ("open", "escalated", "crit_sit", "breaching", "at_risk", "stale", "opened_7d", "closed_7d")
MOST_ROWS = 50
MOST_HELPS = 20
MOST_REMARKS = 8
MOST_BARS = 10
MOST_CLOSED = 20


class GroupPage(Struct, frozen=True, kw_only=True):
    """The page of an account or of an engineer."""

    kind: str
    name: str
    query: str
    tiles: tuple[Tile, ...]
    rows: tuple[Row, ...]
    total: int
    url: str
    csv: str
    others_title: str
    others: tuple[Bar, ...]
    defects: tuple[Defect, ...]
    remarks: tuple[tuple[Link, Remark], ...]
    took: tuple[tuple[str, str, str, str], ...]
    helps: tuple[Row, ...] = ()
    helps_total: int = 0


def group_page(
    kind: str,
    name: str,
    entries: Sequence[Entry],
    now: float,
    links: Links,
    *,
    helps: Sequence[Entry] = (),
) -> GroupPage:
    """Say the page. `entries`: the group's cases in the order of attention, closed ones too."""
    key = "account" if kind == "Account" else "assignee"
    query = addresses.term(key, name)
    opened = [entry for entry in entries if entry.open]
    numbers = figures(entries, now)
    return GroupPage(
        kind=kind,
        name=cut(name, 200),
        query=query,
        tiles=_tiles(entries, query, now),
        rows=tuple(row(entry, now, links) for entry in opened[:MOST_ROWS]),
        total=len(opened),
        url=addresses.cases(query),
        csv=addresses.csv(query),
        others_title="Who works on them" if kind == "Account" else "For whom",
        others=_others(opened, by_engineer=kind == "Account"),
        defects=defects(opened, links),
        remarks=_remarks(entries, now),
        took=tuple(took_row(name, found) for name, found in numbers.resolution.items()),
        helps=tuple(row(entry, now, links) for entry in helps[:MOST_HELPS]),
        helps_total=len(helps),
    )


def _tiles(entries: Sequence[Entry], query: str, now: float) -> tuple[Tile, ...]:
    tally = Tally(entries, now)
    return tuple(
        Tile(
            line.name,
            line.title,
            tally.of(line),
            addresses.cases(f"{line.query} {query}"),
        )
        for line in HEADLINES
        if line.name in TILES
    )


def _others(entries: Sequence[Entry], *, by_engineer: bool) -> tuple[Bar, ...]:
    def name(entry: Entry) -> str:
        if by_engineer:
            return (entry.assignee.name or entry.assignee.account) if entry.assignee else ""
        return entry.case.portal.account

    page: Callable[[str], str] = addresses.engineer if by_engineer else addresses.account
    counted = Counter(name(entry) for entry in entries).most_common(MOST_BARS)
    longest = max((n for _, n in counted), default=1)
    return tuple(
        Bar("", cut(word, 60) or "Nobody", n, 100 * n / longest, page(word) if word else "")
        for word, n in counted
    )


def _remarks(entries: Sequence[Entry], now: float) -> tuple[tuple[Link, Remark], ...]:
    """What was said last."""
    talked = [entry for entry in entries if entry.last_comment and entry.last_comment.created]
    talked.sort(key=_said_at, reverse=True)
    found = ((entry, remark(entry.last_comment, now)) for entry in talked[:MOST_REMARKS])
    return tuple(
        (Link(entry.number, addresses.case(entry.number)), said) for entry, said in found if said
    )


def _said_at(entry: Entry) -> float:
    last = entry.last_comment
    return last.created.timestamp() if last and last.created else 0.0


class TrendPage(Struct, frozen=True, kw_only=True):
    """The cases that are part of a trend, and what they have in common."""

    rows: tuple[Row, ...]
    closed: tuple[Row, ...]
    defects: tuple[Defect, ...]
    accounts: tuple[Bar, ...]
    total: int
    closed_total: int


def trend_page(entries: Sequence[Entry], now: float, links: Links) -> TrendPage:
    """Say the page of trends; `entries` in the order of attention, closed ones too."""
    opened = [entry for entry in entries if entry.open]
    closed = sorted((e for e in entries if not e.open), key=lambda e: -e.closed)
    return TrendPage(
        rows=tuple(row(entry, now, links) for entry in opened[:MOST_ROWS]),
        closed=tuple(row(entry, now, links) for entry in closed[:MOST_CLOSED]),
        defects=defects(opened, links),
        accounts=_others(opened, by_engineer=False),
        total=len(opened),
        closed_total=len(closed),
    )
