"""The older REST API: Solr search with its window, single cases, comments, notified users."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.portal.solr import SolrError, compile_query
from sandbox.portal.state import LinkedBug, LinkedJira
from tests.sandbox.portal.conftest import Portal, day

A, B, C = "01234567", "01234568", "01234569"
SEARCH = "/hydra/rest/search/cases"
CASE = "/hydra/rest/v1/cases"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("*:*", [A, B, C]),
        ("case_tags:shift_telco5g", [A, B]),
        ("case_tags:shift*", [A, B, C]),
        ("case_tags:shift_telco", []),
        ("case_tags:shift_telco5g AND -case_status:Closed", [A, B]),
        ("case_status:Closed", [C]),
        ("-case_status:Closed", [A, B]),
        ("NOT case_status:Closed", [A, B]),
        ("*:* AND NOT case_status:Closed", [A, B]),
        ("(-case_status:Closed)", []),
        ("case_tags:* AND (-case_status:Closed)", []),
        ('case_status:"Waiting on Red Hat"', [A]),
        ("case_status:Waiting\\ on\\ Red\\ Hat", [A]),
        ('case_status:("Waiting on Red Hat" OR "Closed")', [A, C]),
        ("case_status:waiting*", []),
        ("case_account_name:ACME*", [A, C]),
        ('case_account_name:"Ünïversal Télécom"', [B]),
        (f"case_number:({A} OR {C} OR 09999999)", [A, C]),
        (f"(case_tags:shift_telco5g) AND (case_number:({A} OR {C}))", [A]),
        ("case_number:[01234568 TO 01234570]", [B, C]),
        ("case_createdDate:[2026-01-02T12:00:00Z TO *]", [B, C]),
        ("case_createdDate:{2026-01-02T12:00:00Z TO *]", [C]),
        ("case_createdDate:[2026-01-01T00:00:00Z TO 2026-01-02T12:00:00.999Z]", [A, B]),
        ("case_lastModifiedDate:[* TO 2026-01-09T12:00:00Z}", [C]),
        ("*:* AND -case_closedDate:[* TO *]", [A, B]),
        ("case_summary:kernel", [B]),
        ('case_summary:"timer interrupt"', [B]),
        ("flaps", [A]),
        ("case_summary:(panic flaps)", [A, B]),
        ("case_summary:panic case_status:Closed AND case_tags:shift_other", [B, C]),
        ("+case_tags:shift_telco5g && !case_number:01234567", [B]),
        ("case_description:*", [A]),
    ],
)
async def test_queries_find_what_they_mean(portal: Portal, query: str, expected: list[str]) -> None:
    assert sorted(await portal.search(query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        "case_colour:red",
        "(case_number:1",
        "case_number:",
        "case_number:1 AND",
        ") case_number:1",
        "case_createdDate:[soon TO *]",
        "case_summary:panik~2",
    ],
)
async def test_a_query_that_can_not_be_read_is_answered_with_400(
    portal: Portal, query: str
) -> None:
    answer = await portal.client.get(SEARCH, params={"q": query}, headers=portal.headers)
    assert answer.status == 400
    assert (await answer.json())["message"]


def test_an_error_of_the_query_quotes_it() -> None:
    with pytest.raises(SolrError, match="column 1"):
        compile_query("a)")


async def test_rows_are_sorted_cut_and_counted(portal: Portal) -> None:
    found = await portal.get(SEARCH, q="*:*", sort="case_createdDate desc", start=1, rows=1)
    assert found["response"]["numFound"] == 3
    assert found["response"]["start"] == 1
    assert [doc["case_number"] for doc in found["response"]["docs"]] == [B]


async def test_the_window_ends_at_9999(portal: Portal) -> None:
    await portal.get(SEARCH, q="*:*", start=9_000, rows=999)
    answer = await portal.client.get(
        SEARCH, params={"q": "*:*", "start": 9_000, "rows": 1_000}, headers=portal.headers
    )
    assert answer.status == 400
    assert "[9999]" in (await answer.json())["message"]


async def test_rows_have_the_asked_fields_and_none_that_is_empty(portal: Portal) -> None:
    found = await portal.get(
        SEARCH, q="case_number:01234568", fl="case_number,case_tags,case_description"
    )
    assert found["response"]["docs"] == [{"case_number": B, "case_tags": ["shift_telco5g"]}]


async def test_rows_look_as_recorded(portal: Portal) -> None:
    found = await portal.get(SEARCH, q="case_number:01234567")
    (doc,) = found["response"]["docs"]
    assert doc["case_severity"] == "2 (High)"
    assert doc["case_product"] == ["OpenShift Container Platform"]
    assert doc["case_createdDate"] == "2026-01-01T12:00:00Z"
    # Now and then the tags are one text.
    assert doc["case_tags"] == "shift_telco5g;shift_SR-IOV"


async def test_the_newer_search_takes_the_same_query(portal: Portal) -> None:
    answer = await portal.client.post(
        "/hydra/rest/search/v2/cases",
        json={
            "q": "case_tags:shift_telco5g",
            "start": 0,
            "rows": 1,
            "expression": "sort=case_number%20desc&fl=case_number",
        },
        headers=portal.headers,
    )
    found = (await answer.json())["response"]
    assert found == {"numFound": 2, "start": 0, "docs": [{"case_number": B}]}


async def test_a_case_in_full(portal: Portal) -> None:
    portal.state.update_case(
        A,
        modified=day(10),
        bugzillas=[LinkedBug(1165434, "https://bugs.example.com/1165434", "s", linked=day(2))],
        jiras=[LinkedJira("OCPBUGS-1", "https://jira.example.com/browse/OCPBUGS-1", "t")],
    )
    portal.state.add_comment(A, "Ann", "Please", kind="Customer", created=day(5))
    case = await portal.get(f"{CASE}/{A}")
    assert case["status"] == "Waiting on Red Hat"
    assert case["critSit"] is True
    assert case["groupName"] == "Telco"
    assert case["bugzillas"][0]["bugzillaNumber"] == "1165434"
    assert case["externalTrackers"][0]["resourceKey"] == "OCPBUGS-1"
    assert case["comments"][0]["createdByType"] == "Customer"
    assert case["lastModifiedDate"] == "2026-01-10T12:00:00Z"
    assert (await portal.get(f"/cases/{A}/jiras"))[0]["resourceKey"] == "OCPBUGS-1"


async def test_times_are_texts_or_milliseconds(portal: Portal) -> None:
    odd = await portal.get(f"{CASE}/{A}")
    even = await portal.get(f"{CASE}/{B}")
    assert odd["reliefAt"] == int(day(2).timestamp() * 1000)
    assert even["reliefAt"] == "2026-01-03T12:00:00Z"
    assert "resolvedAt" not in even


async def test_missing_and_restricted_cases(portal: Portal) -> None:
    portal.state.update_case(B, restricted=True)
    for number, status in (("09999999", 404), (B, 403)):
        answer = await portal.client.get(f"{CASE}/{number}", headers=portal.headers)
        assert answer.status == status
        assert "message" in await answer.json()
    assert B not in await portal.search("*:*")


async def test_comments_are_listed_and_added(portal: Portal) -> None:
    answer = await portal.client.post(
        f"{CASE}/{A}/comments",
        json={"commentBody": "hi", "isPublic": False},
        headers=portal.headers,
    )
    assert answer.status == 201
    (comment,) = await portal.get(f"{CASE}/{A}/comments")
    assert comment["commentBody"] == "hi"
    assert comment["isPublic"] is False
    assert portal.state.cases[A].modified.year == 2026
    assert portal.state.cases[A].modified > day(10)


@pytest.mark.parametrize("body", [{"commentBody": "  "}, {}])
async def test_an_empty_comment_is_refused(portal: Portal, body: dict[str, Any]) -> None:
    answer = await portal.client.post(f"{CASE}/{A}/comments", json=body, headers=portal.headers)
    assert answer.status == 400


async def test_a_body_that_is_no_json_is_refused(portal: Portal) -> None:
    answer = await portal.client.post(f"{CASE}/{A}/comments", data="{", headers=portal.headers)
    assert answer.status == 400


async def test_people_are_notified_and_no_longer(portal: Portal) -> None:
    people = f"{CASE}/{A}/notifiedusers"
    for _ in range(2):
        answer = await portal.client.post(
            people, json={"user": [{"ssoUsername": "rhn-ann"}]}, headers=portal.headers
        )
        assert answer.status == 201
    assert [one["ssoUsername"] for one in (await portal.get(f"{CASE}/{A}"))["notifiedUsers"]] == [
        "rhn-ann"
    ]
    assert (await portal.client.delete(f"{people}/rhn-ann", headers=portal.headers)).status == 204
    assert (await portal.client.delete(f"{people}/rhn-ann", headers=portal.headers)).status == 404
    assert (await portal.get(f"{CASE}/{A}"))["notifiedUsers"] == []


async def test_shapes_are_those_of_the_recorded_bodies(portal: Portal, shared_dir: Path) -> None:
    recorded = json.loads((shared_dir / "fixtures/portal/v1-case-open-critsit.json").read_text())
    ours = await portal.get(f"{CASE}/{A}")
    for name in set(recorded) & set(ours):
        theirs, mine = recorded[name], ours[name]
        same = isinstance(mine, type(theirs)) or name == "reliefAt" or mine is None
        assert same, f"{name}: recorded {theirs!r}, ours {mine!r}"
    needed = {"caseNumber", "critSit", "groupName", "notifiedUsers", "bugzillas", "reliefAt"}
    assert needed <= set(recorded) & set(ours)
