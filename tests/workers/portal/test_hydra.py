"""The hydra dialect: queries, windows, and every shape its answers were seen in."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from t5g.errors import UpstreamError
from t5g.settings import load_settings
from workers.calls import Transient
from workers.portal import hydra
from workers.web import Answer

JSON = {"content-type": "application/json"}
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def answer(body, status=200):
    return Answer(status, JSON, json.dumps(body).encode())


def doc(**fields):
    return {"case_number": "01234567", "case_status": "Waiting on Red Hat", **fields}


def test_a_row_is_read():
    case = hydra.portal_of(
        doc(
            case_product=["OpenShift Container Platform"],
            case_version="4.16",
            case_tags=["shift_telco5g", "a"],
            case_bugzillaNumber=["123", "456"],
            case_createdDate="2026-01-01T10:00:00Z",
            case_lastModifiedDate="2026-02-01T10:00:00Z",
        )
    )
    assert case.product == "OpenShift Container Platform"
    assert case.tags == ("shift_telco5g", "a")
    assert case.bug_ids == (123, 456)
    assert case.updated == datetime(2026, 2, 1, 10, 0, tzinfo=UTC)


def test_lists_where_a_text_is_expected_and_the_reverse():
    assert hydra.portal_of(doc(case_tags="a; b;c")).tags == ("a", "b", "c")
    assert hydra.portal_of(doc(case_product="RHEL")).product == "RHEL"
    assert hydra.portal_of(doc(case_bugzillaNumber="123")).bug_ids == (123,)
    assert hydra.portal_of(doc(case_bugzillaNumber=["x", None, "1"])).bug_ids == (1,)


def test_empty_fields_are_absent():
    case = hydra.portal_of({"case_number": "01234567"})
    assert (case.status, case.summary, case.tags, case.created) == ("", "", (), None)


def test_the_last_public_update_stands_in():
    assert hydra.portal_of(doc(case_last_public_update_date="2026-02-02T10:00:00Z")).updated


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Open", "Waiting on Red Hat"),
        ("Waiting on Customer", "Waiting on Customer"),
        ("Odd", "Odd"),
    ],
)
def test_words(word, status):
    assert hydra.portal_of(doc(case_status=word)).status == status


def test_a_malformed_row_is_named_and_the_others_are_read():
    docs = [doc(case_summary={"a": 1}), doc(case_number="07654321"), {}, None, doc(case_number=7)]
    page = hydra.read_page(hydra.read_result(answer({"response": {"numFound": 5, "docs": docs}})))
    assert [case.number for case in page.cases] == ["07654321"]
    assert [row.number for row in page.malformed] == ["01234567", "", "", ""]
    assert page.total == 5


def test_no_result_is_no_empty_result():
    whole = {"docs": [], "numFound": 0}
    odd = ({"docs": {}}, {"docs": None}, {"docs": "x"}, {"numFound": None}, {"numFound": True})
    odd = [{"response": {**whole, **one}} for one in odd]
    for body in ({}, [], {"response": {}}, {"response": {"docs": []}}, None, *odd):
        with pytest.raises(Transient):
            hydra.read_result(answer(body))


def test_details_are_read(shared_dir):
    body = (shared_dir / "fixtures/portal/v1-case-open-critsit.json").read_bytes()
    found = hydra.details_of("01234567", Answer(200, JSON, body))
    details = found.details
    assert details.crit_sit is True
    assert details.group_name == "Test Group"
    assert details.notified_users[0].name == "testuser2"
    assert details.relief_at == datetime(2025, 3, 20, 9, 0, tzinfo=UTC)
    assert details.resolved_at is None
    assert details.bug_ids == (1165434,)
    assert details.issue_keys == ("TESTBUGS-12345",)
    assert details.comments[0].body


def detail(**facts):
    """The details of a case in an answer that has every list."""
    lists = {name: [] for name in ("notifiedUsers", "bugzillas", "externalTrackers", "comments")}
    body = {"caseNumber": "01234567", "critSit": False, "groupName": None, **lists, **facts}
    return hydra.details_of("01234567", answer({k: v for k, v in body.items() if v is not ...}))


def test_times_as_text_and_as_milliseconds():
    text = detail(reliefAt="2025-03-20T09:00:00Z").details
    number = detail(reliefAt=1742461200000).details
    assert text.relief_at == number.relief_at


def test_details_of_an_empty_case():
    details = detail().details
    assert details.crit_sit is False
    assert details.group_name is None
    assert details.relief_at is None
    assert (details.bug_ids, details.issue_keys, details.comments) == ((), (), ())


@pytest.mark.parametrize("odd", [..., None, 7, "x", [7], [None]])
@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("notifiedUsers", "notified_users"),
        ("bugzillas", "bug_ids"),
        ("externalTrackers", "issue_keys"),
        ("comments", "comments"),
    ],
)
def test_a_list_that_is_not_told_is_unknown_and_not_empty(name, fact, odd):
    found = detail(**{name: odd})
    assert found.details is not None
    assert getattr(found.details, fact) is UNSET


def test_what_is_not_told_of_a_case_is_unknown():
    assert detail(groupName=...).details.group_name is UNSET
    assert detail(critSit=None).details.crit_sit is UNSET
    assert detail(bugzillas=[{"bugzillaNumber": "1"}, {}]).details.bug_ids is UNSET
    assert detail(externalTrackers=[{"system": "Jira"}]).details.issue_keys is UNSET


@pytest.mark.parametrize(
    "body", [{}, [], {"message": "oops"}, {"caseNumber": "07654321", "comments": []}, None]
)
def test_an_answer_that_is_not_about_the_case_tells_nothing_of_it(body):
    found = hydra.details_of("01234567", answer(body))
    assert (found.details, found.gone, found.why) == (None, False, "the answer is not about it")


@pytest.mark.parametrize("said", [..., None, "false", "true", 1, False])
def test_a_comment_is_public_only_if_that_is_said(said):
    row = {"id": "1", "isPublic": said}
    rows = [{k: v for k, v in row.items() if v is not ...}, {"id": "2", "isPublic": True}]
    assert [c.public for c in detail(comments=rows).details.comments] == [False, True]


@pytest.mark.parametrize(
    ("word", "customer"), [("Customer", True), ("Associate", False), (None, UNSET), ("", UNSET)]
)
def test_whose_a_comment_is(word, customer):
    (comment,) = detail(comments=[{"id": "1", "createdByType": word}]).details.comments
    assert comment.by_customer is customer


def test_a_comment_without_an_id_or_with_an_odd_moment_spoils_the_reading():
    for row in (
        {"commentBody": "x"},
        {"id": "1", "createdDate": "soon"},
        {"id": "1", "createdBy": {}},
    ):
        found = detail(comments=[row])
        assert (found.details, found.gone) == (None, False)
        assert found.why.startswith("could not be read")


def test_trackers_of_other_systems_are_no_issues():
    rows = [{"resourceKey": "A-1", "system": "Jira"}, {"resourceKey": "9", "system": "Trac"}]
    assert detail(externalTrackers=rows).details.issue_keys == ("A-1",)


def test_a_case_that_is_gone_or_hidden_says_so():
    assert hydra.details_of("1", answer({"message": "Not found"}, 404)).gone
    hidden = hydra.details_of("1", answer({"message": "no"}, 403))
    assert hidden.details is None
    assert not hidden.gone
    with pytest.raises(Transient):
        hydra.details_of("1", Answer(403, {"content-type": "text/html"}, b"<html>"))


def test_linked_issues(shared_dir):
    body = (shared_dir / "fixtures/portal/jiras-of-case.json").read_bytes()
    assert hydra.linked_issues(Answer(200, JSON, body)) == ("TESTBUGS-12345",)
    assert hydra.linked_issues(answer([])) == ()


@pytest.mark.parametrize(
    ("body", "status"),
    [({"message": "Not found"}, 404), ({}, 200), (None, 200), ([7], 200), ([{"title": "x"}], 200)],
)
def test_linked_issues_that_are_not_told_are_not_none(body, status):
    with pytest.raises((UpstreamError, Transient)):
        hydra.linked_issues(answer(body, status))


def test_the_shared_search_is_read(shared_dir):
    body = (shared_dir / "fixtures/portal/v1-search-solr-page.json").read_bytes()
    page = hydra.read_page(hydra.read_result(Answer(200, JSON, body)))
    assert [case.number for case in page.cases] == ["01234567", "07654321"]
    assert all(case.updated for case in page.cases)


def test_the_query_of_our_cases():
    assert "shift_telco5g" in hydra.configured(load_settings())
    assert hydra.configured(load_settings(env={"portal_query": "case_owner:x"})) == "case_owner:x"
    assert hydra.all_of("a OR b", "c") == "(a OR b) AND (c)"
    assert hydra.escaped('a b:"c"') == '\\a\\ b\\:\\"c\\"'.replace("\\a", "a")


@given(st.datetimes(datetime(2000, 1, 1), datetime(2026, 11, 24)), st.integers(0, 10**8))  # noqa: DTZ001
def test_halves_of_a_stretch_meet_without_gap_or_overlap(first, seconds):
    start = first.replace(microsecond=0, tzinfo=UTC)
    span = hydra.Span(start, start + timedelta(seconds=seconds))
    halves = span.halves()
    if seconds == 0:
        assert halves is None
        return
    low, high = halves
    assert (low.first, high.last) == (span.first, span.last)
    assert high.first - low.last == hydra.SECOND
    assert low.first <= low.last
    assert high.first <= high.last


def test_a_stretch_holds_the_fractions_of_its_last_second():
    span = hydra.Span(NOW, NOW)
    assert hydra.created_within(span) == (
        "case_createdDate:[2026-11-24T12:00:00Z TO 2026-11-24T12:00:00.999Z]"
    )
