"""The first page."""

from aiohttp import web

from webhooks.pages.keys import DAYS, LINKS
from webhooks.pages.rendering import PAGES, Page
from webhooks.pages.views.overview import overview


async def show_overview(request: web.Request) -> web.Response:
    """`/`: headline numbers and what needs attention."""
    pages, days = request.app[PAGES], request.app[DAYS]
    if (kept := await pages.again(request)) is not None:
        return kept
    yesterday, last_week = await days.before(1), await days.before(7)

    def make(now: float) -> Page:
        ordered = pages.board.ordered(now)
        numbers, links = pages.board.figures(now), request.app[LINKS]
        view = overview(ordered, numbers, now, links, yesterday=yesterday, last_week=last_week)
        return Page("overview.html", {"view": view})

    return await pages.show(request, "overview", make, depends=(yesterday, last_week))
