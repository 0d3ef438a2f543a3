"""Walks what JIRA gives page by page to a known end: a list that ends early is an error.

What comes from here is whole, so that what is not in it may be taken for gone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from t5g.errors import UpstreamError
from workers.answers import Json, count_in
from workers.blocking import Threads
from workers.jira.server import SERVICE, Server
from workers.paging import Walk


async def every_row(page_from: Callable[[int], Awaitable[Json]], name: str) -> AsyncIterator[Json]:
    """Yield the rows of all pages of a list, which are asked for by offset.

    Raises UpstreamError if fewer rows come than there are, or if that can not be told.
    """
    start, walk = 0, Walk(SERVICE, f"the {name}")
    while True:
        page = await page_from(start)
        rows, last, total = page[name], page.get("isLast"), count_in(page)
        walk.turn(*(str(row.get("id")) for row in rows))
        for row in rows:
            yield row
        start += len(rows)
        if last is True or (last is None and total is not None and start >= total):
            return
        if not rows or (last is None and total is None):
            raise UpstreamError(SERVICE, f"{start} of {total or 'unknown'} {name} came")


async def search_pages(
    threads: Threads, server: Server, query: str, ask: Json
) -> AsyncIterator[Json]:
    """Yield the pages of a search; the same issue may come twice, and on Data Center be left out.

    Raises UpstreamError if a page that is not the last has no successor.
    """
    cursor, walk = "", Walk(SERVICE, "the search")
    while True:
        page = await threads.run(server.search_page, query, cursor, ask)
        yield page
        cursor = _after(page, cursor, cloud=server.cloud)
        if not cursor:
            return
        walk.turn(cursor)


def _after(page: Json, cursor: str, *, cloud: bool) -> str:
    """Return the cursor of the page that follows, "" after the last one."""
    if cloud:
        token = page.get("nextPageToken")
        if page.get("isLast") is True:
            return ""
        if isinstance(token, str) and token:
            return token
    elif (total := count_in(page)) is not None:
        start = int(cursor or 0) + len(page["issues"])
        return str(start) if page["issues"] and start < total else ""
    raise UpstreamError(SERVICE, "a page of the search does not say whether it is the last")
