"""The bot's jobs, as RQ calls them: plain functions, safe to run twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from bot.announcing import announce
from bot.answers import Note
from bot.commands.cases import view
from bot.context import Context
from bot.digests import post, post_due
from bot.follower import Follower
from bot.plans import Report
from bot.router import Request
from bot.terminal import opened
from bot.trail import line
from bot.views.blocks import render
from t5g.audit import Outcome
from t5g.current import current_settings

T = TypeVar("T")

#: Seconds that a job posts of what waits; a long line is the bot's own work, not a worker's.
POSTING = 20.0


def digest_tick() -> list[str]:
    """Every few minutes: post what is due, follow the feed, and drain what waits to be posted."""

    async def tick(context: Context) -> list[str]:
        occasions = await post_due(context)
        await Follower(context).once()
        await context.outbox.drain(within=POSTING)
        return [occasion.key for occasion in occasions]

    return _run(tick)


def post_digest(channel: str, report: str = Report.DAILY) -> bool:
    """Post the digest (or `weekly`) to a channel now."""

    async def posting(context: Context) -> bool:
        await context.board.refresh()
        taken = await post(context, channel, Report(report))
        await context.outbox.drain(channel, within=POSTING)
        return taken

    return _run(posting)


def follow_feed() -> bool:
    """Tell watches and shared messages what changed; say whether it was our turn."""

    async def following(context: Context) -> bool:
        turn = await Follower(context).once()
        await context.outbox.drain(within=POSTING)
        return turn

    return _run(following)


def announce_card(number: str, key: str, reason: str = "", again: str = "") -> bool:
    """Announce a card in the channel for its severity, once; `reason`: why this assignee.

    `again`: which time it was reopened, "" for a new one.
    """

    async def announcing(context: Context) -> bool:
        entry = await context.board.read_alone(number)
        card = next((c for c in entry.case.cards if c.key == key), None) if entry else None
        if entry is None or card is None:
            return False
        taken = await announce(context, entry, card, reason, again)
        await context.outbox.drain(within=POSTING)
        return taken

    return _run(announcing)


def tell(  # noqa: PLR0917 (a job takes plain arguments)
    reply_id: str, number: str, done: bool, text: str, who: str = "", what: str = ""
) -> bool:
    """Tell somebody what came of the work they asked for; say whether it reached them.

    `text` is a sentence. With `done` the case follows as it is now. `who` and `what` are for the
    audit log: a Slack id and the command's name.
    """

    async def telling(context: Context) -> bool:
        reply = await context.replies.find(reply_id)
        user_id = reply.user if reply else who
        channel = reply.channel if reply else ""
        asker = await context.people.asker(user_id, channel=channel)
        outcome = Outcome.DONE if done else Outcome.FAILED
        await context.trail.record(line(asker, what or "job", outcome, case=number))
        if reply is None:
            return False
        shown = done and asker.role is not None  # it may have been taken away meanwhile
        entry = await context.board.read_alone(number) if shown else None
        if entry is not None:
            request = Request(context=context, asker=asker, text=number)
            answer = msgspec.structs.replace(view(request, entry), said=text)
            return await context.replies.send(reply, render(answer, context.settings))
        note = Note(text=text, failed=not done)
        return await context.replies.send(reply, render(note, context.settings))

    return _run(telling)


def _run(work: Callable[[Context], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(current_settings()) as context:
            return await work(context)

    return asyncio.run(run())
