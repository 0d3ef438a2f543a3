"""The GraphQL dialect: what is asked for, and what every odd answer means."""

import json
from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from t5g.errors import SettingsError, UpstreamError
from t5g.settings import load_settings
from workers.calls import Transient
from workers.portal import graphql
from workers.web import Answer

JSON = {"content-type": "application/json; charset=utf-8"}


def v(value):
    return {"value": value}


def node(**fields):
    return {
        "CaseNumber__c": v("01234567"),
        "Status": v("In Progress"),
        "Priority": v("2 (High)"),
        "Subject": v("Node &lt;worker-1&gt; &amp; more"),
        "RedHatSupportAccount": {"Name": v("ACME &amp; Sons"), "AccountNumber": v("1234567")},
        "Product": {"Name": v("OpenShift 4.16"), "ParentProduct__r": {"Name": v("OpenShift")}},
        "CreatedDate": v("2026-01-01T10:00:00.000Z"),
        "LastModifiedDate": v("2026-09-03T12:36:12.000Z"),
        "IsClosed": v(False),
        "ClosedDate": v(None),
        "Group__r": None,
        "Owner": {"Name": v("Anna")},
        **fields,
    }


def answer(*nodes, status=200, after=None, total=1, errors=None, headers=JSON):
    body = {
        "data": {
            "redhat_support_uiapi": {
                "query": {
                    "RedHatSupportCase": {
                        "totalCount": total,
                        "pageInfo": {"hasNextPage": bool(after), "endCursor": after},
                        "edges": [{"node": n} for n in nodes],
                    }
                }
            }
        }
    }
    if errors is not None:
        body = {"errors": errors, "data": None}
    return Answer(status, headers, json.dumps(body).encode())


def test_a_case_is_read():
    case = graphql.portal_of(node())
    assert case.number == "01234567"
    assert case.summary == "Node <worker-1> & more"
    assert case.account == "ACME & Sons"
    assert case.account_number == "1234567"
    assert (case.product, case.version) == ("OpenShift", "4.16")
    assert case.status == "Waiting on Red Hat"
    assert case.upstream_status == "In Progress"
    assert case.owner == "Anna"
    assert case.updated == datetime(2026, 9, 3, 12, 36, 12, tzinfo=UTC)
    assert case.closed is None


@pytest.mark.parametrize(
    ("word", "is_closed", "status"),
    [
        ("In Progress", False, "Waiting on Red Hat"),
        ("Waiting on Customer Action Required", False, "Waiting on Customer"),
        ("Waiting on Engineering", False, "Waiting on Engineering"),
        ("Closed", None, "Closed"),
        ("Solved", True, "Closed"),
        ("", False, ""),
    ],
)
def test_words_are_ours_and_unknown_ones_pass(word, is_closed, status):
    case = graphql.portal_of(node(Status=v(word), IsClosed=v(is_closed)))
    assert (case.status, case.upstream_status) == (status, word)


def test_unknown_severities_pass():
    assert graphql.portal_of(node(Priority=v("3 (Medium)"))).severity == "3 (Medium)"


def test_every_object_and_every_value_may_be_null():
    full = node()
    for name in full:
        if name != "CaseNumber__c":
            assert graphql.portal_of({**full, name: None}).number == "01234567"
            assert graphql.portal_of({**full, name: v(None)}).number == "01234567"
    assert graphql.portal_of({"CaseNumber__c": v("01234567")}).number == "01234567"


def test_lists_where_a_text_is_expected():
    assert graphql.portal_of(node(Subject=v(["a", "b"]))).summary == "a, b"
    assert graphql.portal_of(node(Subject="bare")).summary == "bare"


def test_a_version_at_the_end_of_the_product():
    name = {"Name": v("Red Hat Enterprise Linux 9.4"), "ParentProduct__r": None}
    case = graphql.portal_of(node(Product=name))
    assert (case.product, case.version) == ("Red Hat Enterprise Linux", "9.4")


def test_records_that_are_no_cases_are_left_out():
    page = graphql.read_page(
        graphql.read_connection(answer(node(), node(CaseNumber__c=v("EN-0123456"))))
    )
    assert [case.number for case in page.cases] == ["01234567"]
    assert page.malformed == ()


def test_a_malformed_case_is_named_and_the_others_are_read():
    bad = node(CaseNumber__c=v("07654321"), Subject=v({"a": 1}))
    page = graphql.read_page(
        graphql.read_connection(answer(bad, None, node(), node(CaseNumber__c=None), "text"))
    )
    assert [case.number for case in page.cases] == ["01234567"]
    assert [row.number for row in page.malformed] == ["07654321", "", "", ""]


def test_pages_end_where_there_is_no_next():
    assert graphql.read_connection(answer(node(), after="v1:NjAw")).after == "v1:NjAw"
    assert graphql.read_connection(answer(node())).after == ""


@pytest.mark.parametrize(
    "errors",
    [
        [{"message": "503: Service Unavailable", "extensions": {"code": "SUBREQUEST_HTTP_ERROR"}}],
        [{"message": "unsupported content-type"}],
        [{"message": "502 Bad Gateway"}],
        [{"message": "something new"}],
        ["text"],
        {"odd": 1},
    ],
)
def test_errors_within_200_that_may_pass(errors):
    with pytest.raises(Transient):
        graphql.read_connection(answer(errors=errors))


@pytest.mark.parametrize(
    "error",
    [
        {"message": "no", "extensions": {"code": "VALIDATION_INVALID_TYPE_VARIABLE"}},
        {
            "message": "Exception while fetching data",
            "extensions": {"code": "DataFetchingException"},
        },
        {"message": "DataFetchingException: not permitted"},
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_errors_that_last(error, status):
    with pytest.raises(UpstreamError) as caught:
        graphql.read_connection(answer(errors=[error], status=status))
    assert not caught.value.transient


@pytest.mark.parametrize(
    "odd",
    [
        Answer(403, {"content-type": "text/html"}, b"<HTML>Access Denied</HTML>"),
        Answer(200, JSON, b'{"data": {"redhat_supp'),
        Answer(200, JSON, b"[]"),
        Answer(200, JSON, b'{"data": null}'),
        Answer(503, {"content-type": "text/html"}, b"<html>"),
        Answer(429, {"retry-after": "3"}, b"{}"),
    ],
)
def test_answers_that_may_pass(odd):
    with pytest.raises(Transient):
        graphql.read_connection(odd)


def test_a_page_of_the_gate_means_too_many_requests():
    with pytest.raises(Transient) as caught:
        graphql.read_connection(Answer(403, {"content-type": "text/html"}, b"<HTML>"))
    assert caught.value.throttled


def test_the_filter_of_our_cases():
    assert graphql.configured(load_settings()) == {"IsClosed": {"eq": False}}
    given = load_settings(env={"portal_query": '{"Account_Number__c": {"eq": "1"}}'})
    assert graphql.configured(given) == {"Account_Number__c": {"eq": "1"}}
    for bad in ("status:open", "[1]", '"x"'):
        with pytest.raises(SettingsError, match="T5G_PORTAL_QUERY"):
            graphql.configured(load_settings(env={"portal_query": bad}))


def test_moments_in_filters_are_wrapped():
    since = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
    assert graphql.changed_since(since) == {
        "LastModifiedDate": {"gte": {"value": "2026-01-02T03:04:05Z"}}
    }


def test_details_leave_unknown_what_the_dialect_can_not_tell():
    found = graphql.details_of(node(Group__r={"Name": v("Telco")}))
    assert found.details.group_name == "Telco"
    assert graphql.details_of(node(Group__r=None)).details.group_name is None
    untold = {name: value for name, value in node().items() if name != "Group__r"}
    assert graphql.details_of(untold).details.group_name is UNSET
    for fact in ("crit_sit", "relief_at", "bug_ids", "notified_users", "issue_keys", "comments"):
        assert getattr(found.details, fact) is UNSET
    case = graphql.portal_of(node())
    assert (case.tags, case.bug_ids) == (UNSET, UNSET)


def said(id="1", case="c1", **fields):
    return {
        "Id": id,
        "Case__c": v(case),
        "Body__c": v("a &amp; b"),
        "CreatedDate": v(f"2026-01-0{id}T00:00:00.000Z"),
        "CreatedBy": {"Name": v("Bert")},
        "Visibility__c": v("Public"),
        "IsCustomer__c": v(False),
        "IsAssociate__c": v(True),
        **fields,
    }


def test_comments_are_read_by_case_oldest_first_each_once():
    rows = [said("2"), said("1"), said("2"), said("3", "c2", CreatedBy=None)]
    found = graphql.comments_by_case(rows, ["c1", "c2", "c3"])
    assert [(c.id, c.author, c.body) for c in found["c1"]] == [
        ("1", "Bert", "a & b"),
        ("2", "Bert", "a & b"),
    ]
    assert [c.author for c in found["c2"]] == [""]
    assert found["c3"] == ()


@pytest.mark.parametrize("told", [None, v(None), v("Private"), v("public?"), v(True), "Public "])
def test_a_comment_is_public_only_if_that_is_said(told):
    (comment,) = graphql.comments_by_case([said(Visibility__c=told)], ["c1"])["c1"]
    assert comment.public is False
    assert graphql.comments_by_case([said()], ["c1"])["c1"][0].public is True


@pytest.mark.parametrize(
    ("customer", "associate", "by_customer"),
    [(True, False, True), (False, True, False), (None, True, False), (None, None, UNSET),
     (None, False, UNSET), ("true", None, UNSET), (False, False, False)],
)  # fmt: skip
def test_whose_a_comment_is(customer, associate, by_customer):
    row = said(IsCustomer__c=v(customer), IsAssociate__c=v(associate))
    assert graphql.comments_by_case([row], ["c1"])["c1"][0].by_customer is by_customer


@pytest.mark.parametrize(
    "odd", [{"Id": None}, {"CreatedDate": v("soon")}, {"Body__c": v({"a": 1})}, {"CreatedBy": 7}]
)
def test_a_comment_that_can_not_be_read_leaves_those_of_its_case_unknown(odd):
    rows = [said("1"), {**said("2"), **odd}, said("3", "c2")]
    found = graphql.comments_by_case(rows, ["c1", "c2"])
    assert found["c1"] is UNSET
    assert len(found["c2"]) == 1


@pytest.mark.parametrize("odd", [None, 7, {}, said(case="other"), said(Case__c=None)])
def test_a_comment_of_nobody_knows_which_case_is_an_error(odd):
    with pytest.raises(Transient):
        graphql.comments_by_case([said(), odd], ["c1"])


@pytest.mark.parametrize(
    "odd",
    [
        {"edges": None},
        {"edges": {}},
        {"pageInfo": None},
        {"pageInfo": {}},
        {"pageInfo": {"hasNextPage": None}},
        {"pageInfo": {"hasNextPage": "false", "endCursor": "x"}},
        {"pageInfo": {"hasNextPage": True, "endCursor": None}},
    ],
)
def test_a_page_that_does_not_say_whether_it_is_whole_says_nothing(odd):
    rows = {"totalCount": 1, "pageInfo": {"hasNextPage": False}, "edges": [], **odd}
    body = {"data": {"redhat_support_uiapi": {"query": {"RedHatSupportCase": rows}}}}
    with pytest.raises(Transient):
        graphql.read_connection(Answer(200, JSON, json.dumps(body).encode()))


def test_the_shared_pages_are_read(shared_dir):
    folder = shared_dir / "fixtures/portal"
    pages = [
        graphql.read_connection(Answer(200, JSON, (folder / name).read_bytes()))
        for name in ("graphql-cases-page1.json", "graphql-cases-page2.json")
    ]
    cases = [case for page in pages for case in graphql.read_page(page).cases]
    assert [case.number for case in cases] == ["01234567", "01234568", "01234569"]
    assert [case.status for case in cases] == [
        "Waiting on Red Hat",
        "Waiting on Customer",
        "Closed",
    ]
    assert [page.after for page in pages] == ["v1:NjAw", ""]
    with pytest.raises(Transient):
        graphql.read_connection(
            Answer(200, JSON, (folder / "graphql-errors-200.json").read_bytes())
        )
