"""Durations and dates in queries: `30d`, `24h`, `2026-01-01`."""

import re
from datetime import UTC, datetime

from msgspec import Struct

from t5g.errors import QueryError

_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(m|min|h|d|w|mo|y)?", re.IGNORECASE)
_SECONDS = {
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 7 * 86_400.0,
    "mo": 30 * 86_400.0,
    "y": 365 * 86_400.0,
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?)?")


class Duration(Struct, frozen=True):
    """Seconds that have gone by."""

    seconds: float


class Moment(Struct, frozen=True):
    """Seconds since the epoch."""

    at: float


def parse_moment(key: str, operator: str, text: str) -> Duration | Moment:
    """Read a duration (a bare number counts days) or a date (UTC unless it says otherwise).

    Raises QueryError naming the key's own example.
    """
    duration = _DURATION.fullmatch(text)
    if duration:
        unit = (duration.group(2) or "d").casefold()
        return Duration(float(duration.group(1)) * _SECONDS[unit])
    if _DATE.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
            return Moment((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            pass
    raise QueryError(
        f"“{text}” is neither a duration such as 30d or 24h nor a date such as 2026-01-31.",
        text=f"{key}{operator}{text}",
        example=f"{key}{operator}7d",
    )
