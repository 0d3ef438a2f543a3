"""Tables of the docs that are made from the code: `python -m t5g.cli.documents` writes them.

A test compares them, so that no setting and no key of the query language stays undocumented.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from t5g.hazards import HAZARDS
from t5g.query import FIELDS, SORTS
from t5g.setting_sources import PREFIX
from t5g.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


def query_keys() -> str:
    """The keys of the query language as a Markdown table, and what can be sorted by."""
    rows = ["| key | means | for example |", "| --- | --- | --- |"]
    rows += [f"| `{f.name}` | {f.meaning} | `{f.example}` |" for f in FIELDS.values()]
    rows += ["", "| `sort:` by | ascending is |", "| --- | --- |"]
    rows += [f"| `{sort.name}` | {sort.meaning} |" for sort in SORTS.values()]
    return "\n".join(rows)


def settings_table() -> str:
    """All settings as a Markdown table."""
    rows = ["| variable | default | what it is for |", "| --- | --- | --- |"]
    for name, info in Settings.model_fields.items():
        rows.append(f"| `{PREFIX}{name.upper()}` | {_default(info)} | {_meaning(info)} |")
        nested = getattr(info.annotation, "model_fields", None)
        if nested and not isinstance(info.default, str):
            inner = f"{PREFIX}{name.upper()}__"
            rows += [
                f"| `{inner}{key.upper()}` | `{item.default}` | part of the above |"
                for key, item in nested.items()
            ]
    return "\n".join(rows)


def hazards_table() -> str:
    """All unsafe combinations of settings as a Markdown table."""
    rows = ["| | what, and what to do |", "| --- | --- |"]
    rows += [f"| {'dangerous' if h.dangerous else 'unsafe'} | {h.sentence} |" for h in HAZARDS]
    return "\n".join(rows)


def _default(info: FieldInfo) -> str:
    value: Any = info.default
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, SecretStr):
        return "–"
    if hasattr(type(value), "model_fields") or isinstance(value, dict):
        return "see below" if not isinstance(value, dict) else "a mapping: see `t5g/settings.py`"
    return f"`{value}`" if str(value) not in ("", "None") else "–"


def _meaning(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    part = f" (needed by: {extra['part']})" if isinstance(extra, dict) and "part" in extra else ""
    default = getattr(info.annotation, "__doc__", "") if not info.description else ""
    return (info.description or (default or "").splitlines()[0]).replace("|", "\\|") + part


#: File, marker within it, and what makes the table after the marker.
TABLES: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("queries.md", "keys", query_keys),
    ("configuration.md", "settings", settings_table),
    ("configuration.md", "hazards", hazards_table),
)


def written(text: str, marker: str, table: str) -> str:
    """Return `text` with the table after `<!-- marker … -->` replaced."""
    head, found, rest = re.split(rf"(<!-- {marker}:.*?-->\n)", text, maxsplit=1)
    tail = re.split(r"\n(?=## )", rest, maxsplit=1)
    after = "\n\n" + tail[1] if len(tail) > 1 else "\n"
    return head + found + table + after


def main() -> None:
    """Write every table into its file."""
    for name, marker, table in TABLES:
        path = DOCS / name
        path.write_text(written(path.read_text("utf-8"), marker, table()), "utf-8")


if __name__ == "__main__":
    main()
