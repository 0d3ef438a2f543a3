"""Writes the events of many requests together, so that a storm costs few round trips to Redis.

Events that arrive while a write is under way form the next one. A request is answered when the
write that holds its event is acknowledged, never before.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from t5g import metrics
from t5g.errors import StoreError
from t5g.jira_decisions import Outcome
from t5g.jira_intake import Applied, Delivery, Intake
from t5g.logs import logger
from t5g.syncs import Sync

LARGEST = 100
#: Seconds without an event after which what was done is noted by itself; the next group does it
#: along the way.
IDLE = 0.05

log = logger(__name__)

Waiting = tuple[Delivery, asyncio.Future[Outcome]]


class GroupCommit:
    """Hands deliveries to the intake, in groups. `ask` is told which syncs should look."""

    def __init__(
        self,
        intake: Intake,
        *,
        clock: Callable[[], datetime],
        ask: Callable[[frozenset[Sync]], None],
    ) -> None:
        self._intake, self._clock, self._ask = intake, clock, ask
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def apply(self, delivery: Delivery) -> Outcome:
        """Return what became of the delivery, after its state was written."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((delivery, future))
        if self._task is None:
            self._begin()
        return await future

    async def close(self) -> None:
        """Wait until everything handed in is written, and noted as done."""
        if self._task is not None:
            await self._task
        self._cancel_idle()
        await self._settle()

    def _begin(self) -> None:
        self._cancel_idle()
        self._task = asyncio.create_task(self._work())

    def _cancel_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _work(self) -> None:
        """Write what waits, or note what was done; the latter also a while after the former."""
        try:
            if not self._waiting:
                await self._settle()
            while self._waiting:
                group, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._write(group)
                if not self._waiting:
                    self._idle = asyncio.get_running_loop().call_later(IDLE, self._begin)
        finally:
            self._task = None

    async def _write(self, group: list[Waiting]) -> None:
        metrics.JIRA_EVENT_BATCH.observe(len(group))
        try:
            applied = await self._intake.apply([d for d, _ in group], now=self._clock())
        except StoreError as error:
            _fail(group, error)
        except Exception as error:
            # Not the fault of one event alone, it seems; but only one may have to pay for it.
            log.exception("events can not be applied", events=len(group))
            if len(group) == 1:
                _fail(group, error)
            else:
                for single in group:
                    await self._write([single])
        else:
            _answer(group, applied)
            if applied.resyncs:
                self._ask(applied.resyncs)

    async def _settle(self) -> None:
        try:
            await self._intake.settle(now=self._clock())
        except Exception as error:
            log.warning("deliveries not remembered", error=type(error).__name__)


def _answer(group: list[Waiting], applied: Applied) -> None:
    for (_, future), outcome in zip(group, applied.outcomes, strict=True):
        if not future.done():
            future.set_result(outcome)


def _fail(group: list[Waiting], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
