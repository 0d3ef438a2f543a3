"""The page of statistics."""

from aiohttp import web

from t5g.figures import figures
from webhooks.pages.asking import number_of
from webhooks.pages.keys import DAYS
from webhooks.pages.rendering import PAGES, Page
from webhooks.pages.views.statistics import DEFAULT_SPAN, SPANS, statistics


async def show_statistics(request: web.Request) -> web.Response:
    """`/stats?days=`: numbers over time."""
    pages = request.app[PAGES]
    asked = number_of(request, "days", DEFAULT_SPAN)
    span = asked if asked in dict(SPANS) else DEFAULT_SPAN
    await pages.board.refresh()
    rows = await request.app[DAYS].rows()

    def make(now: float) -> Page:
        entries = list(pages.board.entries.values())
        view = statistics(entries, figures(entries, now), rows, span, now)
        return Page("stats.html", {"view": view})

    return await pages.show(request, ("stats", span), make, depends=len(rows))
