"""The pages of one account and of one engineer."""

from aiohttp import web

from t5g.derived import Entry
from t5g.errors import NotFoundError
from t5g.figures import engineer_of
from webhooks.pages.keys import LINKS
from webhooks.pages.rendering import PAGES, Page
from webhooks.pages.views.group import group_page


async def show_account(request: web.Request) -> web.Response:
    """`/accounts/NAME`."""
    pages, name = request.app[PAGES], request.match_info["name"]
    if (kept := await pages.again(request)) is not None:
        return kept
    wanted = name.casefold()

    def make(now: float) -> Page:
        found = [e for e in pages.board.ordered(now) if e.case.portal.account.casefold() == wanted]
        if not found:
            raise NotFoundError(f"No case belongs to an account “{name[:80]}”.")
        shown = found[0].case.portal.account
        view = group_page("Account", shown, found, now, request.app[LINKS])
        return Page("group.html", {"view": view})

    return await pages.show(request, ("account", wanted), make)


async def show_engineer(request: web.Request) -> web.Response:
    """`/engineers/NAME`: by the name that cards show."""
    pages, name = request.app[PAGES], request.match_info["name"]
    if (kept := await pages.again(request)) is not None:
        return kept
    wanted = name.casefold()

    def make(now: float) -> Page:
        ordered = pages.board.ordered(now)
        found = [e for e in ordered if e.assignee and engineer_of(e).casefold() == wanted]
        helps = [e for e in ordered if e.open and helps_with(e, wanted)]
        if not found and not helps:
            raise NotFoundError(f"No card is assigned to “{name[:80]}”.")
        shown = engineer_of(found[0]) if found else name
        view = group_page("Engineer", shown, found, now, request.app[LINKS], helps=helps)
        return Page("group.html", {"view": view})

    return await pages.show(request, ("engineer", wanted), make)


def helps_with(entry: Entry, name: str) -> bool:
    """Say whether somebody contributes to a case that is not theirs (`name`: casefolded)."""
    if entry.card is None or (entry.assignee and engineer_of(entry).casefold() == name):
        return False
    return any((x.name or x.account).casefold() == name for x in entry.card.contributors)
