"""The Portal's GraphQL dialect as pure functions: filters and queries out, values in.

Every scalar comes wrapped in `{"value": …}`; any object and any value may be null; texts are
HTML-escaped; errors come with HTTP 200; too many requests are met with an HTML page and 403.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from t5g.errors import SettingsError, UpstreamError
from t5g.model import CaseComment, Details, Portal
from t5g.settings import Settings
from workers.answers import count_in
from workers.calls import Transient
from workers.portal.values import (
    SERVICE,
    CaseDetails,
    Malformed,
    Page,
    in_order,
    number_of,
    product_and_version,
    status_of,
    text_of,
    time_of,
)
from workers.web import Answer, judge

Filter = Mapping[str, Any]

PAGE_SIZE = 200
DETAILS_PAGE = 100
#: Cases whose comments are asked for at once: their pages come one after another.
COMMENTS_OF = 25
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
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node {
        Id
        CaseNumber__c { value }
        LastModifiedDate { value }
        Group__r { Name { value } }
      } }
    }
  } }
}
"""

#: A case's own list of comments (`CaseComments`) does not tell whose a comment is; this one does.
COMMENTS = """
query Comments($where: RedHatSupportCaseComment__c_Filter, $first: Int, $after: String) {
  redhat_support_uiapi { query {
    RedHatSupportCaseComment__c(where: $where, first: $first, after: $after,
                                orderBy: {CreatedDate: {order: ASC}}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { node {
        Id
        Case__c { value }
        Body__c { value }
        CreatedDate { value }
        CreatedBy { Name { value } }
        Visibility__c { value }
        IsCustomer__c { value }
        IsAssociate__c { value }
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


def of_cases(ids: Sequence[str]) -> Filter:
    """Return the filter of the comments of some cases, which are meant by their ids here."""
    return {"Case__c": {"in": list(ids)}}


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
        (found,) = body["data"]["redhat_support_uiapi"]["query"].values()
        edges, info = found["edges"], found["pageInfo"]
        more, after = info["hasNextPage"], info.get("endCursor")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Transient("the answer has neither rows nor errors") from error
    if not isinstance(edges, list) or not isinstance(more, bool) or (more and not after):
        raise Transient("the answer does not say whether it is whole")
    return Connection(
        tuple(edge.get("node") if isinstance(edge, dict) else None for edge in edges),
        str(after) if more else "",
        count_in(found, "totalCount"),
    )


def read_page(connection: Connection, zone: tzinfo = UTC) -> Page:
    """Read the cases of one page; entries that can not be read are named, not raised."""
    cases: list[Portal] = []
    malformed: list[Malformed] = []
    skipped = 0
    for node in connection.nodes:
        try:
            case = portal_of(node, zone)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            malformed.append(Malformed(try_number(node), str(error)))
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


def portal_of(node: Any, zone: tzinfo = UTC) -> Portal | None:
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
        created=time_of(value_of(node, "CreatedDate"), zone),
        updated=time_of(value_of(node, "LastModifiedDate"), zone),
        closed=time_of(value_of(node, "ClosedDate"), zone),
    )


def details_of(node: Any, zone: tzinfo = UTC) -> CaseDetails | None:
    """Read the details that this dialect has but for comments; all others stay unknown."""
    number = number_of(value_of(node, "CaseNumber__c"))
    if number is None:
        return None
    told = "Group__r" in node
    return CaseDetails(
        number=number,
        details=Details(
            group_name=(text_of(value_of(node, "Group__r", "Name")) or None) if told else UNSET
        ),
        updated=time_of(value_of(node, "LastModifiedDate"), zone),
    )


def id_of(node: Any) -> str:
    """Return the id of a record. Raises ValueError if it has none."""
    found = value_of(node, "Id")
    if not isinstance(found, str) or not found:
        raise ValueError("a record without an id")
    return found


def comments_by_case(
    nodes: Sequence[Any], ids: Sequence[str], zone: tzinfo = UTC
) -> dict[str, tuple[CaseComment, ...] | UnsetType]:
    """Read all comments of some cases, oldest first, each once.

    Those of a case of which one can not be read are unknown: it may be any of those that are known.
    Raises Transient if one does not even say of which case it is.
    """
    found: dict[str, dict[str, CaseComment]] = {case: {} for case in ids}
    unread: set[str] = set()
    for node in nodes:
        try:
            case = value_of(node, "Case__c")
            rows = found[case]
        except (LookupError, TypeError, AttributeError) as error:
            raise Transient("a comment of no case that was asked for") from error
        try:
            comment = _comment(node, zone)
        except (TypeError, ValueError, AttributeError, KeyError):
            unread.add(case)
        else:
            rows[comment.id] = comment
    return {
        case: UNSET if case in unread else in_order(rows.values()) for case, rows in found.items()
    }


def value_of(node: Any, *path: str) -> Any:
    """Follow `path` through objects that may be null, and unwrap `{"value": …}` at its end."""
    for name in path:
        if node is None:
            return None
        if type(node) is not dict:
            raise TypeError(f"{name}: a {type(node).__name__} where an object is expected")
        node = node.get(name)
    return node.get("value") if type(node) is dict else node


def _comment(node: Any, zone: tzinfo = UTC) -> CaseComment:
    customer, associate = value_of(node, "IsCustomer__c"), value_of(node, "IsAssociate__c")
    if not isinstance(customer, bool):
        customer = False if associate is True else UNSET
    return CaseComment(
        id=id_of(node),
        author=text_of(value_of(node, "CreatedBy", "Name")),
        body=text_of(value_of(node, "Body__c")),
        public=value_of(node, "Visibility__c") == "Public",
        by_customer=customer,
        created=time_of(value_of(node, "CreatedDate"), zone),
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


def try_number(node: Any) -> str:
    """Return the number of a case, "" if it can not be read."""
    try:
        return number_of(value_of(node, "CaseNumber__c")) or ""
    except (TypeError, ValueError, AttributeError):
        return ""
