"""The list of cases, the same as a file, and the page of one case."""

from aiohttp import web

from t5g.errors import NotFoundError, QueryError
from t5g.model import is_case_number
from t5g.query import FIELDS, SORTS
from webhooks.pages import addresses
from webhooks.pages.asking import asked_of, query_of
from webhooks.pages.keys import LINKS, ROWS
from webhooks.pages.rendering import PAGES, Page
from webhooks.pages.views.listing import listing, troubled
from webhooks.pages.views.one import one_case
from webhooks.viewer import viewer_of

HELP = {"fields": tuple(FIELDS.values()), "sorts": tuple(SORTS.values())}


async def show_list(request: web.Request) -> web.StreamResponse:
    """`/cases?q=`: the cases that match; a case number leads straight to its page."""
    pages, rows = request.app[PAGES], request.app[ROWS]
    if (kept := await pages.again(request)) is not None:
        return kept
    asked = asked_of(request)
    if is_case_number(asked.text) and pages.board.get(asked.text):
        raise web.HTTPSeeOther(addresses.case(asked.text))
    try:
        query = query_of(request, asked.text)
    except QueryError as error:
        view = troubled(asked, error)
        return pages.plain(request, Page("cases.html", {"view": view, **HELP}, error.status))

    def make(now: float) -> Page:
        found = pages.board.select(query, now, viewer_of(request).me)
        view = listing(asked, query, found, now)
        return Page("cases.html", {"view": view, "rows": rows.of(view.shown, now), **HELP})

    return await pages.show(request, ("cases", asked), make, personal=query.personal)


async def show_case(request: web.Request) -> web.Response:
    """`/cases/NUMBER`."""
    pages, links, number = request.app[PAGES], request.app[LINKS], request.match_info["number"]
    if (kept := await pages.again(request)) is not None:
        return kept
    entry = pages.board.get(number)
    if entry is None:
        raise NotFoundError(f"There is no case {number[:20]} here.")

    def make(now: float) -> Page:
        return Page("case.html", {"view": one_case(entry, now, links)})

    return await pages.show(request, ("case", number), make)
