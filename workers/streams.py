"""Small shapes for streams of work: so many at once, results as they come, things in batches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


async def mapped(
    items: Iterable[S], call: Callable[[S], Awaitable[T]], *, limit: int
) -> AsyncIterator[T]:
    """Yield `call(item)` of every item as the results come, at most `limit` running at once.

    The first error is raised, and what still runs is cancelled.
    """
    todo = iter(items)
    running = {asyncio.ensure_future(call(item)) for item in islice(todo, limit)}
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            running |= {asyncio.ensure_future(call(item)) for item in islice(todo, len(done))}
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def ahead(items: AsyncIterator[S], stamp: Callable[[], T]) -> AsyncIterator[tuple[T, S]]:
    """Yield each item with what `stamp` said before it was asked for.

    The next one is on its way while one is looked at; an error of it is raised after that.
    """

    async def step() -> tuple[T, S | None]:
        return stamp(), await anext(items, None)

    coming = asyncio.ensure_future(step())
    try:
        while True:
            at, item = await coming
            if item is None:
                return
            coming = asyncio.ensure_future(step())
            yield at, item
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def batched(items: Iterable[S], size: int) -> Iterator[list[S]]:
    """Yield the items in lists of at most `size`."""
    todo = iter(items)
    while batch := list(islice(todo, size)):
        yield batch
