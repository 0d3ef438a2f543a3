"""Bugzilla's REST API as python-bugzilla calls it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from sandbox.bugzilla.render import apply_update, render_bug, rest_time
from sandbox.bugzilla.state import BugzillaError, BugzillaState, Json, SandboxBug

VERSION: Final = "5.0.4.rh97"
_KEY_NAMES: Final = ("Bugzilla_api_key", "api_key")
#: HTTP statuses by error code, as in Bugzilla's WebService constants; any other code is 400.
_HTTP: Final = {51: 404, 101: 404, 102: 401, 300: 401, 301: 401, 304: 401, 410: 401}
_DOCUMENTATION: Final = "https://bugzilla.example.com/docs/en/html/api/"


class RestApi:
    """The routes under `/rest`."""

    def __init__(self, state: BugzillaState) -> None:
        self._state = state

    def mount(self, app: web.Application) -> None:
        """Serve the routes."""
        add = app.router.add_route
        add("GET", "/rest/version", self._version)
        add("GET", "/rest/whoami", _answered(self._whoami))
        add("GET", "/rest/valid_login", _answered(self._valid_login))
        add("GET", "/rest/bug", _answered(self._search))
        add("GET", "/rest/bug/{id}", _answered(self._get))
        add("PUT", "/rest/bug/{id}", _answered(self._update))
        add("GET", "/rest/bug/{id}/comment", _answered(self._comments))

    async def _version(self, request: web.Request) -> web.Response:
        # Answered whatever the key is: connecting proves nothing about it.
        return _json({"version": VERSION})

    async def _whoami(self, request: web.Request) -> Json:
        account = self._account(request)
        if account is None:
            raise BugzillaError(410, "You must log in before using this part of Bugzilla.")
        return {"id": 1, "name": account, "real_name": "T5G bot"}

    async def _valid_login(self, request: web.Request) -> Json:
        account = self._account(request)
        return {"result": account is not None and request.query.get("login") == account}

    async def _search(self, request: web.Request) -> Json:
        account = self._account(request)
        found = self._state.search(_terms(request.query))
        return {"bugs": [self._rendered(bug, account, request) for bug in found]}

    async def _get(self, request: web.Request) -> Json:
        account = self._account(request)
        bug = self._state.get(request.match_info["id"], account)
        return {"bugs": [self._rendered(bug, account, request)], "faults": []}

    async def _comments(self, request: web.Request) -> Json:
        bug = self._state.get(request.match_info["id"], self._account(request))
        comments = render_bug(bug, account=None, moment=rest_time, include=["comments"])
        return {"bugs": {str(bug.id): comments}, "comments": {}}

    async def _update(self, request: web.Request) -> Json:
        account = self._account(request)
        if account is None:
            raise BugzillaError(410, "You must log in before using this part of Bugzilla.")
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise BugzillaError(32700, f"Malformed JSON: {error}") from None
        ids = body.get("ids") or [request.match_info["id"]]
        bugs = [self._state.get(one, account) for one in ids]
        return apply_update(self._state, bugs, body, rest_time)

    def _rendered(self, bug: SandboxBug, account: str | None, request: web.Request) -> Json:
        terms = _terms(request.query)
        return render_bug(
            bug,
            account=account,
            moment=rest_time,
            include=terms.get("include_fields", ()),
            exclude=terms.get("exclude_fields", ()),
            lacks=self._state.lacks,
        )

    def _account(self, request: web.Request) -> str | None:
        return self._state.account_of(_key(request))


def _key(request: web.Request) -> str | None:
    """The API key, wherever it stands."""
    if token := bearer_of(request):
        return token
    named = (request.query[name] for name in _KEY_NAMES if name in request.query)
    return next(named, None)


def bearer_of(request: web.Request) -> str | None:
    """The API key as Red Hat's server takes it."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else None


def _terms(query: Any) -> Mapping[str, list[str]]:
    """The parameters; several values come repeated or with commas between them."""
    terms: dict[str, list[str]] = {}
    for name, value in query.items():
        terms.setdefault(name, []).extend(one for one in value.split(",") if one)
    return terms


def _answered(handler: Any) -> Any:
    async def answer(request: web.Request) -> web.Response:
        try:
            return _json(await handler(request))
        except BugzillaError as error:
            body = {
                "error": True,
                "code": error.code,
                "message": error.message,
                "documentation": _DOCUMENTATION,
            }
            return _json(body, _HTTP.get(error.code, 400))

    return answer


def _json(body: Json, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )
