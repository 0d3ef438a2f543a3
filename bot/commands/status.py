"""`status`: how fresh each source is, what waits, who is alive, what is wrong."""

from bot.answers import Answer, Process, SyncStatus
from bot.context import Context
from bot.router import Request, router
from t5g import __version__
from t5g.alerts import Alerts
from t5g.heartbeat import KINDS, alive
from t5g.inbox import Inbox
from t5g.work import QUEUES, rq_prefix


@router.command("status", summary="Tell how fresh each source is, and whether all parts work")
async def status(request: Request) -> Answer:
    """Answer with the record of each sync and the state of the parts."""
    context, now = request.context, request.now
    return SyncStatus(
        records=tuple(context.board.syncs.values()),
        now=now,
        version=__version__,
        cases=len(context.board.entries),
        queues=await _queues(context),
        processes=tuple([Process(kind, await _alive(context, kind, now)) for kind in KINDS]),
        alerts=tuple(await Alerts(context.redis, context.keys).raised()),
        outbox=await context.outbox.waiting(),
        parked=await Inbox(context.redis, context.keys).count(),
        read_only=context.settings.read_only,
    )


async def _queues(context: Context) -> dict[str, int]:
    prefix = rq_prefix(context.settings.redis_prefix)
    pipe = context.redis.pipeline(transaction=False)
    for name in QUEUES:
        pipe.llen(f"{prefix}:queue:{name}")
    return dict(zip(QUEUES, map(int, await pipe.execute()), strict=True))


async def _alive(context: Context, kind: str, now: float) -> int:
    return len(await alive(context.redis, context.keys, kind, now))
