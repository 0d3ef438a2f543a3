"""Proposes cards of closed cases for closing; closes them only where that is set."""

from t5g.derived import Entry
from t5g.errors import UpstreamError
from workers.cards.desk import Desk
from workers.cards.plan import Change, plan_closing
from workers.cards.priorities import Outcomes


async def close_cards(desk: Desk, *, dry: bool = False) -> Outcomes:
    """Propose (or, if set, close) the cards of long closed cases; `dry`: only say which."""
    await desk.fresh()
    changes = tuple(plan_closing(desk.board.entries.values(), desk.settings, desk.clock()))
    if dry:
        return Outcomes(planned=changes, dry=True)
    desk.may_change()
    done, failed = [], []
    for change in changes:
        entry = desk.board.get(change.number)
        try:
            if entry is not None and await _one(desk, entry, change):
                done.append(change)
        except UpstreamError as error:
            failed.append((change.card, str(error)))
    return Outcomes(planned=changes, done=tuple(done), failed=tuple(failed))


async def _one(desk: Desk, entry: Entry, change: Change) -> bool:
    return await (_close if desk.settings.close_cards else _propose)(desk, entry, change)


async def _close(desk: Desk, entry: Entry, change: Change) -> bool:
    moved = await desk.jira.move(change.card, change.after)
    if moved:
        detail = f"{change.card} status: {change.before} → {change.after} ({change.why})"
        await desk.note("cards close", change.number, detail)
    await desk.keep(change.number, change.card)
    return moved


async def _propose(desk: Desk, entry: Entry, change: Change) -> bool:
    """Say so on the card, once for each time that the case was closed."""
    closed = entry.case.portal.closed
    day = f" on {closed:%Y-%m-%d}" if closed else ""
    proposed, mark = desk.keys.named("cards", "proposed"), f"{change.card}{day}"
    if await desk.redis.sismember(proposed, mark):
        return False
    text = f"Case {change.number} was closed{day}. If nothing is left to do, close this card."
    had = await desk.jira.has_comment(change.card, text)
    if not had:
        await desk.jira.comment(change.card, text)
        await desk.note("cards close", change.number, f"{change.card} proposed for closing")
    await desk.redis.sadd(proposed, mark)
    return not had
