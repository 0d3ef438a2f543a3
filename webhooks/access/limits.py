"""How often somebody may ask: buckets that fill with time, one for each viewer or address.

Pure but for its own memory, which is bounded; each web process counts for itself.
"""

from collections import OrderedDict
from collections.abc import Callable

from t5g.errors import T5GError

MOST_KEPT = 20_000


class TooManyError(T5GError):
    """Somebody asks too often; `after` says in how many seconds to come back."""

    status = 429

    def __init__(self, after: float) -> None:
        self.after = max(1, int(after + 0.999))
        super().__init__(f"Too many requests; try again in {self.after} s.")


class Limit:
    """At most `burst` at once and `rate` a minute, for each key."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_second = rate / 60
        self._burst = burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one; raises TooManyError when there is none left."""
        now = self._clock()
        left = self._now(key, now)
        self._left[key] = (left - 1, now)
        self._left.move_to_end(key)
        if len(self._left) > MOST_KEPT:
            self._left.popitem(last=False)

    def check(self, key: str) -> None:
        """Raise TooManyError when there is none left; counts nothing."""
        self._now(key, self._clock())

    def _now(self, key: str, now: float) -> float:
        left, then = self._left.get(key, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        if left < 1:
            raise TooManyError((1 - left) / self._per_second)
        return left
