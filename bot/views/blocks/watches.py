"""What a channel is told about, and when which digest comes."""

from datetime import UTC, datetime

from bot.answers import PlanList, WatchList
from bot.plans import Plan, Report, days_text
from bot.views.blocks.parts import Block, Payload, ask_button, section, small
from bot.views.words import code, plural, safe, sentence, slack_time

MOST = 20
MOST_PLANS = 40


def watches_message(answer: WatchList) -> Payload:
    """The watches of a channel or person, each with a button that ends it."""
    blocks: list[Block] = [section(sentence(answer.said))] if answer.said else []
    where = "You are" if answer.personal else "This channel is"
    if not answer.watches:
        blocks.append(section(f"{where} told about nothing. `watch severity:urgent` begins."))
    for watch, count in answer.watches[:MOST]:
        by = f" · set by {safe(watch.by_name, 40)}" if watch.by_name else ""
        ends = ask_button("Stop", f"unwatch {watch.id}", "unwatch")
        text = f"👁 `{code(watch.query, 240)}`\n{plural(count, 'case')} now{by}"
        blocks.append(section(text, ends))
    if len(answer.watches) > MOST:
        blocks.append(section(f"… and {len(answer.watches) - MOST:,} more"))
    if answer.watches:
        blocks.append(small(f"{where} told when a case starts to match, escalates or changes."))
    count = len(answer.watches)
    return {"text": f"{count:,} {'watch' if count == 1 else 'watches'}", "blocks": blocks}


def plans_message(answer: PlanList) -> Payload:
    """All digests and weekly reports."""
    if not answer.plans:
        text = "No digest comes anywhere. `digest here 09:00 Europe/Berlin` begins."
        return {"text": text, "blocks": [section(text)]}
    lines = [section(_plan_line(plan, following)) for plan, following in answer.plans[:MOST_PLANS]]
    if len(answer.plans) > MOST_PLANS:
        lines.append(section(f"… and {len(answer.plans) - MOST_PLANS:,} more"))
    return {"text": f"{plural(len(answer.plans), 'digest')}", "blocks": lines}


def _plan_line(plan: Plan, following: float) -> str:
    name = "Weekly report" if plan.report is Report.WEEKLY else "Digest"
    place = f"<#{plan.channel}>" if plan.channel[:1] in "CG" else "your direct messages"
    moment = slack_time(datetime.fromtimestamp(following, UTC)) if following else "never"
    when = f"{plan.at} {safe(plan.zone, 40)}, {days_text(plan.days)}"
    return f"🗞 *{name}* in {place}\n{when} · next {moment}"
