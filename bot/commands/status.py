"""`status`: how fresh each source is."""

from bot.answers import Answer, SyncStatus
from bot.router import Request, router
from t5g import __version__


@router.command("status", summary="Tell how fresh each source is")
async def status(request: Request) -> Answer:
    """Answer with the record of each sync."""
    records = tuple(request.context.board.syncs.values())
    return SyncStatus(records=records, now=request.now, version=__version__)
