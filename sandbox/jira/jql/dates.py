"""The moments that JQL can name: periods, dates and functions, in UTC, to the minute. Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.jira.jql.syntax import Operand, wrong

FORMS: Final = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
_PERIOD: Final = re.compile(r"[+-]?\s*\d+\s*[mhdwMy]?(?:\s+\d+\s*[mhdw])*")
_PART: Final = re.compile(r"(\d+)\s*([mhdwMy]?)")
_UNITS: Final = {"": 1, "m": 1, "h": 60, "d": 1440, "w": 10_080, "M": 43_200, "y": 525_600}
_EDGE: Final = re.compile(r"(start|end)of(day|week|month|year)")


def moment(operand: Operand, field: str, now: datetime) -> datetime:
    """Return what an operand names. Raises Refusal 400."""
    if operand.kind == "function":
        return _function(operand, now)
    text = operand.text.strip()
    if _PERIOD.fullmatch(text):
        return (now + _period(text)).replace(second=0, microsecond=0)
    for form in FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise wrong(
        f"Date value '{operand.text}' for field '{field}' is invalid. Valid formats include: "
        "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format "
        "e.g. '-5d', '4w 2d'."
    )


def _period(text: str) -> timedelta:
    minutes = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return timedelta(minutes=-minutes if text.startswith("-") else minutes)


def _function(operand: Operand, now: datetime) -> datetime:
    if operand.text.casefold() == "now" and not operand.arguments:
        return now
    edge = _EDGE.fullmatch(operand.text.casefold())
    if edge is None:
        called = f"{operand.text}({', '.join(operand.arguments)})"
        raise wrong(f"Unable to find JQL function '{called}'.")
    unit = edge[2]
    start = _start(unit, now)
    at = start if edge[1] == "start" else _next(unit, start) - timedelta(milliseconds=1)
    return at + (_increment(operand.arguments[0], unit) if operand.arguments else timedelta())


def _start(unit: str, now: datetime) -> datetime:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "week":
            return day - timedelta(days=(day.weekday() + 1) % 7)
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case _:
            return day


def _next(unit: str, start: datetime) -> datetime:
    match unit:
        case "week":
            return start + timedelta(days=7)
        case "month":
            return (start + timedelta(days=32)).replace(day=1)
        case "year":
            return start.replace(year=start.year + 1)
        case _:
            return start + timedelta(days=1)


def _increment(text: str, unit: str) -> timedelta:
    if re.fullmatch(r"[+-]?\d+", text):
        text += {"day": "d", "week": "w", "month": "M", "year": "y"}[unit]
    if not _PERIOD.fullmatch(text):
        raise wrong(f"The increment '{text}' should have the format (+/-)n(yMwdm).")
    return _period(text)
