"""Puts the Portal's server together: single sign-on, GraphQL, hydra, faults and control routes."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from sandbox.faults import Faults
from sandbox.portal.control import Control
from sandbox.portal.graphql import GraphQLService
from sandbox.portal.hydra import HydraService
from sandbox.portal.state import PortalState
from sandbox.sso import TOKEN_PATH, Sso

LARGEST_BODY: Final = 1024 * 1024


def create_portal_app(
    state: PortalState,
    *,
    sso: Sso | None = None,
    faults: Faults | None = None,
    step: Callable[[], str] | None = None,
) -> web.Application:
    """The application over a state. `step` lets one thing happen and says what it was.

    `faults` should be made by `portal_faults`, so that a refused token looks as it does here.
    """
    sso = sso or Sso()
    faults = faults or portal_faults(sso)
    app = web.Application(client_max_size=LARGEST_BODY)
    graphql = GraphQLService(state, sso)
    app.router.add_post("/", graphql.serve)
    app.router.add_post("/graphql", graphql.serve)
    sso.mount(app)
    HydraService(state, sso).mount(app)
    Control(state, step).mount(app)
    faults.mount(app)
    return app


def portal_faults(sso: Sso) -> Faults:
    """Faults whose refused token is `invalid_grant` at the token endpoint and 401 elsewhere."""

    def refuse(request: web.Request) -> web.Response:
        if request.path == TOKEN_PATH:
            return sso.refuse(request)
        return web.json_response({"message": "Unauthorized"}, status=401)

    return Faults(refuse)
