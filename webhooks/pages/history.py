"""The daily rows of numbers, read at most once a minute by each process."""

import time
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from t5g.derived import DAY
from t5g.statistics import DayRow, History, day_of

LASTS = 60.0


class Days:
    """All daily rows, oldest first, as they were within the last minute."""

    def __init__(
        self, history: History, zone: ZoneInfo, clock: Callable[[], float] = time.time
    ) -> None:
        self._history = history
        self._zone = zone
        self._clock = clock
        self._rows: Sequence[DayRow] = ()
        self._read = float("-inf")

    async def rows(self) -> Sequence[DayRow]:
        """Return all rows."""
        now = self._clock()
        if not 0 <= now - self._read < LASTS:
            self._rows = await self._history.read_all()
            self._read = now
        return self._rows

    async def before(self, days: int) -> DayRow | None:
        """Return the row of the day that lies so many days before today."""
        wanted = day_of(self._clock() - days * DAY, self._zone)
        return next((row for row in await self.rows() if row.day == wanted), None)
