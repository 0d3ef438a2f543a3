"""Searches: Cloud's pages by token, Data Center's by offset, and what Cloud has removed."""

from typing import Any, Final

from sandbox.jira.jql import Cursor, Found
from sandbox.jira.model import JiraIssue, Refusal
from sandbox.jira.render import issue_json
from sandbox.jira.rest.call import Answer, Call, Router, csv, ok

router = Router()

PAGE: Final = 50
MOST: Final = 100
MOST_BARE: Final = 5_000
MOST_DC: Final = 1_000
MOST_PROPERTIES: Final = 5
MOST_RECONCILED: Final = 50
GONE: Final = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available in the changelog, CHANGE-2046."
)


@router.get("search/jql", only="cloud")
@router.post("search/jql", only="cloud")
def search_jql(call: Call) -> Answer:
    """A page of a search on Cloud; only ids unless fields are asked for. There is no total."""
    asked = call.parameters
    jql = str(asked.get("jql") or "")
    fields = csv(asked.get("fields")) or ["id"]
    _check(asked)
    found = call.search.find(jql, call.actor, reconcile=csv(asked.get("reconcileIssues")))
    token = asked.get("nextPageToken")
    rest = found.after(Cursor.of(str(token), jql, call.state.now())) if token else found.issues
    page = rest[: _size(call, fields)]
    body: dict[str, Any] = {"issues": [_row(call, asked, one, fields) for one in page]}
    return ok(body | _next(found, rest, page))


@router.post("search/approximate-count", only="cloud")
def approximate_count(call: Call) -> Answer:
    """How many issues a query finds."""
    found = call.search.find(str(call.asked.get("jql") or ""), call.actor)
    return ok({"count": len(found.issues)})


@router.get("search", only="cloud")
@router.post("search", only="cloud")
def search_removed(call: Call) -> Answer:
    """The search that Cloud had until 2025."""
    raise Refusal(410, GONE)


@router.get("search", only="dc")
@router.post("search", only="dc")
def search(call: Call) -> Answer:
    """A page of a search on Data Center, by offset."""
    asked = call.parameters
    fields = csv(asked.get("fields")) or ["*navigable"]
    found = call.search.find(str(asked.get("jql") or ""), call.actor, bounded=False).issues
    start = call.number("startAt", 0)
    size = call.number("maxResults", PAGE, most=MOST_DC)
    rows = [_row(call, asked, one, fields) for one in found[start : start + size]]
    return ok({
        "expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found),
        "issues": rows,
    })  # fmt: skip


def _check(asked: dict[str, Any]) -> None:
    if len(csv(asked.get("properties"))) > MOST_PROPERTIES:
        raise Refusal(400, f"At most {MOST_PROPERTIES} issue properties can be requested.")
    if len(csv(asked.get("reconcileIssues"))) > MOST_RECONCILED:
        raise Refusal(400, f"At most {MOST_RECONCILED} issues can be reconciled.")
    if isinstance(asked.get("expand"), list):
        raise Refusal(400, "Invalid request payload: 'expand' must be a string with commas.")


def _size(call: Call, fields: list[str]) -> int:
    most = MOST_BARE if set(fields) <= {"id", "key"} else MOST
    return call.number("maxResults", PAGE, most=most) or PAGE


def _next(found: Found, rest: list[JiraIssue], page: list[JiraIssue]) -> dict[str, Any]:
    if len(page) == len(rest):
        return {"isLast": True}
    return {"nextPageToken": found.cursor(page[-1]).token(), "isLast": False}


def _row(call: Call, asked: dict[str, Any], issue: JiraIssue, fields: list[str]) -> dict[str, Any]:
    return issue_json(
        call.state,
        issue,
        call.version,
        fields=fields,
        expand=",".join(csv(asked.get("expand"))),
        properties=csv(asked.get("properties")),
        comments=call.state.comments_in_search,
    )
