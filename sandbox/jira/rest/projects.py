"""Projects: what they have, and what it takes to create an issue in them."""

from typing import Any

from sandbox.jira.model import ISSUE_TYPES, JiraProject, Refusal
from sandbox.jira.render import members_json, project_json, status_json, type_json, user_json
from sandbox.jira.rest.call import Answer, Call, Router, csv, ok
from sandbox.jira.rest.server import field_json
from sandbox.jira.rules import FIELD_IDS

router = Router()
NEEDED = ("project", "summary", "issuetype")


@router.get("project")
def projects(call: Call) -> Answer:
    """All projects."""
    return ok([project_json(call.state, key, call.version) for key in _seen(call)])


@router.get("project/{project}")
def project(call: Call) -> Answer:
    """One project, with what it has."""
    home = _project(call)
    lead = user_json(call.state, call.state.bot, call.version)
    return ok(
        {
            **project_json(call.state, home.key, call.version),
            "expand": "description,lead,issueTypes,url,projectKeys",
            "description": "",
            "lead": lead,
            "components": _members(call, home, "component"),
            "versions": _members(call, home, "version"),
            "issueTypes": [type_json(call.state, name) for name in ISSUE_TYPES],
            "assigneeType": "UNASSIGNED",
            "roles": {},
        }
    )


@router.get("project/{project}/components")
def components(call: Call) -> Answer:
    """The components of a project."""
    return ok(_members(call, _project(call), "component"))


@router.get("project/{project}/versions")
def versions(call: Call) -> Answer:
    """The versions of a project."""
    return ok(_members(call, _project(call), "version"))


@router.get("project/{project}/statuses")
def statuses(call: Call) -> Answer:
    """The statuses of a project, for each issue type."""
    rows = [status_json(call.state, name) for name in _project(call).statuses]
    return ok([{**type_json(call.state, name), "statuses": rows} for name in ISSUE_TYPES])


@router.get("issue/createmeta", only="cloud")
def create_meta(call: Call) -> Answer:
    """What it takes to create issues, for several projects."""
    keys, ids = csv(call.query.get("projectKeys")), csv(call.query.get("projectIds"))
    wanted = csv(call.query.get("issuetypeNames")) or ISSUE_TYPES
    rows = []
    for home in call.state.projects.values():
        if (keys or ids) and home.key not in keys and home.id not in ids:
            continue
        kinds = [
            {**type_json(call.state, name), "fields": _fields(call, home, name)}
            for name in ISSUE_TYPES
            if name in wanted
        ]
        rows.append({**project_json(call.state, home.key, call.version), "issuetypes": kinds})
    return ok({"expand": "projects", "projects": rows})


@router.get("issue/createmeta/{project}/issuetypes")
def create_meta_types(call: Call) -> Answer:
    """The issue types of a project."""
    _project(call)
    return ok(_page(call, "issueTypes", [type_json(call.state, name) for name in ISSUE_TYPES]))


@router.get("issue/createmeta/{project}/issuetypes/{type}")
def create_meta_fields(call: Call) -> Answer:
    """The fields of a project and an issue type."""
    home, number = _project(call), call.path["type"]
    if not number.isdigit() or not 1 <= int(number) <= len(ISSUE_TYPES):
        raise Refusal(404, "The issue type selected is invalid.")
    rows = list(_fields(call, home, ISSUE_TYPES[int(number) - 1]).values())
    return ok(_page(call, "fields", rows))


def _seen(call: Call) -> list[str]:
    return list(call.state.projects) if call.actor else []


def _project(call: Call) -> JiraProject:
    home = call.state.project(call.path["project"])
    if call.actor is None:
        raise Refusal(404, f"No project could be found with key '{home.key}'.")
    return home


def _members(call: Call, home: JiraProject, kind: str) -> list[dict[str, Any]]:
    names = home.versions if kind == "version" else home.components
    return members_json(call.state, home, kind, names, call.version)


def _fields(call: Call, home: JiraProject, type_name: str) -> dict[str, dict[str, Any]]:
    required = {FIELD_IDS.get(name, name) for name in home.required}
    return {
        field.id: {
            "required": field.id in required or field.id in NEEDED,
            "schema": field_json(field)["schema"],
            "name": field.name,
            "key": field.id,
            "fieldId": field.id,
            "hasDefaultValue": field.id == "priority",
            "operations": ["set"],
        }
        for field in call.state.fields.values()
        if field.settable
    }


def _page(call: Call, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A page, which Cloud and Data Center call by different names."""
    start, size = call.number("startAt", 0), call.number("maxResults", 50, most=200)
    page = rows[start : start + size]
    body = {"startAt": start, "maxResults": size, "total": len(rows)}
    if call.state.cloud:
        return {**body, name: page}
    return {**body, "isLast": start + size >= len(rows), "values": page}
