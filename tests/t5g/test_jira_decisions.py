"""What events mean for our cases: cards, comments, linked issues and escalations."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from t5g.clock import BEHIND
from t5g.jira_decisions import Outcome, looks_back
from t5g.jira_events import Event, read_event
from t5g.jira_payloads import card_of, comment_of
from t5g.model import Comment, Escalation, Issue, Source
from t5g.settings import Settings
from t5g.state import CommentSeen, ItemSeen
from t5g.syncs import Sync
from tests.jira_history import DEFECT_ID, DEFECT_KEY, NUMBERS
from tests.jira_shelf import SETTINGS, Shelf
from tests.making import NOW, card, listing, portal_seen
from tests.making_jira import (
    T0,
    at,
    body_of,
    change,
    cloud_user,
    comment,
    comment_event,
    event,
    issue,
    issue_event,
    partial,
)

ONE, TWO = NUMBERS
SPRINT = Settings(_env_file=None, jira_cards="sprint")


@pytest.fixture
def shelf() -> Shelf:
    """Two cases that the Portal has told of, without anything else."""
    found = Shelf()
    found.write([portal_seen(number, seen=T0) for number in NUMBERS])
    return found


def without(body: dict[str, Any], field: str, how: str = "removed") -> dict[str, Any]:
    """Take a field out of the issue of a body, or make it null."""
    fields = body["issue"]["fields"]
    fields.pop(field, None)
    if how == "null":
        fields[field] = None
    return body


def cards(shelf: Shelf, number: str = ONE) -> dict[str, str]:
    return {card.key: card.status for card in shelf.seen()[number].cards}


def comments(shelf: Shelf, number: str = ONE, key: str = "T5G-1") -> list[str]:
    return [found.body for found in shelf.seen()[number].comments.get(key, ())]


def escalated(shelf: Shelf) -> dict[str, list[str]]:
    return {n: [e.key for e in case.escalations] for n, case in shelf.seen().items()}


# Team cards


def test_a_card_appears_moves_and_goes(shelf: Shelf) -> None:
    assert shelf.apply(issue_event("created", 0)).outcome is Outcome.APPLIED
    assert cards(shelf) == {"T5G-1": "Open"}
    shelf.apply(issue_event("updated", 1, change("status", "Open", "Blocked"), status="Blocked"))
    assert cards(shelf) == {"T5G-1": "Blocked"}
    shelf.apply(issue_event("deleted", 2, status="Blocked"))
    assert cards(shelf) == {}


def test_all_facts_of_a_card_are_taken(shelf: Shelf) -> None:
    shelf.apply(
        issue_event(
            "created",
            0,
            assignee={"accountId": "acct-ada", "displayName": "Ada", "emailAddress": "ada@x.org"},
            priority="Critical",  # some versions write a bare word
            customfield_10466=[{"accountId": "acct-bob", "displayName": "Bob"}],
            customfield_10020=[{"id": 7, "name": "T5G Sprint 12", "state": "active"}],
        )
    )
    [found] = shelf.seen()[ONE].cards
    assert found.assignee is not None
    assert (found.assignee.account, found.priority, found.sprint, found.id) == (
        "acct-ada", "Critical", "T5G Sprint 12", "10001",
    )  # fmt: skip
    assert [person.name for person in found.contributors] == ["Bob"]
    assert (found.created, found.updated) == (T0, T0)


@pytest.mark.parametrize(
    "facts",
    [
        {"key": "OTHER-1"},
        {"labels": []},
        {"labels": ["something-else"]},
    ],
)
def test_what_is_not_ours_changes_nothing(shelf: Shelf, facts: dict[str, Any]) -> None:
    decision = shelf.apply(issue_event("created", 0, **facts))
    assert (decision.outcome, decision.observations) == (Outcome.NOT_OURS, ())


def test_without_a_label_setting_every_card_of_the_project_is_ours(shelf: Shelf) -> None:
    settings = Settings(_env_file=None, jira_label="")
    shelf.apply(issue_event("created", 0, labels=[]), settings)
    assert cards(shelf) == {"T5G-1": "Open"}


def test_a_card_becomes_ours_by_its_label_and_ceases_to_be(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0, labels=[]))
    decision = shelf.apply(issue_event("updated", 1, change("labels", "", "field-support")))
    assert cards(shelf) == {"T5G-1": "Open"}
    assert decision.resyncs == (Sync.CARDS,)  # for the comments before
    shelf.apply(issue_event("updated", 2, change("labels", "field-support", ""), labels=[]))
    assert cards(shelf) == {}


def test_a_card_that_lost_its_label_unseen_goes_when_it_is_moved_away(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    away = change("Key", "T5G-1", "OTHER-10", fieldId=None)
    shelf.apply(issue_event("updated", 2, away, key="OTHER-10", id="10001", labels=[]))
    assert cards(shelf) == {}


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ([change("labels", "", "field-support")], (Sync.CARDS,)),
        ([change("Key", "OTHER-9", "T5G-1", fieldId=None)], (Sync.CARDS,)),
        ([change("summary", "No number", f"{ONE}: …")], (Sync.CARDS,)),
        ([change("status", "Open", "Blocked")], ()),
        ([], ()),
    ],
)
def test_only_a_card_that_became_ours_asks_the_sync_for_its_comments(
    shelf: Shelf, changes: list[Any], asked: tuple[Sync, ...]
) -> None:
    assert shelf.apply(issue_event("updated", 1, *changes)).resyncs == asked
    assert shelf.apply(issue_event("updated", 2, *changes)).resyncs == ()


def test_a_card_moved_into_the_project_appears_and_moved_away_goes(shelf: Shelf) -> None:
    into = change("Key", "OTHER-9", "T5G-1", fieldId=None)
    shelf.apply(issue_event("updated", 1, into))
    assert cards(shelf) == {"T5G-1": "Open"}
    away = change("Key", "T5G-1", "OTHER-10", fieldId=None)
    shelf.apply(issue_event("updated", 2, away, key="OTHER-10", id="10001"))
    assert cards(shelf) == {}


def test_a_card_whose_number_is_corrected_goes_to_the_other_case_with_its_comments(
    shelf: Shelf,
) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1, body="said"))
    said = f"{TWO}: Node not ready"
    shelf.apply(issue_event("updated", 2, change("summary", f"{ONE}: …", said), summary=said))
    assert (cards(shelf, ONE), cards(shelf, TWO)) == ({}, {"T5G-1": "Open"})
    assert comments(shelf, TWO) == ["said"]


def test_a_corrected_number_that_we_missed_is_seen_in_the_next_event(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(issue_event("updated", 5, summary=f"{TWO}: Node not ready"))
    assert (cards(shelf, ONE), cards(shelf, TWO)) == ({}, {"T5G-1": "Open"})


def test_a_card_of_a_case_by_its_remote_link_stays_with_it(shelf: Shelf) -> None:
    shelf.write([listing(ONE, Source.CARD, card("T5G-1", summary="No number", updated=T0))])
    shelf.apply(issue_event("updated", 1, summary="No number", status="Done"))
    assert cards(shelf) == {"T5G-1": "Done"}


def test_a_new_card_without_a_number_is_left_to_the_sync(shelf: Shelf) -> None:
    decision = shelf.apply(issue_event("created", 0, summary="No number"))
    assert decision.resyncs == (Sync.CARDS,)
    assert decision.observations == ()


def test_an_issue_without_all_its_fields_never_overwrites_a_card(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    before = shelf.seen()[ONE].cards
    decision = shelf.apply(event("jira:issue_updated", 1, issue=partial(issue(minutes=1))))
    assert shelf.seen()[ONE].cards == before
    assert decision.resyncs == (Sync.CARDS,)


@pytest.mark.parametrize("how", ["removed", "null"])
def test_a_card_that_is_known_changes_by_a_body_without_labels(shelf: Shelf, how: str) -> None:
    shelf.apply(issue_event("created", 0))
    body = issue_event("updated", 1, change("status", "Open", "Blocked"), status="Blocked")
    without(body, "labels", how)
    decision = shelf.apply(body)
    assert cards(shelf) == {"T5G-1": "Blocked"}
    assert shelf.seen()[ONE].cards[0].labels == ("field-support",)
    assert decision.outcome is Outcome.APPLIED


def test_what_may_be_a_card_but_for_its_untold_labels_is_left_to_the_sync(shelf: Shelf) -> None:
    decision = shelf.apply(without(issue_event("created", 0), "labels"))
    assert (decision.observations, decision.resyncs) == ((), (Sync.CARDS,))
    settings = Settings(_env_file=None, jira_label="")
    shelf.apply(without(issue_event("created", 0), "labels"), settings)
    assert cards(shelf) == {"T5G-1": "Open"}


def test_labels_that_changed_and_are_not_told_are_left_to_the_sync(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    body = issue_event("updated", 1, change("labels", "field-support", ""), status="Done")
    decision = shelf.apply(without(body, "labels"))
    assert (cards(shelf), decision.resyncs) == ({"T5G-1": "Open"}, (Sync.CARDS,))


@pytest.mark.parametrize(
    ("field", "fact"),
    [
        ("assignee", "assignee"), ("priority", "priority"), ("created", "created"),
        ("customfield_10466", "contributors"), ("customfield_10020", "sprint"),
    ],
)  # fmt: skip
def test_what_a_body_does_not_tell_of_a_card_stays_and_the_sync_looks(
    shelf: Shelf, field: str, fact: str
) -> None:
    facts: dict[str, Any] = {
        "assignee": cloud_user(), "customfield_10466": [cloud_user("bob")],
        "customfield_10020": [{"id": 7, "name": "Sprint 7", "state": "active"}],
    }  # fmt: skip
    shelf.apply(issue_event("created", 0, **facts))
    before = getattr(shelf.seen()[ONE].cards[0], fact)
    body = issue_event("updated", 1, status="Blocked", **facts)
    decision = shelf.apply(without(body, field))
    [after] = shelf.seen()[ONE].cards
    assert (getattr(after, fact), after.status) == (before, "Blocked")
    assert decision.resyncs == (Sync.CARDS,)


def test_a_field_that_is_told_to_be_empty_is_empty(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0, assignee=cloud_user()))
    assert shelf.apply(issue_event("updated", 1, assignee=None)).resyncs == ()
    assert shelf.seen()[ONE].cards[0].assignee is None


def test_what_a_body_leaves_out_is_decided_on_what_was_just_written() -> None:
    body = body_of(without(issue_event("updated", 1), "assignee"))
    found = read_event(body, {}, received=NOW)
    assert isinstance(found, Event)
    assert looks_back(found)


def test_a_comment_list_of_a_server_without_event_types_is_believed(shelf: Shelf) -> None:
    two = [comment("501", "one"), comment("502", "two", minutes=1)]
    shelf.apply(issue_event("created", 0))
    both = issue(minutes=1, comment={"comments": two, "total": 2})
    shelf.apply(event("jira:issue_updated", 1, user=cloud_user(), issue=both))
    assert comments(shelf) == ["one", "two"]
    gone = event(
        "jira:issue_updated", 2, user=cloud_user(),
        issue=issue(minutes=2, comment={"comments": two[1:], "total": 1, "maxResults": 1}),
    )  # fmt: skip
    shelf.apply(gone)
    assert comments(shelf) == ["two"]
    # Cloud sends an empty list with each change, whatever the issue has.
    nothing = {"comments": [], "total": 0, "maxResults": 0}
    changed = issue_event("updated", 3, change("status", "Open", "Done"), comment=nothing)
    shelf.apply(changed)
    shelf.apply({**changed, "timestamp": changed["timestamp"] + 1, "issue_event_type_name": "x"})
    assert comments(shelf) == ["two"]


def test_a_comment_with_a_part_of_an_issue_reaches_the_card_we_know(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    part, said = partial(issue(minutes=1)), comment(body="hi", minutes=1)
    shelf.apply(event("jira:issue_updated", 1, issue=part, comment=said))
    assert comments(shelf) == ["hi"]


def test_an_older_event_after_a_newer_one_changes_nothing(shelf: Shelf) -> None:
    shelf.apply(issue_event("updated", 5, status="Done"))
    shelf.apply(issue_event("created", 0))
    assert cards(shelf) == {"T5G-1": "Done"}
    shelf.apply(issue_event("deleted", 9))
    shelf.apply(issue_event("updated", 6))
    assert cards(shelf) == {}


def test_an_event_for_a_case_not_known_yet_waits_for_it(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0, summary="00000042: New case"))
    shelf.apply(comment_event("created", 1, of=issue(summary="00000042: New case"), body="hi"))
    assert "00000042" not in shelf.seen()
    shelf.write([portal_seen("00000042", seen=NOW)])
    assert cards(shelf, "00000042") == {"T5G-1": "Open"}
    assert comments(shelf, "00000042") == ["hi"]


def test_a_card_is_as_old_as_jira_says_and_seen_when_the_event_happened(shelf: Shelf) -> None:
    told = issue(minutes=1)
    decision = shelf.apply(event("jira:issue_updated", 3, issue=told))
    assert decision.observations == (
        ItemSeen(
            number=ONE,
            source=Source.CARD,
            key="T5G-1",
            facts=card_of(told, SETTINGS),
            updated=at(1),
            seen=at(3) + BEHIND,
        ),
    )


@pytest.mark.parametrize(
    ("told", "event_at", "gone_at"),
    [
        (issue(minutes=1), 3, 3),  # a deletion does not touch `updated`
        (issue(minutes=5), 3, 5),  # clocks that differ bring no card back
        (issue(updated=None), 3, 3),
    ],
)
def test_a_deletion_is_written_as_the_last_that_happened(
    shelf: Shelf, told: dict[str, Any], event_at: float, gone_at: float
) -> None:
    decision = shelf.apply(event("jira:issue_deleted", event_at, issue=told))
    assert decision.observations == (
        ItemSeen(
            number=ONE,
            source=Source.CARD,
            key="T5G-1",
            facts=None,
            updated=at(gone_at),
            seen=at(event_at) + BEHIND,
        ),
    )


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ([change("Key", "T5G-1", "OTHER-10", fieldId=None)], {"key": "OTHER-10", "id": "10001"}),
        ([change("labels", "urgent field-support", "urgent")], {"labels": ["urgent"]}),
        ([change("summary", f"{ONE}: …", f"{TWO}: …")], {"summary": f"{TWO}: …"}),
    ],
)
def test_a_card_that_left_does_not_come_when_its_creation_is_told_late(
    shelf: Shelf, changes: list[Any], facts: dict[str, Any]
) -> None:
    shelf.apply(issue_event("updated", 5, *changes, **facts))
    shelf.apply(issue_event("created", 0))
    assert cards(shelf) == {}


def test_a_deletion_of_an_issue_without_its_fields_ends_its_card(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(event("jira:issue_deleted", 1, issue={**issue(), "fields": None}))
    assert cards(shelf) == {}


def test_what_a_card_left_ends_when_jira_says_it_changed(shelf: Shelf) -> None:
    """Not when the event happened: the card may have come back in between."""
    said = f"{TWO}: Node not ready"
    left = event(
        "jira:issue_updated",
        3,
        change("summary", f"{ONE}: …", said),
        issue=issue(minutes=1, summary=said),
    )
    ended = [o for o in shelf.apply(left).observations if _ends(o)]
    assert [(o.number, o.updated, o.seen) for o in ended] == [(ONE, at(1), at(3) + BEHIND)]


def test_only_keys_that_a_card_had_before_end(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    same = change("Key", "T5G-1", "T5G-1", fieldId=None, **{"from": "10001", "to": "10001"})
    decision = shelf.apply(issue_event("updated", 1, same))
    assert not any(map(_ends, decision.observations))
    assert cards(shelf) == {"T5G-1": "Open"}


def test_a_label_that_others_lost_makes_no_card_of_ours(shelf: Shelf) -> None:
    gone = change("labels", "urgent", "")
    assert shelf.apply(issue_event("updated", 1, gone, labels=[])).outcome is Outcome.NOT_OURS


def test_a_move_between_projects_of_others_makes_no_card_of_ours(shelf: Shelf) -> None:
    moved = change("Key", "OTHER-9", "ELSE-7", fieldId=None)
    decision = shelf.apply(issue_event("updated", 1, moved, key="ELSE-7"))
    assert decision.outcome is Outcome.NOT_OURS


def test_a_card_with_a_new_key_is_known_by_that_alone(shelf: Shelf) -> None:
    shelf.apply(
        issue_event("updated", 5, change("Key", "T5G-1", "T5G-8", fieldId=None), key="T5G-8")
    )
    shelf.apply(issue_event("created", 0))
    assert cards(shelf) == {"T5G-8": "Open"}


def test_a_card_of_a_case_by_its_remote_link_goes_when_it_is_moved_away(shelf: Shelf) -> None:
    shelf.write([listing(ONE, Source.CARD, card("T5G-1", summary="No number", updated=T0))])
    away = change("Key", "T5G-1", "OTHER-10", fieldId=None)
    shelf.apply(issue_event("updated", 1, away, key="OTHER-10", summary="No number"))
    assert cards(shelf) == {}


def test_when_only_sprints_count_a_new_card_is_left_to_the_sync(shelf: Shelf) -> None:
    decision = shelf.apply(issue_event("created", 0), SPRINT)
    assert (cards(shelf), decision.resyncs) == ({}, (Sync.CARDS,))
    shelf.write([listing(ONE, Source.CARD, card("T5G-1", updated=T0), seen=T0)])
    shelf.apply(issue_event("updated", 1, change("status", "Open", "Done"), status="Done"), SPRINT)
    assert cards(shelf) == {"T5G-1": "Done"}
    left = change("Sprint", "T5G Sprint 12", "")
    assert shelf.apply(issue_event("updated", 2, left), SPRINT).resyncs == (Sync.CARDS,)


# Comments


def test_clouds_comments_are_written_edited_and_deleted(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1, id="501", body="first"))
    shelf.apply(comment_event("created", 2, id="502", body="second"))
    assert comments(shelf) == ["first", "second"]
    shelf.apply(comment_event("updated", 3, id="501", body="edited", minutes=1, edited=3))
    assert comments(shelf) == ["edited", "second"]
    shelf.apply(comment_event("deleted", 4, id="501", body="edited", minutes=1, edited=3))
    assert comments(shelf) == ["second"]


def test_a_comment_without_a_user_has_its_author(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1))
    [found] = shelf.seen()[ONE].comments["T5G-1"]
    assert found.author is not None
    assert found.author.name == "Ada"


def test_comments_that_come_late_stand_in_their_order(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    for minute, id in ((3, "503"), (1, "501"), (2, "502")):
        shelf.apply(comment_event("created", minute, id=id, body=id))
    assert comments(shelf) == ["501", "502", "503"]


def test_an_edit_that_overtakes_its_comment_stays(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("updated", 3, body="edited", minutes=1, edited=3))
    shelf.apply(comment_event("created", 1, body="first"))
    assert comments(shelf) == ["edited"]


def test_a_deleted_comment_stays_deleted(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("deleted", 3, minutes=1))
    shelf.apply(comment_event("updated", 2, minutes=1, edited=2))
    shelf.apply(comment_event("created", 1))
    assert comments(shelf) == []


def test_a_comment_that_overtakes_its_card_is_there_when_it_comes(shelf: Shelf) -> None:
    shelf.apply(comment_event("created", 1, body="early"))
    assert comments(shelf) == []
    shelf.apply(issue_event("created", 0))
    assert comments(shelf) == ["early"]


def test_a_comment_never_overwrites_the_card_with_its_part_of_the_issue(shelf: Shelf) -> None:
    shelf.apply(issue_event("updated", 1, priority={"name": "Critical"}))
    before = shelf.seen()[ONE].cards
    shelf.apply(comment_event("created", 2))
    assert shelf.seen()[ONE].cards == before


def test_comments_on_what_is_not_ours_change_nothing(shelf: Shelf) -> None:
    decision = shelf.apply(comment_event("created", 1, of=issue("OTHER-1")))
    assert (decision.outcome, decision.observations) == (Outcome.NOT_OURS, ())


@pytest.mark.parametrize(
    "facts", [{"visibility": {"type": "role", "value": "Team"}}, {"jsdPublic": False}]
)
def test_a_private_comment_is_known_as_restricted(shelf: Shelf, facts: dict[str, Any]) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1, **facts))
    assert [c.restricted for c in shelf.seen()[ONE].comments["T5G-1"]] == [True]


def test_a_comment_is_as_old_as_it_says_and_seen_when_the_event_happened(shelf: Shelf) -> None:
    said = comment(minutes=1, edited=2)
    decision = shelf.apply(event("comment_updated", 3, comment=said, issue=partial(issue())))
    assert decision.observations == (
        CommentSeen(
            number=ONE,
            card="T5G-1",
            id="501",
            facts=comment_of(said),
            updated=at(2),
            seen=at(3) + BEHIND,
        ),
    )


@pytest.mark.parametrize("verb", ["created", "deleted"])
def test_a_comment_without_a_time_has_that_of_its_event(shelf: Shelf, verb: str) -> None:
    said = comment(created=None, updated=None)
    decision = shelf.apply(event(f"comment_{verb}", 3, comment=said, issue=partial(issue())))
    [observation] = decision.observations
    assert isinstance(observation, CommentSeen)
    assert observation.updated == at(3)


@pytest.mark.parametrize(("edited", "gone_at"), [(1, 3), (5, 5)])
def test_a_deleted_comment_is_gone_after_all_that_was_said(
    shelf: Shelf, edited: float, gone_at: float
) -> None:
    decision = shelf.apply(comment_event("deleted", 3, minutes=0, edited=edited))
    assert decision.observations == (
        CommentSeen(
            number=ONE,
            card="T5G-1",
            id="501",
            facts=None,
            updated=at(gone_at),
            seen=at(3) + BEHIND,
        ),
    )


@pytest.mark.parametrize(
    ("labels", "outcome"),
    [(["field-support"], Outcome.APPLIED), (["urgent"], Outcome.NOT_OURS), ([], Outcome.NOT_OURS)],
)
def test_a_comment_whose_issue_tells_its_labels_needs_ours(
    shelf: Shelf, labels: list[str], outcome: Outcome
) -> None:
    part = partial(issue())
    part["fields"]["labels"] = labels
    decision = shelf.apply(event("comment_created", 1, comment=comment(), issue=part))
    assert decision.outcome is outcome


def test_comments_on_a_card_of_a_remote_link_reach_its_case(shelf: Shelf) -> None:
    shelf.write([listing(ONE, Source.CARD, card("T5G-1", id="", summary="No number", updated=T0))])
    shelf.apply(comment_event("created", 1, of=issue(summary="No number"), body="hi"))
    assert comments(shelf) == ["hi"]


def test_a_comment_after_a_move_that_we_missed_stays_with_the_card_we_know(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    moved = issue("OTHER-10", id="10001")
    decision = shelf.apply(comment_event("created", 1, of=moved, body="hi"))
    assert comments(shelf) == ["hi"]
    assert len(decision.observations) == 1


# Comments that go with their card


def renumbered(minutes: float, before: str = f"{ONE}: …", after: str = f"{TWO}: …") -> Any:
    """A summary that told of one case, and tells of another."""
    return issue_event("updated", minutes, change("summary", before, after), summary=after)


def test_a_comment_that_goes_with_its_card_stays_the_same_comment(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1, minutes=0, edited=1))
    [said] = shelf.seen()[ONE].comments["T5G-1"]
    carried = [o for o in shelf.apply(renumbered(3)).observations if isinstance(o, CommentSeen)]
    seen = at(3) + BEHIND
    assert carried == [
        CommentSeen(number=TWO, card="T5G-1", id="501", facts=said, updated=at(1), seen=seen)
    ]


@pytest.mark.parametrize(("created", "updated"), [(at(1), at(1)), (None, at(3))])
def test_a_comment_without_a_time_goes_along_too(shelf: Shelf, created: Any, updated: Any) -> None:
    shelf.apply(issue_event("created", 0))
    bare = Comment(id="501", body="imported", created=created)
    shelf.write([CommentSeen(number=ONE, card="T5G-1", id="501", facts=bare, updated=T0, seen=T0)])
    carried = [o for o in shelf.apply(renumbered(3)).observations if isinstance(o, CommentSeen)]
    assert [(o.facts, o.updated) for o in carried] == [(bare, updated)]


def test_a_comment_that_overtook_its_card_goes_with_a_corrected_number(shelf: Shelf) -> None:
    shelf.apply(comment_event("created", 1, body="early"))
    shelf.apply(renumbered(2))
    assert (comments(shelf, ONE), comments(shelf, TWO)) == ([], ["early"])


def test_comments_go_with_a_number_that_was_corrected_from_one_we_never_saw(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1, body="said"))
    shelf.apply(renumbered(2, before="00000042: …"))
    assert comments(shelf, TWO) == ["said"]


def test_comments_go_with_a_card_that_has_a_new_key(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1, body="said"))
    moved = change("Key", "T5G-1", "T5G-8", fieldId=None)
    shelf.apply(issue_event("updated", 2, moved, key="T5G-8", id="10001"))
    assert comments(shelf, key="T5G-8") == ["said"]


def test_a_card_whose_number_is_corrected_to_a_case_not_known_yet_waits_there(
    shelf: Shelf,
) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(comment_event("created", 1, body="said"))
    shelf.apply(renumbered(2, after="00000042: …"))
    assert cards(shelf) == {}
    shelf.write([portal_seen("00000042", seen=NOW)])
    assert (cards(shelf, "00000042"), comments(shelf, "00000042")) == ({"T5G-1": "Open"}, ["said"])


# Comments on Data Center: one event without an issue, and one without its own kind


def dc_first(verb: str, minutes: float, /, **facts: Any) -> dict[str, Any]:
    facts.setdefault("minutes", minutes)
    return event(f"comment_{verb}", minutes, comment=comment(**facts))


def dc_second(
    kind: str, minutes: float, *said: dict[str, Any], about: Any = None
) -> dict[str, Any]:
    found = issue(comment={"comments": list(said), "total": len(said), "startAt": 0})
    parts = {"comment": about} if about else {}
    return event("jira:issue_updated", minutes, issue=found, issue_event_type_name=kind, **parts)


def test_data_centers_two_events_of_a_comment_give_one_comment(shelf: Shelf) -> None:
    shelf.apply(issue_event("created", 0))
    said = comment(body="once", minutes=1)
    shelf.apply(dc_first("created", 1, body="once"))
    shelf.apply(dc_second("issue_commented", 1, said, about=said))
    assert comments(shelf) == ["once"]


def test_data_centers_first_event_of_an_unknown_issue_is_left_to_the_second(shelf: Shelf) -> None:
    decision = shelf.apply(dc_first("created", 1, body="once"))
    assert (decision.outcome, decision.observations) == (Outcome.LATER, ())
    said = comment(body="once", minutes=1)
    shelf.apply(dc_second("issue_commented", 1, said, about=said))
    assert comments(shelf) == ["once"]


def test_data_centers_deletion_is_known_from_either_event(shelf: Shelf) -> None:
    one, two = comment("501", "one", minutes=1), comment("502", "two", minutes=2)
    shelf.apply(dc_second("issue_commented", 2, one, two, about=two))
    assert comments(shelf) == ["one", "two"]
    shelf.apply(dc_first("deleted", 3, id="501", minutes=1))
    assert comments(shelf) == ["two"]
    shelf.apply(dc_second("issue_comment_deleted", 4))
    assert comments(shelf) == []


def test_an_old_data_centers_update_with_a_comment_is_a_comment(shelf: Shelf) -> None:
    said = comment(body="from DC 6", minutes=1)
    shelf.apply(event("jira:issue_updated", 1, issue=issue(), comment=said))
    assert comments(shelf) == ["from DC 6"]


def test_part_of_the_comments_does_not_delete_the_others(shelf: Shelf) -> None:
    one, two = comment("501", "one", minutes=1), comment("502", "two", minutes=2)
    shelf.apply(dc_second("issue_commented", 2, one, two, about=two))
    page = dc_second("issue_commented", 3, two)
    page["issue"]["fields"]["comment"]["total"] = 2
    shelf.apply(page)
    assert comments(shelf) == ["one", "two"]


def test_data_centers_deletion_with_a_part_of_the_comments_deletes_that_one(shelf: Shelf) -> None:
    one, two = comment("501", "one", minutes=1), comment("502", "two", minutes=2)
    shelf.apply(dc_second("issue_commented", 2, one, two, about=two))
    page = dc_second("issue_comment_deleted", 3, about=one)
    page["issue"]["fields"]["comment"]["total"] = 1
    shelf.apply(page)
    assert comments(shelf) == ["two"]


# Linked issues


@pytest.fixture
def linked(shelf: Shelf) -> Shelf:
    """A defect that both cases are linked to."""
    defect = Issue(key=DEFECT_KEY, id=DEFECT_ID, title="Old", status="New", updated=at(-1))
    shelf.write([listing(number, Source.ISSUES, defect, seen=at(-1)) for number in NUMBERS])
    return shelf


def defect_event(verb: str, minutes: float, *changes: Any, **facts: Any) -> dict[str, Any]:
    facts = {"key": DEFECT_KEY, "id": DEFECT_ID, "summary": "Title", "labels": [], **facts}
    return issue_event(verb, minutes, *changes, **facts)


def issues(shelf: Shelf, number: str = ONE) -> dict[str, str]:
    return {found.key: found.status for found in shelf.seen()[number].issues}


def test_a_linked_issue_changes_at_all_its_cases(linked: Shelf) -> None:
    linked.apply(defect_event("updated", 1, status="Done", fixVersions=[{"name": "4.17.1"}]))
    for number in NUMBERS:
        [found] = linked.seen()[number].issues
        assert (found.status, found.title, found.fix_versions) == ("Done", "Title", ("4.17.1",))


def test_an_issue_that_no_case_is_linked_to_is_not_ours(linked: Shelf) -> None:
    decision = linked.apply(issue_event("updated", 1, key="OCPBUGS-8"))
    assert decision.outcome is Outcome.NOT_OURS


def test_a_moved_issue_is_known_by_its_new_key(linked: Shelf) -> None:
    moved = change("Key", DEFECT_KEY, "RHEL-9", fieldId=None)
    linked.apply(defect_event("updated", 1, moved, key="RHEL-9"))
    assert issues(linked) == {"RHEL-9": "Open"}
    linked.apply(defect_event("updated", 2, key="RHEL-9", status="Done"))
    assert issues(linked) == {"RHEL-9": "Done"}


def test_a_move_that_we_missed_is_seen_by_the_id(linked: Shelf) -> None:
    linked.apply(defect_event("updated", 2, key="RHEL-9", status="Done"))
    assert issues(linked) == {"RHEL-9": "Done"}


def test_an_older_event_of_before_a_move_brings_the_old_key_back_to_nobody(linked: Shelf) -> None:
    moved = change("Key", DEFECT_KEY, "RHEL-9", fieldId=None)
    linked.apply(defect_event("updated", 5, moved, key="RHEL-9"))
    linked.apply(defect_event("updated", 2, status="Done"))
    assert issues(linked) == {"RHEL-9": "Open"}


def test_of_two_keys_without_a_time_to_tell_which_is_newer_none_goes(shelf: Shelf) -> None:
    known = Issue(key=DEFECT_KEY, id=DEFECT_ID, status="New")
    shelf.write([listing(ONE, Source.ISSUES, known, seen=at(-1))])
    shelf.apply(defect_event("updated", 2, key="RHEL-9"))
    assert issues(shelf) == {DEFECT_KEY: "New", "RHEL-9": "Open"}


def test_a_missed_move_of_an_issue_at_one_case_ends_nothing_at_another(shelf: Shelf) -> None:
    for number, key in ((ONE, DEFECT_KEY), (TWO, "RHEL-9")):
        defect = Issue(key=key, id=DEFECT_ID, status="New", updated=at(-1))
        shelf.write([listing(number, Source.ISSUES, defect, seen=at(-1))])
    decision = shelf.apply(defect_event("updated", 1, key="RHEL-9"))
    ended = [(o.number, o.key) for o in decision.observations if _ends(o)]
    assert ended == [(ONE, DEFECT_KEY)]


def _ends(observation: Any) -> bool:
    return isinstance(observation, ItemSeen) and observation.facts is None


def test_a_deleted_issue_goes(linked: Shelf) -> None:
    linked.apply(defect_event("deleted", 1))
    assert (issues(linked, ONE), issues(linked, TWO)) == ({}, {})


def test_a_restricted_issue_stays_restricted_whatever_events_tell(shelf: Shelf) -> None:
    hidden = Issue(key=DEFECT_KEY, id=DEFECT_ID, restricted=True)
    shelf.write([listing(ONE, Source.ISSUES, hidden, seen=at(-1))])
    decision = shelf.apply(defect_event("updated", 1))
    [found] = shelf.seen()[ONE].issues
    assert found == hidden
    assert decision.resyncs == (Sync.ISSUES,)


def test_an_issue_that_is_restricted_at_one_case_changes_at_another(shelf: Shelf) -> None:
    for number, hidden in ((ONE, True), (TWO, False)):
        known = Issue(key=DEFECT_KEY, id=DEFECT_ID, restricted=hidden, updated=at(-1))
        shelf.write([listing(number, Source.ISSUES, known, seen=at(-1))])
    decision = shelf.apply(defect_event("updated", 1, status="Done"))
    assert (issues(shelf, ONE), issues(shelf, TWO)) == ({DEFECT_KEY: ""}, {DEFECT_KEY: "Done"})
    assert decision.resyncs == (Sync.ISSUES,)


def test_an_issue_whose_id_is_not_known_is_found_by_its_key(shelf: Shelf) -> None:
    known = Issue(key=DEFECT_KEY, status="New", updated=at(-1))
    shelf.write([listing(ONE, Source.ISSUES, known, seen=at(-1))])
    shelf.apply(defect_event("updated", 1, status="Done"))
    assert issues(shelf) == {DEFECT_KEY: "Done"}


def test_an_event_of_one_of_two_linked_issues_leaves_the_other_alone(shelf: Shelf) -> None:
    both = [
        Issue(key=DEFECT_KEY, id=DEFECT_ID, status="New", updated=at(-1)),
        Issue(key="RHEL-9", id="77002", status="New", updated=at(-1)),
    ]
    shelf.write([listing(ONE, Source.ISSUES, *both, seen=at(-1))])
    shelf.apply(defect_event("updated", 1, status="Done"))
    assert issues(shelf) == {DEFECT_KEY: "Done", "RHEL-9": "New"}


@pytest.mark.parametrize("how", ["removed", "null"])
def test_a_linked_issue_changes_by_a_body_without_labels(linked: Shelf, how: str) -> None:
    linked.apply(without(defect_event("updated", 1, status="Done"), "labels", how))
    assert issues(linked) == {DEFECT_KEY: "Done"}


def test_fix_versions_that_a_body_does_not_tell_stay(linked: Shelf) -> None:
    linked.apply(defect_event("updated", 1, fixVersions=[{"name": "4.17.1"}]))
    decision = linked.apply(without(defect_event("updated", 2, status="Done"), "fixVersions"))
    [found] = linked.seen()[ONE].issues
    assert (found.fix_versions, found.status) == (("4.17.1",), "Done")
    assert decision.resyncs == (Sync.ISSUES,)


def test_a_part_of_a_linked_issue_is_left_to_the_sync(linked: Shelf) -> None:
    part = partial(issue(DEFECT_KEY, id=DEFECT_ID))
    decision = linked.apply(event("jira:issue_updated", 1, issue=part))
    assert (decision.observations, decision.resyncs) == ((), (Sync.ISSUES,))


def test_a_link_that_touches_one_of_ours_asks_the_sync(linked: Shelf) -> None:
    for verb in ("created", "deleted"):
        link = {"sourceIssueId": 1, "destinationIssueId": int(DEFECT_ID)}
        decision = linked.apply(event(f"issuelink_{verb}", 1, issueLink=link))
        assert decision.resyncs == (Sync.ISSUES,)
    strangers = {"sourceIssueId": 1, "destinationIssueId": 2}
    assert linked.apply(event("issuelink_created", 1, issueLink=strangers)).outcome is (
        Outcome.NOT_OURS
    )


# Escalations


def filed(
    verb: str, minutes: float, *changes: Any, cases: Any = ONE, **facts: Any
) -> dict[str, Any]:
    facts = {"key": "ESC-1", "labels": ["t5g-escalation"], "summary": "Urgent!", **facts}
    return issue_event(verb, minutes, *changes, customfield_10979=cases, **facts)


@pytest.mark.parametrize(
    "cases",
    [
        ONE,
        [ONE],
        1234567,
        f"{ONE},99999999",
        [{"value": ONE}],
        f"https://access.redhat.com/support/cases/#/case/{ONE}",
    ],
)
def test_an_escalation_escalates_the_cases_it_names(shelf: Shelf, cases: Any) -> None:
    shelf.apply(filed("created", 0, cases=cases))
    assert escalated(shelf) == {ONE: ["ESC-1"], TWO: []}
    [found] = shelf.seen()[ONE].escalations
    assert (found.url, found.since) == ("https://redhat.atlassian.net/browse/ESC-1", T0)


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ([change("status", "Open", "Done")], {"status": "Done"}),
        ([change("labels", "t5g-escalation", "")], {"labels": []}),
        ([change("Cases", ONE, "", fieldId="customfield_10979")], {"cases": None}),
        ([change("Key", "ESC-1", "ELSE-7", fieldId=None)], {"key": "ELSE-7", "id": "10001"}),
    ],
)
def test_an_escalation_that_ends_ends_at_its_cases(
    shelf: Shelf, changes: list[Any], facts: dict[str, Any]
) -> None:
    shelf.apply(filed("created", 0))
    shelf.apply(filed("updated", 1, *changes, **facts))
    assert escalated(shelf) == {ONE: [], TWO: []}


def test_a_deleted_escalation_ends(shelf: Shelf) -> None:
    shelf.apply(filed("created", 0))
    shelf.apply(filed("deleted", 1))
    assert escalated(shelf) == {ONE: [], TWO: []}


def test_an_escalation_that_names_other_cases_moves(shelf: Shelf) -> None:
    shelf.apply(filed("created", 0, cases=f"{ONE} {TWO}"))
    assert escalated(shelf) == {ONE: ["ESC-1"], TWO: ["ESC-1"]}
    item = change("Cases", f"{ONE} {TWO}", TWO, fieldId="customfield_10979")
    shelf.apply(filed("updated", 1, item, cases=TWO))
    assert escalated(shelf) == {ONE: [], TWO: ["ESC-1"]}


def test_a_case_that_an_escalation_left_unseen_is_seen_in_the_next_event(shelf: Shelf) -> None:
    shelf.apply(filed("created", 0))
    shelf.apply(filed("updated", 2, cases=TWO))
    assert escalated(shelf) == {ONE: [], TWO: ["ESC-1"]}


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ([change("status", "Open", "Done")], {"status": "Done"}),
        ([change("labels", "t5g-escalation", "")], {"labels": []}),
        ([change("Cases", ONE, TWO, fieldId="customfield_10979")], {"cases": TWO}),
        ([change("Key", "ESC-1", "ELSE-7", fieldId=None)], {"key": "ELSE-7", "id": "10001"}),
        (
            [
                change("Key", "ESC-1", "ELSE-7", fieldId=None),
                change("Cases", ONE, "", fieldId="customfield_10979"),
            ],
            {"key": "ELSE-7", "id": "10001", "cases": None},
        ),
    ],
)
def test_an_escalation_that_is_over_does_not_come_when_its_creation_is_told_late(
    shelf: Shelf, changes: list[Any], facts: dict[str, Any]
) -> None:
    shelf.apply(filed("updated", 5, *changes, **facts))
    shelf.apply(filed("created", 0))
    assert escalated(shelf)[ONE] == []


def test_cases_that_stand_in_a_property_only_are_kept(shelf: Shelf) -> None:
    known = Escalation(key="ESC-1", id="10001", updated=at(-1))
    shelf.write([listing(ONE, Source.ESCALATION, known, seen=at(-1))])
    shelf.apply(filed("updated", 1, cases=None, summary="Now with a title"))
    assert escalated(shelf) == {ONE: ["ESC-1"], TWO: []}
    assert shelf.seen()[ONE].escalations[0].title == "Now with a title"


def test_an_escalation_without_cases_is_left_to_the_sync(shelf: Shelf) -> None:
    decision = shelf.apply(filed("created", 0, cases=None))
    assert decision.resyncs == (Sync.ESCALATIONS,)


def test_a_part_of_an_escalation_is_left_to_the_sync(shelf: Shelf) -> None:
    shelf.apply(filed("created", 0))
    part = partial(issue("ESC-1", minutes=1))
    decision = shelf.apply(event("jira:issue_updated", 1, issue=part))
    assert decision.resyncs == (Sync.ESCALATIONS,)
    assert escalated(shelf) == {ONE: ["ESC-1"], TWO: []}


@pytest.mark.parametrize("facts", [{"labels": []}, {"key": "OTHER-1"}])
def test_other_issues_escalate_nothing(shelf: Shelf, facts: dict[str, Any]) -> None:
    assert shelf.apply(filed("created", 0, **facts)).outcome is Outcome.NOT_OURS
    assert escalated(shelf) == {ONE: [], TWO: []}


def test_case_links_set_as_a_property_ask_the_sync(shelf: Shelf) -> None:
    decision = shelf.apply(event("issue_property_set", 1, property={"key": "sfdc-cases-links"}))
    assert decision.resyncs == (Sync.ESCALATIONS,)
    other = shelf.apply(event("issue_property_set", 1, property={"key": "colour"}))
    assert other.outcome is Outcome.IGNORED


# Other events


@pytest.mark.parametrize("name", ["sprint_started", "sprint_closed", "sprint_deleted"])
def test_a_sprint_that_begins_or_ends_asks_the_sync(shelf: Shelf, name: str) -> None:
    decision = shelf.apply(event(name, 1, sprint={"id": 7, "name": "T5G Sprint 13"}))
    assert decision.resyncs == (Sync.CARDS,)


@pytest.mark.parametrize("name", ["worklog_created", "jira:version_created", "brand_new"])
def test_other_events_are_ignored(shelf: Shelf, name: str) -> None:
    assert shelf.apply(event(name, 1)).outcome is Outcome.IGNORED


def test_a_remote_link_on_a_card_without_a_number_asks_the_sync(shelf: Shelf) -> None:
    linked = change("RemoteIssueLink", None, 'This issue links to "Support Case (Web Link)"')
    decision = shelf.apply(issue_event("updated", 1, linked, summary="No number"))
    assert decision.resyncs == (Sync.CARDS,)


# Recorded bodies


def test_recorded_bodies_of_cards_end_in_a_card_with_its_comments(shared_dir: Path) -> None:
    """Taken as team cards, the recorded bodies all give a card, a comment, or are ignored."""
    outcomes: dict[str, list[str]] = {}
    for path in sorted((shared_dir / "fixtures" / "jira-webhooks").glob("*.json")):
        payload = msgspec.json.decode(path.read_bytes())
        project = "T5G"
        if "issue" in payload:
            project = payload["issue"]["key"].rpartition("-")[0]
            fields = payload["issue"]["fields"]
            fields["summary"] = f"{ONE}: {fields.get('summary') or 'no summary'}"
        shelf = Shelf()
        shelf.write([portal_seen(ONE, seen=T0)])
        settings = SETTINGS.model_copy(update={"jira_project": project, "jira_label": ""})
        decision = shelf.apply(payload, settings)
        outcomes.setdefault(decision.outcome.value, []).append(path.stem)
        gone = "deleted" in path.stem
        if decision.outcome is Outcome.APPLIED and "comment" not in path.stem:
            assert bool(shelf.seen()[ONE].cards) is not gone, path.stem
    assert outcomes["ignored"] == ["cloud-attachment_created-no-issue", "dc-version_created"]
    assert outcomes["not_ours"] == ["cloud-version_released"]
    assert outcomes["later"] == ["mm-server-comment-created", "mm-server-comment-updated"]
    assert set(outcomes) == {"ignored", "not_ours", "later", "applied"}


def test_a_deletion_is_the_last_word_also_with_an_issue_as_it_was_before_a_change(
    shelf: Shelf,
) -> None:
    shelf.apply(issue_event("created", 0))
    shelf.apply(issue_event("updated", 6, change("status", "Open", "Blocked"), status="Blocked"))
    shelf.apply(event("jira:issue_deleted", 10, issue=issue(minutes=5)))
    assert cards(shelf) == {}


# What needs all that was written just before


def link_event() -> dict[str, Any]:
    ends = {"sourceIssueId": 10001, "destinationIssueId": 10002}
    return event("issuelink_created", issueLink={"id": 1, **ends, "issueLinkType": {"id": 1}})


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (issue_event("updated", 1, change("key", "T5G-1", "ABC-1")), True),
        (issue_event("updated", 1, change("summary", "a", "b")), True),
        (issue_event("updated", 1, change("status", "New", "Open")), False),
        (issue_event("created", 1), False),
        (comment_event("created", 1), False),
        (event("comment_created", comment=comment()), True),
        (event("comment_deleted", comment=comment()), True),
        (link_event(), True),
        (event("sprint_started", sprint={"id": 1}), False),
        (event("sprint_updated", sprint={"id": 1}), True),
        (event("user_updated", user=cloud_user()), True),
    ],
)
def test_only_moves_and_events_without_an_issue_look_back(
    payload: dict[str, Any], expected: bool
) -> None:
    read = read_event(body_of(payload), {}, received=NOW)
    assert isinstance(read, Event)
    assert looks_back(read) is expected
