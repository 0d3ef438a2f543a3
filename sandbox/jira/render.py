"""What JIRA believes, in the JSON of its REST API (v2, v3) and of its webhooks (always v2)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.jira.adf import to_adf
from sandbox.jira.state import (
    FINISHED,
    ISSUE_TYPES,
    PRIORITIES,
    IssueLink,
    JiraComment,
    JiraIssue,
    JiraState,
    JiraUser,
    RemoteLink,
    Sprint,
)

SPRINT_CLOUD = "customfield_10020"
SPRINT_DC = "customfield_12310940"
CASES_FIELD = "customfield_10979"
Json = dict[str, Any]


def time_text(moment: datetime) -> str:
    """A time as JIRA writes it: milliseconds, and an offset without a colon."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def user_json(state: JiraState, user: JiraUser | None) -> Json | None:
    """A person: accountId and no e-mail on Cloud; name, key and e-mail on Data Center."""
    if user is None:
        return None
    self_url = f"{state.base_url}/rest/api/2/user"
    shared: Json = {
        "displayName": user.name,
        "active": True,
        "timeZone": "Etc/UTC",
        "avatarUrls": {},
    }
    if state.cloud:
        return {
            "self": f"{self_url}?accountId={user.account_id}",
            "accountId": user.account_id,
            "accountType": "atlassian",
            **shared,
        }
    return {
        "self": f"{self_url}?username={user.username}",
        "name": user.username,
        "key": user.username,
        "emailAddress": user.email,
        **shared,
    }


def comment_json(state: JiraState, issue: JiraIssue, comment: JiraComment, version: int) -> Json:
    """A comment."""
    made: Json = {
        "self": f"{state.base_url}/rest/api/{version}/issue/{issue.id}/comment/{comment.id}",
        "id": comment.id,
        "author": user_json(state, comment.author),
        "updateAuthor": user_json(state, comment.author),
        "body": to_adf(comment.body) if version == 3 else comment.body,
        "created": time_text(comment.created),
        "updated": time_text(comment.updated),
    }
    if comment.visibility:
        made["visibility"] = {"type": "role", "value": comment.visibility}
    elif state.cloud:
        made["jsdPublic"] = True
    return made


def status_json(state: JiraState, project: str, name: str) -> Json:
    """A status with its category."""
    statuses = state.projects[project].statuses
    number = statuses.index(name) + 1 if name in statuses else 99
    category = {"id": 4, "key": "indeterminate", "name": "In Progress"}
    if name in FINISHED:
        category = {"id": 3, "key": "done", "name": "Done"}
    elif number <= 2:
        category = {"id": 2, "key": "new", "name": "To Do"}
    return {
        "self": f"{state.base_url}/rest/api/2/status/{number}",
        "id": str(number),
        "name": name,
        "description": "",
        "statusCategory": category,
    }


def priority_json(state: JiraState, name: str) -> Json:
    """A priority."""
    number = str(PRIORITIES.index(name) + 1)
    return {"self": f"{state.base_url}/rest/api/2/priority/{number}", "id": number, "name": name}


def project_json(state: JiraState, key: str) -> Json:
    """A project in short."""
    project = state.projects[key]
    return {
        "self": f"{state.base_url}/rest/api/2/project/{project.id}",
        "id": project.id,
        "key": key,
        "name": project.name,
    }


def type_json(name: str) -> Json:
    """An issue type."""
    return {"id": str(ISSUE_TYPES.index(name) + 1), "name": name, "subtask": False}


def sprint_json(sprint: Sprint) -> Json:
    """A sprint as the agile API and the sprint field have it."""
    return {
        "id": sprint.id,
        "name": sprint.name,
        "state": sprint.state,
        "boardId": sprint.board,
        "originBoardId": sprint.board,
        "goal": "",
    }


def remote_link_json(state: JiraState, issue: JiraIssue, link: RemoteLink) -> Json:
    """A link to a page elsewhere."""
    made: Json = {
        "id": link.id,
        "self": f"{state.base_url}/rest/api/2/issue/{issue.key}/remotelink/{link.id}",
        "application": {},
        "object": {"url": link.url, "title": link.title, "icon": {}, "status": {"icon": {}}},
    }
    if link.global_id:
        made["globalId"] = link.global_id
    if link.relationship:
        made["relationship"] = link.relationship
    return made


def fields_json(state: JiraState, issue: JiraIssue, version: int, *, comments: bool = True) -> Json:
    """All fields of an issue."""
    made: Json = {
        "summary": issue.summary,
        "description": (to_adf(issue.description) if version == 3 else issue.description)
        if issue.description
        else None,
        "issuetype": type_json(issue.type),
        "project": project_json(state, issue.project),
        "status": status_json(state, issue.project, issue.status),
        "priority": priority_json(state, issue.priority),
        "resolution": {"name": issue.resolution} if issue.resolution else None,
        "assignee": user_json(state, issue.assignee),
        "reporter": user_json(state, issue.reporter or state.bot),
        "creator": user_json(state, issue.reporter or state.bot),
        "labels": list(issue.labels),
        "components": [{"id": str(n), "name": name} for n, name in enumerate(issue.components, 1)],
        "fixVersions": [
            {"id": str(n), "name": name} for n, name in enumerate(issue.fix_versions, 1)
        ],
        "issuelinks": _links(state, issue),
        "created": time_text(issue.created),
        "updated": time_text(issue.updated),
        "security": {"name": issue.security} if issue.security else None,
        **{name: _custom(state, value) for name, value in issue.custom.items()},
    }
    if comments:
        rows = [comment_json(state, issue, comment, version) for comment in issue.comments]
        made["comment"] = {
            "comments": rows,
            "maxResults": len(rows),
            "total": len(rows),
            "startAt": 0,
        }
    sprint = state.sprints.get(issue.sprint) if issue.sprint else None
    if state.cloud:
        made[SPRINT_CLOUD] = [sprint_json(sprint)] if sprint else None
    else:
        made[SPRINT_DC] = [_sprint_bean(sprint)] if sprint else None
    return made


def issue_json(
    state: JiraState,
    issue: JiraIssue,
    version: int,
    *,
    fields: Iterable[str] | None = None,
    expand: str = "",
    properties: Iterable[str] = (),
) -> Json:
    """An issue with the fields asked for (None: all that a GET gives)."""
    made: Json = {
        "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
        "id": issue.id,
        "self": f"{state.base_url}/rest/api/{version}/issue/{issue.id}",
        "key": issue.key,
    }
    wanted = None if fields is None else set(fields)
    everything = wanted is None or wanted & {"*all", "*navigable"}
    if everything or (wanted and wanted != {"id"}):
        made["fields"] = {
            name: value
            for name, value in fields_json(state, issue, version).items()
            if everything or name in (wanted or ())
        }
    if "renderedFields" in expand:
        made["renderedFields"] = _rendered(issue)
    names = list(properties)
    if names:
        made["properties"] = {n: issue.properties[n] for n in names if n in issue.properties}
    return made


def _rendered(issue: JiraIssue) -> Json:
    cases = issue.custom.get(CASES_FIELD)
    return {
        "description": f"<p>{issue.description}</p>" if issue.description else "",
        CASES_FIELD: str(cases) if cases is not None else None,
    }


def _custom(state: JiraState, value: Any) -> Any:
    if isinstance(value, JiraUser):
        return user_json(state, value)
    if isinstance(value, list | tuple):
        return [_custom(state, item) for item in value]
    return value


def _links(state: JiraState, issue: JiraIssue) -> list[Json]:
    return [_link(state, issue, link) for link in state.links.values() if issue.key in _ends(link)]


def _ends(link: IssueLink) -> tuple[str, str]:
    return link.source, link.target


def _link(state: JiraState, issue: JiraIssue, link: IssueLink) -> Json:
    outward = link.source == issue.key
    other = state.issues.get(link.target if outward else link.source)
    kind = {"id": "10003", "name": link.type, "inward": "relates to", "outward": "relates to"}
    side = "outwardIssue" if outward else "inwardIssue"
    return {
        "id": link.id,
        "type": kind,
        side: {"id": other.id, "key": other.key} if other else None,
    }


def _sprint_bean(sprint: Sprint) -> str:
    return (
        f"com.atlassian.greenhopper.service.sprint.Sprint@1f[id={sprint.id},rapidViewId="
        f"{sprint.board},state={sprint.state.upper()},name={sprint.name},goal=]"
    )
