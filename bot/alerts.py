"""What a watch is told of: pure decisions from what changed and what matches.

Each change is told once; what somebody did by the bot is not told to themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from t5g.changes import Change
from t5g.derived import DAY, Entry, severity_rank
from t5g.model import Card, Status


class Reason(Struct, frozen=True):
    """Why a case is told: the fact that changed, and words for people (foreign ones included).

    `alarm`: it is told in the channel for the case's severity too, watched or not.
    """

    fact: str
    sign: str
    text: str
    alarm: bool = False


class Told(Struct, frozen=True, kw_only=True):
    """A case to tell of, with the reasons."""

    entry: Entry
    reasons: tuple[Reason, ...]


MATCHES = "matches"


def merged(changes: Iterable[Change]) -> list[Change]:
    """Changes of the same fact as one, from the first state to the last; none if it came back."""
    found: dict[tuple[str, str], Change] = {}
    for change in changes:
        name = change.fact, change.key
        before = found[name].before if name in found else change.before
        found[name] = Change(change.fact, before, change.after, change.key)
    return [change for change in found.values() if change.before != change.after]


def came(changes: Iterable[Change]) -> bool:
    """Whether the Portal lists the case for the first time (not: its details came)."""
    return any(x.fact == "case" and x.before is None and x.after != "details" for x in changes)


def reasons(entry: Entry, changes: Iterable[Change], internal: Any) -> list[Reason]:
    """Return what is worth telling among the changes of a case, the weightiest first.

    A case may be named by an escalation before the Portal lists it: that is told when it comes.
    `internal`: the team's word for a JIRA status.
    """
    found: list[tuple[int, Reason]] = []
    whole = merged(changes)
    if came(whole) and entry.open and not any(x.fact == "escalation" for x in whole):
        whole += [Change("escalation", None, x.key, x.key) for x in entry.case.escalations]
    for change in whole:
        reason = _reason(entry, change, internal)
        if reason is not None:
            found.append(reason)
    return [reason for _, reason in sorted(found, key=lambda pair: pair[0])]


def _reason(entry: Entry, change: Change, internal: Any) -> tuple[int, Reason] | None:
    before, after = change.before, change.after
    match change.fact:
        case "escalation" if before is None:
            return 0, Reason("escalation", "🚨", f"escalated ({change.key})", alarm=True)
        case "escalation" if after is None:
            return 5, Reason("escalation", "🕊", f"escalation {change.key} is over")
        case "crit_sit" if after is True:
            return 1, Reason("crit_sit", "🔥", "is a crit sit now", alarm=True)
        case "case" if before is None and entry.open and entry.crit_sit:
            return 1, Reason("case", "🔥", "came as a crit sit", alarm=True)
        case "severity" if before and after:
            raised = severity_rank(str(after)) < severity_rank(str(before))
            sign, word = ("⬆️", "raised") if raised else ("⬇️", "lowered")
            text = f"severity {word}: {before} → {after}"
            return 2, Reason("severity", sign, text, alarm=raised)
        case "status" if before == Status.CLOSED:
            return 2, Reason("status", "🔁", f"reopened: {after}", alarm=True)
        case "status" if after == Status.CLOSED:
            return 3, Reason("status", "✅", "closed")
        case "status" if before and after:
            return 4, Reason("status", "🔄", f"{before} → {after}")
        case "card.status" if before and after and internal(before) != internal(after):
            return 6, Reason("card.status", "🗂", f"card: {internal(before)} → {internal(after)}")
    return None


def told(
    entry: Entry, *, matches: bool, matched: bool, why: Sequence[Reason],
    deeds: Mapping[str, str], person: str = "",
) -> Told | None:  # fmt: skip
    """Decide what one watch is told of one case.

    `matches`: it matches now; `matched`: it did when last looked at. `why`: what changed of it.
    `deeds`: who changed which facts by the bot; `person`: whose own watch this is, or "".
    """
    if not matches:
        return None
    if not matched:
        kept = [Reason(MATCHES, "✨", "matches now"), *why]
    else:
        kept = list(why)
    if person:
        kept = [reason for reason in kept if deeds.get(reason.fact) != person]
        if matches and not matched and person in deeds.values() and len(kept) == 1:
            return None  # it began to match by the person's own doing
    return Told(entry=entry, reasons=tuple(kept)) if kept else None


def new_cards(entry: Entry, changes: Iterable[Change], since: float, now: float) -> list[Card]:
    """Return the cards of a case that came now and are young: those to announce.

    A card's event is often faster than the listing that knows its case: with the case come all its
    cards. Who announces takes each only once.
    """
    found = list(changes)
    keys = {change.key for change in found if change.fact == "card" and change.before is None}
    return [
        card
        for card in entry.case.cards
        if (card.key in keys or came(found))
        and card.created is not None
        and since <= card.created.timestamp()
        and now - card.created.timestamp() <= DAY
    ]
