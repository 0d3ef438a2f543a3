"""The one button that acts: it asks the workers for all syncs, now."""

import asyncio

from aiohttp import web
from yarl import URL

from t5g.audit import AuditEntry, Outcome
from t5g.team import Role
from t5g.work import ALL, request_sync
from webhooks.access.guard import require
from webhooks.keys import AUDIT, QUEUE, STORE
from webhooks.saml.pending import local_path


async def refresh(request: web.Request) -> web.Response:
    """`POST /refresh`: ask for all syncs, and go back to the page."""
    viewer = require(request, Role.ENGINEER)
    asked = await asyncio.to_thread(
        request_sync, request.app[QUEUE], request.app[STORE].keys, ALL, viewer.name or "the page"
    )
    await request.app[AUDIT].record(
        AuditEntry(
            who=viewer.id or "anyone",
            name=viewer.name,
            action="refresh",
            outcome=Outcome.ASKED,
            origin="page",
            detail=asked.value,
        )
    )
    back = local_path(_path_of(request.headers.get("Referer", "")))
    return web.Response(status=303, headers={"Location": back, "Cache-Control": "no-store"})


def _path_of(referer: str) -> str:
    """The path of the page that the button was on; other pages can not send it here."""
    try:
        return URL(referer).raw_path_qs or "/"
    except ValueError:
        return "/"
