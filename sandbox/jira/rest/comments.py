"""The comments of an issue: wiki text in v2, documents in v3."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.jira.model import JiraComment, JiraIssue, Refusal
from sandbox.jira.render import comment_json
from sandbox.jira.rest.call import Answer, Call, Router, created, done, ok
from sandbox.jira.rest.reading import read_text

router = Router()

CLOUD_PAGE: Final = 100
MOST: Final = 5_000
ORDERS: Final = ("created", "+created", "-created")


@router.get("issue/{key}/comment")
def comments(call: Call) -> Answer:
    """A page of comments; Data Center gives all unless asked otherwise."""
    issue = call.issue()
    rows = list(issue.comments)
    order = call.query.get("orderBy", "created")
    if order not in ORDERS:
        raise Refusal(400, f"The value '{order}' of 'orderBy' is none of {', '.join(ORDERS)}.")
    if order == "-created":
        rows.reverse()
    start = call.number("startAt", 0)
    size = call.number("maxResults", CLOUD_PAGE if call.state.cloud else MOST, most=MOST)
    page = [_shown(call, issue, one) for one in rows[start : start + size]]
    return ok({"startAt": start, "maxResults": size, "total": len(rows), "comments": page})


@router.get("issue/{key}/comment/{id}")
def comment(call: Call) -> Answer:
    """One comment."""
    issue = call.issue()
    return ok(_shown(call, issue, call.state.comment(issue.key, call.path["id"])))


@router.post("issue/{key}/comment")
def add(call: Call) -> Answer:
    """Comment on an issue, perhaps for a role only, or not for customers."""
    issue, who = call.issue(), call.writer()
    made = call.state.add_comment(
        issue.key, who, _body(call), visibility=_visibility(call), public=not _internal(call)
    )
    return created(_shown(call, issue, made))


@router.put("issue/{key}/comment/{id}")
def edit(call: Call) -> Answer:
    """Change the text of a comment."""
    issue, who = call.issue(), call.writer()
    made = call.state.edit_comment(issue.key, call.path["id"], _body(call), who)
    return ok(_shown(call, issue, made))


@router.delete("issue/{key}/comment/{id}")
def delete(call: Call) -> Answer:
    """Delete a comment."""
    issue, who = call.issue(), call.writer()
    call.state.delete_comment(issue.key, call.path["id"], who)
    return done()


def _shown(call: Call, issue: JiraIssue, one: JiraComment) -> dict[str, Any]:
    html = "renderedBody" in call.query.get("expand", "")
    return comment_json(call.state, issue, one, call.version, html=html)


def _body(call: Call) -> str:
    body = read_text(call.asked.get("body"), call.version, "comment")
    if not body.strip():
        raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
    return body


def _visibility(call: Call) -> str | None:
    given = call.asked.get("visibility")
    if given is None:
        return None
    if not isinstance(given, Mapping) or given.get("type") not in ("role", "group"):
        raise Refusal(400, errors={"commentLevel": "Visibility needs a type and a value."})
    return str(given.get("value") or given.get("identifier") or "")


def _internal(call: Call) -> bool:
    return any(
        isinstance(one, Mapping)
        and one.get("key") == "sd.public.comment"
        and isinstance(one.get("value"), Mapping)
        and bool(one["value"].get("internal"))
        for one in call.asked.get("properties") or ()
    )
