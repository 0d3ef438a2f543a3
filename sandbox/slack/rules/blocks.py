"""Blocks and lists of blocks: which exist, where each may stand, ids that must differ.

Rules of docs.slack.dev/reference/block-kit/blocks. Newer blocks (card, carousel, container, plan,
data_table, ...) are refused: which surface takes them is not settled, so the bot uses none.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sandbox.slack.rules.elements import (
    ACTIONS_ELEMENTS,
    IMAGE,
    INPUT_ELEMENTS,
    SECTION_ACCESSORIES,
    element,
)
from sandbox.slack.rules.objects import plain, text
from sandbox.slack.rules.rich_text import RICH_TEXT, TABLE
from sandbox.slack.rules.shape import (
    Spec,
    boolean,
    by_type,
    identifier,
    items,
    listed,
    one_of,
    string,
    url,
)
from sandbox.slack.rules.violation import Findings


class Surface(StrEnum):
    """Where blocks are shown."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
_BLOCK_ID: Final = {"block_id": identifier}


def _check_section(found: Findings, path: str, value: Any) -> None:
    if not value.get("text") and not value.get("fields"):
        found.add(path, "must have text or fields")


def _check_actions(found: Findings, path: str, value: Any) -> None:
    ids = [item.get("action_id") for item in elements_of({**value, "type": "actions"})]
    for action_id, times in Counter(one for one in ids if isinstance(one, str)).items():
        if times > 1:
            found.add(path, f"`action_id` {action_id!r} must be unique within the block")


_CONTEXT_TEXT: Final = text(3000)


def _context_element(found: Findings, path: str, value: Any) -> None:
    if isinstance(value, Mapping) and value.get("type") == "image":
        IMAGE.check(found, path, value)
    else:
        _CONTEXT_TEXT(found, path, value)


_EVERYWHERE: Final[Mapping[str, Spec]] = {
    "section": Spec(
        {},
        {
            **_BLOCK_ID,
            "text": text(3000),
            "fields": items(text(2000), 10, 1),
            "accessory": element(SECTION_ACCESSORIES),
            "expand": boolean,
        },
        _check_section,
    ),
    "header": Spec({"text": plain(150)}, _BLOCK_ID),
    "divider": Spec({}, _BLOCK_ID),
    "context": Spec({"elements": items(_context_element, 10, 1)}, _BLOCK_ID),
    "actions": Spec(
        {"elements": items(element(ACTIONS_ELEMENTS), 25, 1)}, _BLOCK_ID, _check_actions
    ),
    "image": Spec(
        IMAGE.required, {**_BLOCK_ID, **IMAGE.optional, "title": plain(2000)}, IMAGE.whole
    ),
    "input": Spec(
        {"label": plain(2000), "element": element(INPUT_ELEMENTS)},
        {**_BLOCK_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "video": Spec(
        {
            "alt_text": string(2000),
            "title": plain(199),
            "thumbnail_url": url,
            "video_url": url,
        },
        {
            **_BLOCK_ID,
            "author_name": string(49),
            "description": plain(199),
            "provider_icon_url": url,
            "provider_name": string(255),
            "title_url": url,
        },
    ),
    "rich_text": RICH_TEXT,
}
_MARKDOWN: Final = Spec({"text": string(12_000)}, _BLOCK_ID)
_ALERT: Final = Spec(
    {"text": text(3000)},
    {**_BLOCK_ID, "level": one_of("default", "info", "warning", "error", "success")},
)

#: Which blocks a surface takes.
BLOCKS: Final[Mapping[Surface, Mapping[str, Spec]]] = {
    Surface.MESSAGE: {**_EVERYWHERE, "markdown": _MARKDOWN, "table": TABLE},
    Surface.MODAL: {**_EVERYWHERE, "alert": _ALERT},
    Surface.HOME: _EVERYWHERE,
}
_CHECKS: Final = {surface: by_type(specs) for surface, specs in BLOCKS.items()}


def check_blocks(found: Findings, path: str, blocks: Any, surface: Surface) -> None:
    """Report every broken rule of a list of blocks on a surface."""
    most = MESSAGE_BLOCKS if surface is Surface.MESSAGE else VIEW_BLOCKS
    items(_CHECKS[surface], most)(found, path, blocks)
    if isinstance(blocks, list):
        known = [block for block in blocks if isinstance(block, Mapping)]
        _check_block_ids(found, path, known)
        _check_focus(found, path, known)


def _check_block_ids(found: Findings, path: str, blocks: list[Mapping[str, Any]]) -> None:
    ids = (block.get("block_id") for block in blocks)
    for block_id, times in Counter(one for one in ids if isinstance(one, str) and one).items():
        if times > 1:
            found.add(path, f"`block_id` {block_id!r} must be unique")


def _check_focus(found: Findings, path: str, blocks: list[Mapping[str, Any]]) -> None:
    focused = sum(1 for block in blocks for one in elements_of(block) if one.get("focus_on_load"))
    if focused > 1:
        found.add(path, "only one element may have focus_on_load")


def elements_of(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The interactive elements of a block, wherever the block keeps them."""
    kind = block.get("type")
    if kind == "section":
        candidates: Any = [block.get("accessory")]
    elif kind == "input":
        candidates = [block.get("element")]
    elif kind == "actions":
        candidates = block.get("elements")
    else:
        return []
    return [one for one in listed(candidates) if isinstance(one, Mapping)]
