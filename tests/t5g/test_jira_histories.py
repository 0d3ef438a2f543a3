"""Whatever the order and however often the events of a history come: the end state is the same."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from t5g.jira_payloads import card_of, comment_of
from t5g.model import Issue, Source
from t5g.state import CommentsSeen
from t5g.syncs import Sync
from tests.jira_history import (
    DEFECT_ID,
    DEFECT_KEY,
    ESCALATION_LABEL,
    LABEL,
    NUMBERS,
    STEPS,
    SmallJira,
    Ticket,
)
from tests.jira_shelf import SETTINGS, Shelf
from tests.making import NOW, listing, portal_seen
from tests.making_jira import at


def sync_cards(shelf: Shelf, jira: SmallJira) -> None:
    """Do what workers do when a decision asks for it: list the cards with their comments."""
    if Sync.CARDS not in shelf.resyncs:
        return
    end = at(jira.minute + 1)
    for number in NUMBERS:
        tickets = cards_of(jira, number)
        cards = [card_of(ticket.payload(), SETTINGS) for ticket in tickets.values()]
        shelf.write([listing(number, Source.CARD, *cards, seen=end)])
        for key, ticket in tickets.items():
            comments = tuple(comment_of(row) for row in jira.comments_of(ticket))
            shelf.write([CommentsSeen(number=number, card=key, comments=comments, seen=end)])


def cards_of(jira: SmallJira, number: str) -> dict[str, Ticket]:
    """The cards that JIRA has for a case."""
    return {
        ticket.key: ticket
        for ticket in jira.tickets.values()
        if ticket.key.startswith("T5G-") and LABEL in ticket.labels and not ticket.deleted
        and ticket.summary.startswith(number)
    }  # fmt: skip


def defects_of(jira: SmallJira, number: str) -> dict[str, str]:
    """The linked issues that JIRA has for a case: only the first case has one."""
    if number != NUMBERS[0]:
        return {}
    ticket = jira.tickets.get("d1")
    if ticket is None:
        return {DEFECT_KEY: "New"}
    return {} if ticket.deleted else {ticket.key: ticket.status}


def new_shelf() -> Shelf:
    shelf = Shelf()
    defect = Issue(key=DEFECT_KEY, id=DEFECT_ID, title="It broke", status="New", updated=at(-5))
    for number in NUMBERS:
        shelf.write([portal_seen(number, seen=NOW)])
    shelf.write([listing(NUMBERS[0], Source.ISSUES, defect, seen=at(-5))])
    return shelf


def applied(payloads: Iterable[dict[str, Any]]) -> Shelf:
    shelf = new_shelf()
    for payload in payloads:
        shelf.apply(payload)
    return shelf


@st.composite
def shuffled(draw: st.DrawFn, payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    again = draw(st.lists(st.sampled_from(payloads), max_size=6)) if payloads else []
    return draw(st.permutations([*payloads, *again]))


@hypothesis_settings(max_examples=300)
@given(cloud=st.booleans(), steps=STEPS, data=st.data())
def test_any_order_and_repetition_ends_in_the_same_state(
    cloud: bool, steps: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    jira = SmallJira(cloud=cloud)
    payloads = jira.play(steps)
    if not payloads:
        return
    mixed = data.draw(shuffled(payloads))
    note(f"in order: {[_short(p) for p in payloads]}")
    note(f"as delivered: {[_short(p) for p in mixed]}")
    one, other = applied(payloads), applied(mixed)
    sync_cards(one, jira)
    sync_cards(other, jira)
    assert other.seen() == one.seen()


@hypothesis_settings(max_examples=200)
@given(cloud=st.booleans(), steps=STEPS)
def test_a_history_in_order_ends_in_what_jira_has(
    cloud: bool, steps: list[tuple[str, str, int]]
) -> None:
    jira = SmallJira(cloud=cloud)
    shelf = applied(jira.play(steps))
    sync_cards(shelf, jira)
    for number, case in shelf.seen().items():
        cards = cards_of(jira, number)
        assert {c.key: c.status for c in case.cards} == {k: t.status for k, t in cards.items()}
        assert {key: [c.body for c in case.comments.get(key, ())] for key in cards} == {
            key: [body for body, _, _ in ticket.comments.values()] for key, ticket in cards.items()
        }
        assert {i.key: i.status for i in case.issues} == defects_of(jira, number)
        assert {e.key for e in case.escalations} == {
            ticket.key
            for ticket in jira.tickets.values()
            if ticket.key.startswith("ESC-") and ESCALATION_LABEL in ticket.labels
            and number in ticket.cases and ticket.status != "Done" and not ticket.deleted
        }  # fmt: skip


def _short(payload: dict[str, Any]) -> str:
    issue, comment = payload.get("issue", {}), payload.get("comment", {})
    minute = (payload["timestamp"] - at(0).timestamp() * 1000) / 60000
    changes = [
        (i["field"], i["fromString"], i["toString"])
        for i in payload.get("changelog", {}).get("items", ())
    ]
    return (
        f"{minute:g} {payload['webhookEvent']} {issue.get('key')} {comment.get('id', '')} {changes}"
    )
