"""Wishes for syncs that events bring: each handed on once, none forgotten."""

import asyncio
import threading
from collections.abc import Callable

from t5g.syncs import Sync
from webhooks.jira.resync import Resyncer

CARDS, ISSUES = frozenset({Sync.CARDS}), frozenset({Sync.ISSUES})


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():
            await asyncio.sleep(0.001)


async def test_a_storm_of_wishes_is_one_sync_of_each_kind() -> None:
    asked: list[Sync] = []
    resyncer = Resyncer(asked.append, delay=0.01)
    for _ in range(100):
        resyncer.ask(CARDS)
        resyncer.ask(ISSUES)
    await until(lambda: len(asked) >= 2)
    await resyncer.close()
    assert sorted(asked) == [Sync.CARDS, Sync.ISSUES]


async def test_what_is_asked_for_while_others_are_handed_on_is_handed_on_too() -> None:
    asked, begun, go = list[Sync](), threading.Event(), threading.Event()

    def slowly(sync: Sync) -> None:
        asked.append(sync)
        begun.set()
        go.wait(10)

    resyncer = Resyncer(slowly, delay=0.0)
    resyncer.ask(CARDS)
    await until(begun.is_set)
    resyncer.ask(ISSUES)
    go.set()
    await until(lambda: len(asked) == 2)
    await resyncer.close()
    assert asked == [Sync.CARDS, Sync.ISSUES]


async def test_a_wish_that_fails_stops_no_other_and_nothing_is_asked_for_nothing() -> None:
    asked: list[Sync] = []

    def broken(sync: Sync) -> None:
        asked.append(sync)
        raise ConnectionError

    resyncer = Resyncer(broken, delay=0.0)
    resyncer.ask(frozenset())
    resyncer.ask(CARDS | ISSUES)
    await until(lambda: len(asked) == 2)
    await resyncer.close()


async def test_at_the_end_what_is_wanted_is_handed_on_without_delay() -> None:
    asked: list[Sync] = []
    resyncer = Resyncer(asked.append, delay=3_600)
    resyncer.ask(CARDS)
    await resyncer.close()
    assert asked == [Sync.CARDS]
