"""The home tab: made when somebody opens it, and again when something on it was changed."""

from collections import defaultdict
from typing import Any

import msgspec
from msgspec import Struct

from bot.alerts import Told
from bot.answers import CaseList, Freshness, Note, WatchList
from bot.asker import Asker, Origin
from bot.asking import check_role
from bot.context import Context
from bot.plans import Report
from bot.router import router
from bot.trail import line
from bot.views.blocks.home import ROWS, HomeView, home_view
from bot.views.blocks.notes import note_message
from t5g.audit import Outcome
from t5g.changes import Change
from t5g.errors import RefusedError, T5GError
from t5g.news import news_of
from t5g.query import parse_query

KEPT = 180 * 24 * 3600
FEED = 20_000


class Looked(Struct, frozen=True):
    """When somebody last looked: the moment, and where the feed was."""

    at: float
    epoch: str
    sequence: int


async def opened(context: Context, event: dict[str, Any]) -> None:
    """Somebody opened the app: publish their home tab (the messages tab needs nothing)."""
    if event.get("tab") == "home":
        await publish(context, str(event.get("user") or ""), looked=True)


async def publish(context: Context, user_id: str, *, looked: bool = False) -> bool:
    """Publish somebody's home tab; `looked`: they see it now, so what changed is seen."""
    if not user_id:
        return False
    asker = await context.people.asker(user_id, origin=Origin.HOME)
    outcome = Outcome.ANSWERED
    try:
        check_role(router.find("mine"), asker)
        await context.board.refresh()
        home = await made(context, asker)
        view = home_view(home, context.settings)
        if looked:
            await _look(context, user_id)
    except RefusedError as error:
        view, outcome = _sentence(Note(text=str(error))), Outcome.REFUSED
    except T5GError as error:
        view, outcome = _sentence(Note(text=str(error), failed=True)), Outcome.FAILED
    context.trail.note(line(asker, "home", outcome))
    return await _publish(context, user_id, view)


def _sentence(note: Note) -> dict[str, Any]:
    return {"type": "home", "blocks": note_message(note)["blocks"]}


async def _publish(context: Context, user_id: str, view: dict[str, Any]) -> bool:
    return await context.replies.call("views.publish", user_id=user_id, view=view) is not None


async def made(context: Context, asker: Asker) -> HomeView:
    """Put together what stands on somebody's home tab."""
    now, board = context.clock(), context.board
    query = parse_query("assignee:me")
    mine = board.select(query, now, asker.me)
    involved = parse_query("contributor:me status:any")
    numbers = {e.number for e in board.select(involved, now, asker.me)}
    changed, looked, lost = await _changed(context, asker, numbers)
    watches = []
    for watch in await context.watches.of(asker.id):
        parsed = parse_query(watch.query, board.words)
        count = sum(1 for e in board.entries.values() if parsed.matches(e, now, watch.me))
        watches.append((watch, count))
    return HomeView(
        mine=CaseList(
            title="Your cases",
            query=query,
            total=len(mine),
            page=1,
            entries=tuple(mine[:ROWS]),
            now=now,
            freshness=Freshness.of(board.syncs, now),
        ),
        changed=changed,
        looked=looked,
        watches=WatchList(watches=tuple(watches), personal=True),
        wishes=await context.notify.of(asker.id),
        digest=await context.plans.of(asker.id, Report.DAILY),
        name=asker.name,
        lost=lost,
    )


async def _changed(
    context: Context, asker: Asker, numbers: set[str]
) -> tuple[tuple[Told, ...], float, bool]:
    """What changed in these cases since the last look, when that was, and whether some is lost."""
    raw = await context.redis.get(_key(context, asker.id))
    if not isinstance(raw, bytes):
        return (), 0.0, False
    looked = msgspec.json.decode(raw, type=Looked)
    position = context.board.position
    if position is None or looked.epoch != position.epoch:
        return (), looked.at, True
    feed = await context.board.changes_after(looked.sequence, FEED)
    lost = feed is None
    grouped: dict[str, list[Change]] = defaultdict(list)
    for entry in feed or ():
        if entry.number in numbers:
            grouped[entry.number] += entry.changes
    found: list[Told] = []
    for number, changes in grouped.items():
        case = context.board.get(number)
        if case is None:
            continue
        deeds = await context.deeds.of(number)
        why = news_of(case, changes, context.board.rules.internal)
        kept = tuple(reason for reason in why if deeds.get(reason.fact) != asker.id)
        if kept:
            found.append(Told(entry=case, reasons=kept))
    return tuple(found), looked.at, lost


async def _look(context: Context, user_id: str) -> None:
    """Remember that somebody sees what the board shows now."""
    epoch, sequence, _ = context.board.version
    looked = Looked(context.clock(), epoch, sequence)
    await context.redis.set(_key(context, user_id), msgspec.json.encode(looked), ex=KEPT)


def _key(context: Context, user_id: str) -> str:
    return context.keys.named("slack", "looked", user_id)
