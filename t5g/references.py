"""Which cases point at a card, an issue, an escalation, a bug, or any of JIRA's numeric ids."""

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

    def exchange(self, old: Entry | None, new: Entry | None) -> None:
        """Put what a case points at now in the place of what it pointed at."""
        if old is not None and new is not None and refs(old) == refs(new):
            return
        if old is not None:
            self.remove(old)
        if new is not None:
            self.add(new)

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


def refs(entry: Entry) -> list[tuple[str, str]]:
    """Everything outside that a case points at, as (kind, name)."""
    case = entry.case
    found: list[tuple[str, str]] = []
    groups: tuple[tuple[str, tuple[Card | Issue | Escalation, ...]], ...] = (
        ("card", case.cards), ("issue", case.issues), ("escalation", case.escalations)
    )  # fmt: skip
    for kind, items in groups:
        for item in items:
            found.append((kind, item.key))
            if item.id:
                found.append(("id", item.id))
    for bug in case.bugs:
        found.append(("bug", str(bug.id)))
    return found
