"""The read model: all cases in this process, kept current from the change feed.

`refresh` is called at every request. It asks Redis where the history stands (one round trip) and
brings in what changed, so that an answer reflects every write acknowledged before the question.
Lists, searches and counts are worked out here; no request reads thousands of keys.
"""

import asyncio
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from types import MappingProxyType
from typing import cast

from redis.exceptions import RedisError

from t5g import metrics
from t5g.assembly import assemble, reassemble
from t5g.census import Census, KeptCensus
from t5g.collector import resting
from t5g.derived import Entry, Rules
from t5g.errors import StoreError
from t5g.figures import Figures
from t5g.mentions import Mentions
from t5g.model import Case, Source
from t5g.order import Order
from t5g.pool import Pool
from t5g.query.query import NOBODY, Query
from t5g.redis_errors import what_redis_did
from t5g.references import References
from t5g.store import CaseFields, FeedEntry, Position, Store, Written
from t5g.syncs import Sync, SyncRecord, SyncRecords
from t5g.team import Me

FEED_PAGE = 10_000


class Board:
    """A snapshot of all cases with indexes. One for each process and event loop."""

    def __init__(self, store: Store, syncs: SyncRecords, rules: Rules) -> None:
        self._store = store
        self._sync_records = syncs
        self.rules = rules
        self._entries: dict[str, Entry] = {}
        self._references = References()
        self._pool = Pool()
        self._mentions = Mentions()
        self._position: Position | None = None
        self._sync_revision: int | None = None
        self._syncs: dict[Sync, SyncRecord] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._checking: asyncio.Task[None] | None = None
        self._order = Order()
        self._census = KeptCensus()
        self._open: tuple[list[Entry], list[Entry]] | None = None
        self._words: tuple[object, Mapping[str, Sequence[str]]] | None = None
        self.reloads = 0

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All cases by number. Do not keep it over an `await`: it changes in place."""
        return MappingProxyType(self._entries)

    @property
    def syncs(self) -> Mapping[Sync, SyncRecord]:
        """The record of each sync as of the last refresh."""
        return MappingProxyType(self._syncs)

    @property
    def version(self) -> tuple[str, int, int]:
        """Changes whenever the board does: a key for what is rendered from it."""
        epoch, sequence = (
            (self._position.epoch, self._position.sequence) if self._position else ("", -1)
        )
        return epoch, sequence, self._sync_revision or 0

    @property
    def position(self) -> Position | None:
        """How far the history has been brought in; None before the first refresh."""
        return self._position

    async def changes_after(self, sequence: int, most: int) -> list[FeedEntry] | None:
        """Return the changes after `sequence` that this board shows, oldest first, so many at most.

        Writes that came after its last refresh are left for the next one: whoever tells a change
        reads the case here, and would read it as it was before. None: some are gone from the feed.
        """
        count = min(most, self.version[1] - sequence)
        return (await self._store.feed_after(sequence, count) or None) if count > 0 else []

    def get(self, number: str) -> Entry | None:
        """Return the case of that number."""
        return self._entries.get(number)

    def by_card(self, key: str) -> Set[str]:
        """Numbers of the cases that the card `key` belongs to."""
        return self._references.of("card", key)

    def by_issue(self, key: str) -> Set[str]:
        """Numbers of the cases that the issue `key` is linked to."""
        return self._references.of("issue", key)

    def by_escalation(self, key: str) -> Set[str]:
        """Numbers of the cases that the escalation `key` names."""
        return self._references.of("escalation", key)

    def by_bug(self, bug_id: int) -> Set[str]:
        """Numbers of the cases that the bug is linked to."""
        return self._references.of("bug", str(bug_id))

    def by_jira_id(self, issue_id: str) -> Set[str]:
        """Numbers of the cases with a card, issue or escalation of that numeric JIRA id."""
        return self._references.of("id", issue_id)

    def ordered(self, now: float) -> list[Entry]:
        """All cases, what needs attention first: the same list until something changes."""
        return self._order.of(self._entries, now)

    def select(self, query: Query, now: float, me: Me = NOBODY) -> list[Entry]:
        """Return the cases that match `query`, in its order. `me`: casefolded names."""
        return query.reorder(query.narrow(self._candidates(query, now), now, me), now)

    def _candidates(self, query: Query, now: float) -> list[Entry]:
        """All cases, or the open ones, in order: a list of the caller's own."""
        ordered = self.ordered(now)
        if not query.names_status:
            if self._open is None or self._open[0] is not ordered:
                self._open = ordered, [entry for entry in ordered if entry.open]
            ordered = self._open[1]
        return list(ordered)

    def census(self) -> Census:
        """The count of all cases. Do not keep it over an `await`: it changes in place."""
        return self._census.of(self._entries)

    def figures(self, now: float) -> Figures:
        """All numbers over all cases."""
        return self.census().figures(now)

    def words(self, key: str) -> Sequence[str]:
        """The statuses and severities that the data has, for `parse_query`."""
        if self._words is None or self._words[0] != self.version:
            self._words = self.version, _words(self._entries.values())
        return self._words[1].get(key, ())

    async def behind(self) -> int:
        """Count the changes that this board has not seen (all of them before its first look)."""
        try:
            newest = int(await self._store.redis.get(self._store.keys.sequence) or 0)
        except (RedisError, OSError) as error:
            raise StoreError(f"{what_redis_did(error)}; try again in a moment.") from error
        return max(0, newest - (self._position.sequence if self._position else 0))

    async def refresh(self) -> None:
        """Bring the board up to what was acknowledged before this call.

        Calls that come while a check runs share the next one; none is answered by a check that
        began before it. Raises StoreError when Redis does not answer; the board stays as it was.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if self._checking is None:
            self._checking = asyncio.ensure_future(self._check_while_asked())
        await waiter  # one for each call: who gives up disturbs no other

    async def _check_while_asked(self) -> None:
        """Check for all who wait, then for those who came meanwhile."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                _answer(waiting, await self._failure())
        finally:
            self._checking = None

    async def _failure(self) -> Exception | None:
        """Check; return what went wrong."""
        try:
            await self._check()
        except (RedisError, OSError) as error:
            failure = StoreError(f"{what_redis_did(error)}; try again in a moment.")
            failure.__cause__ = error
            return failure
        except Exception as error:
            return error
        return None

    @property
    def witnesses(self) -> tuple[str, str, str]:
        """The keys whose values tell whether the board is current: see `is_current`."""
        keys = self._store.keys
        return keys.epoch, keys.sequence, self._sync_records.revision_key

    def is_current(self, told: Sequence[bytes | None]) -> bool:
        """Say whether nothing happened since the last refresh, by the values of `witnesses`.

        For who reads from Redis anyway, and spares a refresh its own question.
        """
        epoch, sequence, revision = told
        return (
            self._position is not None
            and epoch is not None
            and self._position == Position(epoch.decode(), int(sequence or 0))
            and self._sync_revision == int(revision or 0)
        )

    def adopt(self, written: Iterable[Written]) -> bool:
        """Bring in what this process has just written, without asking Redis for it.

        That takes a board that had all that was told before. Else nothing is done, False is
        returned, and the next refresh brings it.
        """
        told = sorted((row for row in written if row.sequence), key=lambda row: row.sequence)
        known = self._position
        if known is None or not self._follows(known.sequence + 1, told):
            return False
        for row in told:
            entry = self._entries.get(row.number)
            if entry is not None:  # else it waits for its case
                case = reassemble(entry.case, row.source, row.state, self.rules)
                self._put(row.number, self._made(case, entry))
        self._mentions.name()
        if told:
            self._position = Position(known.epoch, told[-1].sequence)
        return True

    def _follows(self, next_: int, told: Sequence[Written]) -> bool:
        """Say whether these are the changes from `next_` on, and each can be seen by itself."""
        return all(
            row.sequence == at and (row.number in self._entries or row.source is not Source.PORTAL)
            for at, row in enumerate(told, next_)
        )

    async def _check(self) -> None:
        before = self._position
        told = cast("list[bytes | None]", await self._store.redis.mget(self.witnesses))
        epoch, sequence, revision = told
        if int(revision or 0) != self._sync_revision:
            self._syncs = await self._sync_records.read_all()
            self._sync_revision = int(revision or 0)
        known, newest = self._position, int(sequence or 0)
        if epoch is None or known is None or epoch.decode() != known.epoch:
            await self.reload()
        elif newest > known.sequence:
            await self._follow(known, newest)
        elif newest < (before or known).sequence:
            await self.reload()  # Redis went back
        # Else all is here; what was adopted since Redis answered may even be newer.

    async def read_alone(self, number: str) -> Entry | None:
        """Read one case and how fresh the board is, without all the other cases.

        For a process that asks about this case only, and then ends.
        """
        self._syncs = await self._sync_records.read_all()
        fields = await self._store.read(number)
        entry = self._entry(fields) if fields else None
        self._mentions.name()
        return entry

    async def reload(self) -> None:
        """Read everything anew."""
        position = await self._store.position()
        with _uncollected():
            self._entries = await self._read_entries()
            self._references = References()
            for entry in self._entries.values():
                self._references.add(entry)
        self._order.forget()
        self._census.forget()
        self._position = position
        self.reloads += 1
        metrics.BOARD_RELOADS.inc()

    async def _read_entries(self) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        async for fields in self._store.read_all():
            entry = self._entry(fields)
            if entry is not None:
                entries[entry.number] = entry
        self._mentions.name()  # once everybody is known
        return entries

    async def _follow(self, known: Position, sequence: int) -> None:
        feed = await self._store.feed_after(known.sequence, FEED_PAGE)
        if not feed:
            await self.reload()
            return
        numbers = sorted({entry.number for entry in feed})
        for number, fields in zip(numbers, await self._store.read_many(numbers), strict=True):
            self._put(number, self._entry(fields) if fields else None)
        self._mentions.name()
        self._position = Position(known.epoch, feed[-1].sequence)
        if feed[-1].sequence < sequence:
            await self._follow(self._position, sequence)

    def _entry(self, fields: CaseFields) -> Entry | None:
        return self._made(assemble(fields, self.rules))

    def _made(self, case: Case | None, before: Entry | None = None) -> Entry | None:
        if case is None:
            return None
        known = before.case if before else None
        self._pool.share(case, known)
        self._mentions.take(case, known)
        return Entry(case, self.rules, before)

    def _put(self, number: str, entry: Entry | None) -> None:
        old = self._entries.pop(number, None)
        self._references.exchange(old, entry)
        if entry is not None:
            self._entries[number] = entry
        self._order.changed(number)
        self._census.changed(number, old)


def _answer(waiting: Iterable[asyncio.Future[None]], failure: Exception | None) -> None:
    for waiter in waiting:
        if waiter.done():
            continue  # gave up
        if failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(failure)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the garbage collector rest while much is made and nothing thrown away.

    In a process that keeps what lives as long as itself out of its sight (`gc.freeze`, as the web
    process does), it does not look at the cases afterwards either: they are in no cycles, and a
    look at a hundred thousand of them holds up every request for a second. What requests before
    left behind is thrown away first: it would stay for good.
    """
    if gc.get_freeze_count():
        gc.collect(1)
    with resting():
        try:
            yield
        finally:
            if gc.get_freeze_count():
                gc.freeze()


def _words(entries: Iterable[Entry]) -> Mapping[str, Sequence[str]]:
    statuses, severities, internals = set[str](), set[str](), set[str]()
    for entry in entries:
        statuses.add(entry.status)
        severities.add(entry.severity)
        internals.add(entry.internal_status)
    return {
        "status": sorted(statuses - {""}),
        "severity": sorted(severities - {""}),
        "internal": sorted(internals - {""}),
    }
