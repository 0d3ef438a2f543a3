"""One object for equal values, so that ten thousand cases keep an account's name once.

Frozen facts that came from JSON hold texts of their own even where they are equal. `share` puts
the one that was there first in their place. That halves what a board of many cases weighs and
makes comparing and grouping quicker.
"""

from sys import intern
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from t5g.model import Bug, Card, Case, Comment, Issue, Person, Portal

T = TypeVar("T")

#: So many different people and lists are remembered; then it starts anew.
MOST = 50_000
#: The texts of each kind of fact that many cases have in common.
TEXTS: dict[type[Struct], tuple[str, ...]] = {
    Portal: (
        "status", "upstream_status", "severity", "account", "account_number", "owner", "contact",
        "product", "version", "case_type",
    ),
    Card: ("status", "priority", "sprint", "sprint_id"),
    Issue: ("key", "id", "url", "title", "status", "type", "severity", "priority"),
    Bug: ("url", "summary", "status", "severity", "assignee", "qa_contact", "whiteboard"),
}  # fmt: skip
#: Their people, and their lists of texts.
VALUES: dict[type[Struct], tuple[str, ...]] = {
    Portal: ("tags",),
    Card: ("assignee", "labels", "contributors"),
    Comment: ("author",),
    Issue: ("assignee", "qa_contact", "fix_versions", "fix_version_ids", "private_keywords"),
    Bug: ("target_release",),
}


class Pool:
    """Remembers values, and gives the first of each that are equal."""

    def __init__(self) -> None:
        self._seen: dict[Any, Any] = {}

    def share(self, case: Case, before: Case | None = None) -> None:
        """Put shared values in the place of equal ones. Only for facts nobody else has yet.

        `before`: the case as it was; facts that it had are shared already.
        """
        if before is None or case.portal is not before.portal:
            self._share(case.portal)
        for name in ("cards", "issues", "bugs"):
            found = getattr(case, name)
            if before is None or found is not getattr(before, name):
                for facts in found:
                    self._share(facts)
        if before is None or case.comments is not before.comments:
            for comments in case.comments.values():
                for comment in comments:
                    self._share(comment)

    def _share(self, facts: Struct) -> None:
        kind = type(facts)
        for name in TEXTS.get(kind, ()):
            text = getattr(facts, name)
            if text and (known := intern(text)) is not text:
                force_setattr(facts, name, known)
        for name in VALUES.get(kind, ()):
            value = getattr(facts, name)
            if value and (first := self._one(value)) is not value:
                force_setattr(facts, name, first)

    def _one(self, value: T) -> T:
        found: T | None = self._seen.get(value)
        if found is not None:
            return found
        if len(self._seen) >= MOST:
            self._seen.clear()
        if isinstance(value, Person):
            for name in ("account", "name", "email"):
                force_setattr(value, name, intern(getattr(value, name)))
        self._seen[value] = value
        return value
