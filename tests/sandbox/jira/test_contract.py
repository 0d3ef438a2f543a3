"""Answers held to Atlassian's own contract of REST v3, where it stands beside the repository."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.sandbox.jira.serving import Scene

OPERATIONS = [
    ("GET", "/rest/api/3/serverInfo", "ServerInformation", False),
    ("GET", "/rest/api/3/myself", "User", False),
    ("GET", "/rest/api/3/field", "FieldDetails", True),
    ("GET", "/rest/api/3/priority", "Priority", True),
    ("GET", "/rest/api/3/project/T5G", "Project", False),
    ("GET", "/rest/api/3/user/search?query=anna", "User", True),
    ("GET", "/rest/api/3/mypermissions", "Permissions", False),
    ("GET", "/rest/api/3/search/jql?jql=project=T5G&fields=*all&maxResults=1",
     "SearchAndReconcileResults", False),
    ("GET", "/rest/api/3/search/jql?jql=project=T5G", "SearchAndReconcileResults", False),
    ("GET", "/rest/api/3/issue/T5G-1?expand=changelog,transitions,renderedFields,names",
     "IssueBean", False),
    ("GET", "/rest/api/3/issue/T5G-1/changelog", "PageBeanChangelog", False),
    ("GET", "/rest/api/3/issue/T5G-1/transitions", "Transitions", False),
    ("GET", "/rest/api/3/issue/T5G-1/comment", "PageOfComments", False),
    ("GET", "/rest/api/3/issue/T5G-1/remotelink", "RemoteIssueLink", True),
    ("GET", "/rest/api/3/issue/T5G-1/editmeta", "IssueUpdateMetadata", False),
]  # fmt: skip


@pytest.fixture
def schemas(shared_dir: Path) -> dict[str, Any]:
    contract = json.loads((shared_dir / "specs" / "jira-cloud-v3.openapi.json").read_text())
    made = _as_json_schema(contract["components"]["schemas"])
    # The contract forgets that a changelog has null where there was nothing; recorded bodies do.
    for name in ("from", "fromString", "to", "toString"):
        made["ChangeDetails"]["properties"][name]["type"] = ["string", "null"]
    return made


@pytest.mark.parametrize(("method", "path", "name", "many"), OPERATIONS)
async def test_answers_hold_to_the_contract(cloud: Scene, schemas, method, path, name, many):
    _fill(cloud)
    status, body = await cloud.ask(method, path)
    assert status == 200, body
    rows = body if many else [body]
    assert rows
    for row in rows:
        _validate(schemas, name, row)


@pytest.mark.parametrize(
    ("path", "described"),
    [
        ("/rest/agile/1.0/board", "/rest/agile/1.0/board"),
        ("/rest/agile/1.0/board/1", "/rest/agile/1.0/board/{boardId}"),
    ],
)
async def test_boards_hold_to_the_agile_contract(cloud: Scene, shared_dir: Path, path, described):
    contract = json.loads((shared_dir / "specs" / "jira-agile.openapi.json").read_text())
    answer = contract["paths"][described]["get"]["responses"]["200"]
    schema = _as_json_schema(answer["content"]["application/json"]["schema"])
    status, body = await cloud.ask("GET", path)
    assert status == 200
    jsonschema.Draft202012Validator(schema).validate(body)


async def test_what_was_written_holds_to_the_contract(cloud: Scene, schemas):
    _fill(cloud)
    fields = {"project": {"key": "T5G"}, "summary": "x", "issuetype": {"name": "Task"}}
    status, made = await cloud.ask("POST", "/rest/api/3/issue", {"fields": fields})
    assert status == 201
    _validate(schemas, "CreatedIssue", made)
    status, wrong = await cloud.ask("POST", "/rest/api/3/issue", {"fields": {}})
    assert status == 400
    _validate(schemas, "ErrorCollection", wrong)
    document = {"type": "doc", "version": 1, "content": []}
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "x"}]}
    path = f"/rest/api/3/issue/{made['key']}"
    body = {"body": {**document, "content": [paragraph]}}
    _validate(schemas, "Comment", (await cloud.ask("POST", f"{path}/comment", body))[1])
    link = {"object": {"url": "https://example.com", "title": "x"}}
    _, made = await cloud.ask("POST", f"{path}/remotelink", link)
    _validate(schemas, "RemoteIssueLinkIdentifies", made)


def _fill(scene: Scene) -> None:
    state = scene.state
    issue = state.create_issue(
        "T5G", "01234567: x", description="*two*\nlines", assignee="anna", components=("Node",),
        fix_versions=("4.16",), custom={"customfield_10840": "Urgent"}, silent=True,
    )  # fmt: skip
    other = state.create_issue("T5G", "y", silent=True)
    state.add_comment(issue.key, "anna", "hello", visibility="Administrators", silent=True)
    state.transition(issue.key, "Done")
    state.move_to_sprint(issue.key, scene.sprint)
    state.link(issue.key, other.key, "Blocks", silent=True)
    state.add_remote_link(issue.key, "https://example.com", "Support Case", "g=1", "is about")


def _validate(schemas: dict[str, Any], name: str, row: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(row))
    assert not errors, "\n".join(f"{list(e.absolute_path)}: {e.message[:300]}" for e in errors)


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema adds a type."""
    if isinstance(node, list):
        return [_as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _as_json_schema(value) for name, value in node.items() if name != "nullable"}
    if node.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
