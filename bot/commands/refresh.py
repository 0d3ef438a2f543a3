"""`refresh [what]`: ask for a sync now."""

import asyncio

from bot.answers import Answer, Note
from bot.router import Request, router
from t5g.errors import QueryError
from t5g.query.fields import nearest
from t5g.syncs import Sync
from t5g.work import ALL, Asked, request_sync


@router.command(
    "refresh",
    usage="[what]",
    summary="Sync now: " + ", ".join(sync.value for sync in Sync) + ", or all",
    examples=("refresh cases",),
)
async def refresh(request: Request) -> Answer:
    """Ask for a sync; join it if it waits or runs already."""
    what = request.text.strip().casefold() or ALL
    if what not in (*Sync, ALL):
        guess = nearest(what, [*Sync, ALL])
        raise QueryError(
            f"There is no sync “{what[:20]}”.",
            text=what,
            suggestion=f"refresh {guess}" if guess else "",
            example="" if guess else "refresh cases",
        )
    context = request.context
    asked = await asyncio.to_thread(
        request_sync, context.queue, context.keys, what, request.asker.name or request.asker.id
    )
    if asked is Asked.JOINED:
        return Note(text=f"The sync of {what} runs already; you get what it brings.")
    return Note(text=f"The sync of {what} is asked for. `status` shows how far it is.")
