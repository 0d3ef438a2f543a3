"""What was asked of the upstreams so far, summed up over all processes: for metrics and status.

Workers fork for each job, so each adds its sums here when a run ends, and whoever shows them reads
them from here. Sums only grow.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from redis.asyncio import Redis

from t5g.keys import Keys


class Asked(Struct, frozen=True, kw_only=True):
    """Requests to one service with one outcome (`ok`, `transient`, `error`), in all.

    `seconds`: time spent in them; `waited`: seconds waited before repeating them.
    """

    service: str
    outcome: str
    requests: int = 0
    seconds: float = 0.0
    waited: float = 0.0


class TrafficLog:
    """The sums of one installation, one hash."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.named("traffic")

    async def add(self, rows: list[Asked]) -> None:
        """Add to the sums."""
        if not rows:
            return
        pipe = self._redis.pipeline(transaction=True)
        for row in rows:
            name = f"{row.service}:{row.outcome}"
            pipe.hincrby(self._key, f"{name}:requests", row.requests)
            pipe.hincrbyfloat(self._key, f"{name}:seconds", row.seconds)
            pipe.hincrbyfloat(self._key, f"{name}:waited", row.waited)
        await pipe.execute()

    async def read(self) -> list[Asked]:
        """Return the sums by service and outcome."""
        rows: Mapping[Any, Any] = await self._redis.hgetall(self._key)
        found: dict[tuple[str, str], dict[str, float]] = {}
        for name, value in rows.items():
            service, outcome, figure = name.decode().split(":")
            found.setdefault((service, outcome), {})[figure] = float(value)
        return [
            Asked(
                service=service,
                outcome=outcome,
                requests=int(figures.get("requests", 0)),
                seconds=figures.get("seconds", 0.0),
                waited=figures.get("waited", 0.0),
            )
            for (service, outcome), figures in sorted(found.items())
        ]
