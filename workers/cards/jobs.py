"""The jobs of cards, as RQ calls them: plain arguments in, a small summary out.

What may pass is raised, so that RQ runs the job again; what a person must mend is told to the
operators and not raised. In an installation that only reads they do nothing and say so.
"""

import asyncio
from collections.abc import Awaitable, Callable

from t5g.current import current_settings
from t5g.errors import RefusedError, UpstreamError
from workers.attempts import last_attempt
from workers.cards.closing import close_cards
from workers.cards.desk import Desk, open_desk
from workers.cards.ledger import Making
from workers.cards.mail import message_of, send
from workers.cards.outcomes import Outcomes
from workers.cards.priorities import follow_severity
from workers.cards.run import run_cards
from workers.cards.tagging import tag_linked

Summary = dict[str, int | str]
REMEMBERED = 90 * 24 * 3600


def create(confirmed: int = 0, who: str = "schedule") -> Summary:
    """Make and reopen cards; `confirmed`: how many a person agreed to."""

    async def work(desk: Desk) -> Summary:
        report = await run_cards(desk, confirmed=confirmed)
        if report.busy and not last_attempt():
            # Perhaps the lock of a worker that died: soon it is free, and its card can be ended.
            raise UpstreamError("cards", "another run is at work, or was until it died")
        if report.waiting:
            number, why = report.waiting[0]
            raise UpstreamError("cards", f"{len(report.waiting)} wait, first {number}: {why}")
        return {
            "planned": len(report.plan.rows), "made": len(report.made),
            "failed": len(report.failed), "lacking": len(report.lacking),
            "stopped": int(report.plan.stopped), "busy": int(report.busy),
        }  # fmt: skip

    return _run(work, who)


def priorities(who: str = "schedule") -> Summary:
    """Let priorities follow severities."""
    return _run(lambda desk: _counted(follow_severity(desk)), who)


def close(who: str = "schedule") -> Summary:
    """Propose or close the cards of closed cases."""
    return _run(lambda desk: _counted(close_cards(desk)), who)


def tag(who: str = "schedule") -> Summary:
    """Put the team's keywords on linked bugs and issues."""
    return _run(lambda desk: _counted(tag_linked(desk)), who)


def mail(number: str, key: str, assignee: str = "", email: str = "", reason: str = "") -> Summary:
    """Tell of a new card by e-mail, once."""

    async def work(desk: Desk) -> Summary:
        url = desk.settings.smtp_url.get_secret_value()
        mark = desk.keys.named("cards", "mailed", key)
        await desk.board.refresh()
        entry = desk.board.get(number)
        if not url or entry is None or await desk.redis.exists(mark):
            return {"sent": 0}
        record = Making(number=number, key=key, assignee=assignee, email=email, reason=reason)
        message = message_of(entry, record, desk.settings)
        if message is None:
            return {"sent": 0}
        await asyncio.to_thread(send, message, url, timeout=desk.settings.upstream_timeout)
        await desk.redis.set(mark, "1", ex=REMEMBERED)
        return {"sent": 1}

    return _run(work, "schedule")


async def _counted(work: Awaitable[Outcomes]) -> Summary:
    found = await work
    first = f"{found.failed[0][0]}: {found.failed[0][1]}" if found.failed else ""
    return {
        "planned": len(found.planned), "done": len(found.done), "failed": len(found.failed),
        "left alone": len(found.spared), "first": first,
    }  # fmt: skip


def _run(work: Callable[[Desk], Awaitable[Summary]], who: str) -> Summary:
    settings = current_settings()

    async def run() -> Summary:
        async with open_desk(settings, who=who) as desk:
            return await work(desk)

    if settings.read_only:
        return {"skipped": "T5G_READ_ONLY is true"}
    try:
        return asyncio.run(run())
    except RefusedError as error:
        return {"skipped": str(error)}
