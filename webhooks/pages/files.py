"""Tables as CSV files: the list of cases here; each download is in the audit log."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from t5g.audit import AuditEntry, Outcome
from webhooks.keys import AUDIT
from webhooks.pages.asking import asked_of, query_of
from webhooks.pages.rendering import PAGES
from webhooks.pages.views.table import table
from webhooks.viewer import viewer_of

#: Tells spreadsheets that the file is UTF-8.
MARK = "\ufeff"


async def send_csv(request: web.Request) -> web.StreamResponse:
    """`/cases.csv?q=`: all cases that match, in the query's order."""
    pages, viewer = request.app[PAGES], viewer_of(request)
    await pages.board.refresh()
    query, now = query_of(request, asked_of(request).text), pages.clock()
    found = pages.board.select(query, now, viewer.me)
    await request.app[AUDIT].record(
        AuditEntry(
            who=viewer.id or "anyone",
            name=viewer.name,
            action="export",
            outcome=Outcome.DONE,
            origin="page",
            detail=f"{len(found)} cases as CSV",
        )
    )
    return await csv_answer(request, "cases", table(found, now))


async def csv_answer(request: web.Request, name: str, pieces: Iterable[str]) -> web.StreamResponse:
    """Send a table as a file, piece by piece, so that others are answered in between."""
    day = datetime.fromtimestamp(request.app[PAGES].clock(), UTC).date().isoformat()
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}-{day}.csv"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await response.prepare(request)
    if request.method == "HEAD":
        return response  # a body would be read as the answer to the next request
    await response.write(MARK.encode())
    for piece in pieces:
        await response.write(piece.encode())
        await asyncio.sleep(0)
    return response
