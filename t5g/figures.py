"""The headline numbers: one definition each, for Slack, pages, API, metrics and digests.

Windows roll: "in the last N days" is the last N × 24 hours.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from statistics import fmean, median
from typing import NamedTuple

from msgspec import UNSET, Struct

from t5g.derived import DAY, Entry

UNASSIGNED_QUERY = "assignee:none"


class Headline(Struct, frozen=True):
    """One headline number: its name in code and data, its words, and the query that lists it.

    `of`: the entries (of those given) that it counts at a time. Open cases only, but for those
    opened and closed in a window.
    """

    name: str
    title: str
    query: str
    of: Callable[[Sequence[Entry], float], list[Entry]]

    def count(self, entries: Sequence[Entry], now: float) -> int:
        """How many of the entries it counts."""
        return len(self.of(entries, now))


def _opened(days: float) -> Callable[[Sequence[Entry], float], list[Entry]]:
    seconds = days * DAY  # `Entry.new`, flat: calls are what counting ten thousand cases costs
    return lambda entries, now: [e for e in entries if e.created and now - e.created <= seconds]


def _closed(days: float) -> Callable[[Sequence[Entry], float], list[Entry]]:
    return lambda entries, now: [e for e in entries if not e.open and e.closed_within(now, days)]


HEADLINES: tuple[Headline, ...] = (
    Headline("open", "Open", "status:open", lambda es, _: [e for e in es if e.open]),
    Headline("escalated", "Escalated", "escalated:yes",
             lambda es, _: [e for e in es if e.escalated and e.open]),
    Headline("crit_sit", "Crit sit", "critsit:yes",
             lambda es, _: [e for e in es if e.crit_sit is True and e.open]),
    Headline("potential", "Potential escalations", "potential:yes",
             lambda es, _: [e for e in es if e.potential_escalation]),
    Headline("breaching", "Breaching", "sla:breached",
             lambda es, now: [e for e in es if e.breaches_at < now]),
    Headline("at_risk", "At risk", "sla:risk",
             lambda es, now: [e for e in es if e.risks_at < now <= e.breaches_at]),
    Headline("stale", "Stale", "stale:yes", lambda es, now: [e for e in es if e.stale_at < now]),
    Headline("untracked", "Untracked", "untracked:yes",
             lambda es, _: [e for e in es if e.untracked]),
    Headline("unassigned", "Unassigned", UNASSIGNED_QUERY,
             lambda es, _: [e for e in es if e.assignee is None and e.open]),
    Headline("no_bugs", "No bugs", "bug:none",
             lambda es, _: [e for e in es if e.no_bugs and e.open]),
    Headline("missing_target", "Missing target", "target:missing",
             lambda es, _: [e for e in es if not e.no_bugs and e.open and e.missing_target]),
    Headline("opened_1d", "Opened in 24 hours", "status:any created<=24h", _opened(1)),
    Headline("closed_1d", "Closed in 24 hours", "status:closed closed<=24h", _closed(1)),
    Headline("opened_7d", "Opened in 7 days", "status:any created<=7d", _opened(7)),
    Headline("closed_7d", "Closed in 7 days", "status:closed closed<=7d", _closed(7)),
)  # fmt: skip


class Durations(Struct, frozen=True):
    """Days it took: how many cases, mean and median (None without any)."""

    count: int = 0
    mean: float | None = None
    median: float | None = None


class Figures(Struct, frozen=True, kw_only=True):
    """All numbers at one moment. The mappings count open cases; `at` is seconds since the epoch."""

    at: float
    headlines: Mapping[str, int]
    by_severity: Mapping[str, int]
    by_status: Mapping[str, int]
    by_internal_status: Mapping[str, int]
    by_account: Mapping[str, int]
    by_engineer: Mapping[str, int]
    by_product: Mapping[str, int]
    relief: Mapping[str, Durations]
    resolution: Mapping[str, Durations]

    def __getitem__(self, headline: str) -> int:
        """The headline number of that name. Raises KeyError."""
        return self.headlines[headline]


class _Fixed(NamedTuple):
    """What a case adds to the numbers whatever the time: worked out once, when it changes."""

    open: bool
    severity: str
    status: str
    internal: str
    account: str
    engineer: str
    product: str
    relief: float | None
    resolution: float | None


def figures(entries: Iterable[Entry], now: float) -> Figures:
    """Work out all numbers over `entries` (all cases, closed ones too)."""
    everyone = list(entries)
    fixed: list[_Fixed] = [entry.memo.get("figures") or _fixed(entry) for entry in everyone]
    opened = [one for one in fixed if one.open]

    def counted(name: str) -> dict[str, int]:
        return dict(Counter(map(attrgetter(name), opened)).most_common())

    return Figures(
        at=now,
        headlines={line.name: line.count(everyone, now) for line in HEADLINES},
        by_severity=counted("severity"),
        by_status=counted("status"),
        by_internal_status=counted("internal"),
        by_account=counted("account"),
        by_engineer=counted("engineer"),
        by_product=counted("product"),
        relief=_durations((one.severity, one.relief) for one in fixed),
        resolution=_durations((one.severity, one.resolution) for one in fixed),
    )


def _fixed(entry: Entry) -> _Fixed:
    found: _Fixed | None = entry.memo.get("figures")
    if found is None:
        portal = entry.case.portal
        found = entry.memo["figures"] = _Fixed(
            open=entry.open,
            severity=entry.severity or "unknown",
            status=portal.status or "unknown",
            internal=entry.internal_status or "No card",
            account=portal.account or "unknown",
            engineer=engineer_of(entry),
            product=portal.product or "unknown",
            relief=relief_days(entry),
            resolution=resolution_days(entry),
        )
    return found


def relief_and_resolution(
    entries: Iterable[Entry],
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """The days to relief and to resolution, of all cases that tell them, by severity."""
    fixed = [_fixed(entry) for entry in entries]
    return (
        _by_severity((one.severity, one.relief) for one in fixed),
        _by_severity((one.severity, one.resolution) for one in fixed),
    )


def engineer_of(entry: Entry) -> str:
    """The name a case is counted under."""
    if entry.assignee is None:
        return "Unassigned"
    return entry.assignee.name or entry.assignee.account


def relief_days(entry: Entry) -> float | None:
    """Days from creation to relief; None while there is none or it is unknown."""
    return _days_to(entry, entry.case.details.relief_at)


def resolution_days(entry: Entry) -> float | None:
    """Days from creation to resolution; None while there is none or it is unknown."""
    return _days_to(entry, entry.case.details.resolved_at)


def _days_to(entry: Entry, moment: object) -> float | None:
    if moment is None or moment is UNSET or not entry.created:
        return None
    days = (moment.timestamp() - entry.created) / DAY  # type: ignore[attr-defined]
    return float(days) if days >= 0 else None


def _durations(days: Iterable[tuple[str, float | None]]) -> dict[str, Durations]:
    return {
        severity: Durations(len(values), fmean(values), median(values))
        for severity, values in sorted(_by_severity(days).items())
    }


def _by_severity(days: Iterable[tuple[str, float | None]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for severity, value in days:
        if value is not None:
            found.setdefault(severity, []).append(value)
    return found
