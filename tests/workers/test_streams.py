"""So many at once, results as they come, and nothing left running."""

import asyncio

import pytest

from workers.streams import batched, mapped


async def test_every_item_is_worked_on_a_few_at_once():
    running = peak = 0

    async def call(item):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.001)
        running -= 1
        return item * 2

    found = [x async for x in mapped(range(20), call, limit=4)]
    assert sorted(found) == [x * 2 for x in range(20)]
    assert peak == 4


async def test_an_error_is_raised_and_the_rest_is_cancelled():
    cancelled = []

    async def call(item):
        if item == 0:
            raise ValueError("zero")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    with pytest.raises(ValueError, match="zero"):
        [x async for x in mapped(range(10), call, limit=3)]
    assert cancelled == [1, 2] or cancelled == [2, 1]


async def test_nothing_is_nothing():
    assert [x async for x in mapped([], asyncio.sleep, limit=3)] == []


def test_batches():
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []
