"""How moments, durations and long texts are said on a page."""

import re
from datetime import UTC, datetime
from html import escape

from msgspec import Struct

from t5g.derived import DAY
from t5g.spreadsheet import seen

HOUR = 3600.0
MINUTE = 60.0
_BLANKS = re.compile(r"\s+")
#: Visible ASCII with single spaces between: there is nothing to mend.
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")


class When(Struct, frozen=True):
    """A moment: for machines, exactly in UTC, and how long ago it was."""

    iso: str
    exact: str
    ago: str

    @property
    def day(self) -> str:
        """The day in UTC: `2026-11-24`."""
        return self.iso[:10]


def when(moment: datetime | float | None, now: float) -> When | None:
    """Say a moment (aware, or seconds since the epoch; 0 and None: unknown)."""
    if not moment:
        return None
    found = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    day, _, clock = found.astimezone(UTC).isoformat(timespec="seconds")[:19].partition("T")
    return When(
        iso=f"{day}T{clock}Z",
        exact=f"{day} {clock} UTC",
        ago=ago(now - found.timestamp()),
    )


def ago(seconds: float) -> str:
    """Say how long ago something was; what lies ahead is told as such."""
    if seconds < -MINUTE:
        return f"in {duration(-seconds)}"
    return "just now" if seconds < MINUTE else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """Say a length of time in its largest fitting unit: `5 min`, `3 h`, `12 d`."""
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < 2 * DAY:
        return f"{int(seconds // HOUR)} h"
    return f"{int(seconds // DAY):,} d".replace(",", " ")


def in_days(value: float) -> str:
    """Say a number of days: `9 h`, `1.5 d`, `12 d`."""
    if value < 1:
        return f"{round(value * 24)} h"
    shown = f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:,.0f}"
    return f"{shown} d"


def cut(text: str, limit: int) -> str:
    """Put `text` on one line and cut it at `limit` characters."""
    if len(text) <= limit and _PLAIN.fullmatch(text):
        return text  # as most are, and lists cut thousands
    line = _BLANKS.sub(" ", seen(text[: limit * 4])).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def cut_to(text: str, limit: int, size: int) -> str:
    """Like `cut`, and so that it takes `size` bytes of a page at most."""
    line = cut(text, limit)
    while (taken := size_of(line)) > size:
        limit = min(len(line) - 1, len(line) * size // taken)
        line = cut(text, limit) if limit > 0 else ""
    return line


def size_of(text: str) -> int:
    """Return how many bytes a text takes of a page."""
    return len(escape(text).encode())


def body(text: str, limit: int) -> str:
    """A text of several lines, cut at `limit` characters."""
    found = seen(text.replace("\r\n", "\n")).strip()
    return found if len(found) <= limit else found[:limit].rstrip() + "…"


def count(number: int, one: str, many: str = "") -> str:
    """Say how many: `1 case`, `12 cases`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
