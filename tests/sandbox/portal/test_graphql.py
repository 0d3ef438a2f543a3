"""The GraphQL service: filters, pages, wrapping, escaping, and errors inside HTTP 200."""

from typing import Any

import pytest
from aiohttp import web

from sandbox.portal.graphql import TRANSIENT_ERRORS
from tests.sandbox.portal.conftest import Portal, day

A, B, C, RECORD = "01234567", "01234568", "01234569", "EN-00012"

PAGE = """
query($where: RedHatSupportCase_Filter, $first: Int, $after: String) {
  redhat_support_uiapi { query {
    RedHatSupportCase(where: $where, first: $first, after: $after,
                      orderBy: {CaseNumber__c: {order: ASC}}) {
      totalCount pageInfo { hasNextPage endCursor }
      edges { cursor node { CaseNumber__c { value } } }
    } } } }
"""


def connection(body: Any) -> Any:
    return body["data"]["redhat_support_uiapi"]["query"]["RedHatSupportCase"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, [A, B, C, RECORD]),
        ({"IsClosed": {"eq": False}}, [A, B, RECORD]),
        ({"IsClosed": {"ne": False}}, [C]),
        ({"Status": {"eq": "in progress"}}, [A, RECORD]),
        ({"Status": {"nin": ["Closed", "In Progress"]}}, [B]),
        ({"Priority": {"in": ["2 (High)", "4 (Low)"]}}, [A, B]),
        ({"CaseNumber__c": {"in": [C, A, "09999999"]}}, [A, C]),
        ({"CaseNumber__c": {"like": "0123456_"}}, [A, B, C]),
        ({"Subject": {"like": "%PANIC%"}}, [B]),
        ({"RecordType": {"Name": {"eq": "Technical Support"}}, "IsClosed": {"eq": True}}, [C]),
        ({"RedHatSupportAccount": {"Name": {"eq": "ACME & Sons"}}}, [A, C]),
        ({"Product": {"Name": {"like": "%9.4"}}}, [B]),
        ({"CreatedDate": {"gt": {"value": "2026-01-02T12:00:00Z"}}}, [C, RECORD]),
        ({"CreatedDate": {"gte": {"value": "2026-01-02T12:00:00Z"}}}, [B, C, RECORD]),
        ({"LastModifiedDate": {"lt": {"value": "2026-01-09T12:00:00.000Z"}}}, [C, RECORD]),
        ({"ClosedDate": {"lte": {"value": "2027-01-01T00:00:00Z"}}}, [C]),
        ({"ClosedDate": {"eq": None}}, [A, B, RECORD]),
        ({"Account_Number__c": {"ne": "1234567"}}, [B, RECORD]),
        ({"or": [{"CaseNumber__c": {"eq": A}}, {"IsClosed": {"eq": True}}]}, [A, C]),
        ({"not": {"or": [{"CaseNumber__c": {"eq": A}}, {"IsClosed": {"eq": True}}]}}, [B, RECORD]),
        ({"and": [{"CaseNumber__c": {"in": [A, B]}}, {"Priority": {"eq": "4 (Low)"}}]}, [B]),
    ],
)
async def test_filters_find_what_they_mean(
    portal: Portal, where: dict[str, Any], expected: list[str]
) -> None:
    assert sorted(await portal.numbers(where=where)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"LastModifiedDate": {"order": "DESC"}}, [A, B, C, RECORD]),
        ({"LastModifiedDate": {"order": "ASC"}}, [RECORD, C, B, A]),
        ({"ClosedDate": {"order": "DESC", "nulls": "LAST"}}, [C, A, B, RECORD]),
        ({"ClosedDate": {"order": "ASC"}}, [A, B, RECORD, C]),
    ],
)
async def test_orders(portal: Portal, order: dict[str, Any], expected: list[str]) -> None:
    assert await portal.numbers(orderBy=order) == expected


async def test_pages_follow_the_cursor_to_the_end(portal: Portal) -> None:
    after, seen = None, []
    for _ in range(4):
        page = connection(await portal.graphql(PAGE, first=1, after=after))
        assert page["totalCount"] == 4
        seen.append(page["edges"][0]["node"]["CaseNumber__c"]["value"])
        after = page["pageInfo"]["endCursor"]
    assert seen == [A, B, C, RECORD]
    assert page["pageInfo"]["hasNextPage"] is False


async def test_a_page_has_ten_records_unless_asked_for_more(portal: Portal) -> None:
    for number in range(20):
        portal.state.add_case(f"{number:08d}")
    page = connection(await portal.graphql(PAGE))
    assert len(page["edges"]) == 10
    assert page["pageInfo"]["hasNextPage"] is True


async def test_a_change_between_pages_is_seen(portal: Portal) -> None:
    assert await portal.numbers(where={"IsClosed": {"eq": True}}) == [C]
    portal.state.close_case(A)
    assert sorted(await portal.numbers(where={"IsClosed": {"eq": True}})) == [A, C]


async def test_values_are_wrapped_escaped_or_null(portal: Portal) -> None:
    fields = (
        "Id Subject { value } Status { value } Priority { value } CreatedDate { value }"
        " ClosedDate { value } Description { value } Group__r { Name { value } }"
        " RedHatSupportContact { Name { value } } IsClosed { value }"
        " Product { Name { value } ParentProduct__r { Name { value } } }"
        " Owner { __typename ... on RedHatSupportGroup { Name { value } }"
        " ... on RedHatSupportUser { Name { value } } }"
    )
    first, second = await portal.nodes(fields, where={"CaseNumber__c": {"in": [A, B]}})
    assert first["Subject"] == {"value": "Node &lt;worker-1&gt; isn&#39;t ready &amp; flaps"}
    assert first["Status"] == {"value": "In Progress"}
    assert first["Priority"] == {"value": "2 (High)"}
    assert first["CreatedDate"] == {"value": "2026-01-01T12:00:00.000Z"}
    assert first["ClosedDate"] == {"value": None}
    assert first["IsClosed"] == {"value": False}
    assert first["Product"]["Name"] == {"value": "OpenShift Container Platform 4.16"}
    assert first["Product"]["ParentProduct__r"]["Name"]["value"] == "OpenShift Container Platform"
    assert first["Owner"] == {"__typename": "RedHatSupportUser", "Name": {"value": "Test Owner"}}
    assert second["Owner"]["__typename"] == "RedHatSupportGroup"
    assert second["Status"] == {"value": "Waiting on Customer Action Required"}
    assert second["Description"] == {"value": None}
    assert second["Group__r"] is None
    assert second["RedHatSupportContact"] is None


async def test_only_what_is_selected_comes_under_the_name_it_was_asked(portal: Portal) -> None:
    body = await portal.graphql(
        "query($n: String) { redhat_support_uiapi { query {"
        " RedHatSupportCase(where: {CaseNumber__c: {eq: $n}}) {"
        " edges { node { number: CaseNumber__c { value } ...more @include(if: true)"
        " Type @skip(if: true) { value } } } } } } }"
        " fragment more on RedHatSupportCase { word: Status { v: value } }",
        n=A,
    )
    (edge,) = connection(body)["edges"]
    assert edge["node"] == {"number": {"value": A}, "word": {"v": "In Progress"}}


async def test_comments_come_with_the_case_and_as_records(portal: Portal) -> None:
    portal.state.add_comment(A, "Ann", "It <broke>", kind="Customer", created=day(5))
    portal.state.add_comment(A, "Bob", "secret", public=False, created=day(6))
    (node,) = await portal.nodes(
        "Id CaseComments(first: 200) { totalCount edges { node {"
        " CommentBody { value } IsPublished { value } CreatedBy { Name { value } } } } }",
        where={"CaseNumber__c": {"eq": A}},
    )
    first = node["CaseComments"]["edges"][0]["node"]
    assert node["CaseComments"]["totalCount"] == 2
    assert first["CommentBody"] == {"value": "It &lt;broke&gt;"}
    assert first["CreatedBy"]["Name"] == {"value": "Ann"}
    body = await portal.graphql(
        "query($id: ID) { redhat_support_uiapi { query { RedHatSupportCaseComment__c("
        'where: {Case__c: {in: [$id]}, Visibility__c: {eq: "Public"}}) { edges { node {'
        " Body__c { value } IsCustomer__c { value } Case__c { value } } } } } } }",
        id=node["Id"],
    )
    (edge,) = body["data"]["redhat_support_uiapi"]["query"]["RedHatSupportCaseComment__c"]["edges"]
    assert edge["node"]["IsCustomer__c"] == {"value": True}
    assert edge["node"]["Case__c"] == {"value": node["Id"]}


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"where": {"CreatedDate": {"gt": "2026-01-01"}}}, "VALIDATION_INVALID_TYPE_VARIABLE"),
        ({"where": {"Colour": {"eq": "red"}}}, "VALIDATION_INVALID_TYPE_VARIABLE"),
        ({"where": {"CreatedDate": {"gt": {"value": "soon"}}}}, "BAD_USER_INPUT"),
        ({"first": 201}, "BAD_USER_INPUT"),
        ({"after": "v1:!!"}, "BAD_USER_INPUT"),
    ],
)
async def test_bad_arguments_are_errors_inside_http_200(
    portal: Portal, variables: dict[str, Any], code: str
) -> None:
    body = await portal.graphql(PAGE, **variables)
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ redhat_support_uiapi ", "GRAPHQL_PARSE_FAILED"),
        ("{ redhat_support_uiapi { query { Nothing { Id } } } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_bad_documents_are_errors_inside_http_200(
    portal: Portal, document: str, code: str
) -> None:
    assert (await portal.graphql(document))["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize("missing", ["apollographql-client-name", "apollographql-client-version"])
async def test_a_client_that_does_not_say_who_it_is_gets_400(portal: Portal, missing: str) -> None:
    headers = {"apollographql-client-name": "t", "apollographql-client-version": "1"}
    del headers[missing]
    answer = await portal.client.post(
        "/", json={"query": "{ __typename }"}, headers={**portal.headers, **headers}
    )
    assert answer.status == 400
    assert missing in await answer.text()


async def test_the_service_answers_at_the_root_too(portal: Portal) -> None:
    answer = await portal.client.post(
        "/",
        json={"query": PAGE, "variables": {"first": 1}},
        headers={
            **portal.headers,
            "apollographql-client-name": "t",
            "apollographql-client-version": "1",
        },
    )
    assert connection(await answer.json())["totalCount"] == 4


async def test_trouble_behind_the_service_is_an_error_inside_http_200(portal: Portal) -> None:
    portal.faults.add("status", status=200, body=TRANSIENT_ERRORS, times=1)
    body = await portal.graphql(PAGE, first=1)
    assert body["errors"][0]["message"] == "503: Service Unavailable"
    assert connection(await portal.graphql(PAGE, first=1))["totalCount"] == 4


async def test_the_firewall_answers_with_a_page(portal: Portal) -> None:
    portal.faults.add("deny", path="/graphql")
    answer = await portal.client.post("/graphql", headers=portal.headers, json={})
    assert (answer.status, answer.content_type) == (web.HTTPForbidden.status_code, "text/html")


async def test_an_odd_case_is_delivered_as_odd_as_it_is(portal: Portal) -> None:
    portal.state.update_case(A, odd={"Subject": None, "Priority": {"value": 7}, "Owner": "x"})
    (node,) = await portal.nodes(
        "Subject { value } Priority { value }"
        " Owner { ... on RedHatSupportUser { Name { value } } }",
        where={"CaseNumber__c": {"eq": A}},
    )
    assert node == {"Subject": None, "Priority": {"value": 7}, "Owner": "x"}


async def test_restricted_cases_are_not_listed(portal: Portal) -> None:
    portal.state.update_case(A, restricted=True)
    assert A not in await portal.numbers()
