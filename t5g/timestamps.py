"""Reads the moments that upstreams write, in each form met, as aware UTC.

Nothing here knows what a moment means, or what time it is now.
"""

import re
from datetime import UTC, date, datetime
from typing import Any

_EPOCH_TEXT = re.compile(r"-?\d{9,}(\.\d+)?", re.ASCII)
#: Numbers above this are milliseconds: as seconds they would lie beyond the year 5100.
_MILLISECONDS = 1e11


def parse_time(value: Any) -> datetime | None:
    """Return the moment that `value` names, or None for none and for what can not be read.

    Met so far: `2026-01-02T15:04:05.000+0000` (JIRA, Portal v3), `…Z` (Portal, Bugzilla REST),
    epoch milliseconds (Portal v1, webhooks) and seconds, `2026-01-02`, `20260102T15:04:05`
    (XML-RPC). A text without an offset is UTC.
    """
    if isinstance(value, datetime):
        return _aware(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _of_epoch(float(value))
    return _of_text(str(value).strip())


def _of_text(text: str) -> datetime | None:
    if _EPOCH_TEXT.fullmatch(text):
        return _of_epoch(float(text))
    try:
        return _aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _of_epoch(number: float) -> datetime | None:
    seconds = number / 1000 if abs(number) >= _MILLISECONDS else number
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
