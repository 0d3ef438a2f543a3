"""The stand-in JIRA as the real client package meets it, on Cloud and on Data Center."""

import time
from typing import Any

import pytest
from jira import JIRAError
from requests import ConnectionError

from sandbox.jira.app import DOOR, TOKEN, USER
from tests.sandbox.jira.serving import Scene, off

DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [
        {"type": "paragraph", "content": [
            {"type": "text", "text": "look", "marks": [{"type": "strong"}]},
            {"type": "hardBreak"},
            {"type": "text", "text": "here"},
        ]},
    ],
}  # fmt: skip


def fields(**more: Any) -> dict[str, Any]:
    sound = {"project": {"key": "T5G"}, "summary": "fine", "issuetype": {"name": "Task"}}
    return {**sound, **more}


def account(jira: Scene, name: str = "anna") -> dict[str, str]:
    return {"accountId": f"712020:{name}"} if jira.state.cloud else {"name": name}


async def refused(work: Any) -> JIRAError:
    with pytest.raises(JIRAError) as raised:
        await off(work)
    return raised.value


# The server


async def test_the_client_knows_the_kind_of_server(jira):
    client = await jira.client()
    assert client._is_cloud == jira.state.cloud
    assert (await off(client.server_info))["baseUrl"] == jira.url
    me = await off(client.myself)
    assert me["displayName"] == "Sandbox Bot"
    assert ("accountId" in me) == jira.state.cloud
    assert ("name" in me) != jira.state.cloud


async def test_lists_are_what_the_client_expects(jira):
    client = await jira.client()
    assert "Critical" in [one.name for one in await off(client.priorities)]
    assert "Task" in [one.name for one in await off(client.issue_types)]
    assert "QE Review" in [one.name for one in await off(client.statuses)]
    assert "Done" in [one.name for one in await off(client.resolutions)]
    assert [one.key for one in await off(client.projects)] == ["T5G"]
    assert [one.name for one in await off(lambda: client.project_components("T5G"))] == ["Node"]
    assert [one.name for one in await off(lambda: client.project_versions("T5G"))] == ["4.16"]
    names = {one["id"]: one["name"] for one in await off(client.fields)}
    assert names["customfield_10466"] == "Contributors"
    sprint = "customfield_10020" if jira.state.cloud else "customfield_12310940"
    assert names[sprint] == "Sprint"


async def test_what_it_takes_to_create_an_issue(jira):
    client = await jira.client()
    if jira.state.cloud:
        meta = await off(lambda: client.createmeta("T5G", expand="projects.issuetypes.fields"))
        assert meta["projects"][0]["issuetypes"][0]["fields"]["summary"]["required"]
    else:
        kinds = await off(lambda: client.project_issue_types("T5G"))
        rows = await off(lambda: client.project_issue_fields("T5G", kinds[0].id))
        assert "summary" in [row.fieldId for row in rows if row.required]


# Who may


async def test_each_kind_wants_its_own_credentials(jira):
    path = "/rest/api/2/myself"
    for headers in ({}, {"Authorization": "Basic bm9ib2R5Og=="}, {"Authorization": "Basic !"}):
        status, body = await jira.ask("GET", path, headers=headers)
        assert status == 401
        assert body["errorMessages"]
    status, _ = await jira.ask("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert status == (403 if jira.state.cloud else 200)
    assert (await jira.ask("GET", "/rest/api/2/serverInfo", headers={}))[0] == 200


async def test_an_expired_token_is_nobody_on_cloud_and_refused_elsewhere(jira):
    issue = jira.state.create_issue("T5G", "x")
    jira.app[DOOR].expired.add(TOKEN)
    looks = [
        await jira.ask("GET", path)
        for path in ("/rest/api/2/myself", f"/rest/api/2/issue/{issue.key}", "/rest/api/2/project")
    ]
    writes = await jira.ask("POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "x"})
    assert writes[0] == 401
    assert [status for status, _ in looks] == ([401, 404, 200] if jira.state.cloud else [401] * 3)
    if jira.state.cloud:
        assert looks[2][1] == []
        _, page = await jira.ask("GET", "/rest/api/3/search/jql?jql=project=T5G")
        assert page == {"issues": [], "isLast": True}


async def test_what_a_security_level_hides_is_not_there(jira):
    hidden = jira.state.create_issue("T5G", "secret", security="Internal", silent=True)
    seen = jira.state.create_issue("T5G", "seen", silent=True)
    jira.state.link(seen.key, hidden.key, "Blocks", silent=True)
    client = await jira.client()
    assert (await refused(lambda: client.issue(hidden.key))).status_code == 404
    assert (await refused(lambda: client.add_comment(hidden.key, "x"))).status_code == 404
    found = await off(lambda: client.search_issues("project = T5G", fields="*all"))
    assert [one.key for one in found] == [seen.key]
    assert found[0].fields.issuelinks == []


async def test_unknown_paths_and_bad_bodies_are_refused_as_json(jira):
    assert (await jira.ask("GET", "/rest/api/2/poem"))[0] == 404
    status, body = await jira.ask("GET", "/rest/api/3/myself")
    assert status == (200 if jira.state.cloud else 404), body
    status, body = await jira.ask("POST", "/rest/api/2/issue", [1])
    assert (status, bool(body["errorMessages"])) == (400, True)


# Search


async def test_the_client_walks_all_pages(jira):
    for n in range(230):
        jira.state.create_issue("T5G", f"{n:08}: case", labels=("x",), silent=True)
    client = await jira.client()
    query = 'project = T5G AND labels = "x" ORDER BY key'
    found = await off(lambda: client.search_issues(query, maxResults=0, fields="summary"))
    assert [issue.fields.summary[:8] for issue in found] == [f"{n:08}" for n in range(230)]
    page = await off(lambda: client.search_issues(query, maxResults=50, fields="summary,status"))
    assert len(page) == 50
    assert page[0].fields.status.name == "New"
    assert (page.total == 230) != jira.state.cloud


async def test_cloud_pages_end_without_a_token(cloud):
    for n in range(130):
        cloud.state.create_issue("T5G", f"{n}", silent=True)
    path, ask = "/rest/api/3/search/jql", {"jql": "project = T5G", "maxResults": 500}
    _, bare = await cloud.ask("POST", path, ask)
    assert bare == {"issues": [{"id": one["id"]} for one in bare["issues"]], "isLast": True}
    assert len(bare["issues"]) == 130
    _, first = await cloud.ask("POST", path, {**ask, "fields": ["summary"]})
    assert (len(first["issues"]), first["isLast"], set(first)) == (
        100, False, {"issues", "isLast", "nextPageToken"},
    )  # fmt: skip
    assert set(first["issues"][0]) == {"expand", "id", "self", "key", "fields"}
    token = first["nextPageToken"]
    for _ in range(2):  # a page may be asked for again
        _, last = await cloud.ask("POST", path, {**ask, "fields": ["summary"],
                                                 "nextPageToken": token})  # fmt: skip
        assert (len(last["issues"]), last["isLast"], "nextPageToken" in last) == (30, True, False)
    status, _ = await cloud.ask("POST", path, {"jql": "project = T5G OR key = T5G-1",
                                               "nextPageToken": token})  # fmt: skip
    assert status == 400
    _, count = await cloud.ask("POST", "/rest/api/3/search/approximate-count",
                               {"jql": "project = T5G"})  # fmt: skip
    assert count == {"count": 130}


async def test_search_of_the_other_kind_is_gone(jira):
    client = await jira.client()
    path, status = ("search", 410) if jira.state.cloud else ("search/jql", 404)
    error = await refused(lambda: client._get_json(path, params={"jql": "project = T5G"}))
    assert error.status_code == status


@pytest.mark.parametrize("query", ["", "order by key", "nonsense = 1", "key in (T5G-999)"])
async def test_bad_queries_are_400(jira, query):
    path = "/rest/api/2/search/jql" if jira.state.cloud else "/rest/api/2/search"
    status, body = await jira.ask("POST", path, {"jql": query})
    unbounded = not jira.state.cloud and "=" not in query and "in" not in query
    assert status == (200 if unbounded else 400), body


async def test_what_cloud_does_not_take_in_a_search(cloud):
    path, jql = "/rest/api/3/search/jql", "project = T5G"
    for more in (
        {"properties": list("abcdef")},
        {"expand": ["renderedFields"]},
        {"reconcileIssues": list(range(51))},
        {"maxResults": -1},
        {"maxResults": "many"},
    ):
        status, body = await cloud.ask("POST", path, {"jql": jql, **more})
        assert status == 400, body


async def test_a_search_brings_what_it_is_asked_for(jira):
    state = jira.state
    issue = state.create_issue(
        "T5G", "x", custom={
            "customfield_10979": "01234567 and https://access.redhat.com/support/cases/01234568",
            "customfield_10466": ["anna"], "customfield_10840": "Urgent",
        },
    )  # fmt: skip
    state.set_property(issue.key, "sfdc-cases-links", {"value": "01234567"})
    state.move_to_sprint(issue.key, jira.sprint)
    for n in range(3):
        state.add_comment(issue.key, "anna", f"{n}")
    state.comments_in_search = 2
    ask = {
        "jql": "project = T5G", "expand": "renderedFields,changelog",
        "fields": ["comment", "customfield_10979", "customfield_10466", "customfield_10840",
                   state.sprint_field.id],
        "properties": ["sfdc-cases-links"],
    }  # fmt: skip
    path = "/rest/api/2/search/jql" if state.cloud else "/rest/api/2/search"
    _, body = await jira.ask("POST", path, ask)
    (row,) = body["issues"]
    assert row["properties"] == {"sfdc-cases-links": {"value": "01234567"}}
    assert 'case/01234567"' in row["renderedFields"]["customfield_10979"]
    found = row["fields"]
    assert [c["body"] for c in found["comment"]["comments"]] == ["0", "1"]
    assert found["comment"]["total"] == 3
    assert found["customfield_10466"][0]["displayName"] == "Anna Beispiel"
    assert found["customfield_10840"]["value"] == "Urgent"
    assert row["changelog"]["histories"][0]["items"][0]["toString"] == "T5G Sprint 12"
    (sprint,) = found[state.sprint_field.id]
    assert (sprint["state"] == "active") if state.cloud else ("state=ACTIVE" in sprint)


# Single issues


async def test_the_client_creates_moves_comments_and_links(jira):
    client, state = await jira.client(), jira.state
    made = await off(
        lambda: client.create_issue(
            fields=fields(
                summary="01234567: Käse",
                priority={"name": "Critical"},
                labels=["field-support"],
                components=[{"name": "Node"}],
                assignee=account(jira),
                description="first\nsecond",
                customfield_10840={"value": "Urgent"},
                customfield_10466=[account(jira)],
            ),
            prefetch=False,
        )
    )
    issue = state.issues[made.key]
    assert (issue.summary, issue.priority, issue.components) == (
        "01234567: Käse", "Critical", ("Node",),
    )  # fmt: skip
    assert issue.assignee == state.user("anna")
    assert issue.reporter == state.bot
    assert issue.custom == {
        "customfield_10840": "Urgent", "customfield_10466": [state.user("anna")],
    }  # fmt: skip
    await off(lambda: client.transition_issue(made.key, "in progress", comment="on it"))
    await off(lambda: client.add_comment(made.key, "looking"))
    link = {"url": "https://example.com/1", "title": "Support Case"}
    for _ in range(2):
        await off(lambda: client.add_remote_link(made.key, link, globalId="case=01234567"))
    await off(lambda: client.add_issues_to_sprint(jira.sprint, [made.key]))
    assert (issue.status, issue.sprint) == ("In Progress", jira.sprint)
    assert [(c.author, c.body) for c in issue.comments] == [
        (state.bot, "on it"), (state.bot, "looking"),
    ]  # fmt: skip
    links = await off(lambda: client.remote_links(made.key))
    assert [(one.object.title, one.globalId) for one in links] == [
        ("Support Case", "case=01234567")
    ]
    seen = await off(lambda: client.issue(made.key, expand="changelog"))
    assert seen.fields.description == "first\nsecond"
    assert len(seen.changelog.histories) == 2


async def test_the_client_changes_assigns_and_deletes(jira):
    client, state = await jira.client(), jira.state
    key = state.create_issue("T5G", "x", labels=("a",), silent=True).key
    issue = await off(lambda: client.issue(key))
    await off(lambda: issue.update(fields={"summary": "y", "labels": ["a", "b"]}))
    await off(lambda: issue.add_field_value("labels", "c"))
    await off(lambda: issue.update(update={"labels": [{"remove": "a"}], "priority": [
        {"set": {"name": "Blocker"}}]}))  # fmt: skip
    found = state.issue(key)
    assert (found.summary, found.labels, found.priority) == ("y", ("b", "c"), "Blocker")
    await off(lambda: client.assign_issue(key, "anna@example.com"))
    assert found.assignee == state.user("anna")
    await off(lambda: client.assign_issue(key, None))
    assert found.assignee is None
    await off(lambda: client.add_watcher(key, "Anna"))
    assert [one.displayName for one in (await off(lambda: client.watchers(key))).watchers] == [
        "Anna Beispiel"
    ]
    await off(lambda: client.add_issue_property(key, "sfdc-cases-links", {"value": "1"}))
    assert found.properties == {"sfdc-cases-links": {"value": "1"}}
    await off(issue.delete)
    assert (await refused(lambda: client.issue(key))).status_code == 404


async def test_the_client_links_issues(jira):
    client, state = await jira.client(), jira.state
    one, two = (state.create_issue("T5G", name, silent=True).key for name in "ab")
    await off(lambda: client.create_issue_link("Blocks", one, two))
    seen = await off(lambda: client.issue(one))
    (link,) = seen.fields.issuelinks
    assert (link.type.outward, link.outwardIssue.key) == ("blocks", two)
    await off(lambda: client.delete_issue_link(link.id))
    assert state.links == {}
    error = await refused(lambda: client.create_issue_link("Marries", one, two))
    assert error.status_code == 404


async def test_comments_are_edited_paged_and_for_some_only(jira):
    client, state = await jira.client(), jira.state
    key = state.create_issue("T5G", "x", silent=True).key
    role = {"type": "role", "value": "Administrators"}
    made = await off(lambda: client.add_comment(key, "one", visibility=role))
    await off(lambda: client.add_comment(key, "two", is_internal=True))
    await off(lambda: made.update(body="one, mended"))
    assert [(c.body, c.visibility, c.public) for c in state.issue(key).comments] == [
        ("one, mended", "Administrators", True), ("two", None, False),
    ]  # fmt: skip
    _, page = await jira.ask("GET", f"/rest/api/2/issue/{key}/comment?startAt=1&maxResults=1")
    assert (page["total"], [c["body"] for c in page["comments"]]) == (2, ["two"])
    _, page = await jira.ask("GET", f"/rest/api/2/issue/{key}/comment?orderBy=-created")
    assert [c["body"] for c in page["comments"]] == ["two", "one, mended"]
    await off(made.delete)
    assert [c.body for c in state.issue(key).comments] == ["two"]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"priority": {"name": "Sky-high"}}, "priority"),
        ({"priority": {"id": "99"}}, "priority"),
        ({"summary": "x" * 256}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"summary": ""}, "summary"),
        ({"summary": 7}, "summary"),
        ({"components": [{"name": "Nowhere"}]}, "components"),
        ({"components": ["Node"]}, "components"),
        ({"fixVersions": [{"name": "9.9"}]}, "fixVersions"),
        ({"colour": "red"}, "colour"),
        ({"customfield_99999": "x"}, "customfield_99999"),
        ({"status": {"name": "Done"}}, "status"),
        ({"project": {"key": "NOPE"}}, "project"),
        ({"project": None}, "project"),
        ({"issuetype": {"name": "Poem"}}, "issuetype"),
        ({"assignee": {"accountId": "x", "name": "x"}}, "assignee"),
        ({"assignee": "anna"}, "assignee"),
        ({"labels": "a"}, "labels"),
        ({"labels": ["a b"]}, "labels"),
        ({"description": DOCUMENT}, "description"),
        ({"customfield_10840": "Urgent"}, "customfield_10840"),
        ({"customfield_11087": [{"value": "Telco"}, "x"]}, "customfield_11087"),
    ],
)
async def test_jira_refuses_what_jira_refuses(jira, more, named):
    client = await jira.client()
    error = await refused(lambda: client.create_issue(fields=fields(**more), prefetch=False))
    assert error.status_code == 400
    assert named in error.response.json()["errors"]
    assert not jira.state.issues


async def test_missing_fields_are_named(jira):
    jira.state.add_project("RQ", "Strict", required=("priority",))
    cases = [
        ({"summary": "x", "issuetype": {"name": "Task"}}, "project"),
        ({"project": {"key": "T5G"}, "issuetype": {"name": "Task"}}, "summary"),
        ({"project": {"key": "T5G"}, "summary": "x"}, "issuetype"),
    ]
    for given, named in cases:
        status, body = await jira.ask("POST", "/rest/api/2/issue", {"fields": given})
        assert (status, list(body["errors"])) == (400, [named])


async def test_impossible_transitions_are_400(jira):
    client = await jira.client()
    key = jira.state.create_issue("T5G", "x", silent=True).key
    ways = {way["to"]["name"]: way["id"] for way in await off(lambda: client.transitions(key))}
    assert "New" not in ways
    for number in ("999", "11", "poem"):  # 11 leads where the issue is
        path, body = f"/rest/api/2/issue/{key}/transitions", {"transition": {"id": number}}
        assert (await jira.ask("POST", path, body))[0] == 400
    done = {"transition": {"id": ways["Done"]}, "fields": {"resolution": {"name": "Duplicate"}}}
    assert (await jira.ask("POST", f"/rest/api/2/issue/{key}/transitions", done))[0] == 204
    assert jira.state.issue(key).resolution == "Duplicate"


async def test_v3_takes_documents_only_and_v2_reads_them_as_wiki_text(cloud):
    status, body = await cloud.ask("POST", "/rest/api/3/issue", {"fields": fields(description="x")})
    assert (status, list(body["errors"])) == (400, ["description"])
    given = {"fields": fields(description=DOCUMENT, customfield_11004=DOCUMENT)}
    status, made = await cloud.ask("POST", "/rest/api/3/issue", given)
    assert status == 201
    key = made["key"]
    _, new = await cloud.ask("GET", f"/rest/api/3/issue/{key}")
    _, old = await cloud.ask("GET", f"/rest/api/2/issue/{key}")
    assert new["fields"]["description"] == DOCUMENT
    assert old["fields"]["description"] == "*look*\nhere"
    comments = f"/rest/api/3/issue/{key}/comment"
    status, body = await cloud.ask("POST", comments, {"body": "plain"})
    assert (status, body["errors"]) == (400, {"comment": "Comment body is not valid!"})
    status, body = await cloud.ask("POST", comments, {"body": DOCUMENT})
    assert (status, body["body"]) == (201, DOCUMENT)
    assert cloud.state.issue(key).comments[0].body == "*look*\nhere"


async def test_remote_links_answer_201_then_200(jira):
    key = jira.state.create_issue("T5G", "x", silent=True).key
    path = f"/rest/api/2/issue/{key}/remotelink"
    body = {"globalId": "g=1", "object": {"url": "https://example.com", "title": "One"}}
    first, again = await jira.ask("POST", path, body), await jira.ask("POST", path, body)
    assert (first[0], again[0], first[1] == again[1]) == (201, 200, True)
    status, wrong = await jira.ask("POST", path, {"object": {"url": "https://example.com"}})
    assert (status, wrong["errors"]) == (400, {"title": "'title' is required."})
    _, one = await jira.ask("GET", f"{path}?globalId=g=1")
    assert one["object"]["title"] == "One"
    assert (await jira.ask("DELETE", f"{path}?globalId=g=1"))[0] == 204
    assert (await jira.ask("GET", path))[1] == []


async def test_people_are_found_by_query_on_cloud_and_by_user_name_elsewhere(jira):
    name = "query" if jira.state.cloud else "username"
    _, found = await jira.ask("GET", f"/rest/api/2/user/search?{name}=anna@example.com")
    assert [one["displayName"] for one in found] == ["Anna Beispiel"]
    assert ("emailAddress" in found[0]) != jira.state.cloud
    other = "username" if jira.state.cloud else "query"
    assert (await jira.ask("GET", f"/rest/api/2/user/search?{other}=anna"))[0] == 400


async def test_whose_token_it_is_wrote_it(jira):
    from aiohttp.test_utils import TestServer

    from sandbox.jira.app import create_jira_app

    app = create_jira_app(jira.state, tokens={USER: TOKEN, "anna@example.com": "other-not-secret"})
    async with TestServer(app) as server:
        jira.server = server
        jira.state.create_issue("T5G", "x", silent=True)
        anna = {"Authorization": "Bearer other-not-secret"}
        if jira.state.cloud:
            from aiohttp import encode_basic_auth

            anna = {"Authorization": encode_basic_auth("anna@example.com", "other-not-secret")}
        path = "/rest/api/2/issue/T5G-1/comment"
        assert (await jira.ask("POST", path, {"body": "me"}, headers=anna))[0] == 201
    assert jira.state.issue("T5G-1").comments[0].author == jira.state.user("anna")


async def test_a_moved_issue_answers_to_its_old_key(jira):
    jira.state.add_project("OTHER", "Other")
    old = jira.state.create_issue("T5G", "x", silent=True).key
    new = jira.state.move_issue(old, "OTHER")
    client = await jira.client()
    assert (await off(lambda: client.issue(old))).key == new


async def test_throttling_is_answered_with_retry_after_and_the_client_waits(jira):
    client = await jira.client(max_retries=1)
    jira.state.create_issue("T5G", "x", silent=True)
    jira.faults.add("throttle", path="/rest/api/2/issue/T5G-1", times=1, retry_after="1")
    jira.faults.reset_requests()
    started = time.monotonic()
    assert (await off(lambda: client.issue("T5G-1"))).key == "T5G-1"
    assert time.monotonic() - started >= 1
    assert jira.faults.total == 2
    patient = await jira.client()
    jira.faults.add("throttle", path="/rest/api/2/issue/T5G-1", times=1)
    assert (await refused(lambda: patient.issue("T5G-1"))).status_code == 429


async def test_a_lost_answer_leaves_the_issue_made(jira):
    client = await jira.client()
    jira.faults.add("lose_answer", path="/rest/api/2/issue", method="POST", times=1)
    with pytest.raises((JIRAError, ConnectionError)):
        await off(lambda: client.create_issue(fields=fields(), prefetch=False))
    assert len(jira.state.issues) == 1


# Boards and sprints


async def test_the_client_finds_boards_and_sprints(jira):
    client, state = await jira.client(), jira.state
    state.add_board("T5G kanban", "T5G", "kanban")
    state.add_sprint(jira.board, "Old", "closed")
    state.add_sprint(jira.board, "Next", "future")
    boards = await off(lambda: client.boards(name="field"))
    assert [(one.name, one.type) for one in boards] == [("T5G field support", "scrum")]
    active = await off(lambda: client.sprints(jira.board, state="active"))
    assert [one.name for one in active] == ["T5G Sprint 12"]
    both = await off(lambda: client.sprints(jira.board, state="active,future"))
    assert [one.name for one in both] == ["T5G Sprint 12", "Next"]
    kanban = await off(lambda: client.boards(type="kanban"))
    assert (await refused(lambda: client.sprints(kanban[0].id))).status_code == 400
    assert (await refused(lambda: client.sprints(99))).status_code == 404


async def test_at_most_fifty_issues_move_at_once_and_all_or_none(jira):
    client, state = await jira.client(), jira.state
    keys = [state.create_issue("T5G", f"{n}", silent=True).key for n in range(51)]
    error = await refused(lambda: client.add_issues_to_sprint(jira.sprint, keys))
    assert error.status_code == 400
    lost = [*keys[:2], "T5G-999"]
    assert (
        await refused(lambda: client.add_issues_to_sprint(jira.sprint, lost))
    ).status_code == 404
    assert all(issue.sprint is None for issue in state.issues.values())
    await off(lambda: client.add_issues_to_sprint(jira.sprint, keys[:50]))
    path = f"/rest/agile/1.0/sprint/{jira.sprint}/issue?maxResults=30&startAt=30&fields=summary"
    _, page = await jira.ask("GET", path)
    assert (page["total"], len(page["issues"])) == (50, 20)
    await off(lambda: client.move_to_backlog(keys[:1]))
    assert state.issue(keys[0]).sprint is None
    state.set_sprint_state(jira.sprint, "closed")
    assert (
        await refused(lambda: client.add_issues_to_sprint(jira.sprint, keys))
    ).status_code == 400


async def test_sprints_start_and_close_in_order(jira):
    path = "/rest/agile/1.0/sprint"
    body = {"name": "New one", "originBoardId": jira.board}
    status, made = await jira.ask("POST", path, body)
    assert (status, made["state"]) == (201, "future")
    one = f"{path}/{made['id']}"
    assert (await jira.ask("POST", one, {"state": "closed"}))[0] == 400
    for state in ("active", "closed"):
        _, found = await jira.ask("POST", one, {"state": state})
        assert found["state"] == state
    assert found["completeDate"]
