"""`digest …`: look at the digest, post it, and say when which channel gets it."""

from datetime import UTC, datetime

import msgspec

from bot.answers import Answer, Note, PlanList
from bot.digests import answer_of, is_person, post
from bot.plans import (
    WORKDAYS,
    Plan,
    Report,
    days_text,
    is_days,
    parse_days,
    parse_time,
    parse_zone,
)
from bot.router import Request, router
from bot.views.words import slack_time
from t5g.errors import QueryError
from t5g.query.fields import nearest
from t5g.team import Role

VERBS = ("preview", "now", "here", "me", "off", "list", "weekly")


@router.command(
    "digest",
    keeps=True,
    usage="[weekly] [me] [preview|now|here 09:00 [zone] [days]|off|list]",
    summary="Look at the digest, post it now, or say when it comes to this channel, or to me alone",
    examples=(
        "digest",
        "digest here 09:00 Europe/Berlin mon-fri",
        "digest me 08:30",
        "digest weekly here 08:30 mon",
    ),
)
async def digest(request: Request) -> Answer:
    """Do what the first word says; without one show the digest to the asker alone."""
    words = request.text.split()
    report = Report.DAILY
    if words and words[0].casefold() == "weekly":
        report, words = Report.WEEKLY, words[1:]
    if words and words[0].casefold() == "me":  # as if it was asked in the direct messages
        asker = msgspec.structs.replace(request.asker, channel="")
        request = msgspec.structs.replace(request, asker=asker)
        words = words[1:]
        if words and words[0][:1].isdigit():
            words.insert(0, "here")
    verb = words[0].casefold() if words else "preview"
    match verb:
        case "preview":
            return await answer_of(request.context, report, channel=request.asker.post_to)
        case "list":
            return await _list(request)
        case "now":
            return await _now(request, report)
        case "here":
            return await _here(request, report, words[1:])
        case "off":
            return await _off(request, report)
    guess = nearest(verb, VERBS)
    raise QueryError(
        f"“{verb[:20]}” is nothing a digest can do.",
        text=verb,
        suggestion=guess,
        example="" if guess else "digest here 09:00",
    )


async def _now(request: Request, report: Report) -> Note:
    channel = request.asker.post_to
    if not is_person(channel):
        request.need(Role.ENGINEER, "Posting the digest for everybody")
        await request.need_audience(channel)
    context = request.context
    named = request.back.request if request.back else ""
    await post(context, channel, report, once=f"now:{named}" if named else "")
    context.tasks.start(context.outbox.drain(channel), "digest")
    return Note(text=f"The {_name(report, channel)} is on its way.")


async def _here(request: Request, report: Report, words: list[str]) -> Note:
    channel = request.asker.post_to
    if not is_person(channel):
        request.need(Role.ADMIN, "Setting up the digest of a channel")
        await request.need_audience(channel)
    plan = planned(words, request, report)
    await request.context.plans.put(plan)
    following = plan.next_after(datetime.fromtimestamp(request.now, UTC))
    when = f"{plan.at} in {plan.zone}, {days_text(plan.days)}"
    return Note(
        text=f"The {_name(report, channel)} comes {_where(channel)} at {when}; "
        f"the next one {slack_time(following)}."
    )


def planned(words: list[str], request: Request, report: Report) -> Plan:
    """Read `09:00 [zone] [days]`, in any order. Raises QueryError, also for a second time or zone.

    Days may be several words.
    """
    settings, asker = request.context.settings, request.asker
    usual: tuple[int, ...] = WORKDAYS if report is Report.DAILY else (0,)
    default = asker.zone if is_person(asker.post_to) and asker.zone else settings.timezone
    times = [word for word in words if word[:1].isdigit()]
    days = [word for word in words if is_days(word)]
    zones = [word for word in words if word not in (*times, *days)]
    for more in (times[1:], zones[1:]):
        if more:
            raise QueryError(
                f"“{more[0][:40]}” is one too many: a digest has one time and one zone.",
                text=more[0],
                example="digest here 09:00 Europe/Berlin mon-fri",
            )
    return Plan(
        channel=asker.post_to,
        report=report,
        at=parse_time(times[0]) if times else f"{settings.digest_at:%H:%M}",
        zone=parse_zone(zones[0]) if zones else default,
        days=tuple(sorted({day for word in days for day in parse_days(word)})) or usual,
        by=asker.id,
        since=request.now,
    )


async def _off(request: Request, report: Report) -> Note:
    channel = request.asker.post_to
    if not is_person(channel):
        request.need(Role.ADMIN, "Switching off the digest of a channel")
    present = await request.context.plans.of(channel, report)
    if present is None:
        return Note(text=f"No {_name(report, channel)} comes {_where(channel)}.")
    await request.context.plans.put(Plan(channel=channel, report=report, off=True))
    return Note(text=f"The {_name(report, channel)} does not come {_where(channel)} any more.")


async def _list(request: Request) -> PlanList:
    now = datetime.fromtimestamp(request.now, UTC)
    plans = [p for p in await request.context.plans.all() if not p.off]
    mine = [p for p in plans if not is_person(p.channel) or p.channel == request.asker.id]
    following = [(plan, plan.next_after(now)) for plan in mine]
    return PlanList(plans=tuple((plan, m.timestamp() if m else 0.0) for plan, m in following))


def _where(channel: str) -> str:
    return "to you" if is_person(channel) else "here"


def _name(report: Report, channel: str) -> str:
    if report is Report.WEEKLY:
        return "weekly report"
    return "digest of your own cases" if is_person(channel) else "digest"
