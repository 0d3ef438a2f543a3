"""Events in the bodies that Cloud and Data Center send: pure, an event in, bodies out."""

from typing import Any

from sandbox.jira.render import comment_json, fields_json, issue_json, sprint_json, user_json
from sandbox.jira.state import Event, Item, JiraState

Json = dict[str, Any]
COMMENT_TYPES = {
    "comment_created": "issue_commented",
    "comment_updated": "issue_comment_edited",
    "comment_deleted": "issue_comment_deleted",
}


def bodies(state: JiraState, event: Event) -> list[Json]:
    """Return the body or bodies (a comment on Data Center is two) of an event."""
    base: Json = {"timestamp": int(event.at.timestamp() * 1000), "webhookEvent": event.kind}
    if event.comment is not None:
        return _comment_bodies(state, event, base)
    if event.link is not None:
        return [base | {"issueLink": _link(state, event)}]
    if event.sprint is not None:
        return [base | {"sprint": sprint_json(event.sprint)}]
    body = base | {"user": user_json(state, event.user), "issue": _issue(state, event)}
    if event.kind != "jira:issue_deleted":
        body["issue_event_type_name"] = _type_name(event)
    if event.kind == "jira:issue_updated":
        items = [_item(item) for item in event.items]
        body["changelog"] = {"id": str(base["timestamp"]), "items": items}
    return [body]


def _comment_bodies(state: JiraState, event: Event, base: Json) -> list[Json]:
    assert event.comment is not None
    assert event.issue is not None
    comment = comment_json(state, event.issue, event.comment, 2)
    if state.cloud:
        short = issue_json(
            state,
            event.issue,
            2,
            fields=["summary", "issuetype", "project", "assignee", "priority", "status"],
        )
        return [base | {"comment": comment, "issue": short}]
    second = base | {
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": COMMENT_TYPES[event.kind],
        "user": user_json(state, event.user),
        "issue": _issue(state, event),
    }
    if event.kind != "comment_deleted":
        second["comment"] = comment
    return [base | {"comment": comment}, second]


def _issue(state: JiraState, event: Event) -> Json:
    assert event.issue is not None
    issue = event.issue
    fields = fields_json(state, issue, 2, comments=not state.cloud)
    return {
        "id": issue.id,
        "self": f"{state.base_url}/rest/api/2/{issue.id}",
        "key": issue.key,
        "fields": fields,
    }


def _link(state: JiraState, event: Event) -> Json:
    assert event.link is not None
    link = event.link
    ids = {key: issue.id for key, issue in state.issues.items()}
    return {
        "id": int(link.id),
        "sourceIssueId": int(ids.get(link.source, "0")),
        "destinationIssueId": int(ids.get(link.target, "0")),
        "issueLinkType": {
            "id": 10003,
            "name": link.type,
            "outwardName": "relates to",
            "inwardName": "relates to",
            "isSubTaskLinkType": False,
            "isSystemLinkType": False,
        },
        "systemLink": False,
    }


def _type_name(event: Event) -> str:
    if event.kind == "jira:issue_created":
        return "issue_created"
    fields = {item.field for item in event.items}
    if "Key" in fields:
        return "issue_moved"
    if "status" in fields:
        return "issue_generic"
    return "issue_assigned" if fields == {"assignee"} else "issue_updated"


def _item(item: Item) -> Json:
    row: Json = {
        "field": item.field,
        "fieldtype": "custom" if item.field_id.startswith("customfield_") else "jira",
        "from": item.was,
        "fromString": item.was_text,
        "to": item.now,
        "toString": item.now_text,
    }
    if item.field_id:
        row["fieldId"] = item.field_id
    return row
