"""`refresh [what]`: ask for a sync now, or for one case; the message shows how far it is."""

import asyncio

from bot.answers import Answer, Note, Progress
from bot.commands.acting import ask
from bot.commands.cases import found_case
from bot.router import Request, router
from t5g.errors import QueryError
from t5g.model import is_case_number
from t5g.query.fields import nearest
from t5g.syncs import Sync, SyncRecords, SyncState
from t5g.team import Role
from t5g.work import ALL, Asked, request_sync


@router.command(
    "refresh",
    keeps=True,
    usage="[what|NUMBER]",
    summary="Sync now (" + ", ".join(sync.value for sync in Sync) + ", all) or read one case anew",
    examples=("refresh cases", "refresh 01234567"),
    role=Role.ENGINEER,
)
async def refresh(request: Request) -> Answer:
    """Ask for a sync, or join it if it waits or runs already."""
    what = request.text.strip().casefold() or ALL
    if is_case_number(what):
        entry = found_case(request, what)
        card = entry.card.key if entry.card else ""
        await ask(request, entry, "refresh_case", card)
        return Note(text=f"Reading case `{entry.number}` anew …", waiting=True)
    if what not in (*Sync, ALL):
        guess = nearest(what, [*Sync, ALL])
        raise QueryError(
            f"There is no sync “{what[:20]}”.",
            text=what,
            suggestion=guess,
            example="" if guess else "refresh cases",
        )
    return await _sync(request, what)


async def _sync(request: Request, what: str) -> Progress:
    context = request.context
    asked = await asyncio.to_thread(
        request_sync, context.queue, context.keys, what, request.asker.name or request.asker.id
    )
    names = [name for name in Sync if name is not Sync.STATS] if what == ALL else [Sync(what)]
    records = tuple(context.board.syncs[name] for name in names)
    syncs = SyncRecords(context.redis, context.keys)
    running = any(record.state is SyncState.RUNNING for record in records)
    return Progress(
        what=what,
        records=records,
        wishes=tuple([await syncs.wished(name) for name in names]),
        now=context.clock(),
        joined=asked is Asked.JOINED or running,
    )
