"""Builds the stand-in JIRA server."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from aiohttp import web

from sandbox.faults import Faults
from sandbox.jira import page
from sandbox.jira.admin import Admin
from sandbox.jira.agile import Agile
from sandbox.jira.control import Control
from sandbox.jira.rest import STATE, Rest, refusals
from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import Webhooks

USER = "sandbox-bot@example.com"
TOKEN = "sandbox-jira-token-not-secret"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_jira_app(
    state: JiraState,
    *,
    faults: Faults,
    webhooks: Webhooks,
    tokens: Iterable[str] = (TOKEN,),
    user: str = USER,
) -> web.Application:
    """Return the application. Cloud wants `user` with a token as password, Data Center a bearer."""
    accepted = frozenset(
        "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()
        if state.cloud
        else f"Bearer {token}"
        for token in tokens
    )
    app = web.Application(
        middlewares=[_guard(accepted), refusals], client_max_size=64 * 1024 * 1024
    )
    faults.mount(app)
    app[STATE] = state
    Rest(state, state.clock).add_routes(app)
    Agile(state).add_routes(app)
    Admin(state, webhooks).add_routes(app)
    Control(state, webhooks).add_routes(app)
    page.add_routes(app, state)

    async def sending(_: web.Application) -> AsyncIterator[None]:
        await webhooks.start()
        yield
        await webhooks.stop()

    app.cleanup_ctx.append(sending)
    return app


def _guard(
    accepted: frozenset[str],
) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        closed = request.path.startswith("/rest/") and not request.path.endswith("/serverInfo")
        if closed and request.headers.get("Authorization") not in accepted:
            return web.json_response(
                {"errorMessages": ["Client must be authenticated to access this resource."]},
                status=401,
                headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"},
            )
        return await handler(request)

    return guard
