"""Slack's rate limits: one message a second in a channel, and so many calls a minute a method.

Token buckets over the state's clock. Off, on, or as tight as a test wants it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

#: Calls a minute for each tier of docs.slack.dev/apis/web-api/rate-limits.
TIERS: Final = {1: 1, 2: 20, 3: 50, 4: 100}


@dataclass(slots=True)
class _Bucket:
    tokens: float
    seen: float


@dataclass(slots=True)
class RateLimits:
    """Buckets by name. `per_second` and `burst` are those of posting to a channel."""

    clock: Callable[[], float]
    enabled: bool = True
    tiers: bool = False
    per_second: float = 1.0
    burst: int = 3
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def post(self, channel: str) -> int | None:
        """Take one message of a channel; seconds to wait if there is none, else None."""
        if not self.enabled:
            return None
        return self._take(f"post:{channel}", self.per_second, self.burst)

    def call(self, method: str, tier: int | None) -> int | None:
        """Take one call of a method; seconds to wait if there is none, else None."""
        if not (self.enabled and self.tiers and tier):
            return None
        return self._take(f"call:{method}", TIERS[tier] / 60, TIERS[tier])

    def reset(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()

    def _take(self, name: str, per_second: float, size: int) -> int | None:
        now = self.clock()
        bucket = self._buckets.setdefault(name, _Bucket(size, now))
        bucket.tokens = min(size, bucket.tokens + (now - bucket.seen) * per_second)
        bucket.seen = now
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) / per_second))
        bucket.tokens -= 1
        return None
