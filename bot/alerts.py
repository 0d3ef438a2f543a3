"""What a watch is told of: pure decisions from what changed and what matches.

Each change is told once; what somebody did by the bot is not told to themselves.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from t5g.changes import Change
from t5g.derived import DAY, Entry, attention
from t5g.model import Card
from t5g.news import KINDS, News, came


class Told(Struct, frozen=True, kw_only=True):
    """A case to tell of, with the reasons."""

    entry: Entry
    reasons: tuple[News, ...]


def told(
    entry: Entry, *, matches: bool, matched: bool, why: Sequence[News],
    deeds: Mapping[str, str], person: str = "",
) -> Told | None:  # fmt: skip
    """Decide what one watch is told of one case.

    `matches`: it matches now; `matched`: it did when last looked at. `why`: what changed of it.
    `deeds`: who changed which facts by the bot; `person`: whose own watch this is, or "".
    """
    if not matches:
        return None
    kept = [news for news in why if KINDS[news.kind].watch]
    if not matched:
        kept.insert(0, News("matches", "matches now"))
    if person:
        kept = [reason for reason in kept if deeds.get(reason.fact) != person]
        if matches and not matched and person in deeds.values() and len(kept) == 1:
            return None  # it began to match by the person's own doing
    return Told(entry=entry, reasons=tuple(kept)) if kept else None


def by_urgency(found: Iterable[Told], now: float) -> list[Told]:
    """Return what is told of several cases, the most urgent first; that one matches is no hurry."""

    def key(item: Told) -> tuple[int, tuple[object, ...]]:
        weights = [x.weight for x in item.reasons if x.kind != "matches"]
        return min(weights, default=KINDS["came"].weight), order(item.entry)

    order = attention(now)
    return sorted(found, key=key)


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
