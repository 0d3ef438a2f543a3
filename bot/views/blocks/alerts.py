"""Messages that come by themselves: watches, alarms, new cards, operators' alerts."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bot.alerts import Told, by_urgency
from bot.views.blocks.lists import case_lines, row
from bot.views.blocks.parts import Block, Payload, actions, ask_button, section, small
from bot.views.words import (
    card_url,
    code,
    escape,
    link,
    plural,
    safe,
    safe_lines,
    slack_time,
    weight,
)
from bot.watches import Watch
from t5g.alerts import Notice
from t5g.derived import Entry
from t5g.model import Card
from t5g.settings import Settings

MOST = 10
#: Cases that stand in the words for phones and screen readers.
MOST_SPOKEN = 3
ROOM = 2_700
MOST_PARTS = 5
#: What can not be cut further: a character, or an escape of one.
_WHOLE = re.compile(r"&(?:amp|lt|gt);|.", re.DOTALL)


def watch_message(
    watch: Watch, found: Sequence[Told], now: float, settings: Settings,
    owners: Mapping[str, str] | None = None,
) -> Payload:  # fmt: skip
    """What a watch is told, several cases together; `owners` as in `alarm_message`."""
    found = by_urgency(found, now)
    foot = small(f"👁 `{code(watch.query, 240)}` · `{settings.slack_command} watches`")
    return {"text": spoken(found), "blocks": [*_cases(found, now, settings, owners), foot]}


def alarm_message(
    found: Sequence[Told], now: float, settings: Settings, owners: Mapping[str, str] | None = None
) -> Payload:
    """What the channel for a severity is told, several cases together.

    `owners`: the Slack ids of those to mention, by the number of the case.
    """
    found = by_urgency(found, now)
    return {"text": spoken(found), "blocks": _cases(found, now, settings, owners)}


def own_message(found: Sequence[Told], now: float, settings: Settings) -> Payload:
    """What the owner of cases is told by direct message, several cases together."""
    found = by_urgency(found, now)
    foot = small(
        f"Your own cases · `{settings.slack_command} notify` chooses what comes, and quiet hours"
    )
    return {"text": spoken(found), "blocks": [*_cases(found, now, settings), foot]}


def _cases(
    found: Sequence[Told], now: float, settings: Settings, owners: Mapping[str, str] | None = None
) -> list[Block]:
    """A block for each of the first cases, with what is told of it."""
    shown = found[:MOST]
    blocks: list[Block] = []
    for item in shown:
        block = row(item.entry, now, settings)
        why = " · ".join(f"{x.sign} *{safe(x.text, 120)}*" for x in item.reasons[:4])
        owner = (owners or {}).get(item.entry.number)
        whom = f" · <@{owner}>" if owner else ""
        block["text"]["text"] = f"{why}{whom}\n{block['text']['text']}"
        blocks.append(block)
    if len(found) > len(shown):
        blocks.append(section(f"… and {plural(len(found) - len(shown), 'case')} more"))
    return blocks


def spoken(found: Sequence[Told]) -> str:
    """Return what a phone shows and a screen reader reads: the first cases, and what happened."""
    lines = [
        f"{_named(x.entry)}: {' · '.join(safe(why.text, 120) for why in x.reasons[:2])}"
        for x in found[:MOST_SPOKEN]
    ]
    more = len(found) - MOST_SPOKEN
    return "\n".join([*lines, *([f"… and {plural(more, 'case')} more"] if more > 0 else [])])


def _named(entry: Entry) -> str:
    """Return number, severity, customer and summary of a case in one line."""
    portal = entry.case.portal
    facts = (entry.number, safe(portal.severity, 30), safe(portal.account, 60),
             safe(portal.summary, 120))  # fmt: skip
    return " · ".join(fact for fact in facts if fact)


def announcement(
    entry: Entry, card: Card, *, mention: str, reason: str, again: bool, now: float,
    settings: Settings,
) -> tuple[Payload, list[Payload]]:  # fmt: skip
    """A new card (or one that is back): the message for the channel, the description for its
    thread."""
    if mention:
        who = f"<@{mention}>"
    else:
        who = safe(card.assignee.name or card.assignee.account, 60) if card.assignee else "nobody"
    why = f" ({safe(reason, 60)})" if reason else ""
    key = link(card_url(card.key, settings), escape(card.key))
    head = f"🔁 Card {key} is back for {who}{why}" if again else f"🆕 New card {key} for {who}{why}"
    blocks = [section(head), row(entry, now, settings)]
    mine = entry.card is not None and entry.card.key == card.key
    if mine and card.assignee is None and entry.open and not settings.read_only:
        claim = ask_button("Claim", f"claim {entry.number}", "claim", "primary")
        blocks.append(actions([claim]))
    what = "Reopened" if again else "New"
    text = f"{what} card {escape(card.key)}: {_named(entry)}"
    return {"text": text, "blocks": blocks}, _description(entry)


def _description(entry: Entry) -> list[Payload]:
    portal = entry.case.portal
    body = safe_lines(portal.description, ROOM * MOST_PARTS)
    if not body:
        return []
    head = f"*{safe(portal.summary, 300) or portal.number}*\nopened {slack_time(portal.created)}"
    parts = [head, *pieces(body)]
    return [{"text": f"Description of {portal.number}", "blocks": [section(x)]} for x in parts]


def pieces(text: str, room: int = ROOM) -> list[str]:
    """Cut an escaped text into parts that each fit a section, at lines if possible."""
    found: list[str] = []
    kept = ""
    for line in text.split("\n"):
        for piece in _chunks(line, room):
            joined = f"{kept}\n{piece}" if kept else piece
            if weight(joined) > room:
                found.append(kept)
                kept = piece
            else:
                kept = joined
    return [part for part in [*found, kept] if part.strip()]


def _chunks(line: str, room: int) -> Iterator[str]:
    """Cut one long line, never within an escape."""
    kept: list[str] = []
    used = 0
    for piece in _WHOLE.findall(line):
        size = weight(piece)
        if used + size > room:
            yield "".join(kept)
            kept, used = [], 0
        kept.append(piece)
        used += size
    yield "".join(kept)


def notice_message(notice: Notice) -> Payload:
    """An alert for operators, or its all-clear."""
    sign = "🔔" if notice.raised else "✅"
    text = f"{sign} {safe(notice.alert.text, 1_500)}"
    hint = f"\n_{safe(notice.alert.hint, 500)}_" if notice.raised and notice.alert.hint else ""
    return {"text": f"{sign} {safe(notice.alert.text, 300)}", "blocks": [section(text + hint)]}


def preview(entries: Sequence[Entry], now: float, settings: Settings) -> list[Block]:
    """A short card for a link or a number: at most three cases."""
    blocks = [section(case_lines(entry, now, settings)) for entry in entries[:3]]
    if len(entries) > 3:
        blocks.append(small(f"… and {len(entries) - 3} more cases"))
    return blocks
