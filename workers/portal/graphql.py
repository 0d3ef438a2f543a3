"""The Portal's GraphQL dialect as pure functions: filters and queries out, values in.

Every scalar comes wrapped in `{"value": …}`; any object and any value may be null; texts are
HTML-escaped; errors come with HTTP 200; too many requests are met with an HTML page and 403.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from t5g.errors import SettingsError, UpstreamError
from t5g.model import CaseComment, Details, Portal
from t5g.settings import Settings
from t5g.state import EPOCH
from t5g.timestamps import parse_time
from workers.calls import Transient
from workers.portal.values import (
    SERVICE,
    CaseDetails,
    Malformed,
    Page,
    number_of,
    product_and_version,
    status_of,
    text_of,
)
from workers.web import Answer, judge

Filter = Mapping[str, Any]

PAGE_SIZE = 200
DETAILS_PAGE = 100
#: What this dialect's listing has no source for.
UNKNOWN = frozenset({"tags", "bug_ids"})
HEADERS = {
    "apollographql-client-name": "t5g-bot",
    "apollographql-client-version": "1",
    "Apollo-Require-Preflight": "true",
}

LISTING = """
query Cases($where: RedHatSupportCase_Filter, $first: Int, $after: String) {
  redhat_support_uiapi { query {
    RedHatSupportCase(where: $where, first: $first, after: $after,
                      orderBy: {LastModifiedDate: {order: DESC}}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node {
        Id
        CaseNumber__c { value }
        Status { value }
        Priority { value }
        Type { value }
        Subject { value }
        Description { value }
        CreatedDate { value }
        LastModifiedDate { value }
        IsClosed { value }
        ClosedDate { value }
        Account_Number__c { value }
        RedHatSupportAccount { Name { value } AccountNumber { value } }
        RedHatSupportContact { Name { value } }
        Product { Name { value } ParentProduct__r { Name { value } } }
        Owner {
          ... on RedHatSupportGroup { Name { value } }
          ... on RedHatSupportUser { Name { value } }
        }
      } }
    }
  } }
}
"""

DETAILS = """
query CaseDetails($where: RedHatSupportCase_Filter, $first: Int, $after: String) {
  redhat_support_uiapi { query {
    RedHatSupportCase(where: $where, first: $first, after: $after,
                      orderBy: {LastModifiedDate: {order: DESC}}) {
      pageInfo { hasNextPage endCursor }
      edges { node {
        CaseNumber__c { value }
        LastModifiedDate { value }
        Group__r { Name { value } }
        CaseComments(first: 200) {
          pageInfo { hasNextPage endCursor }
          edges { node {
            Id
            CommentBody { value }
            CreatedDate { value }
            IsPublished { value }
            CreatedBy { Name { value } }
          } }
        }
      } }
    }
  } }
}
"""

COMMENTS = """
query CaseComments($where: RedHatSupportCase_Filter, $first: Int, $after: String) {
  redhat_support_uiapi { query {
    RedHatSupportCase(where: $where, first: 1) {
      edges { node {
        CaseNumber__c { value }
        CaseComments(first: $first, after: $after) {
          pageInfo { hasNextPage endCursor }
          edges { node {
            Id
            CommentBody { value }
            CreatedDate { value }
            IsPublished { value }
            CreatedBy { Name { value } }
          } }
        }
      } }
    }
  } }
}
"""

_PASSING = ("502", "503", "504", "service unavailable", "unsupported content-type")
_PASSING_CODES = frozenset({"SUBREQUEST_HTTP_ERROR"})
#: The query is wrong, whatever it asks for; the other one may be said of one case.
_QUERY_CODES = ("VALIDATION", "BAD_USER_INPUT", "GRAPHQL_PARSE")
_REFUSAL = "DATAFETCHINGEXCEPTION"


class Connection(Struct, frozen=True):
    """One page of nodes and the cursor of the next ("" after the last)."""

    nodes: tuple[Any, ...]
    after: str
    total: int | None


def configured(settings: Settings) -> Filter:
    """Return the filter of our cases: the configured one, or all open cases.

    Raises SettingsError if the configured text is no JSON object.
    """
    text = settings.portal_query.strip()
    if not text:
        return {"IsClosed": {"eq": False}}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SettingsError([f"T5G_PORTAL_QUERY: not JSON ({error})"]) from error
    if not isinstance(found, dict):
        raise SettingsError(["T5G_PORTAL_QUERY: must be a JSON object, a GraphQL filter"])
    return found


def configured_closed(settings: Settings) -> Filter:
    """Return the filter of what of ours is closed; {} with a filter of one's own: who can tell?"""
    return {} if settings.portal_query.strip() else closed()


def all_of(*filters: Filter) -> Filter:
    """Return the filter that needs each of `filters`."""
    return filters[0] if len(filters) == 1 else {"and": list(filters)}


def with_numbers(numbers: Sequence[str]) -> Filter:
    """Return the filter of cases by number (at most 100)."""
    return {"CaseNumber__c": {"in": list(numbers)}}


def changed_since(since: datetime) -> Filter:
    """Return the filter of what changed at or after a moment."""
    return {"LastModifiedDate": {"gte": {"value": since.strftime("%Y-%m-%dT%H:%M:%SZ")}}}


def closed() -> Filter:
    """Return the filter of closed cases."""
    return {"IsClosed": {"eq": True}}


def request(query: str, where: Filter, after: str, first: int) -> dict[str, Any]:
    """Return the body of one request; `first`: how many at most."""
    return {"query": query, "variables": {"where": where, "after": after or None, "first": first}}


def read_connection(answer: Answer) -> Connection:
    """Read one answer; raises Transient or UpstreamError for what it says instead of data."""
    body = _body(answer)
    errors = body.get("errors")
    if errors:
        raise _meaning(errors)
    try:
        found = body["data"]["redhat_support_uiapi"]["query"]["RedHatSupportCase"]
        edges = found["edges"] or []
    except (KeyError, TypeError) as error:
        raise Transient("the answer has neither cases nor errors") from error
    info = found.get("pageInfo") or {}
    total = found.get("totalCount")
    return Connection(
        tuple(edge.get("node") if isinstance(edge, dict) else None for edge in edges),
        str(info.get("endCursor") or "") if info.get("hasNextPage") else "",
        total if isinstance(total, int) else None,
    )


def read_page(connection: Connection) -> Page:
    """Read the cases of one page; entries that can not be read are named, not raised."""
    cases: list[Portal] = []
    malformed: list[Malformed] = []
    skipped = 0
    for node in connection.nodes:
        try:
            case = portal_of(node)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            malformed.append(Malformed(_try_number(node), str(error)))
        else:
            if case is None:
                skipped += 1
            else:
                cases.append(case)
    return Page(
        cases=tuple(cases),
        malformed=tuple(malformed),
        skipped=skipped,
        total=connection.total,
        records=tuple(
            str(node["Id"])
            for node in connection.nodes
            if isinstance(node, dict) and node.get("Id")
        ),
    )


def portal_of(node: Any) -> Portal | None:
    """Read one case; None for records that are no cases (`EN-…`)."""
    number = number_of(value_of(node, "CaseNumber__c"))
    if number is None:
        return None
    word = text_of(value_of(node, "Status"))
    name, version = product_and_version(
        text_of(value_of(node, "Product", "Name")),
        text_of(value_of(node, "Product", "ParentProduct__r", "Name")),
    )
    is_closed = value_of(node, "IsClosed")
    return Portal(
        number=number,
        status=status_of(word, closed=is_closed if isinstance(is_closed, bool) else None),
        upstream_status=word,
        severity=text_of(value_of(node, "Priority")),
        account=text_of(value_of(node, "RedHatSupportAccount", "Name")),
        account_number=text_of(value_of(node, "Account_Number__c"))
        or text_of(value_of(node, "RedHatSupportAccount", "AccountNumber")),
        owner=text_of(value_of(node, "Owner", "Name")),
        contact=text_of(value_of(node, "RedHatSupportContact", "Name")),
        summary=text_of(value_of(node, "Subject")),
        description=text_of(value_of(node, "Description")),
        product=name,
        version=version,
        case_type=text_of(value_of(node, "Type")),
        created=parse_time(value_of(node, "CreatedDate")),
        updated=parse_time(value_of(node, "LastModifiedDate")),
        closed=parse_time(value_of(node, "ClosedDate")),
    )


def details_of(node: Any) -> CaseDetails | None:
    """Read the details that this dialect has; all others stay unknown."""
    number = number_of(value_of(node, "CaseNumber__c"))
    if number is None:
        return None
    return CaseDetails(
        number=number,
        details=Details(
            group_name=text_of(value_of(node, "Group__r", "Name")) or None,
            comments=comments_of(node),
        ),
        updated=parse_time(value_of(node, "LastModifiedDate")),
    )


def more_comments(node: Any) -> str:
    """Return the cursor of the comments that did not fit into this answer, "" if all did."""
    found = node.get("CaseComments") if isinstance(node, dict) else None
    info = found.get("pageInfo") if isinstance(found, dict) else None
    if not isinstance(info, dict) or not info.get("hasNextPage"):
        return ""
    return str(info.get("endCursor") or "")


def comments_of(node: Any) -> tuple[CaseComment, ...] | UnsetType:
    """Read the comments that came with a case, oldest first; unknown if none were told."""
    found = node.get("CaseComments") if isinstance(node, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("edges"), list):
        return UNSET
    comments = []
    for edge in found["edges"]:
        comment = edge.get("node") if isinstance(edge, dict) else None
        if isinstance(comment, dict):
            comments.append(_comment(comment))
    return in_order(comments)


def in_order(comments: Sequence[CaseComment]) -> tuple[CaseComment, ...]:
    """Return each comment once, oldest first."""
    by_id = {comment.id: comment for comment in comments}
    return tuple(sorted(by_id.values(), key=lambda c: (c.created or EPOCH, c.id)))


def value_of(node: Any, *path: str) -> Any:
    """Follow `path` through objects that may be null, and unwrap `{"value": …}` at its end."""
    for name in path:
        if node is None:
            return None
        if type(node) is not dict:
            raise TypeError(f"{name}: a {type(node).__name__} where an object is expected")
        node = node.get(name)
    return node.get("value") if type(node) is dict else node


def _comment(node: Mapping[str, Any]) -> CaseComment:
    public = value_of(node, "IsPublished")
    created = value_of(node, "CreatedDate")
    return CaseComment(
        id=text_of(value_of(node, "Id")) or text_of(created),
        author=text_of(value_of(node, "CreatedBy", "Name")),
        body=text_of(value_of(node, "CommentBody")),
        public=public is not False,
        created=parse_time(created),
    )


def _body(answer: Answer) -> Mapping[str, Any]:
    if answer.status == 403 and not _is_json(answer):
        raise Transient("too many requests (403 from its gate)", throttled=True)
    if answer.status < 500 and _is_json(answer) and b'"errors"' in answer.body[:100_000]:
        body = answer.json()
    else:
        body = judge(SERVICE, answer).json()
    if not isinstance(body, dict):
        raise Transient("the answer is no object")
    return body


def _is_json(answer: Answer) -> bool:
    return "json" in answer.headers.get("content-type", "")


def _meaning(errors: Any) -> Exception:
    rows = [row for row in errors if isinstance(row, dict)] if isinstance(errors, list) else []
    said = "; ".join(text_of(row.get("message"))[:200] for row in rows[:3]) or "unnamed errors"
    codes = {str((row.get("extensions") or {}).get("code", "")) for row in rows}
    if codes & _PASSING_CODES or any(word in said.casefold() for word in _PASSING):
        return Transient(said)
    if any(code.upper().startswith(_QUERY_CODES) for code in codes):
        return UpstreamError(SERVICE, said, transient=False, concerns_all=True)
    if any(code.upper().startswith(_REFUSAL) for code in codes) or _REFUSAL in said.upper():
        return UpstreamError(SERVICE, said, transient=False)
    return Transient(said)


def _try_number(node: Any) -> str:
    try:
        return number_of(value_of(node, "CaseNumber__c")) or ""
    except (TypeError, ValueError, AttributeError):
        return ""
