"""Work that goes on after Slack got its answer: kept, so that it is finished before the end.

Bolt drops what its listeners start; here every task is known, its failure is logged, and `close`
waits for all of them within a time limit.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from t5g.logs import logger

log = logger(__name__)

GRACE = 8.0
TRIES = 25


class Tasks:
    """The tasks of one process."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._loops: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """Begin work that has an end; `close` waits for it."""
        task = asyncio.create_task(work, name=name or None)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def loop(self, work: Coroutine[Any, Any, Any], name: str = "") -> None:
        """Begin work without an end; `close` cancels it."""
        task = asyncio.create_task(work, name=name or None)
        self._loops.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        self._loops.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("slack_task_failed", task=task.get_name(), exc_info=error)

    async def settled(self) -> None:
        """Wait until no work with an end is under way."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def _stop_loops(self) -> None:
        """Cancel the loops, more than once: a library in between may swallow a cancellation."""
        for _ in range(TRIES):
            if not self._loops:
                return
            for task in set(self._loops):
                task.cancel()
            await asyncio.wait(set(self._loops), timeout=0.2)

    async def close(self, grace: float = GRACE) -> None:
        """Stop the loops, and let the rest come to its end within `grace` seconds."""
        await self._stop_loops()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=grace)
            for task in late:
                task.cancel()
            if late:
                log.warning("slack_tasks_cut_off", count=len(late))
                await asyncio.wait(late, timeout=1.0)
