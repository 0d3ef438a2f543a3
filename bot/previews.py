"""Previews: a link to a case, card or bug, or a number in a watched channel, as a short card.

What is restricted is shown only in channels that are allowed it, and nothing in channels that are
shared with other companies.
"""

from collections.abc import Mapping
from typing import Any

from bot.asker import Origin
from bot.context import Context
from bot.delivery import Outgoing, message
from bot.references import (
    Reference,
    allowed_channels,
    entries_of,
    of_text,
    of_url,
    restricted,
)
from bot.trail import line
from bot.views.blocks.alerts import preview
from t5g.audit import Outcome
from t5g.derived import Entry
from t5g.errors import StoreError, UnsureError

#: A number is not answered again in the same channel for so long.
QUIET = 6 * 3600
MOST = 3
COMPOSER = "COMPOSER"


async def unfurl(context: Context, body: Mapping[str, Any]) -> None:
    """Answer a `link_shared` event with a card for each link that is of ours."""
    event: Mapping[str, Any] = body.get("event") or {}
    channel = str(event.get("channel") or "")
    if not await _may_show(context, str(event.get("user") or ""), channel):
        return
    links = [str(x.get("url") or "") for x in event.get("links") or () if isinstance(x, Mapping)]
    try:
        await context.board.refresh()
    except StoreError:
        return
    found = {url: blocks for url in links if (blocks := _card(context, url, channel))}
    if not found:
        return
    unfurls = {url: {"blocks": blocks} for url, blocks in found.items()}
    place = {"channel": channel, "ts": str(event.get("message_ts"))}
    await context.replies.call("chat.unfurl", **place, unfurls=unfurls)
    await _note(context, event, f"{len(found)} links")


def _card(context: Context, url: str, channel: str) -> list[dict[str, Any]]:
    reference = of_url(url, context.settings)
    entries = _shown(context, reference, channel) if reference else []
    return preview(entries, context.clock(), context.settings) if entries else []


def _shown(context: Context, reference: Reference, channel: str) -> list[Entry]:
    """The cases to show for a reference in a channel: none if that would tell too much."""
    entries = entries_of(reference, context.board)
    if restricted(reference, entries) and channel not in allowed_channels(context.settings):
        return []
    return entries


async def answer_numbers(context: Context, body: Mapping[str, Any]) -> None:
    """In a channel with a watch, answer a message that names cases with a card in its thread."""
    event: Mapping[str, Any] = body.get("event") or {}
    channel = str(event.get("channel") or "")
    text = str(event.get("text") or "")
    found = [x for x in of_text(text, context.settings) if x.kind == "case" and not x.url][:MOST]
    if not found:
        return
    if not await context.watches.of(channel):
        return
    if not await _may_show(context, str(event.get("user") or ""), channel):
        return
    await context.board.refresh()
    entries: list[Entry] = []
    for reference in found:
        quiet = f"number:{channel}:{reference.name}"
        shown = entries_of(reference, context.board)
        if shown and await context.once.first(quiet, QUIET):
            entries += shown
    if entries:
        await _reply(context, channel, event, entries)


async def _reply(
    context: Context, channel: str, event: Mapping[str, Any], entries: list[Entry]
) -> None:
    blocks = preview(entries, context.clock(), context.settings)
    text = ", ".join(entry.number for entry in entries)
    thread = str(event.get("thread_ts") or event.get("ts") or "")
    item: Outgoing = message(
        channel, {"text": text, "blocks": blocks}, thread_ts=thread, what="preview"
    )
    await context.outbox.put([item], once=f"preview:{channel}:{event.get('ts')}")
    await context.outbox.drain(channel)
    await _note(context, event, text)


async def _note(context: Context, event: Mapping[str, Any], what: str) -> None:
    """Write into the audit log who let a channel see something."""
    asker = await context.people.asker(
        str(event.get("user") or ""), channel=str(event.get("channel") or ""), origin=Origin.MESSAGE
    )
    context.trail.note(line(asker, "preview", Outcome.ANSWERED, detail=what))


async def _may_show(context: Context, user_id: str, channel: str) -> bool:
    """Return whether what somebody wrote there may be answered for all to see.

    Not so in the composer: nobody knows yet where that message will go.
    """
    if not user_id or channel == COMPOSER or (await context.people.asker(user_id)).role is None:
        return False
    try:
        return not await context.audience.refusal(channel)
    except UnsureError:
        return False
