"""The row of numbers of the day: written once and never changed, as it can not be rebuilt.

So it is written only from a board that has the cases of the last listing.
"""

from t5g.board import Board
from t5g.derived import Rules
from t5g.logs import logger
from t5g.statistics import DayRow, History
from t5g.syncs import Sync, SyncRecords
from workers.context import SyncContext
from workers.marks import Mark

log = logger(__name__)


async def sync_stats(ctx: SyncContext) -> None:
    """Write today's row, unless it was written already or there is nothing to count yet."""
    now = ctx.begun.timestamp()
    records = SyncRecords(ctx.redis, ctx.keys)
    if not (await records.read(Sync.CASES)).last_success:
        ctx.tally.incomplete("no listing of cases yet: a row of zeros would be wrong for ever")
        return
    board = Board(ctx.store, records, Rules.of(ctx.settings))
    await board.reload()
    listed = (await ctx.marks.read(Sync.CASES)).listed
    shown = sum(entry.open for entry in board.entries.values())
    if not ctx.believes(listed - shown, listed, "open cases of the last listing are not here"):
        return
    row = DayRow.of(board.figures(now), ctx.settings.zone)
    ctx.tally.seen = len(board.entries)
    history = History(ctx.redis, ctx.keys)
    if wrong := await history.drop_future(now):
        log.warning("statistics_not_believed", days=wrong)
        ctx.tally.notes.append(f"rows that were written in the future go: {', '.join(wrong)}")
    if not await history.write(row):
        ctx.tally.notes.append(f"the row of {row.day} was written before and stays")
    ctx.next_mark = Mark(at=now, full=now)
