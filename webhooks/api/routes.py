"""The table of contents of the API."""

from aiohttp import web

from webhooks import keys
from webhooks.api import cases
from webhooks.api.answers import ANSWERS, Answers


def add_routes(app: web.Application) -> None:
    """Mount the API; `app` has what `webhooks.keys` names."""
    app[ANSWERS] = Answers(app[keys.BOARD])
    router = app.router
    router.add_get(cases.PATH, cases.list_cases)
    router.add_get(cases.PATH + "/{number}", cases.get_case)
