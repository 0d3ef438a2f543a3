"""Time zones made for one run, so that midnight and changes of the clocks come while it lasts.

Nobody can turn the clock of a machine for a test, but each process reads its zones from files:
with `PYTHONTZPATH` on a folder of these, a day ends within seconds, and the clocks on its walls
are put forward and back. Pure, but for writing the files.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

#: A change of the clocks moves them by so much: an hour would not pass within a run.
JUMP = timedelta(minutes=1)
ANY_DAY = datetime(2026, 3, 29, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of one run. `at`: when a digest is due there, on the clock on the wall.

    `due`: when that is; `changes`: (moment, seconds ahead of UTC from then on).
    """

    name: str
    at: str
    due: datetime
    offset: int
    changes: tuple[tuple[datetime, int], ...] = ()

    def write(self, folder: Path) -> None:
        """Write the zone's file (TZif, version 1)."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_tzif(self.offset, self.changes))


def midnight(name: str, due: datetime) -> Zone:
    """A zone in which a day ends at `due`."""
    return Zone(name, "00:00", due, _offset(due, hour=0, minute=0))


def clocks_forward(name: str, due: datetime) -> Zone:
    """A zone whose clocks go from 02:00 to 02:01 at `due`: a digest at 02:00 has no time."""
    offset = _offset(due, hour=2, minute=0)
    return Zone(name, "02:00", due, offset, ((due, offset + _JUMP),))


def clocks_back(name: str, due: datetime) -> Zone:
    """A zone in which 01:59 comes at `due`, and again one minute later."""
    offset = _offset(due, hour=1, minute=59)
    return Zone(name, "01:59", due, offset, ((due + JUMP, offset - _JUMP),))


KINDS = (midnight, clocks_forward, clocks_back)


def zones_between(first: datetime, last: datetime, count: int) -> list[Zone]:
    """Zones whose digests are due between the two moments, of each kind in turn."""
    step = (last - first) / max(1, count)
    moments = [(first + step * (n + 0.5)).replace(microsecond=0) for n in range(count)]
    return [
        KINDS[n % len(KINDS)](f"Chaos/{KINDS[n % len(KINDS)].__name__}_{n}", moment)
        for n, moment in enumerate(moments)
    ]


_JUMP = int(JUMP.total_seconds())


def _offset(due: datetime, *, hour: int, minute: int) -> int:
    """Seconds ahead of UTC with which the clock shows hour and minute at `due`."""
    wanted = ANY_DAY.replace(hour=hour, minute=minute)
    there = ANY_DAY.replace(hour=due.hour, minute=due.minute, second=due.second)
    seconds = int((wanted - there).total_seconds()) % 86_400
    return seconds if seconds < 43_200 else seconds - 86_400


def _tzif(offset: int, changes: Sequence[tuple[datetime, int]]) -> bytes:
    """The file: a header, the moments, which kind of time begins at each, the kinds, a name."""
    kinds = [offset, *(one for _, one in changes)]
    moments = [int(moment.timestamp()) for moment, _ in changes]
    name = b"CHAOS\0"
    head = struct.pack(">4s1s15x6l", b"TZif", b"\0", 0, 0, 0, len(moments), len(kinds), len(name))
    body = b"".join(struct.pack(">l", moment) for moment in moments)
    body += bytes(range(1, len(moments) + 1))
    return head + body + b"".join(struct.pack(">lBB", kind, 0, 0) for kind in kinds) + name
