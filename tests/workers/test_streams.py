"""So many at once, results as they come, and nothing left running."""

import asyncio

import pytest

from workers.streams import ahead, batched, mapped


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


async def test_the_next_page_is_on_its_way_while_one_is_looked_at():
    moment, asked = 0, asyncio.Event()

    async def pages():
        nonlocal moment
        for page in "ab":
            moment += 1
            yield page
        asked.set()

    found = []
    async for at, page in ahead(pages(), lambda: moment):
        found.append((at, page))
        if page == "b":
            await asyncio.wait_for(asked.wait(), 10)
    assert found == [(0, "a"), (1, "b")], "with the moment before it was asked for"


async def test_what_came_before_an_error_is_seen_and_nothing_is_left_running():
    async def pages():
        yield "a"
        raise ValueError("the second")

    found = []
    with pytest.raises(ValueError, match="the second"):
        async for _, page in ahead(pages(), int):
            found.append(page)
    assert found == ["a"]

    async def endless():
        while True:
            yield "a"
            await asyncio.sleep(30)

    stream = ahead(endless(), int)
    async for _, _page in stream:
        break
    await stream.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_batches():
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []
