"""The cases of our query, from the Portal.

Between full listings only what changed is asked for, with an overlap, and what closed (a closed
case leaves a query for open ones). A full listing, at least once a day, also finds what left the
query; each such case is asked for by its number before anything is concluded, and a listing that
lost more than half of what was known concludes nothing unless a person says so.

The very first listing also learns what closed in the last months: leads ask what came and went.
A closed case stays for `T5G_CLOSED_DAYS`; a complete listing then forgets it.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from t5g.clock import latest_believed
from t5g.model import Portal, Source, Status
from t5g.state import EPOCH, PortalSeen
from workers.context import SyncContext
from workers.marks import Mark
from workers.portal.values import Page
from workers.streams import ahead

OVERLAP = timedelta(minutes=10)
PASSES = 3
MOST_CLOSED_PAGES = 5
#: How far the first listing looks back for closed cases.
LOOK_BACK = timedelta(days=90)


class Known(Struct, frozen=True):
    """What is kept of a case, as far as this sync needs it."""

    open: bool
    facts: dict[str, Any]
    #: When a closed case was closed, or at least changed last.
    closed: datetime | None = None


class Found:
    """What the pages of one listing had, taken together; of several passes the last one's total."""

    def __init__(self) -> None:
        self.numbers: set[str] = set()
        self.records: set[str] = set()
        self.closed: set[str] = set()
        #: Numbers of entries that could not be read.
        self.unread: set[str] = set()
        self._updated: dict[str, datetime] = {}
        self.nameless = 0
        self.skipped = 0
        self.total = 0
        self.newest = EPOCH

    def add(self, page: Page) -> Page:
        """Take note of a page; return it without what a newer record of a case told already."""
        newer: list[Portal] = []
        for case in page.cases:
            updated = case.updated or EPOCH
            if case.number not in self.numbers or updated > self._updated.get(case.number, EPOCH):
                newer.append(case)
                self._updated[case.number] = updated
            self.numbers.add(case.number)
            self.unread.discard(case.number)
            if case.status == Status.CLOSED:
                self.closed.add(case.number)
            self.newest = max(self.newest, updated)
        self.records.update(page.records)
        for bad in page.malformed:
            if bad.number:
                self.unread |= {bad.number} - self.numbers
                self.numbers.add(bad.number)
            else:
                self.nameless += 1
        self.skipped += page.skipped
        self.total = max(self.total, page.total or 0)
        return msgspec.structs.replace(page, cases=tuple(newer))

    def again(self) -> None:
        """Begin another pass; numbers add up, all else is counted anew."""
        self.total = self.nameless = self.skipped = 0

    @property
    def entries(self) -> int:
        """How many different entries came: records, of which two may be one case."""
        return max(len(self.records), len(self.numbers) + self.nameless + self.skipped)

    @property
    def short(self) -> bool:
        """Say whether entries seem to have slipped between the pages.

        Whoever leaves the query while it is listed moves all behind it up by one; then the total
        falls from page to page, so that the greatest one counts.
        """
        return self.entries < self.total


async def sync_cases(ctx: SyncContext) -> None:
    """Bring the cases up to date."""
    begun = ctx.begun
    full = ctx.all_due
    known = await _read_known(ctx)
    found = await (_list_all(ctx, known) if full else _list_changed(ctx, known))
    if full and not ctx.tally.complete:
        await ctx.list_again()
    upto = max(ctx.mark.upto, min(found.newest, latest_believed(begun)).timestamp())
    ctx.next_mark = Mark(
        upto=upto,
        at=begun.timestamp(),
        full=begun.timestamp() if full else ctx.mark.full,
        listed=len(found.numbers) if full else ctx.mark.listed,
        again=tuple(sorted(found.unread)),
    )


async def _read_known(ctx: SyncContext) -> dict[str, Known]:
    """Read which cases there are, and the facts that the Portal's dialect can not tell anew."""
    known: dict[str, Known] = {}
    async for fields in ctx.store.read_all([Source.PORTAL]):
        state: Any = fields.states.get(Source.PORTAL)
        if state is None or state.facts is None:
            continue
        case: Portal = state.facts
        facts = {name: getattr(case, name) for name in ctx.clients.portal.unknown}
        told = {name: value for name, value in facts.items() if value is not UNSET}
        is_open = case.status != Status.CLOSED
        closed = None if is_open else case.closed or case.updated
        known[fields.number] = Known(is_open, told, closed)
    return known


async def _list_changed(ctx: SyncContext, known: dict[str, Known]) -> Found:
    """Ask for what changed since the last success, and for what of ours closed meanwhile."""
    since = datetime.fromtimestamp(ctx.mark.upto, UTC) - OVERLAP
    portal = ctx.clients.portal
    found = await _take_whole(ctx, known, "changed cases", since)
    if again := sorted(set(ctx.mark.again) - found.numbers):
        # They changed before `since`: no listing of changes has them until they change once more.
        await _take(ctx, portal.members(again), known, "cases that could not be read", into=found)
    open_before = {number for number, case in known.items() if case.open} - found.numbers
    if open_before and not await _take_closed(ctx, since, known, open_before):
        pages = portal.look_up(sorted(open_before))
        await _take(ctx, pages, known, "cases by number", only=open_before)
    return found


async def _take_closed(
    ctx: SyncContext, since: datetime, known: dict[str, Known], ours: set[str]
) -> bool:
    """Store which of ours closed, from a listing of all that closed, also those of others.

    Usually that is one page, where asking for ours by number would be many. Say False if it is too
    long to be the cheaper way.
    """
    count, asked = 0, ctx.now()
    async for page in ctx.clients.portal.closed(since):
        await _keep(ctx, _only(page, ours), known, asked)
        count += 1
        if count == MOST_CLOSED_PAGES and (page.total or 0) > count * len(page.cases):
            return False
        asked = ctx.now()
    return True


async def _list_all(ctx: SyncContext, known: dict[str, Known]) -> Found:
    """List everything, and find out what became of known open cases that are not in it."""
    found = await _take_whole(ctx, known, "cases")
    open_before = {number for number, case in known.items() if case.open}
    missing = open_before - found.numbers
    if missing:
        gone = await _gone(ctx, known, missing)
        await _let_go(ctx, gone, open_before, nameless=found.nameless)
    if ctx.first:
        ctx.known_since = (await _take_closed_before(ctx, known)).timestamp()
    if ctx.tally.complete:
        await _forget(ctx, known, found)
    return found


async def _take_closed_before(ctx: SyncContext, known: dict[str, Known]) -> datetime:
    """Store what of ours closed before we were there; return since when all of that is known.

    A few pages are read, whose order is the Portal's: if there are more, or if the Portal can not
    be asked for what was ours, nothing is known to be whole before this run.
    """
    portal = ctx.clients.portal
    since = ctx.begun - min(LOOK_BACK, timedelta(days=ctx.settings.closed_days))
    count, asked = 0, ctx.now()
    async for page in portal.closed_of_ours(since):
        await _keep(ctx, page, known, asked)
        count += 1
        if count == MOST_CLOSED_PAGES:
            return ctx.begun
        asked = ctx.now()
    return since if portal.tells_closed else ctx.begun


async def _forget(ctx: SyncContext, known: dict[str, Known], found: Found) -> None:
    """Remove what was closed long ago, unless the query itself has it."""
    before = ctx.begun - timedelta(days=ctx.settings.closed_days)
    for number, case in known.items():
        if case.closed and case.closed < before and number not in found.numbers:
            await ctx.remove(number)


async def _take_whole(
    ctx: SyncContext, known: dict[str, Known], what: str, since: datetime | None = None
) -> Found:
    """Store a listing; list once more what slipped between two pages while it moved."""
    found = Found()
    for _ in range(PASSES):
        found.again()
        found = await _take(ctx, ctx.clients.portal.listing(since), known, what, into=found)
        if not found.short:
            return found
    ctx.tally.incomplete(f"the listing gave {found.entries} of {found.total} {what}")
    return found


async def _gone(ctx: SyncContext, known: dict[str, Known], missing: set[str]) -> set[str]:
    """Ask for missing cases by number: those still in the query and those closed stay."""
    portal = ctx.clients.portal
    still = await _take(ctx, portal.members(sorted(missing)), known, "missing cases")
    missing = missing - still.numbers
    if not missing:
        return missing
    closed = Found()
    async for page in portal.look_up(sorted(missing)):
        ours = msgspec.structs.replace(
            page, cases=tuple(case for case in page.cases if case.status == Status.CLOSED)
        )
        await _keep(ctx, closed.add(ours), known, ctx.now())
    return missing - closed.numbers


async def _let_go(ctx: SyncContext, gone: set[str], before: set[str], *, nameless: int) -> None:
    """Remove cases that left the query, unless the listing is not to be trusted."""
    if not ctx.tally.complete:
        return
    if nameless:
        ctx.tally.incomplete(
            f"{nameless} entries of the listing have no readable number, so that "
            f"{len(gone)} cases that are missing from it were kept"
        )
        return
    why = "open cases are missing from it without having been closed"
    if ctx.believes(len(gone), len(before), why, few=0):
        for number in sorted(gone):
            await ctx.remove(number)


async def _take(
    ctx: SyncContext,
    pages: AsyncIterator[Page],
    known: dict[str, Known],
    what: str,
    *,
    into: Found | None = None,
    only: set[str] | None = None,
) -> Found:
    """Store each page as it comes (of `only` those numbers, if given) and sum the pages up."""
    found = into or Found()
    async for asked, page in ahead(pages, ctx.now):
        ours = page if only is None else _only(page, only)
        await _keep(ctx, found.add(ours), known, asked)
        await ctx.report(len(found.numbers), max(found.total, len(found.numbers)), what)
    return found


def _only(page: Page, numbers: set[str]) -> Page:
    cases = tuple(case for case in page.cases if case.number in numbers)
    bad = tuple(row for row in page.malformed if row.number in numbers)
    return Page(cases=cases, malformed=bad)


async def _keep(ctx: SyncContext, page: Page, known: dict[str, Known], asked: datetime) -> None:
    ctx.tally.see(case.number for case in page.cases)
    for bad in page.malformed:
        ctx.tally.fail(bad.number, bad.why)
    await ctx.write(_observations(page.cases, known, asked))


def _observations(
    cases: Iterable[Portal], known: dict[str, Known], asked: datetime
) -> Iterable[PortalSeen]:
    for case in cases:
        before = known.get(case.number)
        if before is not None and before.facts:
            case = msgspec.structs.replace(case, **before.facts)  # noqa: PLW2901
        yield PortalSeen(
            number=case.number,
            seen=asked,
            facts=case,
            updated=case.updated or case.created or EPOCH,
        )
