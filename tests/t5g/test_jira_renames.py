"""Events of sprints, versions, projects and people: what they change in what is known."""

from typing import Any

import pytest

from t5g.jira_decisions import Outcome
from t5g.jira_events import Kind
from t5g.jira_payloads import PayloadError
from t5g.jira_projects import Project, Projects
from t5g.model import Escalation, Issue, Person, Source
from t5g.settings import Settings
from t5g.syncs import Sync
from tests.jira_history import NUMBERS
from tests.jira_shelf import SETTINGS, Shelf
from tests.making import listing, portal_seen
from tests.making_jira import T0, cloud_user, comment_event, event, issue_event

ONE, TWO = NUMBERS
SPRINT_FIELD = SETTINGS.jira_fields.sprint
OURS = Projects(Project(("T5G",), "10000"), Project(("ESC",), "10009"))


def defect(**facts: Any) -> Issue:
    named = {"fix_versions": ("4.16.1", "4.17"), "fix_version_ids": ("11", "12")}
    return Issue(**{"key": "OCPBUGS-1", "id": "20001", "updated": T0, **named, **facts})


@pytest.fixture
def shelf() -> Shelf:
    """A case with a card in a sprint, a comment, a defect and an escalation; and another case."""
    found = Shelf()
    found.write([portal_seen(number, seen=T0) for number in NUMBERS])
    sprint = [{"id": 7, "name": "Sprint 7", "state": "active"}]
    found.apply(issue_event("created", 0, assignee=cloud_user(), **{SPRINT_FIELD: sprint}))
    found.apply(comment_event("created", 1, body="said"))
    person = Person(account="acct-ada", name="Ada", email="ada@example.com")
    found.write([
        listing(ONE, Source.ISSUES, defect(assignee=person, qa_contact=person), seen=T0),
        listing(ONE, Source.ESCALATION, Escalation(key="ESC-3", id="30003", updated=T0), seen=T0),
    ])  # fmt: skip
    return found


def case(shelf: Shelf, number: str = ONE) -> Any:
    return shelf.seen()[number]


def renamed_sprint(minutes: float, name: str) -> dict[str, Any]:
    return event("sprint_updated", minutes, sprint={"id": 7, "name": name, "state": "active"})


def test_a_sprint_is_renamed_on_its_cards(shelf: Shelf) -> None:
    shelf.apply(renamed_sprint(5, "Sprint seven"))
    assert case(shelf).card.sprint == "Sprint seven"
    again = shelf.apply(renamed_sprint(6, "Sprint seven"))
    assert (again.outcome, again.observations) == (Outcome.NOT_OURS, ())


def test_the_later_of_two_renames_wins_in_either_order(shelf: Shelf) -> None:
    shelf.apply(renamed_sprint(6, "last"))
    shelf.apply(renamed_sprint(5, "first"))
    assert case(shelf).card.sprint == "last"


def test_a_change_of_the_card_after_a_rename_is_not_undone_by_it(shelf: Shelf) -> None:
    moved = [{"id": 8, "name": "Sprint 8", "state": "active"}]
    shelf.apply(issue_event("updated", 7, assignee=cloud_user(), **{SPRINT_FIELD: moved}))
    assert shelf.apply(renamed_sprint(6, "x")).outcome is Outcome.NOT_OURS
    assert case(shelf).card.sprint == "Sprint 8"


def test_a_rename_just_after_an_event_of_the_card_is_not_older_than_it(shelf: Shelf) -> None:
    now = [{"id": 7, "name": "Sprint 7", "state": "active"}]
    shelf.apply(issue_event("updated", 5, **{SPRINT_FIELD: now}))
    shelf.apply(renamed_sprint(5.2, "Sprint seven"))
    assert case(shelf).card.sprint == "Sprint seven"


def test_a_renamed_sprint_may_decide_which_cards_count(shelf: Shelf) -> None:
    by_sprint = Settings(_env_file=None, jira_cards="sprint")
    assert shelf.apply(renamed_sprint(5, "x"), by_sprint).resyncs == (Sync.CARDS,)


@pytest.mark.parametrize(
    "name", [Kind.VERSION_UPDATED, Kind.VERSION_RELEASED, Kind.VERSION_UNRELEASED]
)
def test_a_version_is_renamed_in_the_issues_that_are_fixed_in_it(shelf: Shelf, name: Kind) -> None:
    shelf.apply(event(name.value, 5, version={"id": "12", "name": "4.17.0", "projectId": 1}))
    assert case(shelf).issues[0].fix_versions == ("4.16.1", "4.17.0")
    other = shelf.apply(event(name.value, 6, version={"id": "13", "name": "4.18"}))
    assert other.outcome is Outcome.NOT_OURS


def test_a_deleted_version_is_left_to_the_sync(shelf: Shelf) -> None:
    decision = shelf.apply(event("jira:version_deleted", 5, version={"id": "12", "name": "4.17"}))
    assert (decision.observations, decision.resyncs) == ((), (Sync.ISSUES,))
    other = shelf.apply(event("jira:version_deleted", 5, version={"id": "13", "name": "4.18"}))
    assert other.outcome is Outcome.NOT_OURS


def test_a_person_is_renamed_everywhere_and_keeps_an_address_that_is_not_told(shelf: Shelf) -> None:
    shelf.apply(event("user_updated", 5, user={**cloud_user(), "displayName": "Ada Lovelace"}))
    found, issue = case(shelf), case(shelf).issues[0]
    assert found.card.assignee.name == found.card_comments[0].author.name == "Ada Lovelace"
    for person in (issue.assignee, issue.qa_contact):
        assert (person.name, person.email) == ("Ada Lovelace", "ada@example.com")
    other = shelf.apply(event("user_updated", 6, user=cloud_user("bob")))
    assert other.outcome is Outcome.NOT_OURS


def project(key: str, id: int = 10000) -> dict[str, Any]:
    return event("project_updated", 5, project={"id": id, "key": key, "name": "Field"})


def test_a_project_s_new_key_goes_to_its_cards_with_their_comments(shelf: Shelf) -> None:
    decision = shelf.apply(project("FLD"), projects=OURS)
    assert decision.resyncs == (Sync.CARDS,)
    found = case(shelf)
    assert [card.key for card in found.cards] == ["FLD-1"]
    assert [comment.body for comment in found.card_comments] == ["said"]
    assert [escalation.key for escalation in found.escalations] == ["ESC-3"]


def test_a_project_s_new_key_goes_to_its_escalations(shelf: Shelf) -> None:
    decision = shelf.apply(project("HELP", 10009), projects=OURS)
    assert decision.resyncs == (Sync.ESCALATIONS, Sync.ISSUES)
    (found,) = case(shelf).escalations
    assert (found.key, found.url.rpartition("/")[2]) == ("HELP-3", "HELP-3")


def test_a_renamed_project_of_linked_issues_is_left_to_their_sync(shelf: Shelf) -> None:
    assert shelf.apply(project("OCP", 10008), projects=OURS).resyncs == (Sync.ISSUES,)
    same = shelf.apply(project("OCPBUGS", 10008), projects=OURS)
    assert same.outcome is Outcome.NOT_OURS


def test_an_event_of_an_issue_under_its_new_key_is_the_same_card(shelf: Shelf) -> None:
    told = {"id": "10000", "key": "FLD"}
    changed = issue_event("updated", 6, key="FLD-1", status="Blocked", project=told)
    shelf.apply(changed, projects=OURS)
    found = case(shelf)
    assert [(card.key, card.status) for card in found.cards] == [("FLD-1", "Blocked")]
    assert [comment.body for comment in found.card_comments] == ["said"]
    late = issue_event("updated", 4, status="In Progress", project={"id": "10000", "key": "T5G"})
    shelf.apply(late, projects=OURS)
    assert [(card.key, card.status) for card in case(shelf).cards] == [("FLD-1", "Blocked")]


@pytest.mark.parametrize(
    "odd",
    [
        event("sprint_updated", sprint={"name": "no id"}),
        event("sprint_updated", sprint={"id": 7}),
        event("jira:version_updated", version={"id": True, "name": "x"}),
        event("user_updated", user={"displayName": "Nobody"}),
        event("project_updated", project={"id": 10000}),
    ],
)
def test_an_event_that_does_not_tell_what_it_is_about_is_refused(
    shelf: Shelf, odd: dict[str, Any]
) -> None:
    with pytest.raises(PayloadError):
        shelf.apply(odd)


def test_a_version_without_a_name_is_no_name(shelf: Shelf) -> None:
    with pytest.raises(PayloadError):
        shelf.apply(event("jira:version_updated", version={"id": "12"}))
    assert case(shelf).issues[0].fix_versions == ("4.16.1", "4.17")
