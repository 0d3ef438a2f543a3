"""`/metrics` of the web process: what it counted, and what Redis knows of all the others.

On `T5G_METRICS_PORT` for Prometheus, from the inside; beside the pages for who may see these.
"""

from collections.abc import AsyncIterator

from aiohttp import web

from t5g.metrics import Snapshot
from t5g.metrics_port import serving
from t5g.scraping import CONTENT_TYPE, Scrape
from webhooks.keys import BOARD, BOT, REDIS, SETTINGS

PROCESS = "web"
HEADERS = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}


def add_routes(app: web.Application) -> None:
    """Mount the page, and open the port."""
    app.router.add_get("/metrics", page)

    async def on_the_port(app: web.Application) -> AsyncIterator[None]:
        async with serving(app[SETTINGS], _scrape(app), shared=True):
            yield

    app.cleanup_ctx.append(on_the_port)


async def page(request: web.Request) -> web.Response:
    """Answer a scrape; also while Redis is away."""
    text = await _scrape(request.app).text()
    return web.Response(body=text, headers=HEADERS)


def _scrape(app: web.Application) -> Scrape:

    async def outbox(snapshot: Snapshot, _: float) -> None:
        waiting = await app[BOT].outbox.waiting()
        snapshot.gauge("t5g_slack_outbox_messages", "Messages that wait to be posted", waiting)

    return Scrape(app[SETTINGS], app[REDIS], PROCESS, app[BOARD], outbox)
