"""Asks workers for syncs that events could not replace; many wishes in a row become one.

A wish that is lost costs nothing but time: the sync comes anyway on its schedule.
"""

import asyncio
from collections.abc import Callable

from t5g.logs import logger
from t5g.syncs import Sync

DELAY = 2.0

log = logger(__name__)


class Resyncer:
    """Collects wishes for some seconds and hands each sync to `enqueue` once, in a thread."""

    def __init__(self, enqueue: Callable[[Sync], object], *, delay: float = DELAY) -> None:
        self._enqueue, self._delay = enqueue, delay
        self._wanted = set[Sync]()
        self._task: asyncio.Task[None] | None = None

    def ask(self, syncs: frozenset[Sync]) -> None:
        """Want these syncs soon."""
        self._wanted |= syncs
        if self._wanted and self._task is None:
            self._task = asyncio.create_task(self._later())

    async def close(self) -> None:
        """Hand on what is still wanted, without the delay."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._hand_on()

    async def _later(self) -> None:
        try:
            while self._wanted:  # also what was asked for while the ones before were handed on
                await asyncio.sleep(self._delay)
                await self._hand_on()
        finally:
            self._task = None

    async def _hand_on(self) -> None:
        wanted, self._wanted = self._wanted, set()
        for sync in sorted(wanted):
            try:
                await asyncio.to_thread(self._enqueue, sync)
            except Exception as error:
                log.warning("sync not asked for", sync=sync.value, error=type(error).__name__)
