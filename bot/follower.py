"""Follows the change feed and tells: watches, channels by severity, shared messages, operators.

One process of the installation does it at a time. Where it stands, what it told and what each watch
matches are changed in one transaction, so nothing is told twice and nothing is left out by a crash.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from bot.alarms import Spell, Spells, alarms, breaches_soon, done_early, is_old, unassigned
from bot.alerts import Told, by_urgency, new_cards, told
from bot.announcing import announce, announced, channel_of
from bot.answers import CaseView, Freshness
from bot.context import Context
from bot.delivery import Kind, Outgoing, message
from bot.notify import PERSONAL, UNKNOWN, own_news
from bot.references import allowed_channels, names_restricted
from bot.views.blocks import render
from bot.views.blocks.alerts import alarm_message, notice_message, own_message, watch_message
from bot.watches import Watch
from t5g.alerts import Alerts
from t5g.changes import Change
from t5g.clock import believable
from t5g.derived import Entry
from t5g.errors import QueryError, StoreError, UnsureError
from t5g.lock import Lock
from t5g.logs import logger
from t5g.news import KINDS, News, news_of
from t5g.query import Query, parse_query
from t5g.syncs import Sync

log = logger(__name__)

EVERY = 1.0
#: While there is more to tell at each look, looks become as rare as this, and each tells more.
LONGEST = 16.0
#: Queries may begin to match because time goes by.
LOOK_EVERY = 60.0
PAGE = 2_000


class Followed(Struct, frozen=True, kw_only=True):
    """How far the feed was followed; `since`: when following began (seconds since the epoch)."""

    epoch: str
    sequence: int
    since: float


Changes = Mapping[str, Sequence[Change]]


class Sight(Struct, frozen=True, kw_only=True):
    """What one watch looks at: its query, the cases to look at, those that matched before."""

    query: Query
    numbers: set[str]
    matched: set[str]


def pause_after(busy: int) -> float:
    """Seconds until the next look, after so many in a row that told something.

    So many changes come as few messages of many cases, not as many messages of one.
    """
    return min(LONGEST, EVERY * 2.0 ** max(0, busy - 1))


class Follower:
    """Follows for one installation."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._key = context.keys.named("slack", "followed")
        self._looked = 0.0
        self._busy = 0

    async def run(self) -> None:
        """Follow until cancelled; whatever fails is tried again."""
        while True:
            try:
                await self.once()
                await self._context.outbox.begin()
            except (StoreError, RedisError, OSError) as error:
                log.warning("follower_waits", error=type(error).__name__)
                await asyncio.sleep(EVERY * 4)
            except Exception:
                log.exception("follower_failed")
                await asyncio.sleep(EVERY * 4)
            await asyncio.sleep(pause_after(self._busy))

    async def once(self, *, look: bool = False) -> bool:
        """Tell what is to tell now; say whether it was our turn. `look`: at every match."""
        context = self._context
        lock = Lock(context.redis, context.keys.lock("slack-follower"), time_to_live=20.0)
        async with lock:
            if not await lock.acquire():
                return False
            await self._follow(lock, look=look or time.monotonic() - self._looked >= LOOK_EVERY)
            await self._alerts()
        return True

    async def _follow(self, lock: Lock, *, look: bool) -> None:
        context = self._context
        await context.board.refresh()
        position = context.board.position
        before = await self._read()
        if position is None:
            return
        if before is None:
            await self._write(Followed(
                epoch=position.epoch, sequence=position.sequence, since=context.clock()
            ))  # fmt: skip
            return
        if not believable(before.since, context.clock()):
            log.warning("followed_since_not_believed", since=before.since)
            before = msgspec.structs.replace(before, since=context.clock())
            await self._write(before)
        changes: Changes = {}
        sequence, told = position.sequence, False
        if before.epoch != position.epoch or before.sequence > position.sequence:
            look = True  # another history: only what matches can be compared
        else:
            feed = await context.board.changes_after(before.sequence, PAGE)
            if feed is None:
                look = True  # the feed was cut off; its changes are gone
            elif feed:
                grouped: dict[str, list[Change]] = defaultdict(list)
                for entry in feed:
                    grouped[entry.number] += entry.changes
                changes, sequence = grouped, feed[-1].sequence
        if changes or look:
            after = Followed(epoch=position.epoch, sequence=sequence, since=before.since)
            told = await self._tell(changes, before, after, lock, look=look)
        self._busy = self._busy + 1 if told else 0
        if look:
            self._looked = time.monotonic()

    async def _tell(
        self, changes: Changes, before: Followed, after: Followed, lock: Lock, *, look: bool
    ) -> bool:
        """Tell what there is to tell; say whether there was something."""
        context = self._context
        await self._announce(changes, before.since)
        why: dict[str, list[News]] = {}
        deeds: dict[str, dict[str, str]] = {}
        for number, found in changes.items():
            entry = context.board.get(number)
            if entry is not None:
                why[number] = news_of(entry, found, context.board.rules.internal)
                deeds[number] = await context.deeds.of(number)
        pipe = context.redis.pipeline(transaction=True)
        if look:
            await self._look_for_spells(why, pipe)
        heard: dict[str, set[str]] = defaultdict(set)
        for watch in await context.watches.all():
            query = self._query(watch)
            if query is None or self._tells_too_much(watch, query):
                continue
            matched = await context.watches.matched(watch)
            numbers = set(context.board.entries) | matched if look else set(changes)
            sight = Sight(query=query, numbers=numbers, matched=matched)
            telling, came, went = self._compare(watch, sight, why, deeds)
            context.watches.stage(pipe, watch, came=came, went=went)
            if telling:
                here = [
                    Told(entry=x.entry, reasons=alarms(x.entry, x.reasons, before.since))
                    for x in telling
                    if channel_of(x.entry, context) == watch.channel
                ]
                owners = await self._owners_of_escalated(here, deeds)
                payload = watch_message(watch, telling, context.clock(), context.settings, owners)
                context.outbox.stage(pipe, [message(watch.channel, payload, what="watch")])
                heard[watch.channel] |= {item.entry.number for item in telling}
        sounded = self._alarms(why, before.since, heard)
        for channel, items in sounded.items():
            owners = await self._owners_of_escalated(items, deeds)
            payload = alarm_message(items, context.clock(), context.settings, owners)
            context.outbox.stage(pipe, [message(channel, payload, what="alarm")])
            await asyncio.sleep(0)
        await self._tell_owners(why, before.since, heard, pipe)
        for item in await self._updates(changes):
            context.outbox.stage(pipe, [item])
        pipe.set(self._key, msgspec.json.encode(after))
        lock.check()
        await pipe.execute()
        return bool(heard or sounded)

    async def _look_for_spells(self, why: dict[str, list[News]], pipe: Pipeline) -> None:
        """Add the cases that have been in a bad way for too long to those that are told."""
        context = self._context
        entries, now = context.board.entries.values(), context.clock()
        limit = context.settings.unassigned_hours * 3600
        asked = context.board.syncs[Sync.CASES].last_success
        kinds = (
            (context.keys.named("slack", "unassigned"),
             partial(unassigned, entries=entries, now=now, limit=limit)),
            (context.keys.named("slack", "done"),
             partial(done_early, entries=entries, now=now, asked=asked)),
            (context.keys.named("slack", "breaches_soon"),
             partial(breaches_soon, entries=entries, now=now)),
        )  # fmt: skip
        for key, look in kinds:
            raw = await context.redis.get(key)
            before: Spells | None = msgspec.json.decode(raw, type=dict[str, Spell]) if raw else None
            after, found = look(before)
            for number, reason in found.items():
                why.setdefault(number, []).append(reason)
            if after != before:
                pipe.set(key, msgspec.json.encode(after))

    def _alarms(
        self, why: Mapping[str, Sequence[News]], began: float, heard: Mapping[str, set[str]]
    ) -> dict[str, list[Told]]:
        """What the channels by severity are told, beyond what a watch of theirs tells."""
        context = self._context
        found: dict[str, list[Told]] = defaultdict(list)
        for number in sorted(why):
            entry = context.board.get(number)
            kept = alarms(entry, why[number], began) if entry is not None else ()
            if entry is not None and kept:
                channel = channel_of(entry, context)
                if channel and number not in heard.get(channel, ()):
                    found[channel].append(Told(entry=entry, reasons=kept))
        return found

    async def _tell_owners(
        self,
        why: Mapping[str, Sequence[News]],
        began: float,
        heard: Mapping[str, set[str]],
        pipe: Pipeline,
    ) -> None:
        """Tell owners the news of their cases by direct message, or hold it in quiet hours.

        What a watch of their own tells them is not told again. While Slack does not say who an
        owner is, the news is held.
        """
        context, now = self._context, self._context.clock()
        held = await context.notify.held()
        waiting, later = held.pop(UNKNOWN, {}), dict[str, list[News]]()
        found: dict[str, dict[str, list[News]]] = {who: {**news} for who, news in held.items()}
        for number in dict.fromkeys((*waiting, *why)):
            entry = context.board.get(number)
            if entry is None or entry.assignee is None:
                continue
            fresh = [x for x in why.get(number, ()) if not is_old(entry, x, began)]
            news = [*waiting.get(number, ()), *(x for x in fresh if x.kind in PERSONAL)]
            try:
                who = await context.people.slack_id(entry.assignee, sure=True) if news else ""
            except UnsureError:
                later[number] = news
                continue
            if not who:
                continue
            if number in heard.get(who, ()):
                news = [x for x in news if not KINDS[x.kind].watch]
            deeds, wishes = await context.deeds.of(number), await context.notify.of(who)
            if own := own_news(news, wishes, deeds, who):
                mine = found.setdefault(who, {})
                mine[number] = [*mine.get(number, ()), *own]
        context.notify.stage(pipe, UNKNOWN, later)
        for person, news_by_case in found.items():
            if (await context.notify.of(person)).quiet_at(now):
                context.notify.stage(pipe, person, news_by_case)
                continue
            items = [
                Told(entry=entry, reasons=tuple(news))
                for number, news in news_by_case.items()
                if (entry := context.board.get(number)) is not None
            ]
            context.notify.stage(pipe, person, {})
            if items:
                payload = own_message(items, now, context.settings)
                context.outbox.stage(pipe, [message(person, payload, what="news of own cases")])

    async def _owners_of_escalated(
        self, items: Sequence[Told], deeds: Mapping[str, Mapping[str, str]]
    ) -> dict[str, str]:
        """Return whom to mention by case, each once.

        It is the owner of an open case that was escalated, unless they did it by the bot.
        """
        found: dict[str, str] = {}
        for item in by_urgency(items, self._context.clock()):
            entry, escalated = item.entry, any(x.kind == "escalated" for x in item.reasons)
            if not escalated or not entry.open or entry.assignee is None:
                continue
            owner = await self._context.people.slack_id(entry.assignee)
            did = deeds.get(entry.number, {}).get("escalation") == owner
            if owner and not did and owner not in found.values():
                found[entry.number] = owner
        return found

    def _compare(
        self,
        watch: Watch,
        sight: Sight,
        why: Mapping[str, Sequence[News]],
        deeds: Mapping[str, Mapping[str, str]],
    ) -> tuple[list[Told], set[str], set[str]]:
        """Return what to tell, and what came to match and went."""
        context, now = self._context, self._context.clock()
        found: list[Told] = []
        came, went = set[str](), set[str]()
        for number in sorted(sight.numbers):
            entry = context.board.get(number)
            matches = entry is not None and sight.query.matches(entry, now, watch.me)
            if matches and number not in sight.matched:
                came.add(number)
            if not matches and number in sight.matched:
                went.add(number)
                # What leaves by closing or the like is still told, once.
                matches = entry is not None and bool(why.get(number))
            if entry is None or not matches:
                continue
            item = told(
                entry,
                matches=True,
                matched=number in sight.matched,
                why=why.get(number, ()),
                deeds=deeds.get(number, {}),
                person=watch.channel if watch.personal else "",
            )
            if item is not None:
                found.append(item)
        return found, came, went

    def _query(self, watch: Watch) -> Query | None:
        try:
            return parse_query(watch.query, self._context.board.words)
        except QueryError as error:
            log.warning("watch_not_understood", watch=watch.id, error=str(error))
            return None

    def _tells_too_much(self, watch: Watch, query: Query) -> bool:
        """Say whether the channel would learn which case a restricted bug or issue belongs to."""
        context = self._context
        knows = watch.personal or watch.channel in allowed_channels(context.settings)
        return not knows and names_restricted(query, context.board)

    async def _announce(self, changes: Changes, since: float) -> None:
        context = self._context
        for number, found in changes.items():
            entry = context.board.get(number)
            if entry is not None:
                for card in new_cards(entry, found, since, context.clock()):
                    await announce(context, entry, card)

    async def _updates(self, changes: Changes) -> list[Outgoing]:
        """The shared messages that show a case that changed, as they are to be now."""
        context = self._context
        items: list[Outgoing] = []
        for number in changes:
            entry = context.board.get(number)
            if entry is None:
                continue
            for share in await context.shares.of(number):
                posted = await context.outbox.posted(share.message)
                if posted is None or not posted.ts:
                    continue
                payload = self._shared(entry, share.by, posted.channel)
                if share.card:
                    cards = [card for card in entry.case.cards if card.key == share.card]
                    if not cards:
                        continue
                    payload, _ = await announced(context, entry, cards[0], again=share.again)
                items.append(
                    message(posted.channel, payload, kind=Kind.UPDATE, ts=posted.ts,
                            what="shared case")
                )  # fmt: skip
        return items

    def _shared(self, entry: Entry, by: str, channel: str) -> dict[str, object]:
        context = self._context
        freshness = Freshness.of(context.board.syncs, context.clock())
        view = CaseView(
            entry=entry,
            now=context.clock(),
            freshness=freshness,
            shared=True,
            by=by,
            discreet=channel not in allowed_channels(context.settings),
        )
        return render(view, context.settings)

    async def _alerts(self) -> None:
        """Post what operators should know."""
        context = self._context
        channel = context.settings.slack_ops_channel
        if not channel:
            return
        alerts = Alerts(context.redis, context.keys)
        for notice in await alerts.unposted():
            item = message(channel, notice_message(notice), what="alert")
            await context.outbox.put([item], once=f"alert:{notice.id}")
            await alerts.posted(notice.id)

    async def _read(self) -> Followed | None:
        raw = await self._context.redis.get(self._key)
        return msgspec.json.decode(raw, type=Followed) if isinstance(raw, bytes) else None

    async def _write(self, followed: Followed) -> None:
        await self._context.redis.set(self._key, msgspec.json.encode(followed))
