"""Who is mentioned in comments on cards: names in place of JIRA's accounts.

Texts of Cloud mention people by `accountid:` and an id that tells nobody anything, those of Data
Center by a name to log in with. Whoever has a card, or wrote a comment, is known by name.
"""

import re
from collections.abc import Iterable

from msgspec.structs import force_setattr

from t5g.model import Case, Comment, Person

#: So many accounts are remembered; then it starts anew.
MOST = 50_000
_MENTION = re.compile(r"(?<![^\s([{<\"'*_,;:])@([^\s@\[\](){}<>\"',;]+)")
_AFTER = ".:!?*_"


class Mentions:
    """Remembers the names of people, and puts them into comments that mention their accounts."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._waiting: list[Comment] = []

    def take(self, case: Case, before: Case | None = None) -> None:
        """Learn who is who, and keep the comments with mentions until `name`.

        Only for comments that nobody else has yet; those of `before` have names already.
        """
        for card in case.cards:
            self._learn(card.contributors)
            self._learn((card.assignee,))
        if before is not None and case.comments is before.comments:
            return
        for comments in case.comments.values():
            self._learn(comment.author for comment in comments)
            self._waiting += [comment for comment in comments if "@" in comment.body]

    def name(self) -> None:
        """Put names into the comments that came since the last call."""
        for comment in self._waiting:
            force_setattr(comment, "body", self.named(comment.body))
        self._waiting.clear()

    def named(self, text: str) -> str:
        """Return a text with the names of all whose accounts are known."""
        return _MENTION.sub(self._name, text)

    def _name(self, found: re.Match[str]) -> str:
        for account in (found[1], found[1].rstrip(_AFTER)):
            if account in self._names:
                return f"@{self._names[account]}{found[1][len(account) :]}"
        return found[0]

    def _learn(self, people: Iterable[Person | None]) -> None:
        for person in people:
            if person and person.account and person.name:
                if len(self._names) >= MOST:
                    self._names.clear()
                self._names[person.account] = person.name
