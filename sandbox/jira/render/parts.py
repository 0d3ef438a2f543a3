"""The pieces of issues, lists and webhooks: people, statuses, comments, links. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sandbox.jira.directory import Directory
from sandbox.jira.markup import to_document, to_html
from sandbox.jira.model import (
    ISSUE_TYPES,
    LINK_TYPES,
    PRIORITIES,
    RESOLUTIONS,
    Board,
    IssueLink,
    JiraComment,
    JiraIssue,
    JiraProject,
    JiraUser,
    LinkType,
    RemoteLink,
    Sprint,
    Transition,
)
from sandbox.jira.state import JiraState
from sandbox.jira.workflow import category

Json = dict[str, Any]

AVATAR_SIZES: Final = ("48x48", "24x24", "16x16", "32x32")


def time_text(moment: datetime) -> str:
    """A time as JIRA writes it: milliseconds, and an offset without a colon."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def avatars(state: Directory, kind: str) -> Json:
    """Addresses of pictures."""
    address = f"{state.base_url}/secure/{kind}avatar"
    return {size: f"{address}?size={size}" for size in AVATAR_SIZES}


def user_json(
    state: Directory, user: JiraUser | None, version: int = 2, *, email: bool = False
) -> Json | None:
    """A person: accountId and no e-mail on Cloud (unless `email`, or they show it); name and key on
    Data Center.
    """
    if user is None:
        return None
    address = f"{state.base_url}/rest/api/{version}/user"
    shared: Json = {
        "avatarUrls": avatars(state, "user"),
        "displayName": user.name,
        "active": user.active,
        "timeZone": "Etc/UTC",
    }
    if not state.cloud:
        return {
            "self": f"{address}?username={user.username}",
            "name": user.username,
            "key": user.username,
            "emailAddress": user.email,
            **shared,
        }
    made = {
        "self": f"{address}?accountId={user.account_id}",
        "accountId": user.account_id,
        **shared,
        "accountType": user.kind,
    }
    return made | {"emailAddress": user.email} if email or user.shown else made


def comment_json(
    state: Directory, issue: JiraIssue, comment: JiraComment, version: int, *, html: bool = False
) -> Json:
    """A comment; `html`: with its rendered body."""
    made: Json = {
        "self": f"{state.base_url}/rest/api/{version}/issue/{issue.id}/comment/{comment.id}",
        "id": comment.id,
        "author": user_json(state, comment.author, version),
        "body": to_document(comment.body) if version == 3 else comment.body,
        "updateAuthor": user_json(state, comment.editor or comment.author, version),
        "created": time_text(comment.created),
        "updated": time_text(comment.updated),
    }
    if comment.visibility:
        made["visibility"] = {"type": "role", "value": comment.visibility}
    if state.cloud:
        made["jsdPublic"] = comment.public
    if html:
        made["renderedBody"] = to_html(comment.body)
    return made


def status_json(state: Directory, name: str) -> Json:
    """A status with its category."""
    number = state.statuses[name]
    group = category(name)
    address = f"{state.base_url}/rest/api/2/statuscategory/{group['id']}"
    return {
        "self": f"{state.base_url}/rest/api/2/status/{number}",
        "description": "",
        "iconUrl": f"{state.base_url}/",
        "name": name,
        "id": number,
        "statusCategory": {"self": address, **group},
    }


def transition_json(state: Directory, way: Transition) -> Json:
    """A way out of a status."""
    return {
        "id": way.id,
        "name": way.name,
        "to": status_json(state, way.to),
        "hasScreen": False,
        "isGlobal": True,
        "isInitial": False,
        "isAvailable": True,
        "isConditional": False,
        "looped": False,
    }


def priority_json(state: Directory, name: str) -> Json:
    """A priority."""
    number = str(PRIORITIES.index(name) + 1)
    return {
        "self": f"{state.base_url}/rest/api/2/priority/{number}",
        "iconUrl": f"{state.base_url}/images/icons/priorities/{name.lower()}.svg",
        "name": name,
        "id": number,
    }


def resolution_json(state: Directory, name: str | None) -> Json | None:
    """How something was resolved."""
    if name is None:
        return None
    number = str(RESOLUTIONS.index(name) + 1) if name in RESOLUTIONS else "99"
    address = f"{state.base_url}/rest/api/2/resolution/{number}"
    return {"self": address, "id": number, "description": "", "name": name}


def project_json(state: Directory, key: str, version: int = 2) -> Json:
    """A project in short."""
    project = state.projects[key]
    return {
        "self": f"{state.base_url}/rest/api/{version}/project/{project.id}",
        "id": project.id,
        "key": key,
        "name": project.name,
        "projectTypeKey": "software",
        "simplified": False,
        "avatarUrls": avatars(state, "project"),
    }


def members_json(
    state: Directory, home: JiraProject, kind: str, names: Iterable[str], version: int = 2
) -> list[Json]:
    """Components or versions of a project."""
    base = f"{state.base_url}/rest/api/{version}/{kind}"
    return [
        {"self": f"{base}/{number}", "id": number, "name": name}
        for name in names
        for number in [home.member_id(name)]
    ]


def type_json(state: Directory, name: str) -> Json:
    """An issue type."""
    number = str(ISSUE_TYPES.index(name) + 1)
    return {
        "self": f"{state.base_url}/rest/api/2/issuetype/{number}",
        "id": number,
        "description": "",
        "iconUrl": f"{state.base_url}/images/icons/issuetypes/{name.lower()}.svg",
        "name": name,
        "subtask": name == "Sub-task",
        "avatarId": 10_300 + int(number),
    }


def board_json(state: Directory, board: Board) -> Json:
    """A board as the agile API has it."""
    project = state.projects.get(board.project)
    location: Json = {"projectKey": board.project, "displayName": board.project}
    if project is not None:
        location |= {"projectId": int(project.id), "projectName": project.name}
    return {
        "id": board.id,
        "self": f"{state.base_url}/rest/agile/1.0/board/{board.id}",
        "name": board.name,
        "type": board.kind,
        "location": location,
    }


def sprint_json(state: Directory, sprint: Sprint) -> Json:
    """A sprint as the agile API and webhooks have it."""
    made: Json = {
        "id": sprint.id,
        "self": f"{state.base_url}/rest/agile/1.0/sprint/{sprint.id}",
        "state": sprint.state,
        "name": sprint.name,
        "originBoardId": sprint.board,
        "goal": sprint.goal,
    }
    times = {"startDate": sprint.start, "endDate": sprint.end, "completeDate": sprint.completed}
    return made | {name: time_text(at) for name, at in times.items() if at}


def remote_link_json(state: Directory, issue: JiraIssue, link: RemoteLink, version: int) -> Json:
    """A link to a page elsewhere."""
    address = f"{state.base_url}/rest/api/{version}/issue/{issue.key}/remotelink/{link.id}"
    target: Json = {
        "url": link.url, "title": link.title, "icon": {}, "status": {"resolved": False, "icon": {}},
    }  # fmt: skip
    if link.summary:
        target["summary"] = link.summary
    made: Json = {"id": link.id, "self": address, "application": {}, "object": target}
    if link.global_id:
        made["globalId"] = link.global_id
    if link.relationship:
        made["relationship"] = link.relationship
    return made


def link_type_json(state: Directory, kind: LinkType) -> Json:
    """How two issues may be linked."""
    return {
        "self": f"{state.base_url}/rest/api/2/issueLinkType/{kind.id}",
        "id": kind.id,
        "name": kind.name,
        "inward": kind.inward,
        "outward": kind.outward,
    }


def link_json(state: JiraState, link: IssueLink, seen_from: JiraIssue | None = None) -> Json:
    """A link between two issues; with only the far end if `seen_from` one of them."""
    kind = next(one for one in LINK_TYPES if one.name == link.type)
    made: Json = {
        "self": f"{state.base_url}/rest/api/2/issueLink/{link.id}",
        "id": link.id,
        "type": link_type_json(state, kind),
    }
    if seen_from is None or seen_from.id != link.source:
        made["inwardIssue"] = _end(state, link.source)
    if seen_from is None or seen_from.id == link.source:
        made["outwardIssue"] = _end(state, link.target)
    return made


def _end(state: JiraState, issue_id: str) -> Json:
    issue = state.index.by_id[issue_id]
    return {
        "id": issue.id,
        "key": issue.key,
        "self": f"{state.base_url}/rest/api/2/issue/{issue.id}",
        "fields": {
            "summary": issue.summary,
            "status": status_json(state, issue.status),
            "priority": priority_json(state, issue.priority),
            "issuetype": type_json(state, issue.type),
        },
    }
