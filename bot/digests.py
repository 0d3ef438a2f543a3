"""The digest and the weekly report: made from the feed and the board, posted once an occasion.

A digest tells what came after the place up to which the one before told. That place moves when
Slack has the message, so that what Slack did not take is in the next one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from bot.answers import DigestAnswer, Freshness
from bot.context import Context
from bot.delivery import Outgoing, file, message
from bot.plans import Occasion, Report, coming, due
from bot.views.blocks.digest import ROWS, digest_posts
from bot.views.trend import trend_picture
from t5g.changes import Change
from t5g.clock import believable, latest_believed
from t5g.derived import DAY, Entry
from t5g.digest import Digest, Place, build_digest, personal
from t5g.errors import UnsureError
from t5g.logs import logger
from t5g.model import Person
from t5g.statistics import DayRow, day_of
from t5g.syncs import Sync

log = logger(__name__)

TREND_DAYS = 30
#: A digest that was last made longer ago begins with its usual window.
LONGEST = 31 * DAY
FEED = 10_000
#: A clock may differ from Slack's by so many seconds.
SKEW = 60.0


async def answer_of(
    context: Context, report: Report = Report.DAILY, *, channel: str = ""
) -> DigestAnswer:
    """Return the digest that `channel` (or a person, by id) would get now."""
    answer, _ = await _made(context, report, channel)
    return answer


async def _made(context: Context, report: Report, channel: str) -> tuple[DigestAnswer, Place]:
    """Return the digest, and the place up to which it tells. Raise UnsureError about a person."""
    now, board = context.clock(), context.board
    entries, place = list(board.entries.values()), _here(context)
    days = 7 if report is Report.WEEKLY else 1
    before = await _last(context, channel, report)
    feed = await _feed(context, before, place)
    today = day_of(now, context.settings.zone)
    rows = await context.history.read_all()
    row = next((r for r in rows if r.day == _day_before(today, days)), None)
    since = before.at if before else now - days * DAY
    made = build_digest(entries, now, since=since, feed=feed, before=row)
    whose = is_person(channel) and report is Report.DAILY
    if whose:
        made = await _personal(context, channel, made, entries, feed)
    answer = DigestAnswer(
        digest=made,
        freshness=Freshness.of(board.syncs, now),
        weekly=report is Report.WEEKLY,
        personal=whose,
        zone=context.settings.timezone,
        trend=trend(rows, made.figures["open"], today) if report is Report.WEEKLY else (),
        mentions={} if whose else await context.people.slack_ids(_owners(made)),
    )
    return answer, place


def is_person(channel: str) -> bool:
    """Return whether an id is a person's, who gets a digest of their own."""
    return channel[:1] in ("U", "W")


async def _personal(
    context: Context,
    user_id: str,
    digest: Digest,
    entries: Sequence[Entry],
    feed: Mapping[str, Sequence[Change]] | None,
) -> Digest:
    asker = await context.people.asker(user_id)
    if asker.unsure:
        raise UnsureError("Slack does not say now who the digest is for.")
    zone = ZoneInfo(asker.zone or context.settings.timezone)
    deeds: dict[str, set[str]] = {}
    for entry in entries:
        if (
            feed
            and feed.get(entry.number)
            and entry.assignee
            and asker.me.is_person(entry.assignee)
        ):
            done = await context.deeds.of(entry.number)
            deeds[entry.number] = {fact for fact, who in done.items() if who == user_id}
    return personal(digest, entries, asker.me, feed=feed, deeds=deeds, zone=zone)


def _here(context: Context) -> Place:
    """Return where the board stands.

    Before the first listing of this history has ended, what comes is no news but what there was
    all along: then the next digest goes by the time alone.
    """
    position, syncs = context.board.position, context.board.syncs
    known = tuple(name.value for name, record in syncs.items() if record.last_success)
    if position is None or Sync.CASES.value not in known:
        return Place(epoch="", sequence=0, at=context.clock())
    return Place(epoch=position.epoch, sequence=position.sequence, at=context.clock(), known=known)


async def _feed(
    context: Context, before: Place | None, until: Place
) -> dict[str, list[Change]] | None:
    """Return what changed between two places, by case; None if the feed does not reach back."""
    if before is None or not before.epoch or before.epoch != until.epoch:
        return None
    found: dict[str, list[Change]] = defaultdict(list)
    sequence = before.sequence
    while sequence < until.sequence:
        rows = await context.board.changes_after(sequence, min(FEED, until.sequence - sequence))
        if not rows:
            return None
        for row in rows:
            found[row.number] += [x for x in row.changes if before.told_of(x)]
        sequence = rows[-1].sequence
    return found


def trend(rows: Iterable[DayRow], now: int, today: str) -> tuple[int, ...]:
    """The open cases of the last days, oldest first, with today's as they are now."""
    counts = [row.headlines.get("open", 0) for row in rows if row.day < today]
    return (*counts[-(TREND_DAYS - 1) :], now)


def _day_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def _owners(digest: Digest) -> list[Person]:
    """Return who is mentioned: the owners of the open cases that are shown."""
    shown = (item.entry for item in digest.items[:ROWS] if item.entry.open)
    return list({e.assignee.account: e.assignee for e in shown if e.assignee}.values())


async def post(
    context: Context, channel: str, report: Report = Report.DAILY, *, once: str = ""
) -> bool:
    """Put the digest into the channel's line; say whether it was taken (`once`: not before).

    Raises UnsureError when Slack does not say whom a personal digest is for.
    """
    answer, place = await _made(context, report, channel)
    told = (context.keys.named("slack", "digests"), f"{report}:{channel}",
            msgspec.json.encode(place).decode())  # fmt: skip
    first, *rest = outgoing(channel, answer, context.settings)
    first = msgspec.structs.replace(first, then=(told,), once=once)
    if not await context.outbox.put([first, *rest], once=once):
        return False
    log.info("digest_posted", channel=channel, report=report.value, empty=answer.digest.empty)
    return True


def outgoing(channel: str, answer: DigestAnswer, settings: Any) -> list[Outgoing]:
    """The digest as messages: one in the channel; of a weekly report text and picture follow."""
    main, *rest = digest_posts(answer, settings)
    what = "weekly report" if answer.weekly else "digest"
    first = message(channel, main, what=what)
    found = [first]
    found += [message(channel, x, thread_of=first.id, rest=True, what=what) for x in rest]
    if answer.weekly and len(answer.trend) > 2:
        picture = trend_picture(answer.trend)
        found.append(
            file(channel, "open-cases.png", picture, text=f"Open cases, {len(answer.trend)} days",
                 thread_of=first.id, rest=True, what="trend picture")
        )  # fmt: skip
    return found


async def post_due(context: Context) -> list[Occasion]:
    """Put every digest that is due into its channel's line; return those that were."""
    now = datetime.fromtimestamp(context.clock(), UTC)
    posted: list[Occasion] = []
    refreshed = False
    for plan in await context.plans.all():
        if (ahead := coming(plan, latest_believed(now))) is not None:
            # It was not posted yet: who noted that it was had a wrong clock.
            await context.outbox.forget(ahead.key)
        occasion = due(plan, now)
        if occasion is None or await context.outbox.taken(occasion.key):
            continue
        if not refreshed:
            await context.board.refresh()
            refreshed = True
        try:
            if await _told_before(context, occasion):
                continue
            if await post(context, plan.channel, plan.report, once=occasion.key):
                posted.append(occasion)
        except UnsureError as error:
            log.warning("digest_waits", channel=plan.channel, why=error.why)
    return posted


async def _told_before(context: Context, occasion: Occasion) -> bool:
    """Return whether the channel has the digest of an occasion that Redis does not know of.

    Redis may have been emptied, or have come back from a backup. Raises UnsureError.
    """
    plan = occasion.plan
    begin = plan.moment(occasion.day).timestamp() - SKEW
    at = await context.outbox.told_before(plan.channel, occasion.key, begin)
    if at is None:
        return False
    place = msgspec.json.encode(Place(epoch="", sequence=0, at=at))
    key = context.keys.named("slack", "digests")
    await context.redis.hset(key, f"{plan.report}:{plan.channel}", place)
    log.info("digest_found", channel=plan.channel, report=plan.report.value)
    return True


async def _last(context: Context, channel: str, report: Report) -> Place | None:
    """Return up to where the one before told, unless that is so long ago that it says nothing."""
    raw = await context.redis.hget(context.keys.named("slack", "digests"), f"{report}:{channel}")
    if not isinstance(raw, bytes):
        return None
    found = msgspec.json.decode(raw, type=Place | float)  # a time is what older versions kept
    place = found if isinstance(found, Place) else Place(epoch="", sequence=0, at=found)
    now = context.clock()
    return place if now - place.at <= LONGEST and believable(place.at, now) else None
