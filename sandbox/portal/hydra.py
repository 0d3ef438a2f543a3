"""The older REST API (hydra): search, single cases, comments, notified users, linked issues.

Answers under `/hydra/rest`, under `/support` as the API host does, and without a prefix.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from sandbox.portal import v1
from sandbox.portal.solr import FIELDS, Predicate, SolrError, compile_query, only_numbers
from sandbox.portal.state import ASSOCIATE, NotifiedUser, PortalState, SupportCase
from sandbox.sso import Sso

WINDOW: Final = 9_999
PREFIXES: Final = ("/hydra/rest", "/support", "")
DEFAULT_ROWS: Final = 10
_QUERIES_KEPT: Final = 64


class HydraService:
    """Answers the REST calls over the cases of a state."""

    def __init__(self, state: PortalState, sso: Sso) -> None:
        self._state = state
        self._sso = sso
        self._kept: dict[tuple[str, str], list[SupportCase]] = {}
        self._kept_of = -1

    def mount(self, app: web.Application) -> None:
        """Serve all routes under each prefix."""
        for prefix in PREFIXES:
            case = prefix + "/v1/cases/{number}"
            add = app.router.add_route
            add("GET", f"{prefix}/search/cases", self._allowed(self._search))
            add("POST", f"{prefix}/search/v2/cases", self._allowed(self._search_v2))
            add("GET", case, self._allowed(self._case))
            add("GET", f"{case}/comments", self._allowed(self._comments))
            add("POST", f"{case}/comments", self._allowed(self._comment))
            add("POST", f"{case}/notifiedusers", self._allowed(self._notify))
            add("DELETE", f"{case}/notifiedusers/{{user}}", self._allowed(self._forget))
            add("GET", prefix + "/cases/{number}/jiras", self._allowed(self._jiras))

    def _allowed(self, handler: Any) -> Any:
        async def checked(request: web.Request) -> web.Response:
            if not self._sso.accepts(request.headers.get("Authorization", "")):
                return _message(401, "Unauthorized")
            response: web.Response = await handler(request)
            return response

        return checked

    # search

    async def _search(self, request: web.Request) -> web.Response:
        return self._found(dict(request.query))

    async def _search_v2(self, request: web.Request) -> web.Response:
        body = await _body(request)
        expression = dict(parse_qsl(str(body.get("expression", ""))))
        rest = [(name, str(body[name])) for name in ("q", "start", "rows") if name in body]
        return self._found({**expression, **dict(rest)})

    def _found(self, asked: Mapping[str, str]) -> web.Response:
        try:
            start, rows = int(asked.get("start", 0)), int(asked.get("rows", DEFAULT_ROWS))
            if start < 0 or rows < 0 or start + rows > WINDOW:
                return _message(
                    400,
                    "Result window is too large, start + rows must be less than or equal to: "
                    f"[{WINDOW}] but was [{start + rows}]",
                )
            cases = self._matching(asked.get("q", "*:*"), asked.get("sort", ""))
            if "fq" in asked:
                narrowed = compile_query(asked["fq"])
                cases = [case for case in cases if narrowed(case)]
        except (SolrError, ValueError) as error:
            return _message(400, str(error))
        names = _names(asked.get("fl", ""))
        docs = [v1.search_doc(case, names) for case in cases[start : start + rows]]
        return _json({"response": {"numFound": len(cases), "start": start, "docs": docs}})

    def _matching(self, query: str, sort: str) -> list[SupportCase]:
        """All cases of a query, in order; kept until something changes."""
        if self._kept_of != self._state.revision or len(self._kept) >= _QUERIES_KEPT:
            self._kept.clear()
            self._kept_of = self._state.revision
        key = (query, sort)
        if key not in self._kept:
            matches = compile_query(query)
            found = [case for case in self._candidates(query) if _visible(case, matches)]
            self._kept[key] = _sorted(found, sort)
        return self._kept[key]

    def _candidates(self, query: str) -> Sequence[SupportCase]:
        numbers = only_numbers(query)
        if numbers is None:
            return list(self._state.cases.values())
        known = dict.fromkeys(numbers)
        return [self._state.cases[number] for number in known if number in self._state.cases]

    # single cases

    def _case_of(self, request: web.Request) -> SupportCase:
        case = self._state.cases.get(request.match_info["number"])
        if case is None:
            raise _refusal(web.HTTPNotFound, "Not found")
        if case.restricted:
            raise _refusal(web.HTTPForbidden, "You do not have access to this case")
        return case

    async def _case(self, request: web.Request) -> web.Response:
        base = f"{request.scheme}://{request.host}{PREFIXES[0]}"
        return _json(v1.case_detail(self._case_of(request), base))

    async def _jiras(self, request: web.Request) -> web.Response:
        return _json([v1.linked_jira(one) for one in self._case_of(request).jiras])

    async def _comments(self, request: web.Request) -> web.Response:
        case = self._case_of(request)
        return _json([v1.comment(case, one) for one in reversed(case.comments)])

    async def _comment(self, request: web.Request) -> web.Response:
        case, body = self._case_of(request), await _body(request)
        text = body.get("commentBody")
        if not isinstance(text, str) or not text.strip():
            return _message(400, "commentBody is required")
        public = bool(body.get("isPublic", True))
        added = self._state.add_comment(
            case.number, "Sandbox API user", text, public=public, kind=ASSOCIATE
        )
        return _json(v1.comment(case, added), 201)

    async def _notify(self, request: web.Request) -> web.Response:
        case, body = self._case_of(request), await _body(request)
        names = [str(one.get("ssoUsername") or "") for one in body.get("user") or ()]
        if not names or not all(names):
            return _message(400, "user[].ssoUsername is required")
        told = {one.sso_username for one in case.notified_users}
        added = [NotifiedUser(name) for name in names if name not in told]
        self._state.update_case(case.number, notified_users=[*case.notified_users, *added])
        return web.Response(status=201)

    async def _forget(self, request: web.Request) -> web.Response:
        case, user = self._case_of(request), request.match_info["user"]
        left = [one for one in case.notified_users if one.sso_username != user]
        if len(left) == len(case.notified_users):
            return _message(404, "Not found")
        self._state.update_case(case.number, notified_users=left)
        return web.Response(status=204)


def _visible(case: SupportCase, matches: Predicate) -> bool:
    return not case.restricted and matches(case)


def _names(fields: str) -> frozenset[str] | None:
    """The fields of `fl`; None for all of them."""
    names = frozenset(re.split(r"[,\s]+", fields.strip())) - {""}
    return None if not names or "*" in names else names


def _sorted(cases: list[SupportCase], sort: str) -> list[SupportCase]:
    """Sort by `field asc, field desc`. Raises SolrError for an unknown field or direction."""
    for part in reversed([one.split() for one in sort.split(",") if one.strip()]):
        if len(part) != 2 or part[0] not in FIELDS or part[1] not in ("asc", "desc"):
            raise SolrError(f"Can't determine a Sort Order in sort spec '{' '.join(part)}'")
        getter = FIELDS[part[0]]
        cases.sort(key=lambda case: _sort_key(getter(case)), reverse=part[1] == "desc")
    return cases


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise _refusal(web.HTTPBadRequest, f"Invalid JSON: {error}") from None


def _refusal(kind: type[web.HTTPException], message: str) -> web.HTTPException:
    text = msgspec.json.encode({"message": message}).decode()
    return kind(text=text, content_type="application/json")


def _message(status: int, message: str) -> web.Response:
    return _json({"message": message}, status)


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )
