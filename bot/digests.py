"""The digest and the weekly report: made from the board, posted once for each occasion."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bot.answers import DigestAnswer, Freshness
from bot.context import Context
from bot.delivery import Outgoing, file, message
from bot.plans import Occasion, Report, coming, due
from bot.views.blocks.digest import digest_posts
from bot.views.trend import trend_picture
from t5g.clock import believable, latest_believed
from t5g.derived import DAY
from t5g.digest import Digest, build_digest
from t5g.logs import logger
from t5g.model import Person
from t5g.statistics import DayRow, day_of

log = logger(__name__)

TREND_DAYS = 30
#: The people of so many cases of each section are mentioned; the rest is named.
MENTIONED = 60


async def answer_of(
    context: Context, report: Report = Report.DAILY, *, since: float | None = None
) -> DigestAnswer:
    """Make the digest as it is now. `since`: when the one before was posted."""
    now = context.clock()
    days = 7 if report is Report.WEEKLY else 1
    today = day_of(now, context.settings.zone)
    rows = await context.history.read_all()
    before = next((r for r in rows if r.day == _day_before(today, days)), None)
    start = now - days * DAY if since is None else since
    made = build_digest(context.board.entries.values(), now, since=start, before=before)
    return DigestAnswer(
        digest=made,
        freshness=Freshness.of(context.board.syncs, now),
        weekly=report is Report.WEEKLY,
        zone=context.settings.timezone,
        trend=trend(rows, made.figures["open"], today),
        mentions=await context.people.slack_ids(_owners(made)),
    )


def trend(rows: Iterable[DayRow], now: int, today: str) -> tuple[int, ...]:
    """The open cases of the last days, oldest first, with today's as they are now."""
    counts = [row.headlines.get("open", 0) for row in rows if row.day < today]
    return (*counts[-(TREND_DAYS - 1) :], now)


def _day_before(day: str, days: int) -> str:
    from datetime import date, timedelta

    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def _owners(digest: Digest) -> list[Person]:
    shown = (entry for part in digest.sections for entry in part.entries[:MENTIONED])
    return list({e.assignee.account: e.assignee for e in shown if e.assignee}.values())


async def post(
    context: Context, channel: str, report: Report = Report.DAILY, *, once: str = ""
) -> bool:
    """Put the digest into the channel's line; say whether it was taken (`once`: not before)."""
    since = await _last(context, channel, report)
    answer = await answer_of(context, report, since=since)
    if not await context.outbox.put(outgoing(channel, answer, context.settings), once=once):
        return False
    stamp = repr(answer.digest.at)
    await context.redis.hset(_last_key(context), f"{report}:{channel}", stamp)
    log.info("digest_posted", channel=channel, report=report.value, empty=answer.digest.empty)
    return True


def outgoing(channel: str, answer: DigestAnswer, settings: Any) -> list[Outgoing]:
    """The digest as messages: one in the channel, the rest and the picture in its thread."""
    main, *rest = digest_posts(answer, settings)
    what = "weekly report" if answer.weekly else "digest"
    first = message(channel, main, what=what)
    found = [first]
    found += [message(channel, x, thread_of=first.id, what=what) for x in rest]
    if len(answer.trend) > 2 and not answer.digest.empty:
        picture = trend_picture(answer.trend)
        found.append(
            file(channel, "open-cases.png", picture, text=f"Open cases, {len(answer.trend)} days",
                 thread_of=first.id, what="trend picture")
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
        if await post(context, plan.channel, plan.report, once=occasion.key):
            posted.append(occasion)
    return posted


async def _last(context: Context, channel: str, report: Report) -> float | None:
    """When the one before was posted, unless that is so long ago that it says nothing."""
    raw = await context.redis.hget(_last_key(context), f"{report}:{channel}")
    days = 7 if report is Report.WEEKLY else 1
    longest = (days + 3) * DAY  # a digest of weekdays reaches over the weekend
    if not isinstance(raw, bytes):
        return None
    at = float(raw)
    now = context.clock()
    return at if now - at <= longest and believable(at, now) else None


def _last_key(context: Context) -> str:
    return context.keys.named("slack", "digests")
