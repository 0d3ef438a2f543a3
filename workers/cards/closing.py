"""Proposes cards of closed cases for closing; closes them only where that is set."""

from typing import Any

import msgspec

from workers.cards.desk import Desk
from workers.cards.outcomes import Outcomes, change_all
from workers.cards.plan import Change, plan_closing

ACTION = "cards close"


async def close_cards(desk: Desk, *, dry: bool = False) -> Outcomes:
    """Propose (or, if set, close) the cards of long closed cases; `dry`: only say which."""
    await desk.fresh()
    entries = desk.board.entries.values()
    changes = tuple(plan_closing(entries, desk.settings, desk.clock()))
    if not desk.settings.close_cards:
        names: Any = await desk.redis.smembers(_proposed(desk))
        known = {name.decode() for name in names}
        changes = tuple(_proposal(one) for one in changes if _mark(desk, one) not in known)
    if dry:
        return Outcomes(planned=changes, dry=True)
    desk.may_change()
    do = _close if desk.settings.close_cards else _propose

    async def one(change: Change) -> bool:
        return await do(desk, change)

    return await change_all(desk, ACTION, changes, one)


async def _close(desk: Desk, change: Change) -> bool:
    before = await desk.jira.move(change.card, change.after)
    if before:
        detail = f"{change.card} status: {before} → {change.after} ({change.why})"
        await desk.note(ACTION, change.number, detail)
    await desk.keep(change.number, change.card)
    return bool(before)


async def _propose(desk: Desk, change: Change) -> bool:
    """Say so on the card, once for each time that the case was closed."""
    day = _day(desk, change.number)
    text = f"Case {change.number} was closed{day}. If nothing is left to do, close this card."
    had = await desk.jira.has_comment(change.card, text)
    if not had:
        await desk.jira.comment(change.card, text)
        await desk.note(ACTION, change.number, f"{change.card} comment: + proposed for closing")
    await desk.redis.sadd(_proposed(desk), _mark(desk, change))
    return not had


def _proposal(change: Change) -> Change:
    return msgspec.structs.replace(change, after=f"{change.after} (proposed)")


def _proposed(desk: Desk) -> str:
    return desk.keys.named("cards", "proposed")


def _mark(desk: Desk, change: Change) -> str:
    return f"{change.card}{_day(desk, change.number)}"


def _day(desk: Desk, number: str) -> str:
    entry = desk.board.get(number)
    closed = entry.case.portal.closed if entry else None
    return f" on {closed:%Y-%m-%d}" if closed else ""
