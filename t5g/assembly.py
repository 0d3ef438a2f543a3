"""Puts a case together from the states of its sources."""

from datetime import datetime
from typing import Any, cast

from t5g.derived import Rules
from t5g.model import Card, Case, Comment, Details, Source
from t5g.state import EPOCH, CardState, Collection, State, visible
from t5g.store import CaseFields

FINISHED = "Done"


def assemble(fields: CaseFields, rules: Rules) -> Case | None:
    """Return the case, or None while (or since) no listing of the Portal has it."""
    states = fields.states
    portal: Any = states.get(Source.PORTAL)
    if portal is None or portal.facts is None:
        return None
    details: Any = states.get(Source.DETAILS)
    cards: Any = states.get(Source.CARD) or CardState()
    return Case(
        portal=portal.facts,
        details=(details.facts if details else None) or Details(),
        cards=tuple(sorted(visible(cards.cards).values(), key=lambda card: _order(card, rules))),
        comments={key: _comments(found) for key, found in cards.comments.items()},
        issues=_values(states.get(Source.ISSUES)),
        bugs=_values(states.get(Source.BUGS)),
        escalations=_values(states.get(Source.ESCALATION)),
    )


def _order(card: Card, rules: Rules) -> tuple[bool, datetime, str]:
    """The card to work with is the oldest that is not done."""
    return rules.internal(card.status) == FINISHED, card.created or EPOCH, card.key


def _comments(found: Collection[Comment]) -> tuple[Comment, ...]:
    def order(comment: Comment) -> tuple[datetime, int, str]:
        return comment.created or EPOCH, len(comment.id), comment.id

    return tuple(sorted(visible(found).values(), key=order))


def _values(state: State | None) -> Any:
    found = cast("Collection[Any] | None", state) or Collection()
    return tuple(value for _, value in sorted(visible(found).items()))
