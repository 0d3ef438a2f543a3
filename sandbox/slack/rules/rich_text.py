"""The rich_text block and what may stand in it, cells of a table included.

Rules of docs.slack.dev/reference/block-kit/blocks/rich-text-block.
"""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.slack.rules.shape import (
    Spec,
    anything,
    boolean,
    by_type,
    identifier,
    items,
    listed,
    one_of,
    string,
    url,
    whole_number,
)
from sandbox.slack.rules.violation import Findings

_LONG: Final = 1000  # no documented number; the whole-message ceiling comes far earlier
_STYLE: Final = Spec(
    optional=dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight",
         "unlink"), boolean
    )
).check  # fmt: skip
_TEXT: Final = string(12_000)
_ID: Final = string(255)

_INLINE: Final = by_type(
    {
        "text": Spec({"text": _TEXT}, {"style": _STYLE}),
        "link": Spec({"url": url}, {"text": _TEXT, "style": _STYLE, "unsafe": boolean}),
        "emoji": Spec({"name": _ID}, {"unicode": _ID, "url": url, "skin_tone": anything}),
        "user": Spec({"user_id": _ID}, {"style": _STYLE}),
        "usergroup": Spec({"usergroup_id": _ID}, {"style": _STYLE}),
        "channel": Spec({"channel_id": _ID}, {"style": _STYLE}),
        "broadcast": Spec({"range": one_of("here", "channel", "everyone")}, {"style": _STYLE}),
        "date": Spec(
            {"timestamp": whole_number(0, 10**10), "format": _ID},
            {"url": url, "fallback": _TEXT, "style": _STYLE},
        ),
        "color": Spec({"value": _ID}, {"style": _STYLE}),
        "team": Spec({"team_id": _ID}, {"style": _STYLE}),
    }
)

_SECTION: Final = Spec({"elements": items(_INLINE, _LONG)})
_BORDER: Final = whole_number(0, 1)

_PARTS: Final = by_type(
    {
        "rich_text_section": _SECTION,
        "rich_text_preformatted": Spec(
            {"elements": items(_INLINE, _LONG)}, {"border": _BORDER, "language": _ID}
        ),
        "rich_text_quote": Spec({"elements": items(_INLINE, _LONG)}, {"border": _BORDER}),
        "rich_text_list": Spec(
            {
                "elements": items(by_type({"rich_text_section": _SECTION}), _LONG),
                "style": one_of("bullet", "ordered"),
            },
            {
                "indent": whole_number(0, 8),
                "offset": whole_number(0, 10**6),
                "border": _BORDER,
            },
        ),
    }
)

RICH_TEXT: Final = Spec({"elements": items(_PARTS, _LONG)}, {"block_id": identifier})

TABLE_ROWS: Final = 100
TABLE_CELLS: Final = 20
TABLE_CHARACTERS: Final = 10_000

_CELL: Final = by_type({"raw_text": Spec({"text": _TEXT}), "rich_text": RICH_TEXT})
_COLUMN: Final = Spec(
    optional={"align": one_of("left", "center", "right"), "is_wrapped": boolean}
).check


def _column(found: Findings, path: str, value: Any) -> None:
    if value is not None:  # null skips a column
        _COLUMN(found, path, value)


def _check_table(found: Findings, path: str, value: Any) -> None:
    rows = [row for row in listed(value.get("rows")) if isinstance(row, list)]
    length = sum(text_length(cell) for row in rows for cell in row)
    if length > TABLE_CHARACTERS:
        found.add(path, f"a table holds {TABLE_CHARACTERS} characters, not {length}")


def text_length(value: Any) -> int:
    """Characters of every text and link within a rich text or a cell, as stored."""
    if isinstance(value, list):
        return sum(map(text_length, value))
    if not isinstance(value, Mapping):
        return 0
    own = value.get("text")
    length = len(own) if isinstance(own, str) else 0
    return length + sum(text_length(item) for item in value.values() if not isinstance(item, str))


TABLE: Final = Spec(
    {"rows": items(items(_CELL, TABLE_CELLS, 1), TABLE_ROWS, 1)},
    {"block_id": identifier, "column_settings": items(_column, TABLE_CELLS)},
    _check_table,
)
