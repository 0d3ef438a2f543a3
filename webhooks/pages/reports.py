"""Trends, recent updates and the weekly report."""

from datetime import datetime

from aiohttp import web

from t5g.derived import DAY
from webhooks.keys import SETTINGS
from webhooks.pages.asking import number_of
from webhooks.pages.keys import LINKS
from webhooks.pages.rendering import PAGES, Page
from webhooks.pages.views.feed import CaseNews, news
from webhooks.pages.views.group import trend_page
from webhooks.pages.views.updates import DEFAULT_SPAN, SPANS, updates
from webhooks.pages.views.weekly import DAYS, Weekly, as_text, weekly

MOST_NEWS = 60
FEED_LOOK = 400


async def show_trends(request: web.Request) -> web.Response:
    """`/trends`: the cases whose cards are labelled as part of a trend."""
    pages = request.app[PAGES]
    if (kept := await pages.again(request)) is not None:
        return kept

    def make(now: float) -> Page:
        found = [entry for entry in pages.board.ordered(now) if entry.trend]
        return Page("trends.html", {"view": trend_page(found, now, request.app[LINKS])})

    return await pages.show(request, "trends", make)


async def show_updates(request: web.Request) -> web.Response:
    """`/updates?days=`: what was said and what changed."""
    pages = request.app[PAGES]
    asked = number_of(request, "days", DEFAULT_SPAN)
    days = asked if asked in dict(SPANS) else DEFAULT_SPAN
    if (kept := await pages.again(request)) is not None:
        return kept
    told = await _news(request)

    def make(now: float) -> Page:
        entries = pages.board.entries.values()
        view = updates(entries, told, days, now, links=request.app[LINKS])
        return Page("updates.html", {"view": view})

    return await pages.show(request, ("updates", days), make)


async def _news(request: web.Request) -> tuple[CaseNews, ...] | None:
    """The newest changes; None if the feed no longer has them."""
    pages = request.app[PAGES]
    newest = pages.board.version[1]
    feed = await pages.board.changes_after(max(0, newest - FEED_LOOK), FEED_LOOK)
    if feed is None:
        return None
    summaries = {
        entry.number: found.case.portal.summary
        for entry in feed
        if (found := pages.board.get(entry.number)) is not None
    }
    return news(feed, summaries, pages.clock(), MOST_NEWS)


async def show_weekly(request: web.Request) -> web.Response:
    """`/weekly`: the report of the last seven days."""
    pages = request.app[PAGES]
    if (kept := await pages.again(request)) is not None:
        return kept

    def make(now: float) -> Page:
        return Page("weekly.html", {"view": _report(request, now)})

    return await pages.show(request, "weekly", make)


async def send_weekly_text(request: web.Request) -> web.Response:
    """`/weekly.txt`: the same as plain text."""
    pages = request.app[PAGES]
    await pages.board.refresh()
    text = as_text(_report(request, pages.clock()), request.app[SETTINGS].base_url)
    return web.Response(text=text, headers={"Cache-Control": "private, no-cache"})


def _report(request: web.Request, now: float) -> Weekly:
    board, zone = request.app[PAGES].board, request.app[SETTINGS].zone
    begin, end = (datetime.fromtimestamp(at, zone) for at in (now - DAYS * DAY, now))
    span = (f"{begin:%-d %B}", f"{end:%-d %B %Y}")
    return weekly(board.ordered(now), board.figures(now), span, now, request.app[LINKS])
