"""How the program calls out: bounded retries with jitter, one pace for each service, counted.

`Caller.insist` runs one call until it works, fails for good, or the attempts are used up. What a
failure means is decided by whoever makes the call: it raises `Transient` for what may pass. This
module never sees addresses, bodies or secrets, and logs none.
"""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from t5g import metrics
from t5g.errors import UpstreamError
from t5g.logs import current_trace, logger

T = TypeVar("T")

log = logger(__name__)

#: The header that names the request or job a call is made for, as our log lines do.
TRACE_HEADER = "X-Request-Id"
#: No answer is longer, in bytes: neither as it comes nor unpacked. A page of cases is a few MB.
LARGEST_ANSWER = 128 * 2**20
_HTTP = re.compile(r"HTTP (\d{3})\b")


class Transient(Exception):
    """This attempt failed in a way that may pass; `after`: seconds the service asked to wait.

    `concerns_all` as for UpstreamError: a service that throttles or is not there does so for all.
    """

    def __init__(
        self,
        reason: str,
        *,
        after: float | None = None,
        throttled: bool = False,
        concerns_all: bool = False,
    ) -> None:
        self.reason = reason
        self.after = after
        self.throttled = throttled or after is not None
        self.concerns_all = concerns_all or throttled
        super().__init__(reason)


class Measure:
    """Counts the bytes of one answer while they come; raises Transient beyond all measure."""

    def __init__(self) -> None:
        self._size = 0

    def __call__(self, part: bytes) -> bytes:
        """Count another part, and return it."""
        self._size += len(part)
        if self._size > LARGEST_ANSWER:
            raise Transient(f"the answer is larger than {LARGEST_ANSWER >> 20} MB")
        return part


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how patiently a call is repeated. Times in seconds."""

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 60.0
    #: A service may ask for more patience than a job has; then the job fails and is retried later.
    longest_asked: float = 120.0

    def wait(self, attempt: int, asked: float | None, chance: float) -> float:
        """Return how long to wait after the failed `attempt` (0 for the first).

        Doubles each time, with jitter (`chance` in 0…1 picks from the upper half); never shorter
        than what the service asked for.
        """
        pause = min(self.longest_wait, self.first_wait * 2.0**attempt) * (0.5 + chance / 2)
        if asked is None:
            return pause
        return min(self.longest_asked, asked) + pause / 4


class Meter:
    """Counts the requests of one run, also when several runs share their clients."""

    def __init__(self) -> None:
        self.requests = 0


#: The meter of the run that the current task belongs to.
METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


class Traffic:
    """What the clients of one run asked of the services."""

    def __init__(self) -> None:
        self.requests: dict[str, int] = {}
        self.retries: dict[str, int] = {}

    def count(self, service: str) -> None:
        """Count one request that goes out."""
        self.requests[service] = self.requests.get(service, 0) + 1
        meter = METER.get()
        if meter is not None:
            meter.requests += 1

    def count_retry(self, service: str) -> None:
        """Count one repetition."""
        self.retries[service] = self.retries.get(service, 0) + 1

    @property
    def total(self) -> int:
        """All requests to all services."""
        return sum(self.requests.values())


class Caller:
    """Makes calls to one service: so many at once, repeated as `policy` says, at a common pace.

    When the service asks for patience, all calls to it wait, not only the one that was told.
    """

    def __init__(
        self,
        service: str,
        *,
        limit: int,
        policy: Policy | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self.service = service
        self.policy = policy or Policy()
        self.traffic = traffic or Traffic()
        self._slots = asyncio.Semaphore(limit)
        self._not_before = 0.0

    async def insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` returns; repeat it while it raises `Transient`.

        Raises UpstreamError when the attempts are used up; every other error passes.
        """
        for number in range(self.policy.attempts):
            try:
                return await self._once(attempt)
            except Transient as error:
                if number + 1 == self.policy.attempts:
                    raise UpstreamError(
                        self.service, error.reason, concerns_all=error.concerns_all
                    ) from error
                await self._pause(number, error)
        raise AssertionError("a policy has at least one attempt")

    async def _once(self, attempt: Callable[[], Awaitable[T]]) -> T:
        async with self._slots:
            await self._patience()
            self.traffic.count(self.service)
            begun = time.monotonic()
            status = "error"
            try:
                result = await attempt()
                status = "ok"
            except Transient as error:
                status = _status(error, "no_answer")
                raise
            except UpstreamError as error:
                status = _status(error, "error")
                raise
            else:
                return result
            finally:
                metrics.UPSTREAM_CALLS.labels(self.service, status).inc()
                metrics.UPSTREAM_SECONDS.labels(self.service).observe(time.monotonic() - begun)

    async def _pause(self, number: int, error: Transient) -> None:
        pause = self.policy.wait(number, error.after, random.random())
        log.warning(
            "call_repeated",
            service=self.service,
            attempt=number + 1,
            reason=error.reason,
            seconds=round(pause, 2),
        )
        self.traffic.count_retry(self.service)
        metrics.UPSTREAM_RETRIES.labels(self.service).inc()
        metrics.UPSTREAM_WAITED.labels(self.service).inc(pause)
        if error.throttled:
            metrics.UPSTREAM_THROTTLED.labels(self.service).inc()
        if error.throttled:
            self._not_before = max(self._not_before, time.monotonic() + pause)
        await asyncio.sleep(pause)

    async def _patience(self) -> None:
        pause = self._not_before - time.monotonic()
        if pause > 0:
            metrics.UPSTREAM_WAITED.labels(self.service).inc(pause)
            await asyncio.sleep(pause + random.random() * min(1.0, pause / 2))


def _status(error: Exception, otherwise: str) -> str:
    """Return the HTTP status of a failure: there are few of them."""
    found = _HTTP.search(str(error))
    return found[1] if found else otherwise


def trace_headers() -> dict[str, str]:
    """Return the header that names what a call is made for, if that is known."""
    trace = current_trace()
    return {TRACE_HEADER: trace} if trace and trace.isascii() and trace.isprintable() else {}


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that `Retry-After` asks for: a number, or a date."""
    text = (headers.get("Retry-After") or headers.get("retry-after") or "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
