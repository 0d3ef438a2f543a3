"""Lets the priority of each open case's card follow the severity of the case."""

from msgspec import Struct

from t5g.errors import UpstreamError
from t5g.jira_payloads import card_of
from workers.cards.desk import Desk
from workers.cards.plan import Change, plan_priorities


class Outcomes(Struct, frozen=True, kw_only=True):
    """What was planned, what of it was done, and what could not be and why."""

    planned: tuple[Change, ...] = ()
    done: tuple[Change, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    dry: bool = False


async def follow_severity(desk: Desk, *, dry: bool = False) -> Outcomes:
    """Set the priorities that are not as they should be; `dry`: only say which."""
    await desk.fresh()
    changes = tuple(plan_priorities(desk.board.entries.values(), desk.settings))
    if dry:
        return Outcomes(planned=changes, dry=True)
    desk.may_change()
    done, failed = [], []
    for change in changes:
        try:
            if await _set(desk, change):
                done.append(change)
        except UpstreamError as error:
            failed.append((change.card, str(error)))
    return Outcomes(planned=changes, done=tuple(done), failed=tuple(failed))


async def _set(desk: Desk, change: Change) -> bool:
    """Set one priority, unless JIRA has it already; say whether it had not."""
    before = card_of(await desk.jira.issue(change.card), desk.settings).priority
    if before.casefold() != change.after.casefold():
        await desk.jira.set_fields(change.card, {"priority": {"name": change.after}}, quiet=True)
        detail = f"{change.card} priority: {before} → {change.after} ({change.why})"
        await desk.note("cards priorities", change.number, detail)
    await desk.keep(change.number, change.card)
    return before.casefold() != change.after.casefold()
