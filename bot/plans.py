"""When which channel gets a digest or a weekly report: kept plans, and what is due at a moment.

Deciding is pure: a plan and a time give the occasion that is due, if any. Times are those of the
clock on the wall in the plan's zone; a time that a change of clocks skips comes right after the
gap, one that comes twice is its first.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import believable
from t5g.errors import QueryError
from t5g.keys import Keys
from t5g.query.fields import nearest
from t5g.settings import Settings

#: A digest that was missed is made up for within this time.
LATE = timedelta(hours=4)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: Short forms besides the first three letters.
SHORT = ((), ("tues",), ("weds",), ("thur", "thurs"), (), (), ())
WORKDAYS = (0, 1, 2, 3, 4)
EVERY_DAY = tuple(range(7))
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Report(StrEnum):
    """What is posted."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Plan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel's digest or weekly report. `days`: Monday is 0. `off`: there is none.

    `since`: nothing is due that lies before (seconds since the epoch).
    """

    channel: str
    report: Report = Report.DAILY
    at: str = "09:00"
    zone: str = "UTC"
    days: tuple[int, ...] = WORKDAYS
    off: bool = False
    by: str = ""
    since: float = 0.0

    @property
    def name(self) -> str:
        """The plan's name among all."""
        return f"{self.report}:{self.channel}"

    def moment(self, day: date) -> datetime:
        """The moment of a day, in UTC."""
        return datetime.combine(day, time.fromisoformat(self.at), ZoneInfo(self.zone)).astimezone(
            UTC
        )

    def next_after(self, now: datetime) -> datetime | None:
        """The next moment after `now`, or None."""
        found = coming(self, now)
        return self.moment(found.day) if found else None


class Occasion(Struct, frozen=True, kw_only=True):
    """A digest that is due: its plan, and the day it is of."""

    plan: Plan
    day: date

    @property
    def key(self) -> str:
        """The name under which it is posted once."""
        return f"{self.plan.report}:{self.plan.channel}:{self.day.isoformat()}"


def coming(plan: Plan, now: datetime) -> Occasion | None:
    """Return the next occasion after `now`, or None."""
    today = now.astimezone(ZoneInfo(plan.zone)).date()
    days = (today + timedelta(days=n) for n in range(-1, 9))
    found = (day for day in days if day.weekday() in plan.days and plan.moment(day) > now)
    day = None if plan.off else next(found, None)
    return Occasion(plan=plan, day=day) if day else None


def due(plan: Plan, now: datetime, late: timedelta = LATE) -> Occasion | None:
    """Return the occasion of a plan that is due at `now`, or None.

    It stays due for `late`, so that one missed by a restart is made up for.
    """
    if plan.off:
        return None
    today = now.astimezone(ZoneInfo(plan.zone)).date()
    for day in (today, today - timedelta(days=1)):
        moment = plan.moment(day)
        if (
            day.weekday() in plan.days
            and moment <= now < moment + late
            and (moment.timestamp() >= plan.since or not believable(plan.since, now.timestamp()))
        ):
            return Occasion(plan=plan, day=day)
    return None


def parse_time(text: str) -> str:
    """Read a time of day (`9:00`). Raises QueryError."""
    found = _TIME.fullmatch(text)
    if not found:
        raise QueryError(
            f"“{text[:20]}” is no time of day.", text=text, example="digest here 09:00"
        )
    return f"{int(found[1]):02d}:{found[2]}"


def parse_days(text: str) -> tuple[int, ...]:
    """Read days of the week: `mon-fri`, `mon,wednesday`, `daily`. Raises QueryError."""
    word = text.casefold().strip(",")
    if word in ("daily", "everyday", "all"):
        return EVERY_DAY
    if word in ("weekdays", "workdays"):
        return WORKDAYS
    days: list[int] = []
    for part in word.split(","):
        first, dash, last = part.partition("-")
        begin, end = _weekday(first), _weekday(last if dash else first)
        days += range(begin, end + 1) if begin <= end else [*range(begin, 7), *range(end + 1)]
    return tuple(sorted(set(days)))


def is_days(text: str) -> bool:
    """Say whether a word speaks of days of the week."""
    try:
        parse_days(text)
    except QueryError:
        return False
    return True


def _weekday(text: str) -> int:
    """Return the day that a word names in full, with an `s`, or by a usual short form."""
    word = text.strip()
    for day, name in enumerate(WEEKDAYS):
        if word in (name.casefold(), f"{name.casefold()}s", name[:3].casefold(), *SHORT[day]):
            return day
    raise QueryError(
        f"“{text[:20]}” is no day of the week.", text=text, example="digest here 09:00 mon-fri"
    )


def parse_zone(text: str) -> str:
    """Read a time zone. Raises QueryError with the nearest name."""
    known = _zones()
    if text in known:
        return text
    folded = {name.casefold(): name for name in known}
    if text.casefold() in folded:
        return folded[text.casefold()]
    cities = {name.rpartition("/")[2].casefold(): name for name in sorted(known)}
    guess = cities.get(text.casefold().replace(" ", "_")) or nearest(text, sorted(known))
    raise QueryError(
        f"“{text[:40]}” is no time zone.",
        text=text,
        suggestion=guess,
        example="" if guess else "digest here 09:00 Europe/Berlin",
    )


@cache
def _zones() -> frozenset[str]:
    """Every name of a zone; to find them opens hundreds of files."""
    return frozenset(available_timezones())


def days_text(days: Iterable[int]) -> str:
    """Days of the week for people: `weekdays`, `every day`, `Monday, Wednesday`."""
    found = tuple(days)
    if found == WORKDAYS:
        return "weekdays"
    if found == EVERY_DAY:
        return "every day"
    return ", ".join(WEEKDAYS[day] for day in found)


class Plans:
    """The plans of one installation: the one of the settings, and those that people made."""

    def __init__(self, settings: Settings, redis: Redis, keys: Keys) -> None:
        self._settings = settings
        self._redis = redis
        self._key = keys.named("slack", "plans")

    async def all(self) -> list[Plan]:
        """Return every plan, also those that say there is none."""
        found = {plan.name: plan for plan in self._given()}
        for raw in await self._redis.hvals(self._key):
            plan = msgspec.json.decode(raw, type=Plan)
            found[plan.name] = plan
        return sorted(found.values(), key=lambda plan: plan.name)

    async def of(self, channel: str, report: Report = Report.DAILY) -> Plan | None:
        """Return the plan of a channel that is on, or None."""
        plans = [p for p in await self.all() if p.channel == channel and p.report is report]
        return next((plan for plan in plans if not plan.off), None)

    async def put(self, plan: Plan) -> None:
        """Keep a plan in place of the one before."""
        await self._redis.hset(self._key, plan.name, msgspec.json.encode(plan))

    def _given(self) -> Iterable[Plan]:
        channel = self._settings.slack_digest_channel
        if channel:
            yield Plan(
                channel=channel,
                at=f"{self._settings.digest_at:%H:%M}",
                zone=self._settings.timezone,
                days=EVERY_DAY,
            )
