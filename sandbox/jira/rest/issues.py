"""Single issues: look, create, change, delete, move along the workflow, assign."""

from collections.abc import Mapping
from typing import Any

from sandbox.jira.model import JiraIssue, JiraUser, Refusal, Transition
from sandbox.jira.render import changelog_json, issue_json, transition_json
from sandbox.jira.rest.call import Answer, Call, Router, created, csv, done, ok
from sandbox.jira.rest.reading import find_account, read_fields, read_steps, read_text
from sandbox.jira.rest.server import field_json
from sandbox.jira.workflow import transitions

router = Router()


@router.get("issue/{key}")
def get(call: Call) -> Answer:
    """An issue; all fields unless some are asked for."""
    return ok(_shown(call, call.issue()))


@router.post("issue")
def create(call: Call) -> Answer:
    """Create an issue."""
    who = call.writer()
    fields = call.asked.get("fields")
    if not isinstance(fields, dict):
        raise Refusal(400, "Field 'fields' is required.")
    project = _project_of(call, fields.get("project"))
    if "issuetype" not in fields:
        raise Refusal(400, errors={"issuetype": "Specify an issue type"})
    facts = read_fields(call.state, project, fields, call.version)
    facts = {"summary": "", "reporter": who, **facts}
    issue = call.state.create_issue(project, facts.pop("summary"), **facts)
    address = f"{call.state.base_url}/rest/api/{call.version}/issue/{issue.id}"
    return created({"id": issue.id, "key": issue.key, "self": address})


@router.put("issue/{key}")
def edit(call: Call) -> Answer:
    """Change fields; all of it or, with one mistake, nothing."""
    issue, who = call.issue(), call.writer()
    fields, update = call.asked.get("fields") or {}, call.asked.get("update") or {}
    _change(call, issue, who, fields, update)
    return ok(_shown(call, issue)) if call.query.get("returnIssue") == "true" else done()


@router.delete("issue/{key}")
def delete(call: Call) -> Answer:
    """Delete an issue."""
    call.state.delete_issue(call.issue().key, call.writer())
    return done()


@router.get("issue/{key}/changelog", only="cloud")
def changelog(call: Call) -> Answer:
    """A page of an issue's changelog, oldest first."""
    entries = call.issue().history
    start, size = call.number("startAt", 0), call.number("maxResults", 100, most=100)
    return ok({
        "startAt": start, "maxResults": size, "total": len(entries),
        "isLast": start + size >= len(entries),
        "values": changelog_json(call.state, entries[start : start + size], call.version),
    })  # fmt: skip


@router.get("issue/{key}/editmeta")
def edit_meta(call: Call) -> Answer:
    """The fields that may be changed."""
    call.issue()
    rows = {
        field.id: {
            "required": field.id in ("summary", "issuetype"),
            "schema": field_json(field)["schema"],
            "name": field.name,
            "key": field.id,
            "operations": ["set"],
        }
        for field in call.state.fields.values()
        if field.settable and field.id != "project"
    }
    return ok({"fields": rows})


@router.get("issue/{key}/transitions")
def ways(call: Call) -> Answer:
    """The ways that lead on from the issue's status."""
    wanted = call.query.get("transitionId")
    rows = [way for way in _ways(call, call.issue()) if wanted in (None, way.id)]
    return ok({
        "expand": "transitions",
        "transitions": [transition_json(call.state, way) for way in rows],
    })  # fmt: skip


@router.post("issue/{key}/transitions")
def go(call: Call) -> Answer:
    """Go one of the ways, perhaps with a comment."""
    issue, who = call.issue(), call.writer()
    wanted = call.asked.get("transition")
    number = str(wanted.get("id", "")) if isinstance(wanted, Mapping) else ""
    way = next((way for way in _ways(call, issue) if way.id == number), None)
    if way is None:
        raise Refusal(
            400,
            f"Transition id '{number}' is not valid for this issue." if number
            else "Missing 'transition' identifier",
        )  # fmt: skip
    fields = dict(call.asked.get("fields") or {})
    resolution = (fields.pop("resolution", None) or {}).get("name")
    _change(call, issue, who, fields, call.asked.get("update") or {})
    call.state.transition(issue.key, way.to, who, resolution=resolution)
    return done()


@router.put("issue/{key}/assignee")
def assign(call: Call) -> Answer:
    """Assign an issue: to nobody with null, to the project's default (nobody too) with -1."""
    issue, who = call.issue(), call.writer()
    given = call.asked.get("accountId" if call.state.cloud else "name")
    assignee = None
    if given not in (None, "-1"):
        assignee = find_account(call.state, str(given))
        if assignee is None:
            raise Refusal(400, errors={"assignee": f"User '{given}' does not exist."})
    call.state.update_issue(issue.key, who, assignee=assignee)
    return done()


def _change(
    call: Call, issue: JiraIssue, who: JiraUser, fields: dict[str, Any], update: dict[str, Any]
) -> None:
    if both := sorted(fields.keys() & update.keys()):
        name = both[0]
        raise Refusal(400, errors={name: f"Field '{name}' cannot appear in both 'fields' and "
                                   "'update'"})  # fmt: skip
    comments = [
        read_text(step["add"].get("body"), call.version, "comment")
        for step in update.get("comment") or ()
        if isinstance(step, Mapping) and isinstance(step.get("add"), Mapping)
    ]
    facts = read_fields(call.state, issue.project, fields, call.version)
    steps = read_steps(call.state, issue, update, call.version)
    custom = facts.pop("custom", {}) | steps.pop("custom", {})
    call.state.update_issue(issue.key, who, custom=custom, **facts, **steps)
    for body in comments:
        call.state.add_comment(issue.key, who, body)


def _ways(call: Call, issue: JiraIssue) -> list[Transition]:
    return transitions(call.state.projects[issue.project], issue.status)


def _shown(call: Call, issue: JiraIssue) -> dict[str, Any]:
    return issue_json(
        call.state,
        issue,
        call.version,
        fields=csv(call.query.get("fields")) or ["*all"],
        expand=call.query.get("expand", ""),
        properties=csv(call.query.get("properties")),
    )


def _project_of(call: Call, given: Any) -> str:
    if isinstance(given, Mapping):
        for project in call.state.projects.values():
            if given.get("key") == project.key or str(given.get("id", "")) == project.id:
                return project.key
    message = "Specify a valid project ID or key" if given else "project is required"
    raise Refusal(400, errors={"project": message})
