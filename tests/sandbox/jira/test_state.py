"""What JIRA believes: changelogs and events as values, times, refusals, and what finds an issue."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.jira.model import Event, Refusal
from sandbox.jira.state import JiraState

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def state() -> JiraState:
    made = JiraState(clock=lambda: NOON)
    made.add_project("T5G", "Cards")
    made.add_project("OCPBUGS", "Defects", statuses=("New", "POST", "Closed"))
    made.add_user("Anna Beispiel", "anna@example.com")
    return made


def told(state: JiraState) -> list[Event]:
    events: list[Event] = []
    state.listeners.append(events.append)
    return events


def test_every_change_is_later_than_the_one_before_though_the_clock_stands(state):
    key = state.create_issue("T5G", "x").key
    seen = [state.issue(key).updated]
    for status in ("Open", "Blocked", "Done"):
        seen.append(state.transition(key, status).updated)
    comment = state.add_comment(key, None, "hello")
    seen.append(state.issue(key).updated)
    assert comment.created == state.issue(key).updated
    assert seen == sorted(set(seen))
    assert seen[-1] - seen[0] < timedelta(seconds=1)


def test_ids_are_numeric_text_and_keys_count_up(state):
    first, second = state.create_issue("T5G", "a"), state.create_issue("T5G", "b")
    assert (first.key, second.key) == ("T5G-1", "T5G-2")
    assert first.id.isdigit() and first.id != second.id
    assert state.issue(first.id) is first
    assert state.issue("t5g-1") is first


def test_done_sets_a_resolution_and_reopening_takes_it(state):
    events = told(state)
    key = state.create_issue("T5G", "x").key
    state.transition(key, "Done")
    state.transition(key, "Open")
    done, opened = events[-2:]
    assert [(i.field, i.was_text, i.now_text) for i in done.items] == [
        ("resolution", None, "Done"), ("status", "New", "Done"),
    ]  # fmt: skip
    assert [(i.field, i.now_text) for i in opened.items] == [
        ("resolution", None), ("status", "Open"),
    ]  # fmt: skip
    assert [entry.items for entry in state.issue(key).history] == [done.items, opened.items]


def test_an_event_keeps_the_issue_as_it_was(state):
    events = told(state)
    key = state.create_issue("T5G", "x", labels=("a",)).key
    comment = state.add_comment(key, "anna@example.com", "one")
    state.edit_comment(key, comment.id, "two")
    state.update_issue(key, labels=["b"])
    state.delete_comment(key, comment.id)
    assert [e.kind for e in events] == [
        "jira:issue_created", "comment_created", "comment_updated", "jira:issue_updated",
        "comment_deleted",
    ]  # fmt: skip
    assert [e.comment.body for e in events if e.comment] == ["one", "two", "two"]
    assert [e.issue.labels for e in events if e.issue] == [("a",), ("a",), ("a",), ("b",), ("b",)]
    assert events[1].user == state.user("anna")


def test_nothing_changed_means_nothing_told(state):
    key = state.create_issue("T5G", "x", priority="Major").key
    events, before = told(state), state.issue(key).updated
    state.update_issue(key, priority="Major", labels=[], assignee=None)
    state.transition(key, "New")
    assert events == []
    assert state.issue(key).updated == before


def test_silent_issues_tell_nobody(state):
    events = told(state)
    issue = state.create_issue("T5G", "x", silent=True, created=NOON - timedelta(days=9))
    state.add_comment(issue.key, None, "old", created=NOON - timedelta(days=8), silent=True)
    state.update_issue(issue.key, silent=True, priority="Major")
    assert events == []


def test_a_moved_issue_answers_to_both_keys_and_gets_a_status_of_its_new_home(state):
    events = told(state)
    issue = state.create_issue("T5G", "x", status="Blocked")
    new = state.move_issue("T5G-1", "OCPBUGS")
    assert new == "OCPBUGS-1"
    assert state.issue("T5G-1") is state.issue("OCPBUGS-1") is issue
    assert set(state.issues) == {"OCPBUGS-1"}
    assert [(i.field, i.was_text, i.now_text) for i in events[-1].items] == [
        ("project", "Cards", "Defects"),
        ("Key", "T5G-1", "OCPBUGS-1"),
        ("status", "Blocked", "New"),
    ]  # fmt: skip


def test_the_index_follows_every_change(state):
    issue = state.create_issue("T5G", "x", labels=("Field-Support",), silent=True)
    index = state.index
    assert issue.id in index.labels["field-support"]
    state.update_issue(issue.key, labels=["other"])
    assert issue.id not in index.labels["field-support"]
    state.move_issue(issue.key, "OCPBUGS")
    assert issue.id not in index.projects["T5G"]
    assert issue.id in index.projects["OCPBUGS"]
    issue.labels = ("behind", "its-back")
    assert issue.id in index.labels["behind"]
    state.delete_issue(issue.key)
    assert not index.projects["OCPBUGS"]
    assert not index.labels["behind"]
    with pytest.raises(Refusal) as refused:
        state.issue("T5G-1")
    assert refused.value.status == 404


def test_a_sprint_that_closed_stays_in_the_issue_s_past(state):
    board = state.add_board("B", "T5G")
    first, second = state.add_sprint(board, "One"), state.add_sprint(board, "Two", "future")
    key = state.create_issue("T5G", "x", sprint=first).key
    events = told(state)
    state.move_to_sprint(key, second)
    assert state.issue(key).past_sprints == ()
    state.move_to_sprint(key, first)
    state.set_sprint_state(first, "closed")
    state.set_sprint_state(second, "active")
    state.move_to_sprint(key, second)
    assert [s.name for s in state.sprints_of(state.issue(key))] == ["One", "Two"]
    item = events[-1].items[0]
    assert (item.was, item.now, item.now_text) == (str(first), f"{first}, {second}", "One, Two")
    assert [e.kind for e in events if e.sprint] == ["sprint_closed", "sprint_started"]


def test_a_deleted_issue_takes_its_links_along(state):
    one, two = state.create_issue("T5G", "a"), state.create_issue("OCPBUGS", "b")
    state.link(one.key, two.key, "blocks")
    events = told(state)
    state.delete_issue(one.key)
    assert [e.kind for e in events] == ["issuelink_deleted", "jira:issue_deleted"]
    assert list(state.links_of(two)) == []
    assert events[-1].at > events[-1].issue.updated - timedelta(milliseconds=1)


def test_a_workflow_with_paths_refuses_what_leads_nowhere(state):
    paths = {"New": {"Start work": "Open"}, "Open": {"Finish": "Done"}, "Done": {"Reopen": "Open"}}
    state.add_project("WF", "Strict", statuses=("New", "Open", "Done"), paths=paths)
    key = state.create_issue("WF", "x").key
    with pytest.raises(Refusal, match="illegal workflow operation"):
        state.transition(key, "Done")
    state.transition(key, "Open")
    state.transition(key, "Done")
    assert state.issue(key).resolution == "Done"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": " "}, "summary"),
        ({"summary": "ü" * 256}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"priority": "Sky-high"}, "priority"),
        ({"type": "Poem"}, "issuetype"),
        ({"labels": ["with space"]}, "labels"),
        ({"labels": ["x" * 256]}, "labels"),
        ({"description": "x" * 32_768}, "description"),
        ({"assignee": "nobody@example.com"}, "assignee"),
        ({"project": "NOPE"}, "project"),
    ],
)
def test_what_jira_refuses_changes_nothing(state, facts, field):
    with pytest.raises(Refusal) as refused:
        state.create_issue(**{"project": "T5G", "summary": "fine", **facts})
    assert refused.value.status == 400
    assert field in refused.value.errors
    assert state.issues == {}


def test_a_change_with_one_mistake_changes_nothing(state):
    key = state.create_issue("T5G", "fine").key
    before = state.issue(key).snapshot()
    with pytest.raises(Refusal):
        state.update_issue(key, priority="Major", summary="")
    with pytest.raises(Refusal):
        state.update_issue(key, priority="Major", custom={"customfield_10470": "nobody"})
    assert state.issue(key) == before


def test_a_required_field_is_named(state):
    state.add_project("RQ", "Strict", required=("components", "customfield_10840"))
    with pytest.raises(Refusal) as refused:
        state.create_issue("RQ", "x")
    assert refused.value.errors == {
        "components": "Component/s is required.",
        "customfield_10840": "Customfield_10840 is required.",
    }


def test_people_are_found_by_any_name_and_user_names_are_unique(state):
    second = state.add_user("Anna Andere", "anna@other.example.com")
    assert second.username == "anna1"
    assert state.user("anna").email == "anna@example.com"
    assert state.user("Anna Andere") is second
    assert state.user("nobody") is None


def test_a_remote_link_with_a_known_global_id_replaces_the_old_one_whole(state):
    key = state.create_issue("T5G", "x").key
    first, new = state.add_remote_link(key, "https://a.example.com", "A", "case=1", "is about")
    again, newer = state.add_remote_link(key, "https://b.example.com", "B", "case=1")
    assert (new, newer) == (True, False)
    assert first.id == again.id
    assert state.issue(key).remote_links == [again]
    assert again.relationship is None
