"""One row of numbers a day, kept for ever: it can not be rebuilt from the upstreams.

A row is written once, under the name of its day (in the installation's time zone); a day without a
row stays without one.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.clock import believable
from t5g.figures import Figures
from t5g.keys import Keys


class DayRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The numbers of one day as they stood when the row was written (seconds since the epoch)."""

    day: str
    at: float
    headlines: Mapping[str, int]
    by_severity: Mapping[str, int] = {}
    by_status: Mapping[str, int] = {}
    by_internal_status: Mapping[str, int] = {}
    by_account: Mapping[str, int] = {}
    by_engineer: Mapping[str, int] = {}

    @classmethod
    def of(cls, figures: Figures, zone: ZoneInfo) -> "DayRow":
        """Take the row of the day that `figures` were worked out in."""
        return cls(
            day=day_of(figures.at, zone),
            at=figures.at,
            headlines=figures.headlines,
            by_severity=figures.by_severity,
            by_status=figures.by_status,
            by_internal_status=figures.by_internal_status,
            by_account=figures.by_account,
            by_engineer=figures.by_engineer,
        )


def day_of(at: float, zone: ZoneInfo) -> str:
    """Name the day of a moment in a zone: `2026-11-24`."""
    return datetime.fromtimestamp(at, zone).date().isoformat()


class History:
    """The rows of all days, in one hash by day."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.named("statistics")

    async def write(self, row: DayRow) -> bool:
        """Keep the row unless its day has one already; say whether it was kept."""
        return bool(await self._redis.hsetnx(self._key, row.day, _ENCODE(row).decode()))

    async def drop_future(self, now: float) -> list[str]:
        """Drop rows that were written in the future, under days that had not come; return these."""
        wrong = [row.day for row in await self.read_all() if not believable(row.at, now)]
        if wrong:
            await self._redis.hdel(self._key, *wrong)
        return wrong

    async def read_all(self) -> list[DayRow]:
        """Return all rows, oldest first."""
        rows = await self._redis.hvals(self._key)
        return sorted((_DECODER.decode(raw) for raw in rows), key=lambda row: row.day)

    async def read(self, day: str) -> DayRow | None:
        """Return the row of one day (`2026-11-24`), or None."""
        raw = await self._redis.hget(self._key, day)
        return _DECODER.decode(raw) if raw else None

    async def before(self, day: str, days: int) -> DayRow | None:
        """Return the row of the day that lies `days` before `day`, or None."""
        return await self.read((date.fromisoformat(day) - timedelta(days=days)).isoformat())


_DECODER = msgspec.json.Decoder(DayRow)
_ENCODE = msgspec.json.Encoder().encode
