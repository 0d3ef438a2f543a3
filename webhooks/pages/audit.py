"""`/audit`, for administrators: who asked for or did what. Each download is itself in the log."""

import time

from aiohttp import web
from msgspec import Struct

from t5g.audit import COLUMNS, AuditEntry, Filter, Outcome, row_of
from t5g.spreadsheet import csv_pieces
from t5g.team import Role
from t5g.timestamps import asked_time
from webhooks.access.guard import require
from webhooks.keys import AUDIT
from webhooks.pages.asking import number_of
from webhooks.pages.files import csv_answer
from webhooks.pages.rendering import PAGES, Page
from webhooks.pages.views.audit import Form, audit_view

ROWS = (50, 200, 1000)
LONGEST = 200


class Wanted(Struct, frozen=True):
    """What is asked for: the texts of the form, and the filter that they mean."""

    form: Form
    filter: Filter


async def show_audit(request: web.Request) -> web.Response:
    """`/audit?who=&action=&case=&origin=&outcome=&since=&until=&rows=`: the newest first."""
    require(request, Role.ADMIN)
    now = time.time()
    wanted = _wanted(request, now)
    rows = number_of(request, "rows", ROWS[0])
    rows = rows if rows in ROWS else ROWS[0]
    # One more than is shown tells whether there are more.
    found = await request.app[AUDIT].read(wanted.filter, limit=rows + 1)
    view = audit_view(found, wanted.form, rows, ROWS, now)
    return request.app[PAGES].plain(request, Page("audit.html", {"view": view}))


async def send_audit(request: web.Request) -> web.StreamResponse:
    """`/audit.csv`, with the same filters: all lines that match."""
    viewer = require(request, Role.ADMIN)
    audit = request.app[AUDIT]
    wanted = _wanted(request, time.time())
    found = await audit.read(wanted.filter, limit=None)
    await audit.record(
        AuditEntry(
            who=viewer.id or "anyone",
            name=viewer.name,
            action="audit export",
            outcome=Outcome.DONE,
            origin="page",
            detail=f"{len(found)} lines as CSV",
        )
    )
    return await csv_answer(request, "audit", csv_pieces(COLUMNS, map(row_of, found)))


def _wanted(request: web.Request, now: float) -> Wanted:
    """Read the filter. Raises MomentError; an outcome that does not exist matches nothing."""
    texts = {name: request.query.get(name, "").strip()[:LONGEST] for name in Form.__struct_fields__}
    form = Form(**texts)
    return Wanted(
        form,
        Filter(
            who=form.who, action=form.action, case=form.case, origin=form.origin,
            outcome=form.outcome, since=asked_time(form.since, now),
            until=asked_time(form.until, now),
        ),
    )  # fmt: skip
