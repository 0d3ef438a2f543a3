"""Mounts the API: every address of the table, and the document that describes them."""

from aiohttp import web

from webhooks import keys
from webhooks.api import document
from webhooks.api.answers import ANSWERS, Answers
from webhooks.api.endpoints import add_endpoints


def add_routes(app: web.Application) -> None:
    """Mount the API; `app` has what `webhooks.keys` and `webhooks.pages.keys` name."""
    app[ANSWERS] = Answers(app[keys.BOARD])
    add_endpoints(app.router)
    app.router.add_get(document.PATH, document.send_document)
