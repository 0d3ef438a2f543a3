"""New and reopened cards, told once in the channel for their severity, the text in the thread."""

from bot.context import Context
from bot.delivery import Outgoing, message
from bot.shares import Share
from bot.views.blocks.alerts import announcement
from bot.views.blocks.parts import Payload
from t5g.card_reasons import reason_for
from t5g.derived import Entry
from t5g.model import Card

HIGH_RANK = 2


def channel_of(entry: Entry, context: Context) -> str:
    """The channel for a case of this severity, or ""; escalated and crit sit are high always."""
    settings = context.settings
    high = entry.rank <= HIGH_RANK or entry.escalated or entry.crit_sit
    return settings.slack_high_channel if high else settings.slack_low_channel


async def announce(
    context: Context, entry: Entry, card: Card, reason: str = "", again: str = ""
) -> bool:
    """Put the announcement of a card into its channel's line, unless it is there already.

    `reason`: why the assignee got it. `again`: which time the card was reopened, "" for a new one.
    Says whether it was taken.
    """
    channel = channel_of(entry, context)
    if not channel:
        return False
    reason = reason or await reason_for(context.redis, context.keys, entry.number)
    main, thread = await announced(context, entry, card, reason, again)
    first = message(channel, main, what=f"announcement of {card.key}")
    more: list[Outgoing] = [
        message(channel, payload, thread_of=first.id, what="description") for payload in thread
    ]
    once = f"card:{card.key}:{again}" if again else f"card:{card.key}"
    taken = await context.outbox.put([first, *more], once=once)
    if taken:
        await context.shares.add(
            Share(number=entry.number, channel=channel, message=first.id, at=context.clock(),
                  card=card.key, again=again)
        )  # fmt: skip
    return taken


async def announced(
    context: Context, entry: Entry, card: Card, reason: str = "", again: str = ""
) -> tuple[Payload, list[Payload]]:
    """Return the announcement of a card as it is to be now, and the rest for its thread."""
    return announcement(
        entry,
        card,
        mention=await context.people.slack_id(card.assignee) if card.assignee else "",
        reason=reason,
        again=bool(again),
        now=context.clock(),
        settings=context.settings,
    )
