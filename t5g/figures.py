"""The headline numbers: one definition each, for Slack, pages, API, metrics and digests.

Windows roll: "in the last N days" is the last N × 24 hours.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from statistics import mean, median
from typing import NamedTuple

from msgspec import UNSET, Struct

from t5g.derived import DAY, Entry

UNASSIGNED_QUERY = "assignee:none"


class Headline(NamedTuple):
    """One headline number: its name in code and data, its words, and the query that lists it."""

    name: str
    title: str
    query: str
    counts: Callable[[Entry, float], bool]


HEADLINES: tuple[Headline, ...] = (
    Headline("open", "Open", "status:open", lambda e, _: e.open),
    Headline("escalated", "Escalated", "escalated:yes", lambda e, _: e.open and e.escalated),
    Headline("crit_sit", "Crit sit", "critsit:yes", lambda e, _: e.open and e.crit_sit is True),
    Headline("potential", "Potential escalations", "potential:yes",
             lambda e, _: e.potential_escalation),
    Headline("breaching", "Breaching", "sla:breached", lambda e, now: e.breaching(now)),
    Headline("at_risk", "At risk", "sla:risk", lambda e, now: e.at_risk(now)),
    Headline("stale", "Stale", "stale:yes", lambda e, now: e.stale(now)),
    Headline("untracked", "Untracked", "untracked:yes", lambda e, _: e.untracked),
    Headline("unassigned", "Unassigned", UNASSIGNED_QUERY,
             lambda e, _: e.open and e.assignee is None),
    Headline("no_bugs", "No bugs", "bug:none", lambda e, _: e.open and e.no_bugs),
    Headline("missing_target", "Missing target", "target:missing",
             lambda e, _: e.open and bool(e.missing_target)),
    Headline("opened_1d", "Opened in 24 hours", "status:any created<=24h",
             lambda e, now: e.new(now, 1)),
    Headline("closed_1d", "Closed in 24 hours", "status:closed closed<=24h",
             lambda e, now: e.closed_within(now, 1)),
    Headline("opened_7d", "Opened in 7 days", "status:any created<=7d",
             lambda e, now: e.new(now, 7)),
    Headline("closed_7d", "Closed in 7 days", "status:closed closed<=7d",
             lambda e, now: e.closed_within(now, 7)),
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


def figures(entries: Iterable[Entry], now: float) -> Figures:
    """Work out all numbers over `entries` (all cases, closed ones too)."""
    everyone = list(entries)
    opened = [entry for entry in everyone if entry.open]
    return Figures(
        at=now,
        headlines={
            line.name: sum(1 for entry in everyone if line.counts(entry, now)) for line in HEADLINES
        },
        by_severity=_counted(opened, lambda e: e.severity or "unknown"),
        by_status=_counted(opened, lambda e: e.case.portal.status or "unknown"),
        by_internal_status=_counted(opened, lambda e: e.internal_status or "No card"),
        by_account=_counted(opened, lambda e: e.case.portal.account or "unknown"),
        by_engineer=_counted(opened, engineer_of),
        by_product=_counted(opened, lambda e: e.case.portal.product or "unknown"),
        relief=_durations(everyone, relief_days),
        resolution=_durations(everyone, resolution_days),
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


def _counted(entries: Iterable[Entry], name: Callable[[Entry], str]) -> dict[str, int]:
    return dict(Counter(name(entry) for entry in entries).most_common())


def _durations(
    entries: Iterable[Entry], days: Callable[[Entry], float | None]
) -> dict[str, Durations]:
    found: dict[str, list[float]] = {}
    for entry in entries:
        value = days(entry)
        if value is not None:
            found.setdefault(entry.severity or "unknown", []).append(value)
    return {
        severity: Durations(len(values), mean(values), median(values))
        for severity, values in sorted(found.items())
    }
