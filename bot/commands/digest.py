"""`digest`: look at the digest as it would be posted now."""

from bot.answers import Answer, DigestAnswer, Freshness
from bot.router import Context, Request, router
from t5g.digest import Digest, build_digest
from t5g.statistics import day_of


@router.command("digest", summary="Show the digest as it is now, to you alone")
async def digest(request: Request) -> Answer:
    """Answer with the digest."""
    made = await current_digest(request.context)
    freshness = Freshness.of(request.context.board.syncs, request.now)
    return DigestAnswer(digest=made, freshness=freshness)


async def current_digest(context: Context) -> Digest:
    """Work out the digest, compared with yesterday's row of numbers."""
    now = context.clock()
    today = day_of(now, context.settings.zone)
    before = await context.history.before(today, 1)
    return build_digest(context.board.entries.values(), now, before=before)
