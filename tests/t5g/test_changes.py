"""What is told of two states of a source: the facts that a person could see change."""

from datetime import datetime
from typing import Any

import pytest
from msgspec import UNSET

from t5g.changes import LONGEST, Change, changes_between, plain
from t5g.model import (
    Bug,
    CaseComment,
    Comment,
    Details,
    Escalation,
    Issue,
    NotifiedUser,
    Person,
    Source,
)
from t5g.state import CardState, Collection, CommentSeen, CommentsSeen, Observation, Register, join
from tests.making import NOW, ago, card_seen, listing, portal, portal_seen

NUMBER = "01234567"
ANN = Person(account="ann", name="Ann Lee")


def register(facts: Any, seen: datetime = NOW) -> Register[Any]:
    return Register(seen, seen, facts)


def cards(*observations: Observation) -> CardState:
    state: Any = CardState()
    for observation in observations:
        state = join(state, observation)
    return state


def items(source: Source, *values: Any) -> Any:
    return join(None, listing(NUMBER, source, *values))


def said(*comments: Comment, key: str = "T5G-1", seen: datetime = NOW) -> CommentsSeen:
    return CommentsSeen(number=NUMBER, card=key, comments=comments, seen=seen)


# The case itself


def test_a_case_comes_goes_and_comes_back() -> None:
    here, gone = register(portal(status="Closed")), register(None)
    assert changes_between(Source.PORTAL, None, here) == [Change("case", None, "Closed")]
    assert changes_between(Source.PORTAL, here, gone) == [Change("case", "Closed", None)]
    assert changes_between(Source.PORTAL, gone, here) == [Change("case", None, "Closed")]


def test_a_case_that_stays_away_is_no_news() -> None:
    assert changes_between(Source.PORTAL, register(None), register(None, ago(days=1))) == []
    assert changes_between(Source.PORTAL, None, register(None)) == []


def test_each_fact_of_a_case_that_changed_is_told_by_its_own_name() -> None:
    old, new = portal(severity="2 (High)", tags=()), portal(severity="1 (Urgent)", tags=("a", "b"))
    assert changes_between(Source.PORTAL, register(old), register(new)) == [
        Change("severity", "2 (High)", "1 (Urgent)"),
        Change("tags", [], ["a", "b"]),
    ]


def test_what_was_not_known_was_nothing() -> None:
    old, new = Details(), Details(crit_sit=True, relief_at=NOW)
    assert changes_between(Source.DETAILS, register(old), register(new)) == [
        Change("crit_sit", None, True),
        Change("relief_at", None, "2026-11-24T12:00:00Z"),
    ]


def test_of_the_comments_on_a_case_those_are_told_that_came_went_or_were_edited() -> None:
    def known(*comments: CaseComment) -> Register[Details]:
        return register(Details(comments=comments))

    many = tuple(CaseComment(id=f"c{n}") for n in range(60))
    (came,) = changes_between(Source.DETAILS, known(*many[:59]), known(*many))
    assert came == Change("comments", [], ["c59"])
    (went,) = changes_between(Source.DETAILS, known(*many[:2]), known(many[0]))
    assert went == Change("comments", ["c1"], [])
    edited = CaseComment(id="c0", body="other words")
    (change,) = changes_between(Source.DETAILS, known(many[0]), known(edited))
    assert change == Change("comments", ["c0"], ["c0"])
    (first,) = changes_between(Source.DETAILS, register(Details()), known(many[0]))
    assert first == Change("comments", None, ["c0"])


# Cards and their comments


def test_a_card_comes_changes_and_goes() -> None:
    empty, one = CardState(), cards(card_seen(status="Open"))
    two = cards(card_seen(status="Done"))
    assert changes_between(Source.CARD, None, one) == [Change("card", None, "Open", "T5G-1")]
    assert changes_between(Source.CARD, one, two) == [
        Change("card.status", "Open", "Done", "T5G-1")
    ]
    assert changes_between(Source.CARD, two, empty) == [Change("card", "Done", None, "T5G-1")]


def test_a_card_without_a_status_goes_by_its_id_or_its_key() -> None:
    for facts, name in (({"id": "77"}, "77"), ({"id": ""}, "T5G-1")):
        state = cards(card_seen(status="", **facts))
        assert changes_between(Source.CARD, None, state) == [Change("card", None, name, "T5G-1")]


def test_a_comment_comes_is_edited_and_goes() -> None:
    before = cards(card_seen())
    written = Comment(id="501", body="first", created=ago(hours=2), updated=ago(hours=2))
    edited = Comment(id="501", body="better", created=ago(hours=2), updated=ago(hours=1))
    one, two = cards(card_seen(), said(written)), cards(card_seen(), said(edited))
    assert changes_between(Source.CARD, before, one) == [Change("comment", None, "501", "501")]
    assert changes_between(Source.CARD, one, two) == [
        Change("comment.body", "first", "better", "501"),
        Change("comment.updated", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z", "501"),
    ]
    assert changes_between(Source.CARD, two, before) == [Change("comment", "501", None, "501")]


def test_a_card_and_its_comments_are_told_together() -> None:
    state = cards(card_seen(status="Open"), said(Comment(id="501")))
    assert changes_between(Source.CARD, None, state) == [
        Change("card", None, "Open", "T5G-1"),
        Change("comment", None, "501", "501"),
    ]


def test_comments_wait_until_their_card_is_there() -> None:
    alone = cards(said(Comment(id="501")))
    assert changes_between(Source.CARD, None, alone) == []


def test_comments_of_other_cards_are_not_told_again() -> None:
    both = [card_seen(), card_seen(key="T5G-2"), said(Comment(id="501"))]
    before: Any = cards(*both)
    after = join(
        before,
        CommentSeen(
            number=NUMBER, card="T5G-2", id="502", facts=Comment(id="502"), updated=NOW, seen=NOW
        ),
    )
    assert changes_between(Source.CARD, before, after) == [Change("comment", None, "502", "502")]


# Issues, bugs and escalations


@pytest.mark.parametrize(
    ("source", "value", "kind", "key"),
    [
        (Source.ISSUES, Issue(key="OCPBUGS-1", status="New"), "issue", "OCPBUGS-1"),
        (Source.BUGS, Bug(id=7, status="New"), "bug", "7"),
        (Source.ESCALATION, Escalation(key="ESC-1", status="New"), "escalation", "ESC-1"),
    ],
)
def test_what_is_linked_comes_and_goes(source: Source, value: Any, kind: str, key: str) -> None:
    here = items(source, value)
    assert changes_between(source, None, here) == [Change(kind, None, "New", key)]
    assert changes_between(source, here, Collection()) == [Change(kind, "New", None, key)]
    assert changes_between(source, here, here) == []


def test_facts_of_what_is_linked_are_told_with_its_kind_and_its_key() -> None:
    old = items(Source.BUGS, Bug(id=7, status="New"), Bug(id=8, status="New"))
    new = items(Source.BUGS, Bug(id=7, status="New"), Bug(id=8, status="ON_QA"))
    assert changes_between(Source.BUGS, old, new) == [Change("bug.status", "New", "ON_QA", "8")]


def test_several_are_told_in_the_order_of_their_keys() -> None:
    old = items(Source.ISSUES, Issue(key="B-1"), Issue(key="C-1"))
    new = items(Source.ISSUES, Issue(key="C-1"), Issue(key="A-1"))
    assert [(c.key, c.before, c.after) for c in changes_between(Source.ISSUES, old, new)] == [
        ("A-1", None, "A-1"), ("B-1", "B-1", None),
    ]  # fmt: skip


def test_a_collection_that_never_was_is_an_empty_one() -> None:
    assert changes_between(Source.ISSUES, None, Collection()) == []


# Values for people


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (UNSET, None),
        (None, None),
        (True, True),
        (7, 7),
        ("short", "short"),
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * (LONGEST + 1), "x" * (LONGEST - 1) + "…"),
        (("a", "y" * 200), ["a", "y" * (LONGEST - 1) + "…"]),
        (tuple(range(30)), list(range(20))),
        (NOW, "2026-11-24T12:00:00Z"),
        (ANN, "Ann Lee"),
        (Person(account="ann"), "ann"),
        (Person(account="ann", name="n" * 200), "n" * (LONGEST - 1) + "…"),
        ((ANN, Person(account="bo")), ["Ann Lee", "bo"]),
        (NotifiedUser(name="Cy"), "Cy"),
        (Bug(id=7), "7"),
        (portal(number="00000001", status=""), "00000001"),
        (Details(), "details"),
    ],
)
def test_a_value_is_short_and_plain(value: Any, shown: Any) -> None:
    assert plain(value) == shown


def test_a_new_assignee_is_told_by_account_where_jira_gives_no_name() -> None:
    old = cards(card_seen(assignee=Person(account="ann")))
    new = cards(card_seen(assignee=Person(account="bo")))
    assert changes_between(Source.CARD, old, new) == [Change("card.assignee", "ann", "bo", "T5G-1")]


def test_what_did_not_change_is_not_told() -> None:
    first, again = portal_seen(), portal_seen(seen=ago(hours=-1))
    assert changes_between(Source.PORTAL, join(None, first), join(None, again)) == []


# New keys: an issue keeps its id


def test_a_card_with_a_new_key_is_the_same_card_with_the_same_comments() -> None:
    kept = Comment(id="5", body="said", created=NOW, updated=NOW)
    old = cards(card_seen(id="7"), said(kept))
    new = cards(
        card_seen(key="FLD-1", id="7"),
        said(kept, Comment(id="6", body="new", created=NOW, updated=NOW), key="FLD-1"),
    )
    assert changes_between(Source.CARD, old, new) == [
        Change("card.key", "T5G-1", "FLD-1", "FLD-1"),
        Change("comment", None, "6", "6"),
    ]


def test_an_issue_and_an_escalation_with_new_keys_are_no_news_by_that() -> None:
    for source, kind in ((Source.ISSUES, Issue), (Source.ESCALATION, Escalation)):
        old = items(source, kind(key="A-1", id="7", status="New"), kind(key="B-1", id="8"))
        new = items(source, kind(key="Z-1", id="7", status="Open"), kind(key="C-1", id="9"))
        word = "issue" if kind is Issue else "escalation"
        assert changes_between(source, old, new) == [
            Change(word, "8", None, "B-1"),
            Change(word, None, "9", "C-1"),
            Change(f"{word}.key", "A-1", "Z-1", "Z-1"),
            Change(f"{word}.status", "New", "Open", "Z-1"),
        ]


def test_without_an_id_a_new_key_is_another_issue() -> None:
    old, new = items(Source.ISSUES, Issue(key="A-1")), items(Source.ISSUES, Issue(key="Z-1"))
    found = changes_between(Source.ISSUES, old, new)
    assert [(change.fact, change.key) for change in found] == [("issue", "A-1"), ("issue", "Z-1")]
