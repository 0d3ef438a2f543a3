"""Puts the Bugzilla server together: REST, XML-RPC, a page for each bug, faults, control routes."""

import html
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from sandbox.bugzilla.rest import RestApi
from sandbox.bugzilla.state import BugzillaError, BugzillaState
from sandbox.bugzilla.xmlrpc import XmlRpcApi
from sandbox.faults import Faults

#: Longer addresses are refused; 700 ids pass and 2,000 do not.
LONGEST_ADDRESS: Final = 10_000
LARGEST_BODY: Final = 4 * 1024 * 1024
#: What the HTTP server itself must let through, so that it is us who refuse.
SERVER_LIMITS: Final = {"max_line_size": 256 * 1024}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_bugzilla_app(state: BugzillaState, *, faults: Faults | None = None) -> web.Application:
    """The application over a state. Serve it with `SERVER_LIMITS`."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_refuse_long_addresses])
    RestApi(state).mount(app)
    XmlRpcApi(state).mount(app)
    _Control(state).mount(app)
    (faults or bugzilla_faults()).mount(app)
    return app


def bugzilla_faults() -> Faults:
    """Faults whose refused token is Bugzilla's error 306 in HTTP 400."""

    def refuse(request: web.Request) -> web.Response:
        error = {"error": True, "code": 306, "message": "The API key you specified is invalid."}
        return web.json_response(error, status=400)

    return Faults(refuse)


@web.middleware
async def _refuse_long_addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    if len(request.path_qs) > LONGEST_ADDRESS:
        page = "<html><body><h1>414 Request-URI Too Long</h1></body></html>\n"
        return web.Response(status=414, text=page, content_type="text/html")
    return await handler(request)


class _Control:
    """Looks at and changes bugs by hand, and shows each as a small page."""

    def __init__(self, state: BugzillaState) -> None:
        self._state = state

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/show_bug.cgi", self._page)
        app.router.add_get("/_sandbox/bugs", self._list)
        app.router.add_post(r"/_sandbox/bugs/{id:\d+}", self._change)

    async def _page(self, request: web.Request) -> web.Response:
        try:
            bug = self._state.get(request.query.get("id", ""), None)
        except BugzillaError as error:
            return _html(f"<p>{html.escape(error.message)}</p>", 404 if error.code == 101 else 401)
        facts = f"{bug.status} {bug.severity} {', '.join(bug.target_release)}"
        title = html.escape(f"{bug.id} - {bug.summary}")
        return _html(f"<h1>{title}</h1><p>{html.escape(facts)}</p>")

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"bugs": list(self._state.bugs)})

    async def _change(self, request: web.Request) -> web.Response:
        bug_id = int(request.match_info["id"])
        if bug_id not in self._state.bugs:
            return web.json_response({"error": f"no bug {bug_id}"}, status=404)
        try:
            self._state.update_bug(bug_id, **dict(await request.json()))
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.Response(status=204)


def _html(body: str, status: int = 200) -> web.Response:
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>Bugzilla</title>{body}</html>"
    return web.Response(text=page, status=status, content_type="text/html")
