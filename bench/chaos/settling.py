"""Lets the program come to rest after everything is well again, by its own means only.

Nothing is repaired by hand: syncs, card runs, dead letters and digests are asked for as the
schedule asks for them, and each is waited for.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from redis.exceptions import RedisError

from bench.chaos.errands import wish, wish_sync
from bench.chaos.stage import Stage
from bot.delivery import count_waiting
from t5g.board import Board
from t5g.errors import StoreError
from t5g.inbox import Inbox
from t5g.operations import Operations
from t5g.runs import Outcome, Runs
from t5g.syncs import Sync, SyncRecords, SyncState
from workers.cards.ledger import Ledger

ORDER = (
    (Sync.CASES,), (Sync.CARDS, Sync.DETAILS, Sync.ESCALATIONS), (Sync.ISSUES, Sync.BUGS),
    (Sync.STATS,),
)  # fmt: skip
PAUSE = 0.2
#: Seconds that a message on its way is granted.
A_MESSAGE = 1.5
#: Seconds between two times of asking for the same thing.
ASK_EVERY = 2.0

Condition = Callable[[], Awaitable[bool]]


class NotSettledError(Exception):
    """Something did not come to rest in time; the text says what."""


async def settle(stage: Stage, seconds: float) -> float:
    """Return when the program knows everything and owes nothing; tell how long that took."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(seconds) as limit, stage.board() as (board, redis):
            await _until(lambda: _answers(stage), "the page to answer")
            await stage.sandbox.webhooks.settled(seconds)
            rest = _Rest(stage, board, redis, limit)
            await rest.synced()
            await rest.tracked()
            await rest.synced(((Sync.CARDS,),))
            await rest.told()
            await rest.idle()
    except TimeoutError as error:
        notes = getattr(error.__cause__, "__notes__", ())  # of what was cut off
        raise NotSettledError(
            f"not at rest {seconds:.0f} s after all was well again; still missing: "
            f"{' '.join(notes) or 'JIRA has events on their way'}"
        ) from None
    return time.monotonic() - begun


class _Rest:
    def __init__(self, stage: Stage, board: Board, redis: Any, limit: asyncio.Timeout) -> None:
        self._stage, self._board, self._redis, self._limit = stage, board, redis, limit
        self._keys = stage.keys

    async def synced(self, order: tuple[tuple[Sync, ...], ...] = ORDER) -> None:
        """Sync everything whole."""
        for names in order:
            since = time.time()
            await asyncio.gather(*(self._synced(name, since) for name in names))

    async def _synced(self, name: Sync, since: float) -> None:
        async def over() -> bool:
            record = await SyncRecords(self._redis, self._keys).read(name)
            whole = record.started if name is Sync.STATS else record.last_full
            return record.state in _DONE and whole >= since

        async def ask() -> None:
            await wish_sync(self._stage, name.value, full=True)

        await _until(over, f"a sync of {name}", ask)

    async def tracked(self) -> None:
        """Make the cards that are missing."""
        ledger = Ledger(self._redis, self._keys)

        async def over() -> bool:
            await self._board.refresh()
            missing = [e for e in self._board.entries.values() if e.untracked]
            return not missing and not await ledger.unfinished()

        await _until(over, "cards", lambda: wish(self._stage, _CREATE, "cards-create"))

    async def told(self) -> None:
        """Post what is due and what waits, and apply what could not be."""
        since, runs = time.time(), Runs(self._redis, self._keys)
        inbox = Inbox(self._redis, self._keys)

        # However well all is, a channel takes one message a second.
        messages = await count_waiting(self._redis, self._keys)
        self._limit.reschedule((self._limit.when() or 0.0) + A_MESSAGE * messages)

        async def posted() -> bool:
            looked = any(
                one.job == "digest_tick" and one.outcome is Outcome.DONE and one.started >= since
                for one in await runs.ended(since)
            )
            return looked and await count_waiting(self._redis, self._keys) == 0

        async def applied() -> bool:
            return await inbox.count() == 0

        await _until(posted, "messages", lambda: wish(self._stage, _DIGEST, "digest"))
        with contextlib.suppress(TimeoutError):  # what is left is told by the verdict
            async with asyncio.timeout(3 * ASK_EVERY):
                await _until(applied, "letters", lambda: wish(self._stage, _LETTERS, "letters"))

    async def idle(self) -> None:
        """Wait until no job waits or runs."""
        operations, runs = Operations(self._redis, self._keys), Runs(self._redis, self._keys)

        async def over() -> bool:
            waiting = sum(queue.waiting for queue in await operations.queues())
            return not waiting and not await runs.open()

        await _until(over, "the queues")


_DONE = (SyncState.OK, SyncState.PARTIAL)
_CREATE = "workers.cards.jobs.create"
_DIGEST = "bot.jobs.digest_tick"
_LETTERS = "workers.jobs.deadletters"


async def _answers(stage: Stage) -> bool:
    try:
        return (await stage.http.get(f"{stage.page}/readyz")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def _until(
    over: Condition,
    what: str,
    ask: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Poll until it is over, asking for the work now and then; say what for if there is no end."""
    try:
        await _polled(over, ask)
    except asyncio.CancelledError as error:
        error.add_note(what)
        raise


async def _polled(over: Condition, ask: Callable[[], Awaitable[None]] | None) -> None:
    asked = -ASK_EVERY
    while True:
        if ask is not None and time.monotonic() - asked >= ASK_EVERY:
            asked = time.monotonic()
            await ask()
        with contextlib.suppress(RedisError, OSError, StoreError):
            if await over():
                return
        await asyncio.sleep(PAUSE)
