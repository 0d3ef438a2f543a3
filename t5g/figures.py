"""The headline numbers: one definition each, for Slack, pages, API, metrics and digests.

Windows roll: "in the last N days" is the last N × 24 hours.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from statistics import fmean, median
from typing import NamedTuple

from msgspec import UNSET, Struct

from t5g.derived import DAY, Entry

UNASSIGNED_QUERY = "assignee:none"


class Headline(NamedTuple):
    """One headline number: its name in code and data, its words, and the query that lists it.

    `timed`: what it counts depends on the time of day, not on the case alone.
    """

    name: str
    title: str
    query: str
    counts: Callable[[Entry, float], bool]
    timed: bool = False


HEADLINES: tuple[Headline, ...] = (
    Headline("open", "Open", "status:open", lambda e, _: e.open),
    Headline("escalated", "Escalated", "escalated:yes", lambda e, _: e.open and e.escalated),
    Headline("crit_sit", "Crit sit", "critsit:yes", lambda e, _: e.open and e.crit_sit is True),
    Headline("potential", "Potential escalations", "potential:yes",
             lambda e, _: e.potential_escalation),
    Headline("breaching", "Breaching", "sla:breached", lambda e, now: e.breaching(now), timed=True),
    Headline("at_risk", "At risk", "sla:risk", lambda e, now: e.at_risk(now), timed=True),
    Headline("stale", "Stale", "stale:yes", lambda e, now: e.stale(now), timed=True),
    Headline("untracked", "Untracked", "untracked:yes", lambda e, _: e.untracked),
    Headline("unassigned", "Unassigned", UNASSIGNED_QUERY,
             lambda e, _: e.open and e.assignee is None),
    Headline("no_bugs", "No bugs", "bug:none", lambda e, _: e.open and e.no_bugs),
    Headline("missing_target", "Missing target", "target:missing",
             lambda e, _: e.open and bool(e.missing_target)),
    Headline("opened_1d", "Opened in 24 hours", "status:any created<=24h",
             lambda e, now: e.new(now, 1), timed=True),
    Headline("closed_1d", "Closed in 24 hours", "status:closed closed<=24h",
             lambda e, now: e.closed_within(now, 1), timed=True),
    Headline("opened_7d", "Opened in 7 days", "status:any created<=7d",
             lambda e, now: e.new(now, 7), timed=True),
    Headline("closed_7d", "Closed in 7 days", "status:closed closed<=7d",
             lambda e, now: e.closed_within(now, 7), timed=True),
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
    headlines: tuple[str, ...]
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
    fixed = [_fixed(entry) for entry in everyone]
    opened = [one for one in fixed if one.open]
    return Figures(
        at=now,
        headlines=_headlines(everyone, fixed, now),
        by_severity=_counted(one.severity for one in opened),
        by_status=_counted(one.status for one in opened),
        by_internal_status=_counted(one.internal for one in opened),
        by_account=_counted(one.account for one in opened),
        by_engineer=_counted(one.engineer for one in opened),
        by_product=_counted(one.product for one in opened),
        relief=_durations((one.severity, one.relief) for one in fixed),
        resolution=_durations((one.severity, one.resolution) for one in fixed),
    )


def _headlines(entries: list[Entry], fixed: list[_Fixed], now: float) -> dict[str, int]:
    timeless = Counter(chain.from_iterable(one.headlines for one in fixed))
    return {
        line.name: sum(1 for entry in entries if line.counts(entry, now))
        if line.timed
        else timeless[line.name]
        for line in HEADLINES
    }


def _fixed(entry: Entry) -> _Fixed:
    found: _Fixed | None = entry.memo.get("figures")
    if found is None:
        portal = entry.case.portal
        found = entry.memo["figures"] = _Fixed(
            open=entry.open,
            headlines=tuple(x.name for x in HEADLINES if not x.timed and x.counts(entry, 0.0)),
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


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


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
