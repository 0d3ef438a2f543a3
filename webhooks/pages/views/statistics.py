"""Statistics: history of the headline numbers, how long things took, what came and went."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from t5g.census import Census
from t5g.derived import SEVERITIES
from t5g.figures import HEADLINES, MONDAY, WEEK, Durations, week_of
from t5g.statistics import DayRow
from webhooks.pages import addresses
from webhooks.pages.views.charts import NARROW, WIDE, BarChart, LineChart, column_chart, line_chart
from webhooks.pages.views.overview import Bar, bars
from webhooks.pages.views.rows import Link
from webhooks.pages.views.words import cut, in_days

SPANS = ((30, "30 days"), (90, "90 days"), (365, "A year"), (0, "All"))
DEFAULT_SPAN = 90
WEEKS = 26
MOST_BARS = 15
MOST_POINTS = 120
MOST_LINES = 5
LONGEST_LABEL = 18
#: Groups of headline numbers that share a chart: they are of one size and are compared.
GROUPS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Open", {"open": "Open"}),
    ("Escalations", {"escalated": "Escalated", "crit_sit": "Crit sit", "potential": "Potential"}),
    ("SLA", {"breaching": "Breaching", "at_risk": "At risk"}),
    ("Attention", {"stale": "Stale", "untracked": "Untracked", "unassigned": "Unassigned"}),
    ("Defects", {"no_bugs": "No bugs", "missing_target": "No target"}),
    ("In the last 7 days", {"opened_7d": "Opened", "closed_7d": "Closed"}),
    ("In the last 24 hours", {"opened_1d": "Opened", "closed_1d": "Closed"}),
)
BUCKETS = (1.0, 3.0, 7.0, 14.0, 30.0, 90.0, 180.0)
BUCKET_NAMES = ("< 1 d", "1–3 d", "3–7 d", "1–2 w", "2–4 w", "1–3 mo", "3–6 mo", "> 6 mo")
#: The same, short enough to stand side by side beneath the bars of a narrow chart.
BUCKET_TICKS = ("<1d", "1–3d", "3–7d", "1–2w", "2–4w", "1–3m", "3–6m", ">6m")


class History(Struct, frozen=True, kw_only=True):
    """Charts over days, with their numbers."""

    title: str
    charts: tuple[LineChart, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Took(Struct, frozen=True, kw_only=True):
    """How long something took, by severity: histograms, and beneath them their numbers."""

    title: str
    charts: tuple[BarChart, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Flow(Struct, frozen=True, kw_only=True):
    """What was opened and closed, a row a week (Monday to Sunday, UTC)."""

    chart: BarChart
    rows: tuple[tuple[str, str, str, str], ...]


class Counted(Struct, frozen=True, kw_only=True):
    """Open cases by one of their facts."""

    name: str
    title: str
    bars: tuple[Bar, ...]
    left: int


class Past(Struct, frozen=True, kw_only=True):
    """What the daily rows tell; it changes once a day."""

    headlines: History
    facts: tuple[History, ...]


class Statistics(Struct, frozen=True, kw_only=True):
    """The page of statistics, without the past."""

    spans: tuple[tuple[Link, bool], ...]
    flow: Flow
    took: tuple[Took, ...]
    counted: tuple[Counted, ...]


def statistics(census: Census, span: int, now: float, known_since: float) -> Statistics:
    """Say the statistics; `span`: the days that the past is shown of (0: all).

    `known_since`: since when it is known what closed (seconds).
    """
    numbers = census.figures(now)
    return Statistics(
        spans=tuple(
            (Link(title, "/stats" if days == DEFAULT_SPAN else f"/stats?days={days}"), days == span)
            for days, title in SPANS
        ),
        flow=flow(census, now, known_since),
        took=(
            took("Time to relief", census.relief, numbers.relief),
            took("Time to resolution", census.resolution, numbers.resolution),
        ),
        counted=(
            _counted("status", "Status", numbers.by_status),
            _counted("internal", "Internal status", numbers.by_internal_status),
            _counted("account", "Account", numbers.by_account, addresses.account),
            _counted("assignee", "Engineer", numbers.by_engineer, addresses.engineer),
            _counted("product", "Product", numbers.by_product),
        ),
    )


def past(rows: Sequence[DayRow], span: int, now: float) -> Past:
    """Say what the daily rows tell of the last `span` days (0: all)."""
    shown = rows_within(rows, span, now)
    facts = (
        ("Open cases by severity", _severities),
        ("By status", _statuses),
        ("By account", _accounts),
        ("By engineer", _engineers),
    )
    return Past(
        headlines=headline_history(shown),
        facts=tuple(fact_history(title, shown, of) for title, of in facts),
    )


def rows_within(rows: Sequence[DayRow], span: int, now: float) -> Sequence[DayRow]:
    """The rows of the last `span` days (0: all); of many, the last of every few days."""
    first = (datetime.fromtimestamp(now, UTC) - timedelta(days=span)).date().isoformat()
    found = [row for row in rows if not span or row.day >= first]
    if not found:
        return found
    last = date.fromisoformat(found[-1].day)
    step = 1 + (last - date.fromisoformat(found[0].day)).days // MOST_POINTS
    return list({(last - date.fromisoformat(row.day)).days // step: row for row in found}.values())


def _by_day(rows: Sequence[DayRow]) -> tuple[list[date], list[DayRow | None]]:
    """All steps from the first row to the last, with their rows; where one is missing: None."""
    days, found = list[date](), list[DayRow | None]()
    known = [date.fromisoformat(row.day) for row in rows]
    usual = min(((b - a).days for a, b in pairwise(known)), default=1)
    for day, row in zip(known, rows, strict=True):
        if days and (day - days[-1]).days >= 2 * usual:
            days.append(days[-1] + timedelta(days=usual))
            found.append(None)
        days.append(day)
        found.append(row)
    return days, found


def headline_history(rows: Sequence[DayRow]) -> History:
    """Each headline number over the days."""
    titles = {line.name: line.title for line in HEADLINES}
    days, found = _by_day(rows)
    charts = tuple(
        line_chart(
            title,
            days,
            {
                short: [row.headlines.get(name) if row else None for row in found]
                for name, short in names.items()
            },
        )
        for title, names in GROUPS
    )
    names = [name for _, group in GROUPS for name in group]
    return History(
        title="Headline numbers",
        charts=charts,
        head=("Day", *(titles[name] for name in names)),
        rows=_table(rows, names, lambda row: row.headlines),
    )


def fact_history(
    title: str, rows: Sequence[DayRow], of: Callable[[DayRow], Mapping[str, int]]
) -> History:
    """Open cases by one of their facts over the days: those that are most now."""
    last = of(rows[-1]) if rows else {}
    shown = sorted(last, key=lambda name: -last[name])[:MOST_LINES]
    days, found = _by_day(rows)
    values = {
        cut(name, LONGEST_LABEL): [of(row).get(name, 0) if row else None for row in found]
        for name in shown
    }
    return History(
        title=title,
        charts=(line_chart(title, days, values),),
        head=("Day", *(cut(name, 40) for name in shown)),
        rows=_table(rows, shown, of),
    )


def _severities(row: DayRow) -> Mapping[str, int]:
    return row.by_severity


def _statuses(row: DayRow) -> Mapping[str, int]:
    return row.by_status


def _accounts(row: DayRow) -> Mapping[str, int]:
    return row.by_account


def _engineers(row: DayRow) -> Mapping[str, int]:
    return row.by_engineer


def _table(
    rows: Sequence[DayRow], names: Iterable[str], of: Callable[[DayRow], Mapping[str, int]]
) -> tuple[tuple[str, ...], ...]:
    """The numbers of the newest days, newest first."""
    names = list(names)
    return tuple(
        (row.day, *(f"{of(row)[name]:,}" if name in of(row) else "–" for name in names))
        for row in rows[::-1]
    )


def flow(census: Census, now: float, known_since: float) -> Flow:
    """Cases opened and closed in each of the last weeks.

    `known_since` (seconds): of weeks that began earlier it is not known what closed, nor what was
    opened and has closed meanwhile.
    """
    last = week_of(now)
    shown = range(last - WEEKS + 1, last + 1)
    unknown = sum(MONDAY + week * WEEK < known_since for week in shown)
    begins = [datetime.fromtimestamp(MONDAY + week * WEEK, UTC).date() for week in shown]
    both = {
        "Opened": [0] * unknown + [census.opened[n] for n in shown[unknown:]],
        "Closed": [0] * unknown + [census.closed[n] for n in shown[unknown:]],
    }
    labels = [f"{day:%-d %b}" for day in begins]
    rows = list(zip(begins, both["Opened"], both["Closed"], strict=True))
    known = [(f"{day}", f"{new:,}", f"{done:,}", f"{new - done:+d}") for day, new, done in rows]
    none = [(f"{day}", "not known", "not known", "–") for day in begins[:unknown]]
    return Flow(
        chart=column_chart(
            "Opened against closed", labels, both, every=5, width=WIDE, unknown=unknown
        ),
        rows=tuple(none + known[unknown:])[::-1],
    )


def took(title: str, days: Mapping[str, Sequence[float]], numbers: Mapping[str, Durations]) -> Took:
    """Say how long something took: a histogram a severity, and mean and median."""
    order = [name for name in (*SEVERITIES.values(), *days) if name in days]
    counted = {name: in_buckets(days[name]) for name in dict.fromkeys(order)}
    return Took(
        title=title,
        charts=tuple(histogram(f"{title}: {name}", cases) for name, cases in counted.items()),
        head=("Severity", "Cases", "Mean", "Median", *BUCKET_NAMES),
        rows=tuple(
            (*took_row(name, numbers[name]), *(f"{n:,}" for n in cases))
            for name, cases in counted.items()
            if name in numbers
        ),
    )


def took_row(name: str, found: Durations) -> tuple[str, str, str, str]:
    """Severity, number of cases, mean and median in words."""
    return (
        name,
        f"{found.count:,}",
        in_days(found.mean) if found.mean is not None else "–",
        in_days(found.median) if found.median is not None else "–",
    )


def in_buckets(values: Sequence[float]) -> list[int]:
    """Count how many took how long, for each bucket; `values`: the shortest first."""
    edges = [0, *(bisect_left(values, days) for days in BUCKETS), len(values)]
    return [above - below for below, above in pairwise(edges)]


def histogram(title: str, cases: Sequence[int]) -> BarChart:
    """Draw how many took how long."""
    return column_chart(title, BUCKET_TICKS, {"Cases": cases}, width=NARROW)


def _counted(
    key: str, title: str, counted: Mapping[str, int], page: Callable[[str], str] | None = None
) -> Counted:
    shown = dict(list(counted.items())[:MOST_BARS])
    found = bars(shown, key, MOST_BARS)
    if page is not None:
        found = tuple(
            Bar(bar.name, bar.title, bar.value, bar.percent, page(word), ())
            if word not in ("unknown", "Unassigned") else bar
            for bar, word in zip(found, shown, strict=True)
        )  # fmt: skip
    return Counted(name=key, title=title, bars=found, left=max(0, len(counted) - MOST_BARS))
