"""Every client, fed with answers of which something is missing, null, doubled, or of another type.

Whatever is spoiled: the client fails as an upstream does, or nothing that was known is lost and
nothing that was not told is taken for told.
"""

import asyncio
import copy
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from t5g.errors import UpstreamError
from t5g.jira_payloads import PayloadError, card_of, comments_of, whole
from t5g.settings import Settings, load_settings
from workers.bugzilla.client import open_bugzilla
from workers.calls import Policy, Traffic
from workers.jira.client import open_jira
from workers.jira.writes import JiraWriter
from workers.portal.client import open_portal
from workers.web import open_web

ONCE = Policy(attempts=1)
NUMBER = "01234567"
REMOVED, REPEATED = "removed", "repeated"
HOW = (REMOVED, REPEATED, None, 7, "x", True, [], {}, [None])
many = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Spot(NamedTuple):
    """A place in one of several answers, and what becomes of what stands there."""

    address: str
    path: tuple[Any, ...]
    how: Any


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield at
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*at, name))


def spots(answers: dict[str, Any], *, items: bool) -> st.SearchStrategy[Spot]:
    """Any place of some answers; `items`: those of lists too, where a total tells of them.

    Without a total an empty list is told to be empty, and `true` is told wherever a flag stands.
    """
    found = [
        Spot(address, path, how)
        for address, body in answers.items()
        for path in paths(body)
        for how in HOW
        if not (how is True and isinstance(at(body, path), bool))
        and (items or not (how == [] and isinstance(at(body, path), list)))
        and (items or how is not REMOVED or not path or isinstance(path[-1], str))
    ]
    return st.sampled_from(found)


def at(body: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a place."""
    for name in path:
        body = body[name]
    return body


def spoiled(body: Any, path: tuple[Any, ...], how: Any) -> Any:
    """The body with one place spoiled."""
    if not path:
        return {} if how in (REMOVED, REPEATED) else how
    made = copy.deepcopy(body)
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    if how is REMOVED:
        del inner[path[-1]]
    elif how is REPEATED:
        if isinstance(inner, list):
            inner.append(copy.deepcopy(inner[path[-1]]))
    else:
        inner[path[-1]] = how
    return made


class Upstream(BaseHTTPRequestHandler):
    """Answers each address with a body that a test has set."""

    bodies: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        place = f"{self.path} {asked}"
        # The longest name that fits: bodies of questions count as a part of the address.
        names = [name for name in self.bodies if name in place]
        body = json.dumps(self.bodies[max(names, key=len)] if names else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def led_to(url: str, **more: Any) -> Settings:
    return load_settings(env={
        "sso_url": f"{url}/token", "portal_url": f"{url}/graphql", "portal_rest_url": url,
        "portal_offline_token": "not-secret", "jira_url": url, "jira_user": "bot@example.com",
        "jira_token": "not-secret", "bugzilla_url": url, "bugzilla_api_key": "not-secret", **more,
    })  # fmt: skip


def serve(answers: dict[str, Any], spot: Spot | None = None) -> None:
    bodies = {"/token": {"access_token": "x", "expires_in": 900}, **answers}
    if spot is not None:
        bodies[spot.address] = spoiled(answers[spot.address], spot.path, spot.how)
    Upstream.bodies = bodies


# The Portal

V1 = {f"/v1/cases/{NUMBER}": {
    "caseNumber": NUMBER, "critSit": True, "groupName": "Telco",
    "lastModifiedDate": "2026-01-02T00:00:00Z",
    "notifiedUsers": [{"ssoUsername": "bert", "title": "Manager", "type": "INTERNAL"}],
    "bugzillas": [{"bugzillaNumber": "11"}, {"bugzillaNumber": "12"}],
    "externalTrackers": [{"resourceKey": "B-1", "system": "Jira"}],
    "comments": [
        {"id": f"c{n}", "commentBody": "x", "isPublic": n == 0, "createdBy": "Ann",
         "createdByType": "Customer", "createdDate": f"2026-01-0{n + 1}T00:00:00Z"}
        for n in range(2)
    ],
}}  # fmt: skip


def v(value: Any) -> dict[str, Any]:
    return {"value": value}


def rows(kind: str, *nodes: Any) -> dict[str, Any]:
    found = {"totalCount": len(nodes), "pageInfo": {"hasNextPage": False, "endCursor": None},
             "edges": [{"node": node} for node in nodes]}  # fmt: skip
    return {"data": {"redhat_support_uiapi": {"query": {kind: found}}}}


GRAPHQL = {
    "CaseDetails": rows("RedHatSupportCase", {
        "Id": "500a", "CaseNumber__c": v(NUMBER), "Group__r": {"Name": v("Telco")},
        "LastModifiedDate": v("2026-01-02T00:00:00.000Z"),
    }),
    "query Comments": rows("RedHatSupportCaseComment__c", *(
        {"Id": f"c{n}", "Case__c": v("500a"), "Body__c": v("x"), "CreatedBy": {"Name": v("Ann")},
         "CreatedDate": v(f"2026-01-0{n + 1}T00:00:00.000Z"), "IsCustomer__c": v(True),
         "IsAssociate__c": v(False), "Visibility__c": v("Public" if n == 0 else "Private")}
        for n in range(2)
    )),
}  # fmt: skip
LINKED = {f"/cases/{NUMBER}/jiras": [{"resourceKey": "B-1", "system": "Jira"}]}


async def details(url: str, dialect: str) -> Any:
    made, web = led_to(url, portal_api=dialect), open_web(timeout=5, connections=2)
    portal = open_portal(made, web, policy=ONCE, traffic=Traffic())
    try:
        (found,) = [row async for row in portal.details([NUMBER])]
    finally:
        await web.aclose()
    return found.details


@pytest.mark.parametrize(
    ("dialect", "answers", "items"),
    [("hydra", V1, False), ("graphql", GRAPHQL, True), ("graphql", GRAPHQL | LINKED, False)],
    ids=["hydra", "graphql", "graphql with issues"],
)
@given(data=st.data())
@many
def test_details(url: str, dialect: str, answers: dict[str, Any], items: bool, data: Any) -> None:
    every = LINKED | answers
    serve(every)
    before = asyncio.run(details(url, dialect))
    spot = data.draw(spots(answers, items=items))
    serve(every, spot)
    try:
        after = asyncio.run(details(url, dialect))
    except UpstreamError:
        return
    if after is None:
        return
    assert after.crit_sit in (before.crit_sit, UNSET)
    for name in ("bug_ids", "issue_keys", "notified_users", "comments"):
        known, told = getattr(before, name), getattr(after, name)
        other = (spot.path[-1:], spot.how) == (("system",), "x")  # that is told, in its way
        assert told is UNSET or other or len(set(told)) >= len(known), name
    for comment in after.comments or ():
        assert not comment.public or comment.id != "c1"
        assert comment.by_customer is not False or spot.path[-1] in ("createdByType", "value")


# JIRA

FIELDS = {
    "summary": f"{NUMBER}: x", "status": {"name": "Open"}, "issuetype": {"name": "Task"},
    "project": {"key": "T5G"}, "created": "2026-01-01T00:00:00.000+0000", "priority": None,
    "updated": "2026-01-02T00:00:00.000+0000", "labels": ["a"], "assignee": None,
}  # fmt: skip
SAID = [{"id": f"{n}", "body": f"text {n}", "author": {"accountId": "me"}} for n in range(3)]
JIRA = {
    "/myself": {"accountId": "me", "displayName": "Bot"},
    "/comment": {"startAt": 0, "maxResults": 100, "total": 3, "comments": SAID},
    "/remotelink": [{"id": 1, "object": {"url": "https://x", "title": "x"}}],
    "/board": {"values": [{"id": 1, "name": "B", "type": "scrum"}], "isLast": True},
    "/board/1/sprint": {"values": [{"id": 7, "name": "S"}], "isLast": True},
    "/search": {"isLast": True, "issues": [
        {"id": "1", "key": "T5G-1", "fields": {**FIELDS, "comment": {"comments": SAID, "total": 3}}}
    ]},
}  # fmt: skip


@given(spot=spots({"/comment": JIRA["/comment"]}, items=True))
@many
def test_comments_of_a_card(url: str, spot: Spot) -> None:
    """All or an error: neither a comment is lost, nor one written twice."""
    serve(JIRA, spot)
    client = open_jira(led_to(url), policy=ONCE, traffic=Traffic())
    with closing(client), closing(JiraWriter(led_to(url), ONCE)) as writer:
        try:
            found = asyncio.run(client.comments("T5G-1"))
        except UpstreamError:
            found = None
        changes_one = len(spot.path) == 3 and spot.path[-1] == "id"
        assert found is None or changes_one or {row["id"] for row in found} >= {"0", "1", "2"}
        try:
            there = asyncio.run(writer.has_comment("T5G-1", "text 2"))
        except UpstreamError:
            return
        assert there or spot.path[:2] == ("comments", 2)


@given(spot=spots({name: JIRA[name] for name in ("/board", "/board/1/sprint", "/remotelink")},
                  items=False))  # fmt: skip
@many
def test_sprints_and_links(url: str, spot: Spot) -> None:
    serve(JIRA, spot)
    with closing(open_jira(led_to(url), policy=ONCE, traffic=Traffic())) as client:
        for ask in (client.sprint_ids("B", "S"), client.remote_links("T5G-1")):
            try:
                found = asyncio.run(ask)
            except UpstreamError:
                continue
            assert found or spot.path[-1:] in (("name",), ("type",), ("id",))


@given(spot=spots({name: JIRA[name] for name in ("/search", "/myself")}, items=False))
@many
def test_cards(url: str, spot: Spot) -> None:
    serve(JIRA, spot)
    made = led_to(url)

    async def ask() -> list[Any]:
        return [row async for page in client.cards() for row in page]

    with closing(open_jira(made, policy=ONCE, traffic=Traffic())) as client:
        try:
            found = asyncio.run(ask())
        except UpstreamError:
            return
    assert found
    for row in found:
        try:
            card, (comments, complete) = card_of(whole(row), made), comments_of(row)
        except PayloadError:
            continue
        assert card.updated is not None or spot.path[-1:] == ("updated",)
        assert not complete or len(comments) >= 3 or spot.path[-1:] == ("comment",)


@given(how=st.sampled_from(HOW), name=st.sampled_from(["accountId", "active", "emailAddress", ""]))
@many
def test_accounts(url: str, how: Any, name: str) -> None:
    row = {"accountId": "ann", "active": True, "emailAddress": "ann@example.com"}
    serve({"/user/search": [row]}, Spot("/user/search", (0, name) if name else (0,), how))
    with closing(JiraWriter(led_to(url), ONCE)) as writer:
        try:
            found = asyncio.run(writer.account_of("ann@example.com"))
        except Exception as error:
            assert type(error).__name__ in ("NotFoundError", "UpstreamError")
        else:
            assert found == "ann" or name == "accountId"


# Bugzilla

BUGS = {
    "/rest/version": {"version": "5.0.4"},
    "/rest/bug": {"bugs": [
        {"id": n, "summary": "x", "status": "NEW", "last_change_time": "2026-01-02T03:04:05Z",
         "whiteboard": "kept", "target_release": ["---"]}
        for n in (1, 2)
    ]},
}  # fmt: skip


@given(spot=spots({"/rest/bug": BUGS["/rest/bug"]}, items=False))
@many
def test_bugs(url: str, spot: Spot) -> None:
    """A bug that came is never taken for one that we may not read."""
    serve(BUGS, spot)

    async def ask() -> dict[int, Any]:
        return {n: bug async for found in client.bugs([1, 2]) for n, bug in found.items()}

    with closing(open_bugzilla(led_to(url), policy=ONCE, traffic=Traffic())) as client:
        try:
            found = asyncio.run(ask())
        except UpstreamError:
            return
    for n, bug in found.items():
        if not isinstance(bug, UpstreamError):
            assert not bug.restricted or spot.path[-1:] == ("id",), n
