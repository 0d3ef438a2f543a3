"""Reads the moments that upstreams write, in each form met, and those that people ask for, as UTC.

Nothing here knows what a moment means, or what time it is now.
"""

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from t5g.errors import T5GError

_AGO = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
_SECONDS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_EPOCH_TEXT = re.compile(r"-?\d{9,}(\.\d+)?", re.ASCII)
#: Numbers above this are milliseconds: as seconds they would lie beyond the year 5100.
_MILLISECONDS = 1e11


def parse_time(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """Return the moment that `value` names, or None for none and for what can not be read.

    Met so far: `2026-01-02T15:04:05.000+0000` (JIRA, Portal v3), `…Z` (Portal, Bugzilla REST),
    epoch milliseconds (Portal v1, webhooks) and seconds, `2026-01-02`, `20260102T15:04:05`
    (XML-RPC). `zone`: the one that the upstream is set to, of a text without an offset.
    """
    if isinstance(value, str):
        return _of_text(value.strip(), zone)
    if isinstance(value, datetime):
        return _aware(value, zone)
    if isinstance(value, date):
        return _aware(datetime(value.year, value.month, value.day, tzinfo=zone))
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _of_epoch(value)
    return _of_text(str(value).strip(), zone)


class MomentError(T5GError):
    """A moment that somebody asked for can not be understood."""

    status = 400


def asked_time(text: str, now: float) -> float:
    """Return the moment a person asks for, in seconds since the epoch; 0.0 for an empty text.

    `2026-11-24`, `2026-11-24T09:00` (UTC without an offset), or so long ago: `12h`, `7d`, `2w`.
    Raises MomentError.
    """
    wanted = text.strip()
    if not wanted:
        return 0.0
    if found := _AGO.fullmatch(wanted):
        return now - int(found[1]) * _SECONDS[found[2]]
    try:
        return max(0.0, _aware(datetime.fromisoformat(wanted)).timestamp())
    except (ValueError, OverflowError, OSError):
        raise MomentError(
            f"“{wanted[:40]}” is no moment. Write 2026-11-24, 2026-11-24T09:00, or 7d."
        ) from None


def _of_text(text: str, zone: tzinfo) -> datetime | None:
    # With a dash after four digits it is a date; most are.
    if text[4:5] != "-" and _EPOCH_TEXT.fullmatch(text):
        return _of_epoch(float(text))
    try:
        return _aware(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        return None


def _of_epoch(number: float) -> datetime | None:
    try:
        seconds = number / 1000 if abs(number) >= _MILLISECONDS else number
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _aware(moment: datetime, zone: tzinfo = UTC) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    told = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    return told if told.tzinfo is UTC else told.astimezone(UTC)
