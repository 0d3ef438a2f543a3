"""The daily digest as data: headline numbers with their change, and the cases to speak about.

It decides what is in a digest and in what order, not how Slack or a terminal show it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from t5g.census import figures
from t5g.derived import DAY, Entry, attention
from t5g.figures import UNASSIGNED_QUERY, Figures
from t5g.statistics import DayRow


class Section(Struct, frozen=True, kw_only=True):
    """Cases that share a reason to be in the digest; `query` lists the same in Slack and page."""

    name: str
    title: str
    query: str
    entries: tuple[Entry, ...]


class Digest(Struct, frozen=True, kw_only=True):
    """A digest. `changes` has, for each headline number, the difference to the row of `compared`.

    `compared` is the day (`2026-11-23`) that the numbers are compared with, or "".
    """

    at: float
    since: float
    figures: Figures
    compared: str
    changes: Mapping[str, int]
    sections: tuple[Section, ...]

    @property
    def empty(self) -> bool:
        """Say whether there is nothing to speak about."""
        return not any(section.entries for section in self.sections)


class _Rule(NamedTuple):
    name: str
    title: str
    query: str
    belongs: Callable[[Entry, float, float], bool]


_RULES: tuple[_Rule, ...] = (
    _Rule("newly_escalated", "Newly escalated", "escalated:yes",
          lambda e, now, since: e.open and e.escalated and escalated_since(e) > since),
    _Rule("still_escalated", "Still escalated", "escalated:yes",
          lambda e, now, since: e.open and e.escalated and escalated_since(e) <= since),
    _Rule("potential", "Potential escalations", "potential:yes",
          lambda e, now, since: e.potential_escalation),
    _Rule("crit_sit", "Crit sits", "critsit:yes",
          lambda e, now, since: e.open and e.crit_sit is True),
    _Rule("breaching", "Breaching", "sla:breached", lambda e, now, since: e.breaching(now)),
    _Rule("at_risk", "At risk", "sla:risk", lambda e, now, since: e.at_risk(now)),
    _Rule("stale", "Stale", "stale:yes", lambda e, now, since: e.stale(now)),
    _Rule("untracked", "Untracked", "untracked:yes", lambda e, now, since: e.untracked),
    _Rule("unassigned", "Unassigned", UNASSIGNED_QUERY,
          lambda e, now, since: e.open and e.assignee is None),
    _Rule("opened", "New", "status:any created<=24h",
          lambda e, now, since: bool(e.created) and e.created > since),
    _Rule("closed", "Closed", "status:closed closed<=24h",
          lambda e, now, since: not e.open and bool(e.closed) and e.closed > since),
)  # fmt: skip


def escalated_since(entry: Entry) -> float:
    """Since when the case is escalated (seconds since the epoch); 0 if that is not known."""
    moments = [x.since.timestamp() for x in entry.case.escalations if x.since]
    return min(moments, default=0.0)


def build_digest(
    entries: Iterable[Entry],
    now: float,
    *,
    since: float | None = None,
    before: DayRow | None = None,
) -> Digest:
    """Work out the digest over all cases.

    `since` is when the previous digest was made (default: a day ago); `before` the row of numbers
    to compare with.
    """
    start = now - DAY if since is None else since
    everyone = sorted(entries, key=attention(now))
    numbers = figures(everyone, now)
    return Digest(
        at=now,
        since=start,
        figures=numbers,
        compared=before.day if before else "",
        changes=differences(numbers, before),
        sections=tuple(
            Section(
                name=rule.name,
                title=rule.title,
                query=rule.query,
                entries=tuple(e for e in everyone if rule.belongs(e, now, start)),
            )
            for rule in _RULES
        ),
    )


def differences(numbers: Figures, before: DayRow | None) -> dict[str, int]:
    """Return, for each headline number, by how much it grew since the row of `before`."""
    if before is None:
        return {}
    return {
        name: value - before.headlines[name]
        for name, value in numbers.headlines.items()
        if name in before.headlines
    }
