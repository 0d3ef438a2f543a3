"""Builds the stand-in JIRA server."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from sandbox.faults import Faults
from sandbox.jira.control import Control
from sandbox.jira.model import Refusal
from sandbox.jira.page import Pages
from sandbox.jira.rest import agile, comments, extras, issues, links, projects, searching, server
from sandbox.jira.rest.admin import admin_routers
from sandbox.jira.rest.call import Router
from sandbox.jira.serving import UNKNOWN, Door, mount, refusals, refused
from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import Webhooks

__all__ = ["DOOR", "STATE", "TOKEN", "USER", "create_jira_app", "refuse_token"]

USER: Final = "sandbox-bot@example.com"
TOKEN: Final = "sandbox-jira-token-not-secret"
STATE: Final = web.AppKey("jira_state", JiraState)
DOOR: Final = web.AppKey("jira_door", Door)
BODY_LIMIT: Final = 64 * 1024 * 1024

#: In this order: a path that names something comes before one that takes any key.
ROUTERS: Final[tuple[Router, ...]] = (
    server.router,
    server.applinks,
    projects.router,
    searching.router,
    comments.router,
    links.router,
    extras.router,
    issues.router,
    agile.router,
)


def create_jira_app(
    state: JiraState,
    *,
    cloud: bool | None = None,
    tokens: Iterable[str] | Mapping[str, str] = (TOKEN,),
    user: str = USER,
    faults: Faults | None = None,
    webhooks: Webhooks | None = None,
) -> web.Application:
    """Return the application, Cloud or Data Center as `state` is (`cloud`, if given, agrees).

    `tokens`: those of `user`, or each by its owner's e-mail. Cloud wants them as the password of
    the e-mail, Data Center as bearer.
    """
    if cloud not in (None, state.cloud):
        raise ValueError(f"cloud={cloud}, but the state is of a server with cloud={state.cloud}")
    webhooks = webhooks or Webhooks(state)
    if isinstance(tokens, Mapping):
        owners = {token: email for email, token in tokens.items()}
    else:
        owners = dict.fromkeys(tokens, user)
    app = web.Application(middlewares=[refusals], client_max_size=BODY_LIMIT)
    app[STATE] = state
    app[DOOR] = door = Door(state, owners)
    (faults or Faults(refuse_token)).mount(app)
    mount(app, state, door, (*ROUTERS, *admin_routers(webhooks)))
    Control(state, webhooks).add_routes(app)
    Pages(state).add_routes(app)
    app.cleanup_ctx.append(_sending(webhooks))
    return app


def refuse_token(request: web.Request) -> web.Response:
    """Answer as JIRA does when it does not accept a token, for `Faults`."""
    return refused(Refusal(401, UNKNOWN))


def _sending(webhooks: Webhooks) -> Any:
    async def sending(_: web.Application) -> AsyncIterator[None]:
        await webhooks.start()
        yield
        await webhooks.stop()

    return sending
