"""Watches what may not grow: memory, file descriptors and threads of every process, Redis.

A process is named by its place (web, worker.1, …), so that a series goes on over the death of one.
Work-horses, which live for one job, are counted but not followed.
"""

import os
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from t5g.key_owners import owner_of
from t5g.keys import Keys
from t5g.lifeline import session_members, started

MEGABYTE = 1e6
#: The last quarter against the second: what has warmed up by then should not grow any more.
GROWTH = 1.15
#: So many more of anything small (descriptors, connections) is no growth.
SLACK = {"fds": 6.0, "connections": 6.0, "megabytes": 8.0, "keys": 60.0}
ENOUGH = 12
#: Grows with what was posted until the first of it ends by its time to live.
PASSING = "redis: all keys"


@dataclass(slots=True)
class Gauges:
    """Series by name; `keys`: counts of keys by owner's pattern, over time."""

    series: dict[str, list[float]] = field(default_factory=dict)
    keys: list[Mapping[str, int]] = field(default_factory=list)

    def add(self, name: str, value: float) -> None:
        """Add one reading."""
        self.series.setdefault(name, []).append(value)

    def read_processes(self, pids: Mapping[str, int]) -> None:
        """Read every process of the program: the supervised ones and those they started."""
        for name, leader in pids.items():
            for place, pid in enumerate(_lasting(leader)):
                self._read_process(f"{name}.{place}" if place else name, pid)

    def _read_process(self, name: str, pid: int) -> None:
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return
        self.add(f"{name}: megabytes", pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE)
        self.add(f"{name}: fds", descriptors)

    async def read_redis(self, redis: Redis) -> None:
        """Read what Redis holds and who is connected."""
        info: Any = await redis.info()
        self.add("redis: megabytes", info["used_memory"] / MEGABYTE)
        self.add("redis: connections", info["connected_clients"])
        held = info.get("db0", {"keys": 0, "expires": 0})
        self.add("redis: all keys", held["keys"])
        #: Those with a time to live are bounded by it.
        self.add("redis: lasting keys", held["keys"] - held["expires"])

    async def read_keys(self, redis: Redis, keys: Keys) -> None:
        """Count keys by owner (that reads the names of all of them)."""
        found: Counter[str] = Counter()
        async for raw in redis.scan_iter(match=f"{keys.prefix}*", count=1_000):
            owned = owner_of(raw.decode(errors="replace").removeprefix(keys.prefix))
            found[owned.pattern if owned else "(strangers)"] += 1
        self.keys.append(dict(found))

    def grown(self) -> list[str]:
        """Say in a sentence each what grew."""
        return [
            f"{name}: {before:.0f} → {after:.0f}"
            for name, values in sorted(self.series.items())
            if len(values) >= ENOUGH
            if name != PASSING
            for before, after in [quarters(values)]
            if after > before * GROWTH and after - before > SLACK[name.rpartition(" ")[2]]
        ]

    def table(self) -> list[tuple[str, float, float, float]]:
        """Each series: its first reading, and the medians of its second and last quarter."""
        return [(n, v[0], *quarters(v)) for n, v in sorted(self.series.items()) if len(v) >= ENOUGH]


def quarters(values: Sequence[float]) -> tuple[float, float]:
    """The medians of the second and of the last quarter."""
    quarter = max(1, len(values) // 4)
    return statistics.median(values[quarter : 2 * quarter]), statistics.median(values[-quarter:])


def _lasting(leader: int) -> list[int]:
    """The processes of a session that live on: the leader and its own children, oldest first."""
    members = [pid for pid in session_members(leader) if pid == leader or _parent(pid) == leader]
    return sorted(members, key=lambda pid: (pid != leader, started(pid)))


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
