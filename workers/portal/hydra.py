"""The Portal's older dialect (v1 REST and Solr search) as pure functions: queries out, values in.

Empty fields are absent; a list may stand for a text and the reverse; a result has a window of
9,999 rows, so that larger ones are cut at creation dates.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, TypeVar

from msgspec import UNSET, Struct, UnsetType

from t5g.errors import UpstreamError
from t5g.model import CaseComment, Details, NotifiedUser, Portal
from t5g.settings import Settings
from workers.answers import count_in, rows_in, table_in
from workers.calls import Transient
from workers.portal.values import (
    SERVICE,
    CaseDetails,
    Malformed,
    Page,
    ids_of,
    in_order,
    number_of,
    status_of,
    text_of,
    texts_of,
    time_of,
)
from workers.web import Answer, judge

T = TypeVar("T")

ROWS = 500
WINDOW = 9_999
NUMBERS_AT_ONCE = 100
UNKNOWN: frozenset[str] = frozenset()
SORT = "case_number asc"
FIELDS = (
    "case_number,case_summary,case_status,case_severity,case_product,case_version,"
    "case_account_name,case_accountNumber,case_owner,case_contactName,case_createdDate,"
    "case_lastModifiedDate,case_last_public_update_date,case_closedDate,case_tags,"
    "case_bugzillaNumber,case_type,case_description"
)
_RESERVED = frozenset('+-&|!(){}[]^"~*?:\\/ ')
_BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Result(Struct, frozen=True):
    """One answer of the search: rows, and how many the whole result has."""

    docs: tuple[Any, ...]
    found: int

    def marks(self) -> Iterator[str]:
        """Yield what tells its rows from others: their numbers, as the Portal gives them."""
        for doc in self.docs:
            yield repr(doc.get("case_number") if isinstance(doc, dict) else doc)


class Span(Struct, frozen=True):
    """A stretch of creation dates, whole seconds, both ends within it."""

    first: datetime
    last: datetime

    def halves(self) -> tuple["Span", "Span"] | None:
        """Cut the stretch in two; None if it is a single second."""
        seconds = int((self.last - self.first).total_seconds())
        if seconds < 1:
            return None
        middle = self.first + timedelta(seconds=seconds // 2)
        return Span(self.first, middle), Span(middle + SECOND, self.last)


def whole_span(now: datetime) -> Span:
    """Return the stretch in which every case was created."""
    return Span(_BEGINNING, now.replace(microsecond=0) + timedelta(days=2))


def configured(settings: Settings) -> str:
    """Return the query of our cases: the configured one, or the open cases with our tag."""
    return settings.portal_query.strip() or f"{_tagged(settings)} AND -case_status:Closed"


def configured_closed(settings: Settings) -> str:
    """Return the query of what of ours is closed; "" with a query of one's own: who can tell?"""
    return "" if settings.portal_query.strip() else f"{_tagged(settings)} AND {closed()}"


def _tagged(settings: Settings) -> str:
    return f"case_tags:{escaped(settings.portal_tag)}"


def all_of(*queries: str) -> str:
    """Return the query that needs each of `queries`."""
    return " AND ".join(f"({query})" for query in queries)


def with_numbers(numbers: Sequence[str]) -> str:
    """Return the query of cases by number."""
    return f"case_number:({' OR '.join(numbers)})"


def changed_since(since: datetime) -> str:
    """Return the query of what changed at or after a moment."""
    return f"case_lastModifiedDate:[{_moment(since)} TO *]"


def closed() -> str:
    """Return the query of closed cases."""
    return "case_status:Closed"


def created_within(span: Span) -> str:
    """Return the query of what was created in a stretch, fractions of its last second too."""
    last = f"{span.last:%Y-%m-%dT%H:%M:%S}.999Z"
    return f"case_createdDate:[{_moment(span.first)} TO {last}]"


def numbered_within(first: int, last: int) -> str:
    """Return the query of a stretch of case numbers."""
    return f"case_number:[{first:08d} TO {last:08d}]"


def without_creation_date() -> str:
    """Return the query of cases that no stretch of creation dates has."""
    return "*:* AND -case_createdDate:[* TO *]"


def escaped(text: str) -> str:
    """Return `text` with what Solr would read as syntax escaped."""
    return "".join("\\" + c if c in _RESERVED else c for c in text)


def search(query: str, start: int, rows: int) -> dict[str, str | int]:
    """Return the parameters of one search."""
    return {
        "q": query,
        "fl": FIELDS,
        "start": start,
        "rows": rows,
        "sort": SORT,
        "partnerSearch": "false",
    }


def read_result(answer: Answer) -> Result:
    """Read one answer of the search."""
    response = table_in(table_in(checked(answer).json()).get("response"))
    docs, found = response.get("docs"), count_in(response, "numFound")
    if not isinstance(docs, list) or found is None:
        raise Transient("the answer has no result")
    return Result(tuple(docs), found)


def checked(answer: Answer) -> Answer:
    """Return the answer if it is good; its gate says "too many" with an HTML page and 403."""
    if answer.status == 403 and "json" not in answer.headers.get("content-type", ""):
        raise Transient("too many requests (403 from its gate)", throttled=True)
    return judge(SERVICE, answer)


def read_page(result: Result, zone: tzinfo = UTC) -> Page:
    """Read the cases of one answer; entries that can not be read are named, not raised."""
    cases: list[Portal] = []
    malformed: list[Malformed] = []
    skipped = 0
    for doc in result.docs:
        try:
            case = portal_of(doc, zone)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            malformed.append(Malformed(_try_number(doc), str(error)))
        else:
            if case is None:
                skipped += 1
            else:
                cases.append(case)
    return Page(cases=tuple(cases), malformed=tuple(malformed), skipped=skipped, total=result.found)


def portal_of(doc: Any, zone: tzinfo = UTC) -> Portal | None:
    """Read one row of the search; None for records that are no cases."""
    if not isinstance(doc, dict):
        raise TypeError(f"a {type(doc).__name__} where a case is expected")
    number = number_of(doc.get("case_number"))
    if number is None:
        return None
    word = text_of(doc.get("case_status"))
    updated = time_of(doc.get("case_lastModifiedDate"), zone)
    return Portal(
        number=number,
        status=status_of(word),
        upstream_status=word,
        severity=text_of(doc.get("case_severity")),
        account=text_of(doc.get("case_account_name")),
        account_number=text_of(doc.get("case_accountNumber")),
        owner=text_of(doc.get("case_owner")),
        contact=text_of(doc.get("case_contactName")),
        summary=text_of(doc.get("case_summary")),
        description=text_of(doc.get("case_description")),
        product=text_of(doc.get("case_product")),
        version=text_of(doc.get("case_version")),
        case_type=text_of(doc.get("case_type")),
        tags=texts_of(doc.get("case_tags")),
        bug_ids=ids_of(doc.get("case_bugzillaNumber")),
        created=time_of(doc.get("case_createdDate"), zone),
        updated=updated or time_of(doc.get("case_last_public_update_date"), zone),
        closed=time_of(doc.get("case_closedDate"), zone),
    )


def details_of(number: str, answer: Answer, zone: tzinfo = UTC) -> CaseDetails:
    """Read `v1/cases/NUMBER`: all details. A case that may not be read or is gone says so."""
    if answer.status == 404:
        return CaseDetails(number=number, why="the Portal does not have it", gone=True)
    if answer.status == 403 and "json" in answer.headers.get("content-type", ""):
        return CaseDetails(number=number, why="the Portal does not show it to this account")
    body = checked(answer).json()
    if not isinstance(body, dict) or body.get("caseNumber") != number:
        return CaseDetails(number=number, why="the answer is not about it")
    try:
        details = _details(body, zone)
        updated = time_of(body.get("lastModifiedDate"), zone)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        return CaseDetails(number=number, why=f"could not be read: {error}")
    return CaseDetails(number=number, details=details, updated=updated)


def linked_issues(answer: Answer) -> tuple[str, ...]:
    """Read `cases/NUMBER/jiras`: the keys of the JIRA issues linked to a case.

    Raises UpstreamError where they are not told: an address that is not there (404) says nothing
    of the case.
    """
    rows = rows_in(checked(answer).json())
    keys = _keys(rows)
    if keys is UNSET:
        raise UpstreamError(SERVICE, "a linked issue has no key", transient=False)
    return keys


def _details(body: Mapping[str, Any], zone: tzinfo = UTC) -> Details:
    """Read the details of a case; a list that is not in the answer is unknown.

    Without a moment of relief or resolution the answer leaves it out (seen of open and closed
    cases): then there is none yet.
    """
    crit_sit, group = body.get("critSit"), body.get("groupName", UNSET)
    read = partial(_comment, zone=zone)
    return Details(
        crit_sit=crit_sit if isinstance(crit_sit, bool) else UNSET,
        group_name=UNSET if group is UNSET else text_of(group) or None,
        notified_users=_each(body, "notifiedUsers", _notified),
        relief_at=time_of(body.get("reliefAt"), zone),
        resolved_at=time_of(body.get("resolvedAt"), zone),
        bug_ids=_bug_ids(_rows(body, "bugzillas")),
        issue_keys=_keys(_rows(body, "externalTrackers")),
        comments=in_order(found) if (found := _each(body, "comments", read)) else found,
    )


def _rows(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]] | UnsetType:
    """Return the rows of a list (one alone may stand for a list of one), unknown if not told."""
    rows = body.get(name)
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return UNSET
    return rows


def _each(
    body: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], T]
) -> tuple[T, ...] | UnsetType:
    rows = _rows(body, name)
    return UNSET if rows is UNSET else tuple(map(read, rows))


def _bug_ids(rows: Sequence[Mapping[str, Any]] | UnsetType) -> tuple[int, ...] | UnsetType:
    if rows is UNSET:
        return UNSET
    found = [ids_of(row.get("bugzillaNumber")) for row in rows]
    return tuple(dict.fromkeys(i for ids in found for i in ids)) if all(found) else UNSET


def _keys(rows: Sequence[Mapping[str, Any]] | UnsetType) -> tuple[str, ...] | UnsetType:
    """Return the keys of the rows that are of JIRA; unknown if one of them has none."""
    if rows is UNSET:
        return UNSET
    systems = [row.get("system") or "Jira" for row in rows]
    keys = [row.get("resourceKey") for row, name in zip(rows, systems, strict=True)
            if isinstance(name, str) and name.strip().casefold() == "jira"]  # fmt: skip
    told = all(isinstance(name, str) for name in systems)
    if not told or not all(isinstance(key, str) and key.strip() for key in keys):
        return UNSET
    return tuple(dict.fromkeys(str(key).strip() for key in keys))


def _notified(row: Mapping[str, Any]) -> NotifiedUser:
    return NotifiedUser(
        name=text_of(row.get("ssoUsername")),
        title=text_of(row.get("title")),
        kind=text_of(row.get("type")),
    )


def _comment(row: Mapping[str, Any], zone: tzinfo = UTC) -> CaseComment:
    whose = text_of(row.get("createdByType")).casefold()
    name = text_of(row.get("id")) or text_of(row.get("createdDate"))
    if not name:
        raise ValueError("a comment without an id")
    return CaseComment(
        id=name,
        author=text_of(row.get("createdBy")),
        body=text_of(row.get("commentBody")),
        public=row.get("isPublic") is True,
        by_customer=whose == "customer" if whose else UNSET,
        created=time_of(row.get("createdDate"), zone),
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _try_number(doc: Any) -> str:
    try:
        return number_of(doc.get("case_number")) or ""
    except (TypeError, ValueError, AttributeError):
        return ""
