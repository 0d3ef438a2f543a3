"""The details of each case: of open ones when they changed and every twelve hours, of closed ones
once more after closing (relief and resolution are often set then).

Where a list of a case lost more than half of what is known, that list is held back until the end of
the run: if most cases lost it at once, the Portal is not believed, unless a person says so.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from t5g.model import Details, Source, Status
from t5g.state import EPOCH, DetailsSeen
from workers.context import SyncContext
from workers.marks import Mark
from workers.portal.values import CaseDetails
from workers.streams import batched

KIND = "details"
WRITTEN_AT_ONCE = 50
ASKED_AT_ONCE = 1_000
#: The lists of a case, and what they are of.
LISTS = {
    "issue_keys": "linked issues", "bug_ids": "linked bugs", "comments": "comments",
    "notified_users": "notified users",
}  # fmt: skip
A_MOMENT = timedelta(microseconds=1)
#: Younger changes are looked at twice (clocks differ, and the Portal's tells whole seconds).
SETTLES = timedelta(seconds=15)


class Shrunk:
    """The cases of a run that had lists, and those that lost most of one."""

    def __init__(self) -> None:
        self.had: Counter[str] = Counter()
        self.rows: list[tuple[CaseDetails, tuple[str, ...], datetime]] = []

    def compare(self, row: CaseDetails, before: Details, asked: datetime) -> tuple[str, ...]:
        """Return which lists lost more than half, and remember the row if there are any."""
        names: list[str] = []
        for name in LISTS:
            old, new = getattr(before, name), getattr(row.details, name)
            if old is UNSET or new is UNSET or not old:
                continue
            self.had[name] += 1
            if len(new) < len(old) / 2:
                names.append(name)
        if names:
            self.rows.append((row, tuple(names), asked))
        return tuple(names)

    def lost(self, name: str) -> int:
        """Return how many cases lost most of a list."""
        return sum(name in names for _, names, _ in self.rows)


async def sync_details(ctx: SyncContext) -> None:
    """Fetch the details of the cases whose turn it is."""
    begun = ctx.begun.timestamp()
    inputs, closed = await _inputs(ctx)
    turns = ctx.turns(KIND)
    due = await turns.due(inputs, begun, once=closed, all_=ctx.full)
    shrunk = Shrunk()
    done = 0
    for numbers in batched(due, ASKED_AT_ONCE):
        asked = ctx.now()
        waiting: list[CaseDetails] = []
        try:
            async for found in ctx.clients.portal.details(numbers):
                done += 1
                waiting.append(found)
                if len(waiting) >= WRITTEN_AT_ONCE:
                    await _keep(ctx, waiting, inputs, asked, shrunk)
                    waiting = []
                await ctx.report(done, len(due), "details")
        finally:
            await _keep(ctx, waiting, inputs, asked, shrunk)
    await _settle(ctx, shrunk, inputs)
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
    ctx: SyncContext,
    found: Sequence[CaseDetails],
    inputs: dict[str, str],
    asked: datetime,
    shrunk: Shrunk,
) -> None:
    """Write details, then take note of whose turn is over: those that came whole."""
    for row in found:
        ctx.tally.seen += 1
        if row.why:
            ctx.tally.fail(row.number, row.why)
    told = [row for row in found if row.details is not None]
    before = await _known(ctx, told)
    lost = {row.number: shrunk.compare(row, before[row.number], asked) for row in told}
    await _write(ctx, [(row, lost[row.number]) for row in told], asked)
    await _end_turns(ctx, [row for row in found if not lost.get(row.number)], inputs, asked)


async def _settle(ctx: SyncContext, shrunk: Shrunk, inputs: dict[str, str]) -> None:
    """Write the lists that were held back, as far as they are to be believed."""
    doubted = {
        name
        for name, words in LISTS.items()
        if not ctx.believes(
            shrunk.lost(name), shrunk.had[name], f"cases lost most of their {words}"
        )
    }
    for row, names, asked in shrunk.rows:
        kept = doubted & set(names)
        await _write(ctx, [(row, kept)], asked + A_MOMENT)
        if not kept:
            await _end_turns(ctx, [row], inputs, asked)


async def _known(ctx: SyncContext, rows: Sequence[CaseDetails]) -> dict[str, Details]:
    numbers = [row.number for row in rows]
    known: dict[str, Details] = {}
    for number, fields in zip(
        numbers, await ctx.store.read_many(numbers, [Source.DETAILS]), strict=True
    ):
        state: Any = fields.states.get(Source.DETAILS) if fields else None
        known[number] = state.facts if state is not None and state.facts else Details()
    return known


async def _write(
    ctx: SyncContext, rows: Sequence[tuple[CaseDetails, Collection[str]]], asked: datetime
) -> None:
    """Write details but for the named lists, of which is kept what is known."""
    await ctx.write(
        DetailsSeen(
            number=row.number,
            seen=asked,
            facts=msgspec.structs.replace(row.details, **dict.fromkeys(names, UNSET)),
            updated=row.updated or EPOCH,
        )
        for row, names in rows
        if row.details is not None
    )


async def _end_turns(
    ctx: SyncContext, rows: Sequence[CaseDetails], inputs: dict[str, str], asked: datetime
) -> None:
    whole = [(row.number, _looked_at(row, inputs, asked)) for row in rows if not row.why]
    await ctx.turns(KIND).done(whole, asked.timestamp())
    await ctx.turns(KIND).again(row.number for row in rows if row.why)
