"""The GraphQL service: one POST, cursor pages, errors inside HTTP 200.

Refuses what the real one refuses: a request without the client's name and version, more than 200
records at once, a moment that is not wrapped.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from sandbox.portal.execution import BAD_INPUT, Executor, Json, RequestError
from sandbox.portal.filters import Predicate, compile_order, compile_where, named
from sandbox.portal.nodes import (
    CASE_VALUES,
    COMMENT_VALUES,
    CommentOfCase,
    Getter,
    case_field,
    comment_field,
    connection,
)
from sandbox.portal.schema import schema
from sandbox.portal.state import PortalState, SupportCase
from sandbox.sso import Sso

LARGEST_PAGE: Final = 200
DEFAULT_PAGE: Final = 10
CLIENT_HEADERS: Final = ("apollographql-client-name", "apollographql-client-version")
_QUERIES_KEPT: Final = 64

#: Bodies that the service answers with HTTP 200, for `faults.add("status", status=200, body=…)`.
TRANSIENT_ERRORS: Final = json.dumps(
    {
        "errors": [
            {
                "message": "503: Service Unavailable",
                "path": ["redhat_support_uiapi"],
                "extensions": {
                    "code": "SUBREQUEST_HTTP_ERROR",
                    "service": "uiapi",
                    "reason": "503: Service Unavailable",
                },
            }
        ],
        "data": None,
    }
)
PERMISSION_ERRORS: Final = json.dumps(
    {
        "errors": [
            {
                "message": "You do not have access to the requested record",
                "path": ["redhat_support_uiapi"],
                "extensions": {"code": "DataFetchingException", "service": "uiapi"},
            }
        ],
        "data": None,
    }
)


class GraphQLService:
    """Answers GraphQL over the cases of a state."""

    def __init__(self, state: PortalState, sso: Sso) -> None:
        self._state = state
        self._sso = sso
        self._executor = Executor(schema(), {SupportCase: case_field, CommentOfCase: comment_field})
        self._root = {
            "redhat_support_uiapi": {
                "query": {
                    "RedHatSupportCase": self._cases,
                    "RedHatSupportCaseComment__c": self._comments,
                }
            }
        }
        self._kept: dict[tuple[str, str], list[Any]] = {}
        self._kept_of = -1

    async def serve(self, request: web.Request) -> web.Response:
        """Handle one POST."""
        if not self._sso.accepts(request.headers.get("Authorization", "")):
            return _json(401, {"errors": [{"message": "Unauthorized"}]})
        if missing := [name for name in CLIENT_HEADERS if not request.headers.get(name)]:
            return _json(400, {"errors": [{"message": f"Missing header: {', '.join(missing)}"}]})
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, Any])
            text, variables = str(body["query"]), dict(body.get("variables") or {})
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            return _json(400, {"errors": [{"message": f"Invalid request: {error}"}]})
        return _json(200, self._execute(text, variables, body.get("operationName")))

    def _execute(self, text: str, variables: Json, name: str | None) -> Json:
        try:
            return {"data": self._executor.execute(text, variables, name, self._root)}
        except RequestError as error:
            return error.as_json()

    def _cases(self, arguments: Mapping[str, Any]) -> Any:
        return self._page(arguments, "cases", CASE_VALUES)

    def _comments(self, arguments: Mapping[str, Any]) -> Any:
        return self._page(arguments, "comments", COMMENT_VALUES)

    def _page(self, arguments: Mapping[str, Any], what: str, values: Mapping[str, Getter]) -> Any:
        first = arguments.get("first")
        first = DEFAULT_PAGE if first is None else first
        if not 0 <= first <= LARGEST_PAGE:
            message = f"Invalid value for first: {first} is not between 0 and {LARGEST_PAGE}"
            raise RequestError(BAD_INPUT, message)
        start = _offset(arguments.get("after"))
        found = self._found(what, arguments, values)
        return connection(found, start, start + first, _cursor)

    def _found(
        self, what: str, arguments: Mapping[str, Any], values: Mapping[str, Getter]
    ) -> list[Any]:
        """All records of a query, in order; kept until something changes."""
        if self._kept_of != self._state.revision or len(self._kept) >= _QUERIES_KEPT:
            self._kept.clear()
            self._kept_of = self._state.revision
        where, order = arguments.get("where"), arguments.get("orderBy")
        key = (what, json.dumps([where, order], default=str))
        if key not in self._kept:
            self._kept[key] = self._query(what, where, order, values)
        return self._kept[key]

    def _query(self, what: str, where: Any, order: Any, values: Mapping[str, Getter]) -> list[Any]:
        try:
            matches = compile_where(where, values)
        except ValueError as error:
            raise RequestError(BAD_INPUT, str(error)) from None
        found = self._matching(what, where, matches)
        for key, descending in reversed(compile_order(order, values)):
            found.sort(key=key, reverse=descending)
        return found

    def _matching(self, what: str, where: Any, matches: Predicate) -> list[Any]:
        if what == "cases":
            return [one for one in self._candidates(where) if not one.restricted and matches(one)]
        pairs = (CommentOfCase(case, one) for case in self._of(where) for one in case.comments)
        return [pair for pair in pairs if matches(pair)]

    def _candidates(self, where: Any) -> Sequence[SupportCase]:
        numbers = named(where, "CaseNumber__c")
        if numbers is None:
            return list(self._state.everything())
        found = (self._state.find(number) for number in dict.fromkeys(numbers))
        return [case for case in found if case is not None]

    def _of(self, where: Any) -> Sequence[SupportCase]:
        """The cases whose comments a filter can mean."""
        ids = named(where, "Case__c")
        wanted = None if ids is None else set(ids)
        return [
            case
            for case in self._state.cases.values()
            if not case.restricted and (wanted is None or case.id in wanted)
        ]


def _cursor(place: int) -> str:
    return "v1:" + base64.b64encode(str(place).encode()).decode()


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor.removeprefix("v1:"), validate=True))
    except ValueError:
        raise RequestError(BAD_INPUT, f"Invalid cursor: {cursor}") from None


def _json(status: int, body: Any) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )
