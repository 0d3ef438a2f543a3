"""Events in the bodies that Cloud and Data Center send: an event in, bodies out. Pure.

Issues are always in the form of REST v2. Properties and remote links send nothing.
"""

from typing import Any, Final

from sandbox.jira.model import LINK_TYPES, Event
from sandbox.jira.render import (
    avatars,
    comment_json,
    fields_json,
    item_json,
    members_json,
    sprint_json,
    user_json,
)
from sandbox.jira.state import JiraState

Json = dict[str, Any]

COMMENT_TYPES: Final = {
    "comment_created": "issue_commented",
    "comment_updated": "issue_comment_edited",
    "comment_deleted": "issue_comment_deleted",
}
#: What Data Center calls a change of status, by the status it leads to.
STATUS_TYPES: Final = {
    "In Progress": "issue_work_started",
    "Resolved": "issue_resolved",
    "Closed": "issue_closed",
}
SHORT: Final = ("summary", "issuetype", "project", "assignee", "priority", "status")


def bodies(state: JiraState, event: Event) -> list[Json]:
    """Return the body or bodies (a comment on Data Center is two) of an event."""
    base: Json = {"timestamp": int(event.at.timestamp() * 1000), "webhookEvent": event.kind}
    if event.comment is not None:
        return _comment_bodies(state, event, base)
    if event.link is not None:
        return [base | {"issueLink": _link(event)}]
    if event.sprint is not None:
        return [base | _sprint(state, event)]
    if event.person is not None:
        return [base | {"user": user_json(state, event.person)}]
    if event.project is not None:
        return [base | (_version(state, event) if event.version else _project(state, event))]
    if event.kind == "jira:issue_deleted":
        return [base | _who_and_what(state, event, with_comments=True)]
    body = base | {"issue_event_type_name": _type_name(event, cloud=state.cloud)}
    body |= _who_and_what(state, event, with_comments=not state.cloud)
    if event.kind == "jira:issue_updated" or state.cloud:
        items = [item_json(item, cloud=state.cloud) for item in event.items]
        body["changelog"] = {"id": event.history, "items": items}
    return [body]


def _comment_bodies(state: JiraState, event: Event, base: Json) -> list[Json]:
    """Cloud: with the issue in short, and nobody. Data Center: no issue, then all of it."""
    issue, comment = event.issue, event.comment
    assert issue is not None, "a comment has an issue"
    assert comment is not None, "asked for the bodies of a comment"
    told = comment_json(state, issue, comment, 2)
    if state.cloud:
        short = _head(state, event) | {"fields": fields_json(state, issue, 2, SHORT)}
        return [base | {"comment": told, "issue": short}]
    first = base if event.kind == "comment_created" else base | _user(state, event)
    second = base | {
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": COMMENT_TYPES[event.kind],
        **_who_and_what(state, event, with_comments=True),
    }
    if event.kind != "comment_deleted":
        second["comment"] = told
    return [first | {"comment": told}, second]


def _who_and_what(state: JiraState, event: Event, *, with_comments: bool) -> Json:
    assert event.issue is not None, "this event is about an issue"
    asked = ["*all"] if with_comments else ["*all", "-comment"]
    fields = fields_json(state, event.issue, 2, asked)
    return _user(state, event) | {"issue": _head(state, event) | {"fields": fields}}


def _user(state: JiraState, event: Event) -> Json:
    return {"user": user_json(state, event.user)}


def _head(state: JiraState, event: Event) -> Json:
    """Who the issue is; Cloud leaves the word `issue` out of its address."""
    assert event.issue is not None, "this event is about an issue"
    path = "rest/api/2" if state.cloud else "rest/api/2/issue"
    return {
        "id": event.issue.id,
        "self": f"{state.base_url}/{path}/{event.issue.id}",
        "key": event.issue.key,
    }


def _link(event: Event) -> Json:
    """Numeric ids, no keys, nobody."""
    link = event.link
    assert link is not None, "asked for the body of a link"
    kind = next(one for one in LINK_TYPES if one.name == link.type)
    return {
        "id": int(link.id),
        "sourceIssueId": int(link.source),
        "destinationIssueId": int(link.target),
        "issueLinkType": {
            "id": int(kind.id),
            "name": kind.name,
            "outwardName": kind.outward,
            "inwardName": kind.inward,
            "isSubTaskLinkType": False,
            "isSystemLinkType": False,
        },
        "systemLink": False,
    }


def _sprint(state: JiraState, event: Event) -> Json:
    """The sprint, and on a change what it was; no list of its issues."""
    assert event.sprint is not None, "asked for the body of a sprint"
    body: Json = {"sprint": sprint_json(state, event.sprint)}
    if event.sprint_before is not None:
        body["oldValue"] = sprint_json(state, event.sprint_before)
    return body


def _version(state: JiraState, event: Event) -> Json:
    """The version as it is now; not what it was called before."""
    home = event.project
    assert home is not None, "a version has a project"
    (version,) = members_json(state, home, "version", [event.version])
    return {
        "version": {
            **version,
            "description": "",
            "archived": False,
            "released": event.kind == "jira:version_released",
            "overdue": False,
            "projectId": int(home.id),
        }
    }


def _project(state: JiraState, event: Event) -> Json:
    """The project as it is now, with a numeric id; not what its key was before."""
    assert event.project is not None, "asked for the body of a project"
    address = f"{state.base_url}/rest/api/2/project/{event.project.id}"
    return {
        "project": {
            "self": address,
            "id": int(event.project.id),
            "key": event.project.key,
            "name": event.project.name,
            "avatarUrls": avatars(state, "project"),
            "projectLead": user_json(state, state.bot),
            "assigneeType": "admin.assignee.type.unassigned",
        }
    }


def _type_name(event: Event, *, cloud: bool) -> str:
    if event.kind == "jira:issue_created":
        return "issue_created"
    fields = {item.field for item in event.items}
    if "Key" in fields:
        return "issue_moved"
    if "status" in fields:
        return "issue_generic" if cloud else _status_type(event)
    return "issue_assigned" if fields == {"assignee"} else "issue_updated"


def _status_type(event: Event) -> str:
    after = next(item.now_text for item in event.items if item.field == "status")
    reopened = any(item.field == "resolution" and item.now is None for item in event.items)
    return "issue_reopened" if reopened else STATUS_TYPES.get(str(after), "issue_generic")
