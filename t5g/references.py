"""Which cases point at a card, an issue, an escalation, a bug, or any of JIRA's numeric ids."""

from collections.abc import Iterable, Iterator

from t5g.derived import Entry
from t5g.model import Card, Escalation, Issue

KINDS = ("card", "issue", "escalation", "bug", "id")


class References:
    """Numbers of cases by what they point at. Most things have one case: kept as its number."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str | frozenset[str]]] = {kind: {} for kind in KINDS}

    def of(self, kind: str, name: str) -> frozenset[str]:
        """Numbers of the cases that point at `name`."""
        found = self._known[kind].get(name)
        if found is None:
            return frozenset()
        return found if isinstance(found, frozenset) else frozenset((found,))

    def add(self, entry: Entry) -> None:
        """Remember what a case points at."""
        for kind, name in refs(entry):
            names = self._known[kind]
            if names.setdefault(name, entry.number) != entry.number:
                names[name] = self.of(kind, name) | {entry.number}

    def remove(self, entry: Entry) -> None:
        """Forget what a case points at."""
        for kind, name in refs(entry):
            left = self.of(kind, name) - {entry.number}
            names = self._known[kind]
            if not left:
                names.pop(name, None)
            else:
                names[name] = left if len(left) > 1 else next(iter(left))


def refs(entry: Entry) -> Iterator[tuple[str, str]]:
    """Everything outside that a case points at, as (kind, name)."""
    case = entry.case
    for card in case.cards:
        yield "card", card.key
    for issue in case.issues:
        yield "issue", issue.key
    for escalation in case.escalations:
        yield "escalation", escalation.key
    for bug in case.bugs:
        yield "bug", str(bug.id)
    items: Iterable[Card | Issue | Escalation] = (*case.cards, *case.issues, *case.escalations)
    for item in items:
        if item.id:
            yield "id", item.id
