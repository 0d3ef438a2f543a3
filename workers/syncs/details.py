"""The details of each case: of open ones when they changed and every twelve hours, of closed ones
once more after closing (relief and resolution are often set then).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from t5g.model import Source, Status
from t5g.state import EPOCH, DetailsSeen
from workers.context import SyncContext
from workers.marks import Mark
from workers.portal.values import CaseDetails
from workers.streams import batched

KIND = "details"
WRITTEN_AT_ONCE = 50
ASKED_AT_ONCE = 1_000
#: Younger changes are looked at twice (clocks differ, and the Portal's tells whole seconds).
SETTLES = timedelta(seconds=15)


async def sync_details(ctx: SyncContext) -> None:
    """Fetch the details of the cases whose turn it is."""
    begun = ctx.begun.timestamp()
    inputs, closed = await _inputs(ctx)
    turns = ctx.turns(KIND)
    due = await turns.due(inputs, begun, once=closed, all_=ctx.full)
    done = 0
    for numbers in batched(due, ASKED_AT_ONCE):
        asked = ctx.now()
        waiting: list[CaseDetails] = []
        try:
            async for found in ctx.clients.portal.details(numbers):
                done += 1
                waiting.append(found)
                if len(waiting) >= WRITTEN_AT_ONCE:
                    await _keep(ctx, waiting, inputs, asked)
                    waiting = []
                await ctx.report(done, len(due), "details")
        finally:
            await _keep(ctx, waiting, inputs, asked)
    ctx.next_mark = Mark(at=begun, full=begun if ctx.full or ctx.first else ctx.mark.full)


async def _inputs(ctx: SyncContext) -> tuple[dict[str, str], set[str]]:
    """Return what the details of each case depend on, and which cases are closed."""
    inputs: dict[str, str] = {}
    closed: set[str] = set()
    async for fields in ctx.store.read_all([Source.PORTAL]):
        state: Any = fields.states.get(Source.PORTAL)
        if state is None or state.facts is None:
            continue
        facts = state.facts
        inputs[fields.number] = f"{facts.status} {facts.updated}"
        if facts.status == Status.CLOSED:
            closed.add(fields.number)
    return inputs, closed


def _looked_at(row: CaseDetails, inputs: dict[str, str], asked: datetime) -> str:
    """Return the inputs to remember; of a case that changed just then, ones that never come again.

    The Portal tells whole seconds, so that it may have changed once more after we looked.
    """
    settled = row.updated is None or asked - row.updated > SETTLES
    return inputs[row.number] if settled else "look again"


async def _keep(
    ctx: SyncContext, found: Sequence[CaseDetails], inputs: dict[str, str], asked: datetime
) -> None:
    """Write details, then take note of whose turn is over: those that came whole."""
    for row in found:
        ctx.tally.seen += 1
        if row.why:
            ctx.tally.fail(row.number, row.why)
    await ctx.write(
        DetailsSeen(
            number=row.number,
            seen=asked,
            facts=row.details,
            updated=row.updated or EPOCH,
        )
        for row in found
        if row.details is not None
    )
    whole = [(row.number, _looked_at(row, inputs, asked)) for row in found if not row.why]
    await ctx.turns(KIND).done(whole, asked.timestamp())
