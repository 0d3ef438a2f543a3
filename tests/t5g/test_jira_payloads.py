"""JIRA's JSON in the shapes met (Cloud and Data Center, v2 and v3, webhooks), read into values."""

import json
from datetime import UTC, datetime

import pytest

from t5g.jira_payloads import (
    ALWAYS,
    PayloadError,
    card_of,
    comment_of,
    comments_of,
    escalated_cases,
    escalation_of,
    finished,
    issue_of,
    number_of_card,
    number_of_remote_links,
    numbers_in,
    person_of,
    project_of,
    whole,
)
from t5g.model import Person
from t5g.settings import load_settings

SETTINGS = load_settings(env={"jira_url": "https://jira.example.com"})
ANNA = {"accountId": "acct-1", "displayName": "Anna Příkladová", "emailAddress": "anna@example.com"}


def adf(*texts):
    content = [{"type": "paragraph", "content": [{"type": "text", "text": t}]} for t in texts]
    return {"type": "doc", "version": 1, "content": content}


def issue(**fields):
    return {"id": "10042", "key": "T5G-7", "fields": {"summary": "01234567: a node", **fields}}


def test_a_card_has_the_facts_of_its_issue():
    card = card_of(
        issue(
            status={"name": "In Progress"},
            priority={"name": "Major"},
            assignee=ANNA,
            labels=["field-support", "Trends"],
            created="2026-01-02T15:04:05.000+0000",
            updated="2026-01-03T15:04:05.000+0100",
            customfield_10466=[ANNA, {"name": "bert"}, None],
            customfield_10020=[
                {"id": 1, "name": "T5G Sprint 11", "state": "closed"},
                {"id": 2, "name": "T5G Sprint 12", "state": "active"},
                {"id": 3, "name": "T5G Sprint 13", "state": "future"},
            ],
        ),
        SETTINGS,
    )
    assert card.key == "T5G-7"
    assert card.id == "10042"
    assert card.status == "In Progress"
    assert card.assignee == Person(
        account="acct-1", name=ANNA["displayName"], email=ANNA["emailAddress"]
    )
    assert [person.account for person in card.contributors] == ["acct-1", "bert"]
    assert card.labels == ("field-support", "Trends")
    assert card.sprint == "T5G Sprint 12"
    assert card.updated == datetime(2026, 1, 3, 14, 4, 5, tzinfo=UTC)


def test_a_card_without_any_field_is_still_a_card():
    assert card_of({"key": "T5G-1", "fields": {}}, SETTINGS).key == "T5G-1"
    assert card_of({"key": "T5G-1"}, SETTINGS).summary == ""


@pytest.mark.parametrize("bad", [{}, {"fields": {}}, {"key": None}, {"key": 7}, "T5G-1"])
def test_what_is_no_issue_is_refused(bad):
    with pytest.raises(PayloadError):
        card_of(bad, SETTINGS)


def test_a_sprint_of_data_center_is_a_java_object():
    java = (
        "com.atlassian.greenhopper.service.sprint.Sprint@a88a698[id=1,rapidViewId=1,state=ACTIVE,"
        "name=Sample, Sprint 2,startDate=2018-05-09T06:39:30.147Z,completeDate=<null>,goal=<null>]"
    )
    closed = java.replace("ACTIVE", "CLOSED").replace("Sample, Sprint 2", "Sprint 1")
    assert card_of(issue(customfield_10020=[closed, java]), SETTINGS).sprint == "Sample, Sprint 2"
    assert card_of(issue(customfield_10020=[closed]), SETTINGS).sprint == "Sprint 1"


def test_an_issue_has_its_custom_fields():
    found = issue_of(
        {
            "key": "OCPBUGS-1",
            "fields": {
                "summary": "it breaks",
                "issuetype": {"name": "Bug"},
                "status": "New",
                "customfield_10840": {"value": "Critical"},
                "customfield_10470": ANNA,
                "customfield_11087": [{"value": "Telco"}, {"value": "Telco:Core"}],
                "fixVersions": [{"name": "4.16.z"}],
            },
        },
        SETTINGS,
    )
    assert found.url == "https://jira.example.com/browse/OCPBUGS-1"
    assert (found.status, found.type, found.severity) == ("New", "Bug", "Critical")
    assert found.qa_contact is not None
    assert found.qa_contact.account == "acct-1"
    assert found.private_keywords == ("Telco", "Telco:Core")
    assert found.fix_versions == ("4.16.z",)


def test_people_of_cloud_and_of_data_center():
    assert person_of({"name": "bert", "key": "JIRAUSER1", "displayName": "Bert"}) == Person(
        account="bert", name="Bert"
    )
    assert person_of({"accountId": "a", "name": "", "key": ""}) == Person(account="a")
    assert person_of("bert") == Person(account="bert")
    assert person_of(None) is None
    assert person_of({"displayName": ""}) is None


def test_a_comment_of_v2_and_of_v3_reads_the_same():
    common = {"id": "7", "author": ANNA, "created": "2026-01-02T15:04:05.000+0000"}
    wiki = comment_of({**common, "body": "see *this* [page|https://example.com]"})
    assert wiki.body == "see this page (https://example.com)"
    assert comment_of({**common, "body": adf("hello")}).body == "hello"
    assert wiki.updated == wiki.created
    assert not wiki.restricted


def test_a_comment_that_only_some_may_see_is_restricted():
    assert comment_of({"id": 1, "visibility": {"type": "role", "value": "Staff"}}).restricted
    assert comment_of({"id": 1, "jsdPublic": False}).restricted


@pytest.mark.parametrize("said", [None, "false", 0, False])
def test_a_comment_is_for_customers_only_if_that_is_said(said):
    assert comment_of({"id": 1, "jsdPublic": said}).restricted
    assert not comment_of({"id": 1, "jsdPublic": True}).restricted


def test_somebody_without_an_account_is_somebody():
    author = {"displayName": "Ann of ACME", "emailAddress": "ann@acme.example.com"}
    person = Person(account="", name="Ann of ACME", email="ann@acme.example.com")
    assert comment_of({"id": 1, "author": author}).author == person
    assert comment_of({"id": 1, "author": {"displayName": "Ann"}}).author.name == "Ann"
    assert person_of({"active": True}) is None


def test_comments_of_an_issue_say_whether_they_are_all():
    page = {"comments": [{"id": "1", "body": "a"}], "total": 1, "maxResults": 1}
    assert comments_of(issue(comment=page))[1]
    assert not comments_of(issue(comment={**page, "total": 3}))[1]
    for total in (None, "1", True):
        assert not comments_of(issue(comment={**page, "total": total}))[1]
    assert comments_of(issue(comment={"comments": []})) == ((), False)
    assert comments_of(issue(comment=[{"id": "1"}])) == ((comment_of({"id": "1"}),), True)
    assert comments_of(issue()) == ((), False)


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        (1234567, ["01234567"]),
        (1234567.0, ["01234567"]),
        ("01234567", ["01234567"]),
        ("01234567, 07654321 01234567", ["01234567", "07654321"]),
        ("01234567;07654321\n03333333", ["01234567", "07654321", "03333333"]),
        ("https://access.redhat.com/support/cases/#/case/01234567", ["01234567"]),
        ("https://access.redhat.com/support/cases/01234567?x=1", ["01234567"]),
        ("[01234567|https://access.redhat.com/support/cases/#/case/01234567]", ["01234567"]),
        (
            '<a href="https://access.redhat.com/support/cases/#/case/01234567">01234567</a>',
            ["01234567"],
        ),
        (["01234567", {"value": "07654321"}], ["01234567", "07654321"]),
        ({"value": "01234567,07654321"}, ["01234567", "07654321"]),
        (adf("first 01234567", "then 07654321"), ["01234567", "07654321"]),
        (adf("see EN-01234567"), []),
        ("case #01234567.", ["01234567"]),
        ("https://jira.example.com/browse/X-1?focusedCommentId=12345678", []),
        ("1234567", []),
        ("123456789", []),
        (123456789, []),
        (True, []),
        (None, []),
        (1.5, []),
        (float("inf"), []),
        (float("nan"), []),
        ("", []),
    ],
)
def test_numbers_are_found_in_every_spelling(value, numbers):
    assert list(numbers_in(value)) == numbers


def test_numbers_in_the_links_of_a_document():
    mark = {
        "type": "link",
        "attrs": {"href": "https://access.redhat.com/support/cases/#/case/01234567"},
    }
    text = {"type": "text", "text": "the case", "marks": [mark]}
    card = {
        "type": "inlineCard",
        "attrs": {"url": "https://access.redhat.com/support/cases/07654321"},
    }
    document = {"type": "doc", "content": [{"type": "paragraph", "content": [text, card]}]}
    assert list(numbers_in(document)) == ["01234567", "07654321"]


def test_an_escalation_names_cases_in_field_rendered_field_and_property():
    found = {
        "key": "ESC-1",
        "fields": {"customfield_10979": 1234567, "created": "2026-01-01T00:00:00.000+0000"},
        "renderedFields": {"customfield_10979": '<a href="https://x/cases/07654321">x</a>'},
        "properties": {"sfdc-cases-links": {"value": "03333333,01234567"}},
    }
    assert escalated_cases(found, SETTINGS) == ("01234567", "07654321", "03333333")
    assert escalation_of(found, SETTINGS).since == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_card_names_its_case_in_the_summary_else_in_a_remote_link():
    assert number_of_card(issue()) == "01234567"
    assert number_of_card(issue(summary="about 01234567")) is None
    links = [
        {"object": {"title": "Wiki", "url": "https://x/cases/07654321"}},
        {
            "object": {
                "title": "Support Case",
                "url": "https://access.redhat.com/support/cases/#/case/01234567",
            }
        },
    ]
    assert number_of_remote_links(links) == "01234567"
    assert number_of_remote_links(links[:1]) is None
    assert (
        number_of_remote_links(
            [{"relationship": "Support Case", "object": {"url": "https://x/cases/01234567"}}]
        )
        == "01234567"
    )


def test_an_issue_is_finished_by_category_else_by_words():
    assert finished(issue(status={"name": "Erledigt", "statusCategory": {"key": "done"}}))
    assert not finished(issue(status={"name": "Closed", "statusCategory": {"key": "new"}}))
    assert finished(issue(status={"name": "Closed"}))
    assert finished(issue(resolution={"name": "Fixed"}))
    assert not finished(issue(status={"name": "New"}, resolution=None))


def test_the_project_is_told_by_the_key_too():
    assert project_of({"key": "AB-CD-1"}) == ("", "AB-CD")
    assert project_of({"key": "X-1", "fields": {"project": {"key": "ESC", "id": 7}}}) == (
        "7",
        "ESC",
    )


def test_every_shared_body_is_read(shared_dir):
    bodies = [
        json.loads(path.read_text())
        for path in sorted((shared_dir / "fixtures/jira-webhooks").glob("*.json"))
    ]
    issues = [body["issue"] for body in bodies if body.get("issue")]
    assert issues
    for found in issues:
        assert card_of(found, SETTINGS).key
        assert issue_of(found, SETTINGS).key
        comments_of(found)
    for body in bodies:
        if "comment" in body:
            assert comment_of(body["comment"]).id


@pytest.mark.parametrize("bad", [{}, {"id": ""}, {"id": None}, "text", None, []])
def test_what_is_no_comment_is_refused(bad):
    with pytest.raises(PayloadError):
        comment_of(bad)
    with pytest.raises(PayloadError):
        comments_of({"fields": {"comment": {"comments": [bad]}}})


def test_odd_remote_links_are_passed_over():
    links = [
        None,
        "a link",
        {"object": "no object"},
        {"object": {"title": "Support Case", "url": "https://x.example/"}},
        {"relationship": "Support Case 01234567"},
    ]
    assert number_of_remote_links(links) == "01234567"
    assert number_of_remote_links(links[:-1]) is None


def test_a_word_may_come_in_a_list():
    def status(found):
        return card_of({"key": "T5G-1", "fields": {"status": found}}, SETTINGS).status

    assert [status(found) for found in (["Open"], [{"name": "Open"}], [], None)] == [
        "Open", "Open", "", ""
    ]  # fmt: skip


def test_what_is_no_json_names_no_case():
    assert numbers_in([object(), "01234567"]) == ("01234567",)


@pytest.mark.parametrize("name", ALWAYS)
@pytest.mark.parametrize("odd", [None, "", {}, ...])
def test_an_issue_without_what_each_issue_has_is_not_whole(name, odd):
    fields = {**dict.fromkeys(ALWAYS, "x"), name: odd}
    found = issue(**{key: value for key, value in fields.items() if value is not ...})
    if odd is ...:
        found["fields"].pop(name, None)
    with pytest.raises(PayloadError, match=name):
        whole(found)
