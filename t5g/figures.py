"""The headline numbers: one definition each, for Slack, pages, API, metrics and digests.

Windows roll: "in the last N days" is the last N × 24 hours.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import UNSET, Struct

from t5g.derived import DAY, NEVER, Entry

UNASSIGNED_QUERY = "assignee:none"
WEEK = 7 * DAY
#: The first Monday of the epoch.
MONDAY = 4 * DAY


#: A span of time, in seconds since the epoch: after the first moment, up to the second.
Window = tuple[float, float]
ALWAYS: Window = (-NEVER, NEVER)
NOWHERE: Window = (NEVER, NEVER)


class Headline(Struct, frozen=True):
    """One headline number: its name in code and data, its words, and the query that lists it.

    `window`: when a case counts towards it, as long as it stays as it is. Open cases only, but for
    those opened and closed in the last days.
    """

    name: str
    title: str
    query: str
    window: Callable[[Entry], Window]

    def of(self, entries: Iterable[Entry], now: float) -> list[Entry]:
        """The entries, of those given, that it counts."""
        window = self.window
        return [e for e in entries if (span := window(e))[0] < now <= span[1]]

    def count(self, entries: Iterable[Entry], now: float) -> int:
        """How many of the entries it counts."""
        return len(self.of(entries, now))


def _whenever(belongs: Callable[[Entry], object]) -> Callable[[Entry], Window]:
    """A number that does not hang on the time, of open cases."""
    return lambda entry: ALWAYS if entry.open and belongs(entry) else NOWHERE


def _opened(days: float) -> Callable[[Entry], Window]:
    seconds = days * DAY  # `Entry.new`
    return lambda entry: (-NEVER, entry.created + seconds) if entry.created else NOWHERE


def _closed(days: float) -> Callable[[Entry], Window]:
    seconds = days * DAY  # `Entry.closed_within`
    return lambda entry: (
        (-NEVER, entry.closed + seconds) if entry.closed and not entry.open else NOWHERE
    )


HEADLINES: tuple[Headline, ...] = (
    Headline("open", "Open", "status:open", lambda e: ALWAYS if e.open else NOWHERE),
    Headline("escalated", "Escalated", "escalated:yes", _whenever(lambda e: e.escalated)),
    Headline("crit_sit", "Crit sit", "critsit:yes", _whenever(lambda e: e.crit_sit is True)),
    Headline("potential", "Potential escalations", "potential:yes",
             _whenever(lambda e: e.potential_escalation)),
    Headline("breaching", "Breaching", "sla:breached", lambda e: (e.breaches_at, NEVER)),
    Headline("at_risk", "At risk", "sla:risk", lambda e: (e.risks_at, e.breaches_at)),
    Headline("stale", "Stale", "stale:yes", lambda e: (e.stale_at, NEVER)),
    Headline("untracked", "Untracked", "untracked:yes", _whenever(lambda e: e.untracked)),
    Headline("unassigned", "Unassigned", UNASSIGNED_QUERY, _whenever(lambda e: e.assignee is None)),
    Headline("no_bugs", "No bugs", "bug:none", _whenever(lambda e: e.no_bugs)),
    Headline("missing_target", "Missing target", "target:missing",
             _whenever(lambda e: not e.no_bugs and e.missing_target)),
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


#: What open cases are counted by, and the word that a case is counted under.
FACTS: Mapping[str, Callable[[Entry], str]] = {
    "severity": lambda entry: entry.severity or "unknown",
    "status": lambda entry: entry.status or "unknown",
    "internal_status": lambda entry: entry.internal_status or "No card",
    "account": lambda entry: entry.account or "unknown",
    "engineer": engineer_of,
    "product": lambda entry: entry.case.portal.product or "unknown",
}


def week_of(at: float) -> int:
    """Number the weeks (Monday to Sunday, UTC) from the first Monday of the epoch."""
    return int((at - MONDAY) // WEEK)
