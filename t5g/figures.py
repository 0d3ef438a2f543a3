"""The headline numbers: one definition each, for Slack, pages, API, metrics and digests.

Windows roll: "in the last N days" is the last N × 24 hours.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from msgspec import UNSET, Struct

from t5g.derived import DAY, LATE, MARKS, MINUTE, NEVER, Entry

UNASSIGNED_QUERY = "assignee:none"
WEEK = 7 * DAY
#: The first Monday of the epoch.
MONDAY = 4 * DAY


#: A span of time, in seconds since the epoch: after the first moment, up to the second.
Window = tuple[float, float]
NOWHERE: Window = (NEVER, NEVER)


Moment = Callable[[Entry], float]
"""Gives a moment of an entry in seconds since the epoch; NEVER: it does not come."""


def _never(_: Entry) -> float:
    return NEVER


class Headline(Struct, frozen=True):
    """One headline number: its name in code and data, its words, and the query that lists it.

    A case counts after `begins` and up to `ends`, as long as it stays as it is. Open cases only,
    but for those opened and closed in the last days. `mark`: the bit of `Kind.marks` that says
    the same, if it does not hang on the time; `late`: that of `Kind.late`, if it does.
    """

    name: str
    title: str
    query: str
    begins: Moment
    ends: Moment = _never
    mark: int = 0
    late: int = 0

    def window(self, entry: Entry) -> Window:
        """When a case counts."""
        begin = self.begins(entry)
        return (begin, self.ends(entry)) if begin != NEVER else NOWHERE

    def of(self, entries: Iterable[Entry], now: float) -> list[Entry]:
        """The entries, of those given, that it counts."""
        begins, ends = self.begins, self.ends
        return [entry for entry in entries if begins(entry) < now <= ends(entry)]


class Tally:
    """The counts of a list of cases, with one look at each."""

    def __init__(self, entries: Sequence[Entry], now: float) -> None:
        self._now = now
        kinds = Counter([entry.kind for entry in entries])
        self._kinds = list(kinds.items())
        minute = int(now // MINUTE)
        self._late = [(kind.late, times) for kind, times in kinds.items() if kind.minute == minute]
        #: Those whose moments have to be looked at.
        self._loose = entries
        if self._late:
            self._loose = [entry for entry in entries if entry.kind.minute != minute]
        self._entries = entries

    def of(self, line: Headline) -> int:
        """How many of the cases a headline counts."""
        if line.mark:
            return sum(times for kind, times in self._kinds if kind.marks & line.mark)
        if line.late:
            settled = sum(times for late, times in self._late if late & line.late)
            return settled + len(line.of(self._loose, self._now))
        return len(line.of(self._entries, self._now))

    def by(self, name: str) -> dict[str, int]:
        """Count the cases by a text of `Kind`, the most first; the empty text is left out."""
        found = Counter[str]()
        for kind, times in self._kinds:
            found[getattr(kind, name)] += times
        return {word: times for word, times in found.most_common() if word}


def _marked(name: str, title: str, query: str, mark: str) -> Headline:
    """A number that does not hang on the time, of open cases."""
    bit = 1 << MARKS.index(mark)
    return Headline(
        name, title, query, lambda entry: -NEVER if entry.kind.marks & bit else NEVER, mark=bit
    )


def _late(name: str, title: str, query: str, begins: Moment, ends: Moment = _never) -> Headline:
    """A number of open cases that time moves."""
    return Headline(name, title, query, begins, ends, late=1 << LATE.index(name))


def _opened(name: str, title: str, query: str, days: float) -> Headline:
    seconds = days * DAY  # `Entry.new`
    return Headline(
        name, title, query,
        lambda entry: -NEVER if entry.created else NEVER,
        lambda entry: entry.created + seconds if entry.created else NEVER,
    )  # fmt: skip


def _closed(name: str, title: str, query: str, days: float) -> Headline:
    seconds = days * DAY  # `Entry.closed_within`
    return Headline(
        name, title, query,
        lambda entry: -NEVER if entry.closed and not entry.open else NEVER,
        lambda entry: entry.closed + seconds if entry.closed and not entry.open else NEVER,
    )  # fmt: skip


HEADLINES: tuple[Headline, ...] = (
    _marked("open", "Open", "status:open", "open"),
    _marked("escalated", "Escalated", "escalated:yes", "escalated"),
    _marked("crit_sit", "Crit sit", "critsit:yes", "crit_sit"),
    _marked("potential", "Potential escalations", "potential:yes", "potential"),
    _late("breaching", "Breaching", "sla:breached", attrgetter("breaches_at")),
    _late("at_risk", "At risk", "sla:risk", attrgetter("risks_at"), attrgetter("breaches_at")),
    _late("stale", "Stale", "stale:yes", attrgetter("stale_at")),
    _marked("untracked", "Untracked", "untracked:yes", "untracked"),
    _marked("unassigned", "Unassigned", UNASSIGNED_QUERY, "unassigned"),
    _marked("no_bugs", "No bugs", "bug:none", "no_bugs"),
    Headline(
        "missing_target", "Missing target", "target:missing",
        lambda e: -NEVER if e.open and not e.no_bugs and e.missing_target else NEVER,
    ),
    _opened("opened_1d", "Opened in 24 hours", "status:any created<=24h", 1),
    _closed("closed_1d", "Closed in 24 hours", "status:closed closed<=24h", 1),
    _opened("opened_7d", "Opened in 7 days", "status:any created<=7d", 7),
    _closed("closed_7d", "Closed in 7 days", "status:closed closed<=7d", 7),
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
