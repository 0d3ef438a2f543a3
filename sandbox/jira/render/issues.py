"""An issue as JSON: only the fields asked for, in REST v2 or v3 form, and its changelog. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any, Final

from sandbox.jira.fields import Field
from sandbox.jira.markup import to_document, to_html
from sandbox.jira.model import History, Item, JiraIssue, JiraUser, Sprint
from sandbox.jira.render.parts import (
    Json,
    comment_json,
    link_json,
    members_json,
    priority_json,
    project_json,
    resolution_json,
    sprint_json,
    status_json,
    time_text,
    transition_json,
    type_json,
    user_json,
)
from sandbox.jira.state import JiraState
from sandbox.jira.workflow import transitions

EXPANDS: Final = (
    "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"
)
#: What `*navigable` leaves out.
NOT_NAVIGABLE: Final = frozenset({"comment"})
SUPPORT_CASE: Final = "https://access.redhat.com/support/cases/#/case/"
_NUMBER: Final = re.compile(r"(?<![\w/#=.-])(\d{8})(?!\w)")

Maker = Callable[[JiraState, JiraIssue, int], Any]


def fields_json(
    state: JiraState,
    issue: JiraIssue,
    version: int,
    asked: Iterable[str],
    *,
    comments: int | None = None,
) -> Json:
    """The fields asked for: ids, `*all`, `*navigable`, and what to leave out with a minus."""
    names = list(asked)
    gone = {name[1:] for name in names if name.startswith("-")}
    if "*all" in names or len(gone) == len(names):
        wanted: Iterable[str] = state.fields
    elif "*navigable" in names:
        wanted = [one for one in state.fields if one not in NOT_NAVIGABLE or one in names]
    else:
        wanted = [_id_of(state, name) for name in names]
    made = {
        name: _value(state, issue, version, state.fields[name])
        for name in wanted
        if name in state.fields and name not in gone
    }
    if comments is not None and "comment" in made:
        page = made["comment"]
        page["comments"], page["maxResults"] = page["comments"][:comments], comments
    return made


def issue_json(
    state: JiraState,
    issue: JiraIssue,
    version: int,
    *,
    fields: Iterable[str] = ("*all",),
    expand: str = "",
    properties: Iterable[str] = (),
    comments: int | None = None,
) -> Json:
    """An issue with the fields asked for; with `id` alone it is no more than that.

    `comments`: at most so many of them.
    """
    asked = list(fields)
    if asked == ["id"]:
        return {"id": issue.id}
    made: Json = {
        "expand": EXPANDS,
        "id": issue.id,
        "self": f"{state.base_url}/rest/api/{version}/issue/{issue.id}",
        "key": issue.key,
    }
    if set(asked) - {"id", "key"}:
        made["fields"] = fields_json(state, issue, version, asked, comments=comments)
    names = list(properties)
    if names:
        made["properties"] = {
            name: value
            for name, value in issue.properties.items()
            if name in names or "*all" in names
        }
    return made | _expanded(state, issue, version, made.get("fields", {}), expand)


def changelog_json(state: JiraState, entries: Iterable[History], version: int) -> list[Json]:
    """Changelog entries."""
    return [history_json(state, entry, version) for entry in entries]


def history_json(state: JiraState, entry: History, version: int) -> Json:
    """One entry of a changelog."""
    return {
        "id": entry.id,
        "author": user_json(state, entry.author, version),
        "created": time_text(entry.at),
        "items": [item_json(item, cloud=state.cloud) for item in entry.items],
    }


def item_json(item: Item, *, cloud: bool) -> Json:
    """One line of a changelog, as histories and webhooks have it; `fieldId` only on Cloud."""
    made: Json = {
        "field": item.field,
        "fieldtype": "custom" if item.field_id.startswith("customfield_") else "jira",
    }
    if cloud and item.field_id:
        made["fieldId"] = item.field_id
    made |= {
        "from": item.was,
        "fromString": item.was_text,
        "to": item.now,
        "toString": item.now_text,
    }
    if cloud and item.person:
        made |= {"tmpFromAccountId": item.was, "tmpToAccountId": item.now}
    return made


def _id_of(state: JiraState, name: str) -> str:
    """A field may be asked for by id or by name."""
    if name in state.fields:
        return name
    folded = name.casefold()
    return next((one.id for one in state.fields.values() if one.name.casefold() == folded), name)


def _expanded(state: JiraState, issue: JiraIssue, version: int, fields: Json, expand: str) -> Json:
    asked = {name.strip() for name in expand.split(",")}
    made: Json = {}
    if "renderedFields" in asked:
        made["renderedFields"] = {
            name: _rendered(state, issue, state.fields[name]) for name in fields
        }
    if "names" in asked:
        made["names"] = {name: state.fields[name].name for name in fields}
    if "changelog" in asked:
        newest = list(reversed(issue.history))
        made["changelog"] = {
            "startAt": 0,
            "maxResults": len(newest),
            "total": len(newest),
            "histories": changelog_json(state, newest, version),
        }
    if "transitions" in asked:
        ways = transitions(state.projects[issue.project], issue.status)
        made["transitions"] = [transition_json(state, way) for way in ways]
    return made


def _value(state: JiraState, issue: JiraIssue, version: int, field: Field) -> Any:
    maker = _SYSTEM.get(field.id)
    if maker is not None:
        return maker(state, issue, version)
    if field.kind == "sprint":
        return _sprints(state, issue) or None
    return _custom(state, field, issue.custom.get(field.id), version)


def _custom(state: JiraState, field: Field, value: Any, version: int) -> Any:
    if value is None or field.kind == "raw":
        return value
    match field.kind:
        case "user":
            return _account(state, value, version)
        case "users":
            return [_account(state, one, version) for one in value]
        case "option":
            return _option(state, value)
        case "options":
            return [_option(state, word) for word in value]
        case "text":
            return to_document(value) if version == 3 else value
        case _:
            return value


def _account(state: JiraState, value: Any, version: int) -> Any:
    return user_json(state, value, version) if isinstance(value, JiraUser) else value


def _option(state: JiraState, word: Any) -> Any:
    if not isinstance(word, str):
        return word
    number = str(20_000 + sum(word.encode()) % 10_000)
    address = f"{state.base_url}/rest/api/2/customFieldOption/{number}"
    return {"self": address, "value": word, "id": number}


def _sprints(state: JiraState, issue: JiraIssue) -> list[Any]:
    sprints = state.sprints_of(issue)
    if state.cloud:
        return [
            {**sprint_json(state, one), "boardId": one.board, "goal": one.goal} for one in sprints
        ]
    return [_bean(sprint) for sprint in sprints]


def _bean(sprint: Sprint) -> str:
    """A sprint as Data Center has it in issues: what Java prints."""
    start, end, done = (
        time_text(at) if at else "<null>" for at in (sprint.start, sprint.end, sprint.completed)
    )
    return (
        f"com.atlassian.greenhopper.service.sprint.Sprint@1f[id={sprint.id},rapidViewId="
        f"{sprint.board},state={sprint.state.upper()},name={sprint.name},startDate={start},"
        f"endDate={end},completeDate={done},activatedDate={start},sequence={sprint.id},"
        f"goal={sprint.goal}]"
    )


def _text(text: str, version: int) -> Any:
    if not text:
        return None
    return to_document(text) if version == 3 else text


def _comments(state: JiraState, issue: JiraIssue, version: int) -> Json:
    rows = [comment_json(state, issue, comment, version) for comment in issue.comments]
    address = f"{state.base_url}/rest/api/{version}/issue/{issue.id}/comment"
    total = len(rows)
    return {
        "comments": rows, "self": address, "maxResults": total, "total": total, "startAt": 0,
    }  # fmt: skip


def _links(state: JiraState, issue: JiraIssue) -> list[Json]:
    """The links of an issue, but for those to issues that the bot must not see."""
    known = state.index.by_id
    return [
        link_json(state, link, issue)
        for link in state.links_of(issue)
        if all(known[end].security is None or end == issue.id for end in (link.source, link.target))
    ]


def _watches(state: JiraState, issue: JiraIssue, version: int) -> Json:
    return {
        "self": f"{state.base_url}/rest/api/{version}/issue/{issue.key}/watchers",
        "watchCount": len(issue.watchers),
        "isWatching": state.bot.account_id in issue.watchers,
    }


def _security(state: JiraState, issue: JiraIssue, version: int) -> Json | None:
    if issue.security is None:
        return None
    address = f"{state.base_url}/rest/api/{version}/securitylevel/10000"
    return {"self": address, "id": "10000", "name": issue.security, "description": ""}


_SYSTEM: Final[Mapping[str, Maker]] = {
    "summary": lambda s, i, v: i.summary,
    "description": lambda s, i, v: _text(i.description, v),
    "issuetype": lambda s, i, v: type_json(s, i.type),
    "project": lambda s, i, v: project_json(s, i.project, v),
    "status": lambda s, i, v: status_json(s, i.status),
    "priority": lambda s, i, v: priority_json(s, i.priority),
    "resolution": lambda s, i, v: resolution_json(s, i.resolution),
    "resolutiondate": lambda s, i, v: time_text(i.resolved) if i.resolved else None,
    "assignee": lambda s, i, v: user_json(s, i.assignee, v),
    "reporter": lambda s, i, v: user_json(s, i.reporter, v),
    "creator": lambda s, i, v: user_json(s, i.reporter, v),
    "labels": lambda s, i, v: list(i.labels),
    "components": lambda s, i, v: members_json(s, s.projects[i.project], "component", i.components),
    "fixVersions": lambda s, i, v: members_json(
        s, s.projects[i.project], "version", i.fix_versions
    ),
    "created": lambda s, i, v: time_text(i.created),
    "updated": lambda s, i, v: time_text(i.updated),
    "security": _security,
    "issuelinks": lambda s, i, v: _links(s, i),
    "comment": _comments,
    "watches": _watches,
}


def _rendered(state: JiraState, issue: JiraIssue, field: Field) -> Any:
    """The HTML of a field: of texts, times, comments and linked cases; null where there is none."""
    if field.id == "description":
        return to_html(issue.description)
    if field.id in ("created", "updated"):
        return f"{getattr(issue, field.id):%d/%b/%y %I:%M %p}"
    if field.id == "comment":
        rows = [{"id": c.id, "body": to_html(c.body)} for c in issue.comments]
        return {"comments": rows, "maxResults": len(rows), "total": len(rows), "startAt": 0}
    value = issue.custom.get(field.id)
    if value is None:
        return None
    if field.kind == "raw":
        return _linked(value)
    return to_html(str(value)) if field.kind == "text" else None


def _linked(value: Any) -> str:
    """Cases as links, whatever the field holds: numbers, links, or lists of them."""
    if isinstance(value, list | tuple):
        return ", ".join(_linked(item) for item in value)
    text = f"{value:08d}" if isinstance(value, int) else str(value)
    if text.startswith(("https://", "http://")):
        return f'<a href="{escape(text)}" target="_blank">{escape(text)}</a>'
    return _NUMBER.sub(
        lambda found: f'<a href="{SUPPORT_CASE}{found[1]}" target="_blank">{found[1]}</a>',
        escape(text),
    )
