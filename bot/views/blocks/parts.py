"""The pieces of Block Kit that views are made of, and the names of what can be clicked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.answers import Freshness
from bot.views.words import ago, fitting, is_link, safe, weight

Block = dict[str, Any]
Payload = dict[str, Any]

#: What is clicked: the part before a colon decides who answers (`bot.actions`).
PAGE: Final = "page"
FILTER: Final = "filter"
SORT: Final = "sort"
SHARE: Final = "share"
ASK: Final = "ask"
LINK: Final = "link"
ASSIGN: Final = "assign"
COMMENT: Final = "comment"
MENU: Final = "menu"

LONGEST_ID: Final = 255
LONGEST_VALUE: Final = 2_000
LONGEST_BUTTON: Final = 70


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph, perhaps with something to click beside it."""
    block: Block = {"type": "section", "text": mrkdwn(text if text.strip() else "–")}
    return {**block, "accessory": accessory} if accessory else block


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """Facts in two columns: name and value (mrkdwn), at most ten."""
    shown = [mrkdwn(f"*{name}*\n{value}") for name, value in pairs[:10]]
    return {"type": "section", "fields": shown}


def header(text: str) -> Block:
    """A title."""
    return {"type": "header", "text": plain(fitting(text, 145) or "–")}


def small(*texts: str) -> Block:
    """A small line."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts[:10]]}


def divider() -> Block:
    """A thin line."""
    return {"type": "divider"}


def actions(elements: Sequence[Block], block_id: str = "") -> Block:
    """A row of things to click."""
    block: Block = {"type": "actions", "elements": list(elements)}
    return {**block, "block_id": block_id} if block_id else block


def preformatted(text: str) -> Block:
    """A text in a fixed font exactly as it is: elements of rich text need no escaping."""
    element = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [element]}


def without_share(blocks: Sequence[Block]) -> list[Block]:
    """Blocks without the button that shares: for what is shared already, or can not be."""
    kept: list[Block] = []
    for block in blocks:
        if block["type"] != "actions":
            kept.append(block)
        elif elements := [x for x in block["elements"] if x.get("action_id") != SHARE]:
            kept.append({**block, "elements": elements})
    return kept


def mrkdwn(text: str) -> Block:
    """Text with markup."""
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Block:
    """Text as it is."""
    return {"type": "plain_text", "text": text, "emoji": True}


def button(text: str, action: str, value: dict[str, Any], style: str = "") -> Block:
    """A button that carries a value; without one if it is too long for Slack (see `fits`)."""
    packed = packed_value(value)
    made: Block = {
        "type": "button",
        "text": plain(fitting(text, LONGEST_BUTTON) or "–"),
        "action_id": action,
        "value": packed if weight(packed) <= LONGEST_VALUE else "{}",
    }
    return {**made, "style": style} if style else made


def packed_value(value: Mapping[str, Any]) -> str:
    """What a button carries, as text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fits(value: Mapping[str, Any]) -> bool:
    """Say whether a button can carry this."""
    return weight(packed_value(value)) <= LONGEST_VALUE


def link_button(text: str, name: str, url: str) -> list[Block]:
    """A button that opens an address, if that is one."""
    if not is_link(url):
        return []
    return [{**button(text, f"{LINK}:{name}", {}), "url": url}]


def ask_button(text: str, command: str, name: str = "", style: str = "") -> Block:
    """A button that asks something, as if it was typed."""
    return button(text, f"{ASK}:{name or command.partition(' ')[0]}", {"a": command}, style)


def select(action: str, title: str, options: Sequence[tuple[str, str]], chosen: str) -> Block:
    """A menu of (label, value)."""
    made = [{"text": plain(text), "value": value} for text, value in options]
    menu: Block = {
        "type": "static_select",
        "action_id": action,
        "placeholder": plain(title),
        "options": made,
    }
    initial = [option for option in made if option["value"] == chosen]
    return {**menu, "initial_option": initial[0]} if initial else menu


def freshness_text(freshness: Freshness, now: float) -> str:
    """How fresh the data is; stale sources are named with the reason."""
    text = f"synced {ago(now, freshness.synced)}" if freshness.synced else "never synced"
    reasons: dict[str, list[str]] = {}
    for name, why in freshness.stale:
        reasons.setdefault(safe(why, 60), []).append(name)
    if reasons:
        names = "; ".join(f"{', '.join(x)} ({why})" for why, x in reasons.items())
        text += f" · ⚠️ old: {names}"
    return text


def foot(freshness: Freshness, now: float, place: str = "") -> Block:
    """The last line of an answer."""
    parts = [place] if place else []
    return small(" · ".join([*parts, freshness_text(freshness, now)]))
