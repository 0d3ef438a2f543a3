"""One run over all cards: what was begun, what lacks something, what is new. One at a time in an
installation.
"""

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec import Struct

from t5g.accounts import known_accounts, with_accounts
from t5g.audit import Outcome
from t5g.derived import Entry
from t5g.errors import UpstreamError
from t5g.jira_payloads import UNREADABLE
from workers.cards.create import gone, make, mend
from workers.cards.desk import Desk
from workers.cards.ledger import Making, TakenError
from workers.cards.plan import Action, Plan, Planned, finished, plan_cards
from workers.cards.steps import CREATED, REOPENED
from workers.items import Breaker

GUARD = "cards-guard"
REFUSED = "cards-refused"
LACKING = "cards-lacking"
LISTED = 30
TOLD = 5


class Report(Struct, frozen=True, kw_only=True):
    """What a run did or, dry, would do. `waiting`: what the next run goes on with, with reasons.

    `lacking`: (card, what, why) of all cards that JIRA did not take a part of.
    """

    plan: Plan
    made: tuple[Making, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()
    lacking: tuple[tuple[str, str, str], ...] = ()
    busy: bool = False
    dry: bool = False


async def planned(desk: Desk, confirmed: int = 0) -> Plan:
    """Decide what is to be made; changes nothing. Raises RefusedError if the data is too old."""
    await desk.fresh()
    begun = {record.number for record in await desk.ledger.unfinished() if record.touched}
    entries = [entry for entry in desk.board.entries.values() if entry.number not in begun]
    untracked = [entry.number for entry in entries if entry.open and entry.untracked]
    team = with_accounts(desk.team, await known_accounts(desk.redis, desk.keys))
    return plan_cards(
        entries, team, desk.settings, desk.clock(), confirmed=confirmed,
        was_closed=await desk.ledger.was_closed(), made=await desk.ledger.made(untracked),
    )  # fmt: skip


async def run_cards(desk: Desk, *, confirmed: int = 0, dry: bool = False) -> Report:
    """Make and reopen what is to be; `dry`: only say so. `confirmed`: how many a person allows."""
    if dry:
        plan = await planned(desk, confirmed)
        return Report(plan=plan, lacking=lacks_of(await desk.ledger.lacking()), dry=True)
    desk.may_change()
    if not await desk.lock.acquire():
        return Report(plan=Plan(), busy=True)
    async with desk.lock:
        plan = await planned(desk, confirmed)
        run = _Run(desk)
        await run.go_on()
        await run.mend()
        plan = await run.looked_for(plan)
        if not await _stopped(desk, plan):
            await run.do(plan)
        await _remember_closed(desk, plan, run)
        lacking = lacks_of(await desk.ledger.lacking())
        await run.tell(lacking)
    return Report(
        plan=plan, made=tuple(run.made), failed=tuple(run.failed.items()),
        waiting=tuple(run.waiting.items()), lacking=lacking,
    )  # fmt: skip


def lacks_of(records: list[Making]) -> tuple[tuple[str, str, str], ...]:
    """Return what cards lack: (card, what, why)."""
    return tuple((row.key, name, why) for row in records for name, why in row.lacks.items())


class _Run:
    """What one run did so far. A mistake in one case does not stop the others.

    Each part has a breaker of its own, so that what an earlier run could not end, and this one can
    not either, keeps no new card from being made.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.made: list[Making] = []
        self.failed: dict[str, str] = {}
        self.waiting: dict[str, str] = {}

    async def go_on(self) -> None:
        """End what an earlier run began; of what JIRA never heard the plan decides anew."""
        breaker = Breaker()
        for record in await self.desk.ledger.unfinished():
            entry = self.desk.board.get(record.number)
            if entry is None or not (entry.open or record.touched):
                await self.desk.ledger.forget(record.number)
            elif record.touched:
                await self._one(breaker, entry, record)

    async def mend(self) -> None:
        """Try again what cards of open cases lack; of closed ones it is forgotten."""
        breaker = Breaker()
        for record in await self.desk.ledger.lacking():
            entry = self.desk.board.get(record.number)
            try:
                if entry is None or not entry.open:
                    await self.desk.ledger.save(record, lacks={}, unsure=())
                else:
                    self._wait_for(await breaker.call(partial(mend, self.desk, entry, record)))
            except (UpstreamError, TakenError, *UNREADABLE) as error:
                self.waiting[record.number] = str(error)

    async def looked_for(self, plan: Plan) -> Plan:
        """Look for cards that were made and that the board does not know; plan for what is gone."""
        rows: list[Planned] = []
        breaker = Breaker()
        for row in plan.rows:
            if row.action is not Action.CREATE or not row.card:
                rows.append(row)
            elif await self._is_gone(breaker, row):
                rows.append(msgspec.structs.replace(row, card="", why=f"{row.card} was deleted"))
        return msgspec.structs.replace(plan, rows=tuple(rows))

    async def _is_gone(self, breaker: Breaker, row: Planned) -> bool:
        record = await self.desk.ledger.read(row.number)
        try:
            return record is None or await breaker.call(partial(gone, self.desk, record))
        except (UpstreamError, *UNREADABLE) as error:
            self.waiting[row.number] = str(error)
            return False

    async def do(self, plan: Plan) -> None:
        """Make and reopen what is planned."""
        breaker = Breaker()
        for done, row in enumerate(plan.rows):
            self.desk.on_progress(done, len(plan.rows))
            if (entry := self.desk.board.get(row.number)) is not None:
                await self._one(breaker, entry, wanted(row, self.desk.clock()))

    async def _one(self, breaker: Breaker, entry: Entry, record: Making) -> None:
        if breaker.open is not None:
            self.waiting[entry.number] = f"not tried: {breaker.open}"
            return
        try:
            made = await breaker.call(partial(make, self.desk, entry, record))
        except TakenError as error:
            self.waiting[entry.number] = str(error)
        except UpstreamError as error:
            if error.transient or error.concerns_all:
                self.waiting[entry.number] = str(error)
            else:
                await self._failed(entry, str(error))
        except UNREADABLE as error:
            await self._failed(entry, f"jira answered something odd: {error}")
        else:
            self.made.append(made)
            self._wait_for(made)

    def _wait_for(self, record: Making) -> None:
        """Have the job repeated for a card that lacks what may pass."""
        if record.unsure:
            name = record.unsure[0]
            self.waiting[record.number] = f"{record.key} lacks {name}: {record.lacks[name]}"

    async def _failed(self, entry: Entry, why: str) -> None:
        self.failed[entry.number] = why
        await self.desk.note("cards create", entry.number, why, outcome=Outcome.FAILED)

    async def tell(self, lacking: tuple[tuple[str, str, str], ...]) -> None:
        """Tell the operators what JIRA refused, and what it did not take of any card."""
        alerts = self.desk.alerts
        if self.failed:
            number, why = next(iter(self.failed.items()))
            hint = (
                "Look at T5G_CARD_TYPE, T5G_CARD_FIELDS and T5G_CARD_COMPONENT; `t5g cards create`."
            )
            text = f"No card for case {number}{_more(len(self.failed) - 1)}: {why}"
            await alerts.raise_(REFUSED, text, hint=hint, renew=True)
        else:
            await alerts.clear(REFUSED, "JIRA takes all cards again.")
        if lacking:
            told = "; ".join(f"{key} {name}: {why}" for key, name, why in lacking[:TOLD])
            text = f"Cards lack what JIRA did not take: {told}{_more(len(lacking) - TOLD)}"
            hint = (
                "Each run tries it again; mend the setting or the card, `t5g cards plan` lists all."
            )
            await alerts.raise_(LACKING, text, hint=hint, renew=True)
        else:
            await alerts.clear(LACKING, "All cards are whole again.")


def _more(count: int) -> str:
    return f" (and {count} more)" if count > 0 else ""


def wanted(row: Planned, now: float) -> Making:
    """Turn a planned card into the record it begins with."""
    return Making(
        number=row.number, kind=REOPENED if row.action is Action.REOPEN else CREATED,
        key=row.card, begun=now, assignee=row.assignee, email=row.email, account=row.account,
        reason=row.reason,
    )  # fmt: skip


async def _stopped(desk: Desk, plan: Plan) -> bool:
    """Say whether there are too many; then the operators know, with the list and the way on."""
    if not plan.stopped:
        await desk.alerts.clear(GUARD, "The number of new cards is usual again.")
        return False
    count, numbers = plan.count, [row.number for row in plan.rows]
    listed = ", ".join(numbers[:LISTED]) + (" …" if count > LISTED else "")
    await desk.alerts.raise_(
        GUARD,
        f"{count} new cards are more than {plan.limit}: none was made. Cases: {listed}",
        hint=f"Look at `t5g cards plan`; if it is right, `t5g cards create --confirm {count}`.",
        renew=True,
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
