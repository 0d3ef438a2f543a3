"""Puts a case together from the states of its sources."""

from datetime import datetime
from typing import Any, cast

from msgspec.structs import replace

from t5g.derived import Rules
from t5g.model import Card, Case, Comment, Details, Portal, Source
from t5g.state import EPOCH, CardState, Collection, Register, State, visible
from t5g.store import CaseFields

FINISHED = "Done"
#: Of a case whose details nobody has read.
NO_DETAILS = Details()


def assemble(fields: CaseFields, rules: Rules) -> Case | None:
    """Return the case, or None while (or since) no listing of the Portal has it."""
    states = fields.states
    portal: Any = states.get(Source.PORTAL)
    if portal is None or portal.facts is None:
        return None
    cards, comments = _cards(states.get(Source.CARD), rules)
    return Case(
        portal=portal.facts,
        details=_details(states.get(Source.DETAILS)),
        cards=cards,
        comments=comments,
        issues=_values(states.get(Source.ISSUES)),
        bugs=_values(states.get(Source.BUGS)),
        escalations=_values(states.get(Source.ESCALATION)),
    )


def reassemble(case: Case, source: Source, state: State, rules: Rules) -> Case | None:
    """Return the case with another state of one source; None if the Portal has it no longer."""
    match source:
        case Source.PORTAL:
            portal = cast("Register[Portal]", state).facts
            return replace(case, portal=portal) if portal else None
        case Source.DETAILS:
            return replace(case, details=_details(state))
        case Source.CARD:
            cards, comments = _cards(state, rules)
            return replace(case, cards=cards, comments=comments)
        case Source.ISSUES:
            return replace(case, issues=_values(state))
        case Source.BUGS:
            return replace(case, bugs=_values(state))
        case Source.ESCALATION:
            return replace(case, escalations=_values(state))


def _details(state: State | None) -> Details:
    register = cast("Register[Details] | None", state)
    return (register.facts if register else None) or NO_DETAILS


def _cards(
    state: State | None, rules: Rules
) -> tuple[tuple[Card, ...], dict[str, tuple[Comment, ...]]]:
    found = cast("CardState | None", state)
    if found is None:
        return (), {}
    cards = list(visible(found.cards).values())
    if len(cards) > 1:
        cards.sort(key=lambda card: _order(card, rules))
    return tuple(cards), {key: _comments(kept) for key, kept in found.comments.items()}


def _order(card: Card, rules: Rules) -> tuple[bool, datetime, str]:
    """The card to work with is the oldest that is not done."""
    return rules.internal(card.status) == FINISHED, card.created or EPOCH, card.key


def _comments(found: Collection[Comment]) -> tuple[Comment, ...]:
    comments = list(visible(found).values())
    if len(comments) > 1:
        comments.sort(key=_age)
    return tuple(comments)


def _age(comment: Comment) -> tuple[datetime, int, str]:
    return comment.created or EPOCH, len(comment.id), comment.id


def _values(state: State | None) -> Any:
    if state is None:
        return ()
    shown = visible(cast("Collection[Any]", state))
    return tuple(shown.values() if len(shown) < 2 else map(shown.__getitem__, sorted(shown)))
