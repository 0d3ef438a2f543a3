"""One run over all cases: plan, guard, then card by card. One run at a time in an installation."""

from collections.abc import Mapping

from msgspec import Struct

from t5g.audit import Outcome
from t5g.derived import Entry
from t5g.errors import UpstreamError
from workers.cards.create import CREATED, REOPENED, gone, make
from workers.cards.desk import Desk
from workers.cards.ledger import Making, TakenError
from workers.cards.plan import Action, Plan, Planned, finished, plan_cards

GUARD = "cards-guard"
REFUSED = "cards-refused"
LISTED = 30


class Report(Struct, frozen=True, kw_only=True):
    """What a run did or, dry, would do. `waiting`: what the next run goes on with, with reasons."""

    plan: Plan
    made: tuple[Making, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()
    busy: bool = False
    dry: bool = False


async def planned(desk: Desk, confirmed: int | None = None) -> Plan:
    """Decide what is to be made; changes nothing. Raises RefusedError if the data is too old."""
    await desk.fresh()
    begun = {record.number for record in await desk.ledger.unfinished()}
    entries = [entry for entry in desk.board.entries.values() if entry.number not in begun]
    return plan_cards(
        entries, desk.team, desk.settings, desk.clock(),
        was_closed=await desk.ledger.was_closed(), confirmed=confirmed,
    )  # fmt: skip


async def run_cards(desk: Desk, *, confirmed: int | None = None, dry: bool = False) -> Report:
    """Make and reopen what is to be; `dry`: only say so. `confirmed`: how many a person allows."""
    if dry:
        return Report(plan=await planned(desk, confirmed), dry=True)
    desk.may_change()
    if not await desk.lock.acquire():
        return Report(plan=Plan(), busy=True)
    async with desk.lock:
        plan = await planned(desk, confirmed)
        run = _Run(desk)
        await run.go_on()
        if not await _stopped(desk, plan):
            await run.do(plan)
        await _remember_closed(desk, plan, run)
        await run.tell()
    return Report(
        plan=plan, made=tuple(run.made), failed=tuple(run.failed.items()),
        waiting=tuple(run.waiting.items()),
    )  # fmt: skip


class _Run:
    """What one run did so far. A mistake in one case does not stop the others."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.made: list[Making] = []
        self.failed: dict[str, str] = {}
        self.waiting: dict[str, str] = {}

    async def go_on(self) -> None:
        """End what an earlier run began."""
        for record in await self.desk.ledger.unfinished():
            entry = self.desk.board.get(record.number)
            begun = record.key or record.asked
            if entry is None or not (entry.open or begun):
                await self.desk.ledger.forget(record.number)
            else:
                await self._one(entry, record)

    async def do(self, plan: Plan) -> None:
        """Make and reopen what is planned."""
        for row in plan.rows:
            entry = self.desk.board.get(row.number)
            before = await self.desk.ledger.read(row.number)
            if entry is None or await self._was_there(row, before):
                continue
            await self._one(entry, wanted(row))

    async def _was_there(self, row: Planned, before: Making | None) -> bool:
        """Say whether a card was made before that only the board does not know."""
        if row.action is not Action.CREATE or before is None or not before.finished:
            return False
        try:
            return not await gone(self.desk, before)
        except UpstreamError as error:
            self.waiting[row.number] = str(error)
            return True

    async def _one(self, entry: Entry, record: Making) -> None:
        try:
            self.made.append(await make(self.desk, entry, record))
        except TakenError as error:
            self.waiting[entry.number] = str(error)
        except UpstreamError as error:
            if error.transient:
                self.waiting[entry.number] = str(error)
                return
            self.failed[entry.number] = str(error)
            await self.desk.note("cards create", entry.number, str(error), outcome=Outcome.FAILED)

    async def tell(self) -> None:
        """Tell the operators what JIRA refused."""
        alerts = self.desk.alerts
        if not self.failed:
            await alerts.clear(REFUSED, "JIRA takes all cards again.")
            return
        number, why = next(iter(self.failed.items()))
        more = f" (and {len(self.failed) - 1} more)" if len(self.failed) > 1 else ""
        hint = "Look at T5G_CARD_TYPE, T5G_CARD_FIELDS and T5G_CARD_COMPONENT; `t5g cards create`."
        await alerts.raise_(REFUSED, f"No card for case {number}{more}: {why}", hint=hint)


def wanted(row: Planned) -> Making:
    """Turn a planned card into the record it begins with."""
    return Making(
        number=row.number, kind=REOPENED if row.action is Action.REOPEN else CREATED,
        key=row.card, assignee=row.assignee, email=row.email, account=row.account,
        reason=row.reason,
    )  # fmt: skip


async def _stopped(desk: Desk, plan: Plan) -> bool:
    """Say whether there are too many; then the operators know, with the list and the way on."""
    if not plan.stopped:
        await desk.alerts.clear(GUARD, "The number of new cards is usual again.")
        return False
    count, numbers = len(plan.rows), [row.number for row in plan.rows]
    listed = ", ".join(numbers[:LISTED]) + (" …" if count > LISTED else "")
    await desk.alerts.raise_(
        GUARD,
        f"{count} new cards are more than {plan.limit}: none was made. Cases: {listed}",
        hint=f"Look at `t5g cards plan`; if it is right, `t5g cards create --confirm {count}`.",
    )
    return True


async def _remember_closed(desk: Desk, plan: Plan, run: _Run) -> None:
    entries: Mapping[str, Entry] = desk.board.entries
    await desk.ledger.note_closed({number for number, one in entries.items() if not one.open})
    done = {record.number for record in run.made}
    left = {row.number for row in plan.rows} - done
    in_order = {n for n, one in entries.items() if one.open and (n in done or not finished(one))}
    closed = await desk.ledger.was_closed()
    await desk.ledger.note_open((in_order - left) & closed)
