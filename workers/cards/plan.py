"""What to do with cards, and why: pure decisions over the board, the team and the time.

The dry run and the real run ask here; neither decides anything by itself.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from t5g.assignment import WEIGHTS, Assignment, Candidate, Newcomer, assign, load_of
from t5g.derived import DAY, Entry
from t5g.settings import Settings
from t5g.team import Member, Role, Team
from workers.cards.text import priority_of

FINISHED = "Done"
NO_TEAM = "the team file names nobody"


class Action(StrEnum):
    """What becomes of a case's card."""

    CREATE = "create"
    REOPEN = "reopen"


class Planned(Struct, frozen=True, kw_only=True):
    """One card to make or to reopen. `email` and `account` are of whom it goes to.

    `card`: the one to reopen, or one that was made before and that the board does not know.
    `about`: severity and customer, for whoever looks at the plan.
    """

    number: str
    about: str
    action: Action
    why: str
    card: str = ""
    assignee: str = ""
    email: str = ""
    account: str = ""
    reason: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """All that one run would do. More than `limit` are not made, unless exactly so many are
    `confirmed` by a person."""

    rows: tuple[Planned, ...] = ()
    limit: int = 10
    confirmed: int = 0

    @property
    def count(self) -> int:
        """How many cards are made or reopened; what only has to be found again does not count."""
        return sum(row.action is Action.REOPEN or not row.card for row in self.rows)

    @property
    def stopped(self) -> bool:
        """Say whether there are too many to go ahead without a person."""
        return self.count > self.limit and self.count != self.confirmed


class Change(Struct, frozen=True, kw_only=True):
    """A card whose priority or status should be another."""

    number: str
    card: str
    before: str
    after: str
    why: str


def plan_cards(
    entries: Iterable[Entry],
    team: Team,
    settings: Settings,
    now: float,
    *,
    was_closed: Set[str] = frozenset(),
    made: Mapping[str, str] = MappingProxyType({}),
    confirmed: int = 0,
) -> Plan:
    """Decide which cards to make and to reopen, and for whom.

    `was_closed`: numbers of the cases that were seen closed; one of these that is open is open
    again. `made`: keys of cards that were made before, by case. `confirmed`: how many a person
    agreed to.
    """
    known = list(entries)
    open_ones = sorted((e for e in known if e.open), key=lambda e: (e.rank, e.created, e.number))
    new = [entry for entry in open_ones if entry.untracked]
    owners = {row.number: row for row in assigned(new, known, team, now)}
    rows = [
        _creation(entry, owners[entry.number], team, made.get(entry.number, "")) for entry in new
    ]
    rows += [_reopening(entry) for entry in open_ones if _is_back(entry, was_closed)]
    return Plan(rows=tuple(rows), limit=settings.max_cards_per_run, confirmed=confirmed)


def assigned(
    new: Sequence[Entry], known: Sequence[Entry], team: Team, now: float
) -> list[Assignment]:
    """Decide in one batch who gets the new cases; the same batch gives the same answer."""
    day = datetime.fromtimestamp(now, UTC).date()
    mine: dict[str, list[Entry]] = {}
    for entry in known:
        if entry.open and entry.assignee is not None and (owner := _owner(entry, team)):
            mine.setdefault(owner.name, []).append(entry)
    candidates = [
        Candidate(
            name=member.name,
            accounts=member.accounts,
            load=load_of(mine.get(member.name, ())),
            available=_may_get(member, day),
        )
        for member in team.members
    ]
    newcomers = [
        Newcomer(number=e.number, account=e.account, weight=WEIGHTS.get(e.rank, 2.0)) for e in new
    ]
    seed = zlib.crc32(" ".join(sorted(e.number for e in new)).encode())
    return assign(newcomers, candidates, seed=seed)


def plan_priorities(entries: Iterable[Entry], settings: Settings) -> list[Change]:
    """Decide which cards of open cases need another priority, because the severity changed."""
    changes = []
    for entry in entries:
        wanted = priority_of(entry.case.portal.severity, settings)
        card = entry.card
        if not entry.open or card is None or not wanted or finished(entry):
            continue
        if card.priority.casefold() != wanted.casefold():
            changes.append(
                Change(
                    number=entry.number,
                    card=card.key,
                    before=card.priority,
                    after=wanted,
                    why=f"severity {entry.severity}",
                )
            )
    return changes


def plan_closing(entries: Iterable[Entry], settings: Settings, now: float) -> list[Change]:
    """Decide which cards of cases closed long enough are to be closed."""
    changes = []
    for entry in entries:
        card, closed = entry.card, entry.closed or entry.activity
        if entry.open or card is None or finished(entry) or not closed:
            continue
        days = (now - closed) / DAY
        if days >= settings.close_after_days:
            changes.append(
                Change(
                    number=entry.number,
                    card=card.key,
                    before=card.status,
                    after=settings.card_done_status,
                    why=f"the case was closed {days:.0f} days ago",
                )
            )
    return changes


def finished(entry: Entry) -> bool:
    """Say whether the card to work with is done."""
    return entry.internal_status == FINISHED


def gets_back(entry: Entry, settings: Settings, now: float) -> bool:
    """Say whether a case is old enough to get an earlier, finished card back."""
    return entry.days_open(now) > settings.reopen_after_days


def _is_back(entry: Entry, was_closed: Set[str]) -> bool:
    return entry.number in was_closed and entry.card is not None and finished(entry)


def _creation(entry: Entry, row: Assignment, team: Team, card: str) -> Planned:
    member = next((m for m in team.members if m.name == row.name), None)
    reason = row.reason if team.members else NO_TEAM
    why = "open, without a card"
    return Planned(
        number=entry.number,
        about=_about(entry),
        action=Action.CREATE,
        why=f"{why} here: {card} is looked for first" if card else why,
        card=card,
        assignee=row.name,
        email=member.email if member else "",
        account=member.jira if member else "",
        reason=reason,
    )


def _reopening(entry: Entry) -> Planned:
    return Planned(
        number=entry.number,
        about=_about(entry),
        action=Action.REOPEN,
        why="was closed, is open again",
        card=entry.card.key if entry.card else "",
        assignee=entry.assignee.name if entry.assignee else "",
        reason="it was theirs" if entry.assignee else "",
    )


def _about(entry: Entry) -> str:
    return " · ".join(x for x in (entry.severity, entry.account) if x)


def _may_get(member: Member, day: date) -> bool:
    """Say whether cards may go to somebody: there, no mere viewer, and known to JIRA somehow."""
    known = bool(member.jira or member.email)
    return known and member.available(day) and member.role is not Role.VIEWER


def _owner(entry: Entry, team: Team) -> Member | None:
    who = entry.assignee
    if who is None:
        return None
    return team.by_jira(who.account) or team.by_email(who.email)
