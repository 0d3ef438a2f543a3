"""A list of cases: columns to sort by, filters as links, pages. Its whole state is an URL."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from t5g.derived import SEVERITIES, Entry
from t5g.errors import QueryError
from t5g.figures import HEADLINES, Headline, Tally
from t5g.query import FIELDS, Query
from webhooks.pages import addresses
from webhooks.pages.addresses import DEFAULT_ROWS, ROW_CHOICES
from webhooks.pages.views.words import count, cut

MOST_SORTS = 3
MOST_CHOICES = 9


class Head(Struct, frozen=True):
    """A word in the head of the table that sorts; `place` 1: sorted by this first, 0: not."""

    title: str
    url: str
    direction: str = ""
    place: int = 0


class Column(Struct, frozen=True):
    """A column: its style and what it can be sorted by."""

    name: str
    heads: tuple[Head, ...]

    @property
    def aria_sort(self) -> str:
        """The direction of the column that leads the order, for screen readers."""
        return next((head.direction for head in self.heads if head.place == 1), "")


class Choice(Struct, frozen=True):
    """A filter as a link; following an active one takes it away."""

    word: str
    count: int
    url: str
    active: bool = False


class Facet(Struct, frozen=True):
    """Filters of one kind."""

    title: str
    choices: tuple[Choice, ...]


class PageLink(Struct, frozen=True):
    """A link to a page of the list; `url` "": the one shown, or a gap."""

    text: str
    url: str = ""
    current: bool = False


class Trouble(Struct, frozen=True):
    """A query that was not understood: why, and what may have been meant."""

    message: str
    suggestion: str = ""
    suggestion_url: str = ""
    example: str = ""
    example_url: str = ""


class Asked(Struct, frozen=True):
    """What was asked for: a query's text, a page (from 1) and rows a page."""

    text: str = ""
    page: int = 1
    rows: int = DEFAULT_ROWS

    def url(self, text: str | None = None, page: int = 1) -> str:
        """The address of the same list with another query or page."""
        return addresses.cases(self.text if text is None else text, page=page, rows=self.rows)


class Listing(Struct, frozen=True, kw_only=True):
    """The list as a page shows it."""

    asked: Asked
    total: int = 0
    span: str = ""
    shown: tuple[Entry, ...] = ()
    columns: tuple[Column, ...] = ()
    facets: tuple[Facet, ...] = ()
    pages: tuple[PageLink, ...] = ()
    sizes: tuple[PageLink, ...] = ()
    previous: str = ""
    next: str = ""
    csv: str = ""
    clear: str = ""
    note: str = ""
    trouble: Trouble | None = None

    @property
    def filtered(self) -> bool:
        """Say whether any filter is on."""
        return any(choice.active for facet in self.facets for choice in facet.choices)


class _Column(NamedTuple):
    name: str
    heads: tuple[tuple[str, str], ...]


#: Columns with the names of `sort:`; where two share a column their facts do too.
COLUMNS: tuple[_Column, ...] = (
    _Column("number", (("Case", "number"), ("Card", "card"))),
    _Column("severity", (("Severity", "severity"),)),
    _Column("summary", (("Summary", "summary"), ("Product", "product"), ("Flags", "escalated"))),
    _Column("account", (("Account", "account"),)),
    _Column("status", (("Status", "status"), ("Internal", "internal"))),
    _Column("assignee", (("Assignee", "assignee"),)),
    _Column("comment", (("Last comment", "comment"),)),
    _Column("sla", (("Open", "age"), ("SLA", "sla"))),
    _Column("updated", (("Updated", "updated"),)),
)
#: What is most wanted first is descending for these.
DOWNWARDS = frozenset({"age", "sla", "updated", "comment"})
QUICK = ("escalated", "crit_sit", "potential", "breaching", "at_risk", "stale", "untracked",
         "unassigned")  # fmt: skip


def listing(asked: Asked, query: Query, found: Sequence[Entry], now: float) -> Listing:
    """Say the cases that matched (`found`, in order) as the asked page of the list."""
    last = max(1, -(-len(found) // asked.rows))
    page = min(asked.page, last)
    start = (page - 1) * asked.rows
    shown = found[start : start + asked.rows]
    return Listing(
        asked=asked,
        total=len(found),
        span=_span(start, len(shown), len(found)),
        shown=tuple(shown),
        columns=columns(asked, query),
        facets=facets(asked, query, found, now),
        pages=pages(asked, page, last),
        sizes=_sizes(asked),
        previous=asked.url(page=page - 1) if page > 1 else "",
        next=asked.url(page=page + 1) if page < last else "",
        csv=addresses.csv(asked.text),
        clear=asked.url(""),
    )


def troubled(asked: Asked, error: QueryError) -> Listing:
    """Say that the query was not understood, with links to what may have been meant."""
    repaired = asked.text.replace(error.text, error.suggestion) if error.suggestion else ""
    trouble = Trouble(
        error.message,
        error.suggestion,
        asked.url(repaired) if repaired else "",
        error.example,
        asked.url(error.example) if error.example else "",
    )
    return Listing(asked=asked, trouble=trouble, sizes=_sizes(asked))


def columns(asked: Asked, query: Query) -> tuple[Column, ...]:
    """The columns; a click sorts by a column first and keeps the former order beneath."""
    now = [str(sort) for sort in query.sorts]
    return tuple(
        Column(
            column.name, tuple(_head(title, key, asked, query, now) for title, key in column.heads)
        )
        for column in COLUMNS
    )


def _head(title: str, key: str, asked: Asked, query: Query, now: list[str]) -> Head:
    names = [name.removeprefix("-") for name in now]
    others = [name for name in now if name.removeprefix("-") != key]
    first, second = (f"-{key}", key) if key in DOWNWARDS else (key, f"-{key}")
    if key not in names:
        return Head(title, _sorted(asked, query, [first, *others]))
    place = names.index(key)
    direction = "descending" if now[place].startswith("-") else "ascending"
    if now[place] == first or place:
        following = [second if now[place] == first and not place else now[place], *others]
    else:
        following = others  # a third click takes it away
    return Head(title, _sorted(asked, query, following), direction, place + 1)


def _sorted(asked: Asked, query: Query, sorts: list[str]) -> str:
    return asked.url(query.with_sort(*sorts[:MOST_SORTS]))


def facets(asked: Asked, query: Query, found: Sequence[Entry], now: float) -> tuple[Facet, ...]:
    """The filters, with how many of the shown cases each would leave."""
    tally = Tally(found, now)
    return (
        _quick(asked, query, tally),
        _choices("Severity", "severity", asked, query, _worst_first(tally.by("severity"))),
        _choices("Status", "status", asked, query, tally.by("status")),
        _choices("Internal", "internal", asked, query, tally.by("internal_status")),
    )


def _quick(asked: Asked, query: Query, tally: Tally) -> Facet:
    lines = [line for line in HEADLINES if line.name in QUICK]
    choices = [_quick_choice(asked, query, line, tally.of(line)) for line in lines]
    return Facet("Show", tuple(choice for choice in choices if choice.count or choice.active))


def _quick_choice(asked: Asked, query: Query, line: Headline, number: int) -> Choice:
    key, value = line.query.split(":", 1)
    active = value in query.values_of(key)
    text = query.without(key) if active else query.with_term(key, value)
    return Choice(line.title, number, asked.url(text), active)


def _choices(title: str, key: str, asked: Asked, query: Query, counted: Mapping[str, int]) -> Facet:
    active = {value.casefold() for value in query.values_of(key)}
    words = list(counted)[:MOST_CHOICES]
    return Facet(
        title,
        tuple(
            Choice(
                cut(word, 40),
                counted[word],
                asked.url(
                    query.without(key)
                    if word.casefold() in active
                    else query.with_term(key, _value(key, word))
                ),
                word.casefold() in active,
            )
            for word in words
        ),
    )


def _value(key: str, word: str) -> str:
    return word.casefold() if word.casefold() in FIELDS[key].values else word


def _worst_first(by_severity: Mapping[str, int]) -> Mapping[str, int]:
    order = list(SEVERITIES.values())
    return dict(
        sorted(
            by_severity.items(), key=lambda x: order.index(x[0]) if x[0] in order else len(order)
        )
    )


def pages(asked: Asked, page: int, last: int) -> tuple[PageLink, ...]:
    """Links to the first, the last and the neighbouring pages."""
    if last == 1:
        return ()
    wanted = sorted({1, last, *range(max(1, page - 2), min(last, page + 2) + 1)})
    found: list[PageLink] = []
    for before, number in zip([0, *wanted], wanted, strict=False):
        if number - before > 1:
            found.append(PageLink("…"))
        found.append(PageLink(str(number), asked.url(page=number), number == page))
    return tuple(found)


def _sizes(asked: Asked) -> tuple[PageLink, ...]:
    return tuple(
        PageLink(str(rows), addresses.cases(asked.text, rows=rows), rows == asked.rows)
        for rows in ROW_CHOICES
    )


def _span(start: int, shown: int, total: int) -> str:
    if total == 0:
        return "No cases"
    if shown == total:
        return count(total, "case")
    return f"{start + 1:,}–{start + shown:,} of {count(total, 'case')}"
