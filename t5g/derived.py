"""What follows from the facts of a case, each defined once: open, stale, breaching, at risk, …

Slack, pages, API, metrics and digests all ask here. What depends on the time of day takes `now`
(seconds since the epoch); all else is worked out once, when the case changes.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from sys import intern

from msgspec import UNSET, Struct, UnsetType

from t5g.model import Bug, Card, Case, Comment, Issue, Portal, Status
from t5g.settings import INTERNAL_STATUS, Settings, Sla

MINUTE, DAY = 60.0, 86_400.0
AT_RISK = 0.8
NEW_DAYS = 7.0
SEVERITIES = {1: "Urgent", 2: "High", 3: "Normal", 4: "Low"}
NO_SEVERITY = 9
NEVER = math.inf
NO_TARGET = ("", "---")
#: What time makes of an open case: the bits of `Kind.late`, lowest first.
LATE = ("breaching", "at_risk", "stale")
#: What holds for an open case or not, whatever the time: the bits of `Kind.marks`, lowest first.
MARKS = ("open", "escalated", "crit_sit", "potential", "untracked", "unassigned", "no_bugs")
ESCALATION_LABEL = "PotentialEscalation"
WATCHLIST_LABEL = "Daily_Telco_OCP"
TREND_LABEL = "Trends"
_LEADING_DIGIT = re.compile(r"\s*([1-4])\b")


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that derived facts depend on. `sla` is days by severity rank (1 to 4)."""

    sla: Mapping[int, float] = field(default_factory=lambda: sla_by_rank(Sla()))
    stale_seconds: float = 7 * DAY
    internal_status: Mapping[str, str] = field(default_factory=lambda: dict(INTERNAL_STATUS))

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Take the rules out of the settings."""
        return cls(
            sla=sla_by_rank(settings.sla),
            stale_seconds=settings.stale_days * DAY,
            internal_status=dict(settings.internal_status),
        )

    def internal(self, jira_status: str) -> str:
        """The team's word for a card's JIRA status; anything unknown shows as itself."""
        return self.internal_status.get(jira_status, jira_status)


def sla_by_rank(sla: Sla) -> dict[int, float]:
    """Days by severity rank."""
    return {1: sla.urgent, 2: sla.high, 3: sla.normal, 4: sla.low}


@lru_cache(maxsize=256)
def severity_rank(severity: str) -> int:
    """Rank of an upstream severity such as `2 (High)`: 1 to 4, or 9 for a text without one."""
    found = _LEADING_DIGIT.match(severity)
    if found:
        return int(found.group(1))
    word = severity.strip().casefold()
    return next((n for n, name in SEVERITIES.items() if name.casefold() == word), NO_SEVERITY)


class Kind(Struct, frozen=True, eq=False):
    """What many cases have in common: lists are counted by it with one look at each case.

    `marks`: `MARKS` as bits. `late`: `LATE` as bits, true throughout `minute` (since the epoch);
    without one the case's moments tell. Equal ones are one object, or a few, told apart by that.
    """

    marks: int
    severity: str
    status: str
    internal_status: str
    minute: int = -1
    late: int = 0


_kind = lru_cache(maxsize=4_096)(Kind)


def settle(entries: Iterable["Entry"], minute: int) -> None:
    """Say in the kind of each case what time has made of it, if nothing of it turns this minute."""
    begin, end = minute * MINUTE, (minute + 1) * MINUTE
    for entry in entries:
        risks, breaches, stale = entry.risks_at, entry.breaches_at, entry.stale_at
        turns = begin <= risks < end or begin <= breaches < end or begin <= stale < end
        late = (breaches < begin) | (risks < begin <= breaches) << 1 | (stale < begin) << 2
        kind = entry.kind
        entry.kind = _kind(
            kind.marks, kind.severity, kind.status, kind.internal_status,
            *((-1, 0) if turns else (minute, late)),
        )  # fmt: skip


class Entry:
    """A case with all that follows from it, made anew when the case changes. Else only `settle`
    touches it.

    What lists filter and sort by stands here flat, one step away: at ten thousand cases each
    further step is what a list costs. `status`, `account` and `owner` are the Portal's own words,
    `product` comes with its version.
    """

    __slots__ = (
        "_comment", "_rules", "_targets", "account", "activity", "assignee", "breaches_at", "case",
        "closed", "created", "crit_sit", "ended", "escalated", "internal_status", "kind", "labels",
        "no_bugs", "number", "open", "owner", "potential_escalation", "product", "rank", "risks_at",
        "severity", "sla_days", "stale_at", "status", "text", "untracked",
    )  # fmt: skip

    def __init__(self, case: Case, rules: Rules, before: "Entry | None" = None) -> None:
        self.case = case
        self.number = case.number
        self._rules = rules
        portal, card = case.portal, case.card
        if before is not None and before.case.portal is portal:
            self._take(before)
        else:
            self._read(portal)
        self.activity = max(_seconds(portal.updated), _seconds(card.updated if card else None))
        #: When it ended, as far as is known; 0: it is open, or nothing tells.
        self.ended = 0.0 if self.open else self.closed or self.activity
        self.sla_days = rules.sla.get(self.rank)
        #: Since when the case is at risk, breaching and stale: never if it is not open.
        self.risks_at, self.breaches_at = self._deadlines()
        self.stale_at = self.activity + rules.stale_seconds if self.open else NEVER
        self.escalated = bool(case.escalations)
        self.crit_sit = None if case.details.crit_sit is UNSET else case.details.crit_sit
        self.labels: tuple[str, ...] = card.labels if card else ()
        self.untracked = self.open and card is None
        #: Marked as a potential escalation, and not escalated yet.
        self.potential_escalation = (
            self.open and ESCALATION_LABEL in self.labels and not self.escalated
        )
        self.internal_status = rules.internal(card.status) if card else ""
        self.assignee = card.assignee if card else None
        #: No issue and no bug is behind the case.
        self.no_bugs = not case.issues and not case.bugs
        self.kind = _kind(
            self._marks() if self.open else 0, self.severity, self.status, self.internal_status
        )
        self._targets: tuple[Issue | Bug, ...] | None = None
        self._comment: Comment | UnsetType | None = UNSET

    def _marks(self) -> int:
        return (
            1
            | self.escalated << 1
            | (self.crit_sit is True) << 2
            | self.potential_escalation << 3
            | self.untracked << 4
            | (self.assignee is None) << 5
            | self.no_bugs << 6
        )

    def _read(self, portal: Portal) -> None:
        """Work out what follows from what the Portal says."""
        self.status, self.account, self.owner = portal.status, portal.account, portal.owner
        self.product = intern(f"{portal.product} {portal.version}".strip())
        self.open = portal.status != Status.CLOSED
        self.rank = severity_rank(portal.severity)
        self.severity = SEVERITIES.get(self.rank, portal.severity)
        self.created = _seconds(portal.created)
        self.closed = _seconds(portal.closed)
        #: What free words of a query are looked for in.
        self.text = _text(portal)

    def _take(self, before: "Entry") -> None:
        """Take it from an entry of the same case of which only other parts have changed."""
        self.status, self.account, self.owner = before.status, before.account, before.owner
        self.product, self.open, self.text = before.product, before.open, before.text
        self.rank, self.severity = before.rank, before.severity
        self.created, self.closed = before.created, before.closed

    @property
    def card(self) -> Card | None:
        """The card to work with."""
        return self.case.card

    @property
    def watchlist(self) -> bool:
        """On the team's daily watch list."""
        return WATCHLIST_LABEL in self.labels

    @property
    def trend(self) -> bool:
        """Labelled as part of a trend."""
        return TREND_LABEL in self.labels

    @property
    def missing_target(self) -> tuple[Issue | Bug, ...]:
        """The bugs without a target release and the issues without a fix version.

        What is restricted is not counted: what it lacks can not be seen.
        """
        if self._targets is None:
            issues = [i for i in self.case.issues if not i.restricted and not i.fix_versions]
            bugs = [b for b in self.case.bugs if not b.restricted and no_target(b)]
            self._targets = (*issues, *bugs)
        return self._targets

    @property
    def last_comment(self) -> Comment | None:
        """The newest comment on the card."""
        if self._comment is UNSET:
            comments = self.case.card_comments
            self._comment = comments[-1] if comments else None
        return self._comment

    def days_open(self, now: float) -> float:
        """Days from creation until closing, or until `now` while open; 0 if creation is unknown."""
        if not self.created:
            return 0.0
        return max(0.0, ((self.ended or now) - self.created) / DAY)

    def _deadlines(self) -> tuple[float, float]:
        if not self.open or self.sla_days is None or not self.created:
            return NEVER, NEVER
        seconds = self.sla_days * DAY
        return self.created + AT_RISK * seconds, self.created + seconds

    def stale(self, now: float) -> bool:
        """Open, and neither the case nor its card was updated for the set time."""
        return now > self.stale_at

    def breaching(self, now: float) -> bool:
        """Open for longer than the SLA of its severity."""
        return now > self.breaches_at

    def at_risk(self, now: float) -> bool:
        """Open for more than 80 % of its SLA, and not breaching yet."""
        return self.risks_at < now <= self.breaches_at

    def sla_used(self, now: float) -> float | None:
        """The part of the SLA used up (1.0: all of it); None without an SLA."""
        return self.days_open(now) / self.sla_days if self.sla_days else None

    def new(self, now: float, days: float = NEW_DAYS) -> bool:
        """Created in the last `days` × 24 hours, whatever the case is now."""
        return bool(self.created) and now - self.created <= days * DAY

    def closed_within(self, now: float, days: float = NEW_DAYS) -> bool:
        """Closed in the last `days` × 24 hours."""
        return not self.open and bool(self.closed) and now - self.closed <= days * DAY


def _text(portal: Portal) -> str:
    parts = (portal.number, portal.summary, portal.account, portal.product, portal.version)
    return "\n".join(parts).casefold()


def no_target(bug: Bug) -> bool:
    """Say whether a bug has no target release (`---` is Bugzilla's word for none)."""
    return all(release in NO_TARGET for release in bug.target_release)


def attention(now: float) -> Callable[[Entry], tuple[object, ...]]:
    """Sort key that puts first what needs attention: escalated, crit sit, SLA, severity, age."""

    def key(entry: Entry) -> tuple[object, ...]:
        return (
            not entry.open,
            not entry.escalated,
            not entry.crit_sit,
            -(entry.sla_used(now) or 0.0) if entry.breaching(now) else 0.0,
            entry.rank,
            entry.created or now,
            entry.number,
        )

    return key


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
