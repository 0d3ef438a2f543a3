"""One item never stops the others: which failure is an item's own, and which concerns all.

A run over cases, cards, issues or bugs makes its calls through a `Breaker`. Of an item that failed
the run says so, keeps it as it was and tries it again next time. Only what concerns all ends a run:
what the error itself says (`UpstreamError.concerns_all`), or too many failures one after another;
then the breaker is open.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from t5g.errors import UpstreamError
from workers.streams import batched

S = TypeVar("S")
T = TypeVar("T")

#: After more failures one after another the service itself is taken to be in trouble. A batch with
#: something bad in each quarter has seven of them before the first half works.
MOST_IN_A_ROW = 10


class Breaker:
    """Makes the calls of one run, until one fails in a way that concerns all.

    A failure counts as one of a row only if it may pass and no other call worked since it was
    begun: bad items take long, as each is tried several times, and so come to their end together.
    """

    def __init__(self) -> None:
        #: What concerns all, once it is known; nothing is called after it.
        self.open: UpstreamError | None = None
        self.worked = 0
        self._in_a_row = 0

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make` returns.

        Raises its UpstreamError; once one concerned all, raises that one and calls nothing.
        """
        if self.open is not None:
            raise self.open
        before = self.worked
        try:
            found = await make()
        except UpstreamError as error:
            self._judge(error, alone=self.worked == before)
            raise
        self.worked += 1
        self._in_a_row = 0
        return found

    def _judge(self, error: UpstreamError, *, alone: bool) -> None:
        if error.concerns_all:
            self.open = self.open or error
        elif error.transient and alone:
            self._in_a_row += 1
            if self._in_a_row > MOST_IN_A_ROW:
                self.open = self.open or UpstreamError(
                    error.service,
                    f"{self._in_a_row} calls failed in a row, the last one with: {said(error)}",
                    concerns_all=True,
                )


def said(error: UpstreamError) -> str:
    """Return what an error says, without the name of the service."""
    return str(error).removeprefix(f"{error.service}: ")


async def in_batches(
    items: Iterable[S],
    call: Callable[[Sequence[S]], Awaitable[T]],
    *,
    size: int,
    limit: int,
    check: Callable[[], Awaitable[object]],
) -> AsyncIterator[tuple[Sequence[S], T | UpstreamError]]:
    """Yield each batch of items with what `call` made of it; at most `limit` calls run at once.

    A batch that fails is cut in halves until the culprit is alone, which is yielded with its
    failure. Raises UpstreamError for what concerns all, after everything that came before it was
    yielded; if nothing worked, `check` is asked whether the service itself does.
    """
    breaker = Breaker()
    todo = deque(batched(items, size))
    running: dict[asyncio.Future[T], list[S]] = {}
    failed = False
    try:
        while (todo and breaker.open is None) or running:
            while todo and breaker.open is None and len(running) < limit:
                batch = todo.popleft()
                running[asyncio.ensure_future(breaker.call(partial(call, batch)))] = batch
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                batch = running.pop(task)
                try:
                    found = task.result()
                except UpstreamError as error:
                    failed = True
                    if len(batch) > 1:
                        middle = len(batch) // 2
                        todo.extendleft([batch[middle:], batch[:middle]])
                    elif not error.concerns_all:
                        yield batch, error
                else:
                    yield batch, found
        if breaker.open is not None:
            raise breaker.open
        if failed and not breaker.worked:
            await check()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
