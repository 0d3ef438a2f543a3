"""Lets the priority of each open case's card follow the severity of the case."""

from t5g.jira_payloads import card_of
from workers.cards.desk import Desk
from workers.cards.outcomes import Outcomes, change_all
from workers.cards.plan import Change, plan_priorities

ACTION = "cards priorities"


async def follow_severity(desk: Desk, *, dry: bool = False) -> Outcomes:
    """Set the priorities that are not as they should be; `dry`: only say which."""
    await desk.fresh()
    changes = tuple(plan_priorities(desk.board.entries.values(), desk.settings))
    if dry:
        return Outcomes(planned=changes, dry=True)
    desk.may_change()

    async def set_one(change: Change) -> bool:
        return await _set(desk, change)

    return await change_all(desk, ACTION, changes, set_one)


async def _set(desk: Desk, change: Change) -> bool:
    """Set one priority, unless JIRA has it already; say whether it had not."""
    before = card_of(await desk.jira.issue(change.card), desk.settings).priority
    differs = before.casefold() != change.after.casefold()
    if differs:
        await desk.jira.set_fields(change.card, {"priority": {"name": change.after}}, quiet=True)
        detail = f"{change.card} priority: {before or 'none'} → {change.after} ({change.why})"
        await desk.note(ACTION, change.number, detail)
    await desk.keep(change.number, change.card)
    return differs
