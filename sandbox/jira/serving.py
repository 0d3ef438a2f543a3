"""The thin shell between aiohttp and the handlers of `rest/`: who asks, JSON in, JSON out."""

import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from sandbox.jira.jql import Searcher
from sandbox.jira.model import JiraUser, Refusal
from sandbox.jira.rest.call import Answer, Call, Route, Router
from sandbox.jira.state import JiraState

AioHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

UNKNOWN: Final = "Client must be authenticated to access this resource."
OPEN_PATHS: Final = ("/serverInfo",)


class Door:
    """Who has which token. On Cloud `expired` ones count as if nobody had asked, unseen."""

    def __init__(self, state: JiraState, owners: Mapping[str, str]) -> None:
        """`owners`: the e-mail of the account by token."""
        self._state = state
        self.owners = dict(owners)
        self.expired: set[str] = set()

    def enter(self, request: web.Request) -> JiraUser | None:
        """Return who asks; nobody for an expired token. Raises Refusal 401 or 403."""
        email, token = self._given(request.headers.get("Authorization", ""))
        if token in self.expired and self._state.cloud:
            return None
        if token in self.expired or not email or self.owners.get(token) != email:
            raise Refusal(401, UNKNOWN)
        return self._state.user(email) or self._state.bot

    def _given(self, header: str) -> tuple[str, str]:
        """The e-mail and token of a request: `Basic` on Cloud, `Bearer` on Data Center."""
        kind, _, rest = header.partition(" ")
        if self._state.cloud:
            if kind.casefold() == "bearer":
                raise Refusal(403, "Failed to parse Connect Session Auth Token")
            return _basic(rest) if kind.casefold() == "basic" else ("", "")
        return (self.owners.get(rest, ""), rest) if kind.casefold() == "bearer" else ("", "")


def mount(app: web.Application, state: JiraState, door: Door, routers: Iterable[Router]) -> None:
    """Mount the routes that this kind of server has."""
    search = Searcher(state)
    kind = "cloud" if state.cloud else "dc"
    for router in routers:
        for route in router.routes:
            if route.only in ("", kind):
                path = route.path if state.cloud else route.path.replace("2|3|", "2|")
                app.router.add_route(route.method, path, _serve(state, search, door, route))


def _serve(state: JiraState, search: Searcher, door: Door, route: Route) -> AioHandler:
    async def serve(request: web.Request) -> web.StreamResponse:
        anybody = request.path.endswith(OPEN_PATHS)
        actor = None if anybody else door.enter(request)
        query, body = query_of(request), await body_of(request)
        call = Call(state, search, actor, request.method, request.match_info, query, body)
        return respond(route.handler(call))

    return serve


def query_of(request: web.Request) -> dict[str, str]:
    """Read the query; what is given several times (`fields=a&fields=b`) is one list."""
    return {name: ",".join(request.query.getall(name)) for name in request.query}


async def body_of(request: web.Request) -> Any:
    """Read a JSON body, None without one. Raises Refusal 400 or 415."""
    raw = await request.read()
    if not raw:
        return None
    if request.content_type != "application/json":
        raise Refusal(415, "Unsupported Media Type: send application/json.")
    try:
        return json.loads(raw)
    except ValueError as error:
        raise Refusal(400, f"Unexpected character in the request payload: {error}") from None


def respond(answer: Answer) -> web.Response:
    """Write an answer."""
    if answer.body is None:
        return web.Response(status=answer.status)
    return web.Response(
        body=msgspec.json.encode(answer.body),
        status=answer.status,
        content_type="application/json",
        charset="utf-8",
    )


@web.middleware
async def refusals(request: web.Request, handler: AioHandler) -> web.StreamResponse:
    """Answer what JIRA refuses with its error object, and what is not there as JIRA does."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return refused(refusal)
    except web.HTTPException as error:
        if not request.path.startswith("/rest/") or error.status < 400:
            raise
        body = {"message": f"null for uri: {request.url}", "status-code": error.status}
        return respond(Answer(error.status, body))


def refused(refusal: Refusal) -> web.Response:
    """Write a refusal."""
    body = {"errorMessages": refusal.messages, "errors": refusal.errors}
    response = respond(Answer(refusal.status, body))
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'OAuth realm="sandbox"'
        response.headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
    return response


def _basic(rest: str) -> tuple[str, str]:
    try:
        email, _, token = base64.b64decode(rest, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return email, token
