"""`/metrics` of the web process: what it counted, and what Redis knows of all the others."""

from aiohttp import web

from t5g.metrics import Snapshot
from t5g.scraping import CONTENT_TYPE, Scrape
from webhooks.keys import BOARD, BOT, REDIS, SETTINGS

PROCESS = "web"


def add_routes(app: web.Application) -> None:
    """Mount the page."""
    app.router.add_get("/metrics", page)


async def page(request: web.Request) -> web.Response:
    """Answer a scrape; also while Redis is away."""
    app = request.app

    async def outbox(snapshot: Snapshot, _: float) -> None:
        waiting = await app[BOT].outbox.waiting()
        snapshot.gauge("t5g_slack_outbox_messages", "Messages that wait to be posted", waiting)

    scrape = Scrape(app[SETTINGS], app[REDIS], PROCESS, app[BOARD], outbox)
    return web.Response(body=await scrape.text(), headers={"Content-Type": CONTENT_TYPE})
