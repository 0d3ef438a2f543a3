"""A little world, its webhooks and its syncs, against what the board says: truth in the end.

The world is plain dictionaries. Each change in it sends a webhook that arrives at once, late, twice
or never; syncs read the world at one moment and write later, while it goes on changing. After
every step the board of each process equals the store, has what was told last, and answers queries
as plain Python does; after each complete sync of a source it has the world's own truth.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec import UNSET

from t5g.assembly import assemble
from t5g.board import Board
from t5g.connection import open_redis
from t5g.derived import Entry, Rules
from t5g.keys import Keys
from t5g.model import Case, Details, Source
from t5g.query import parse_query
from t5g.state import CommentSeen, CommentsSeen, DetailsSeen, ItemSeen, ListingSeen
from t5g.store import Store
from t5g.syncs import SyncRecords
from tests.making import NOW, NOW_SECONDS, Bug, Comment, Escalation, Issue, card, portal_seen

NUMBERS = ("00000001", "00000002", "00000003")
CARD = "T5G-1"
KEYS = {
    Source.CARD: (CARD, "T5G-2"),
    Source.ISSUES: ("OCPBUGS-1", "OCPBUGS-2"),
    Source.BUGS: ("11", "12"),
    Source.ESCALATION: ("ESC-1",),
}
STATUSES = ("New", "Open", "Done")
#: The comments of the first card are a source of their own here.
COMMENTS = "comments"
Slot = tuple[str, str, str]
"""Case, source, key."""

#: Queries, and the same thing said in Python.
QUERIES: dict[str, Callable[[Entry], bool]] = {
    "status:any": lambda e: True,
    "escalated:yes status:any": lambda e: bool(e.case.escalations),
    "-escalated:yes": lambda e: not e.case.escalations,
    "untracked:yes": lambda e: not e.case.cards,
    "card:none": lambda e: not e.case.cards,
    "card:T5G-2": lambda e: any(card.key == "T5G-2" for card in e.case.cards),
    "bug:none": lambda e: not e.case.bugs and not e.case.issues,
    "bug:11": lambda e: any(bug.id == 11 for bug in e.case.bugs),
    "issue:OCPBUGS-1,OCPBUGS-2": lambda e: bool(e.case.issues),
    "-issue:none": lambda e: bool(e.case.issues),
    "critsit:yes": lambda e: e.case.details.crit_sit is True,
    "critsit:unknown": lambda e: e.case.details.crit_sit not in (True, False),
    "number:00000002 -untracked:yes": lambda e: e.number == "00000002" and bool(e.case.cards),
}


def made(source: str, key: str, status: str, updated: datetime) -> Any:
    """Facts of one thing."""
    match source:
        case Source.CARD:
            return card(key, status=status, updated=updated)
        case Source.ISSUES:
            return Issue(key=key, status=status, updated=updated)
        case Source.BUGS:
            return Bug(id=int(key), status=status, updated=updated)
        case Source.ESCALATION:
            return Escalation(key=key, status=status, updated=updated)
        case _:
            return Comment(id=key, body=status, updated=updated, created=NOW)


def slots_of(case: Case) -> dict[tuple[str, str], Any]:
    """What the board has of a case, by source and key."""
    found: dict[tuple[str, str], Any] = {("crit", ""): case.details.crit_sit}
    shown = any(card.key == CARD for card in case.cards)
    for source, items in (
        (Source.CARD, case.cards),
        (Source.ISSUES, case.issues),
        (Source.BUGS, case.bugs),
        (Source.ESCALATION, case.escalations),
        (COMMENTS, case.comments.get(CARD, ()) if shown else ()),
    ):
        for item in items:
            found[source, str(getattr(item, "key", "") or item.id)] = item
    return found


class World(RuleBasedStateMachine):
    """Truth (`world`), what was told of it (`told`), and two processes that were told."""

    redis_url = ""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = 0
        self.world: dict[Slot, Any] = {}
        #: The newest thing that was said of a key: (when, facts or None).
        self.told: dict[Slot, tuple[int, Any]] = {}
        #: When each source of a case was last listed, as far as it was written.
        self.listed: dict[tuple[str, str], int] = {}
        #: Keys of which an event came that is older than a listing: only the next listing knows.
        self.unsure: set[Slot] = set()
        self.late: list[tuple[int, Slot, Any]] = []
        self.reading: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self.crit: dict[str, bool] = {}
        self.redis = open_redis(self.redis_url)
        self.run(self.redis.flushall())
        self.store = Store(self.redis, Keys(), feed_length=1000)
        self.boards = [self.new_board(), self.new_board()]
        for number in NUMBERS:
            self.write(portal_seen(number))

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def new_board(self) -> Board:
        return Board(self.store, SyncRecords(self.redis, self.store.keys), Rules())

    def write(self, *observations: Any) -> None:
        """Write; sometimes the process that does it brings its own board up to date at once."""
        written = self.run(self.store.write(observations, now=NOW))
        if self.clock % 3:
            self.boards[self.clock % 2].adopt(written)

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    @staticmethod
    def at(tick: int) -> datetime:
        return NOW + timedelta(seconds=tick)

    @rule(
        number=st.sampled_from(NUMBERS),
        source=st.sampled_from([*KEYS, COMMENTS]),
        which=st.integers(0, 1),
        status=st.sampled_from([*STATUSES, None]),
        webhook=st.sampled_from(["now", "late", "lost"]),
    )
    def world_changes(
        self, number: str, source: str, which: int, status: str | None, webhook: str
    ) -> None:
        """Something is made, changed or (`status` None) deleted."""
        names = KEYS.get(source, ("901", "902"))  # type: ignore[call-overload]
        slot = (number, source, names[which % len(names)])
        tick = self.tick()
        facts = made(source, slot[2], status, self.at(tick)) if status else None
        if facts is None:
            self.world.pop(slot, None)
        else:
            self.world[slot] = facts
        if webhook == "late":
            self.late.append((tick, slot, facts))
        elif webhook == "now":
            self.deliver(tick, slot, facts)

    def deliver(self, tick: int, slot: Slot, facts: Any) -> None:
        number, source, key = slot
        at = self.at(tick)
        if source == COMMENTS:
            self.write(
                CommentSeen(number=number, card=CARD, id=key, facts=facts, updated=at, seen=at)
            )
        else:
            self.write(
                ItemSeen(number=number, source=Source(source), key=key, facts=facts,
                         updated=at, seen=at)
            )  # fmt: skip
        if tick < self.listed.get((number, source), -1):
            self.unsure.add(slot)
        elif tick >= self.told.get(slot, (-1, None))[0]:
            self.told[slot] = (tick, facts)
            self.unsure.discard(slot)

    @precondition(lambda self: getattr(self, "late", None))
    @rule(which=st.integers(0, 50), twice=st.booleans())
    def late_webhook_arrives(self, which: int, twice: bool) -> None:
        event = self.late[which % len(self.late)]
        if not twice:
            self.late.remove(event)
        self.deliver(*event)

    @rule(number=st.sampled_from(NUMBERS), source=st.sampled_from([*KEYS, COMMENTS]))
    def sync_reads(self, number: str, source: str) -> None:
        """A sync asks for everything; a lock lets no other begin meanwhile."""
        if (number, source) not in self.reading:
            found = {k: v for (n, s, k), v in self.world.items() if (n, s) == (number, source)}
            self.reading[number, source] = (self.tick(), found)

    @precondition(lambda self: getattr(self, "reading", None))
    @rule(which=st.integers(0, 50))
    def sync_writes(self, which: int) -> None:
        number, source = sorted(self.reading)[which % len(self.reading)]
        tick, found = self.reading.pop((number, source))
        at = self.at(tick)
        if source == COMMENTS:
            comments = tuple(found.values())
            self.write(CommentsSeen(number=number, card=CARD, comments=comments, seen=at))
        else:
            self.write(ListingSeen(number=number, source=Source(source), items=found, seen=at))
        self.listed[number, source] = tick
        for slot in [slot for slot in self.told if slot[:2] == (number, source)]:
            if self.told[slot][0] < tick and slot[2] not in found:
                self.told[slot] = (tick, None)
        for key, facts in found.items():
            slot, changed = (number, source, key), int((facts.updated - NOW).total_seconds())
            if changed >= self.told.get(slot, (-1, None))[0]:
                self.told[slot] = (changed, facts)
        self.unsure = {slot for slot in self.unsure if slot[:2] != (number, source)}
        if source == Source.CARD and CARD not in found:
            # Its comments went with the card; what an event says of them later, it says alone.
            self.unsure |= {(number, COMMENTS, key) for key in ("901", "902")}
            self.listed[number, COMMENTS] = max(tick, self.listed.get((number, COMMENTS), 0))

    @rule(number=st.sampled_from(NUMBERS), crit=st.sampled_from([True, False, None]))
    def details_are_read(self, number: str, crit: bool | None) -> None:
        """A dialect that can not know (None) leaves what is known."""
        at = self.at(self.tick())
        facts = Details() if crit is None else Details(crit_sit=crit)
        self.write(DetailsSeen(number=number, facts=facts, updated=at, seen=at))
        if crit is not None:
            self.crit[number] = crit

    @rule(which=st.integers(0, 1))
    def process_restarts(self, which: int) -> None:
        self.boards[which] = self.new_board()

    @rule(which=st.integers(0, 1))
    def board_reloads(self, which: int) -> None:
        self.run(self.boards[which].reload())

    @rule(keep=st.integers(0, 3))
    def feed_is_cut(self, keep: int) -> None:
        """A process that was away for too long falls off the end of the feed."""
        self.run(self.redis.xtrim(self.store.keys.feed, maxlen=keep, approximate=False))

    @rule(which=st.integers(0, 1), text=st.sampled_from(sorted(QUERIES)))
    def somebody_asks(self, which: int, text: str) -> None:
        board = self.boards[which]
        self.run(board.refresh())
        found = [entry.number for entry in board.select(parse_query(text), NOW_SECONDS)]
        holds = QUERIES[text]
        assert sorted(found) == sorted(n for n, e in board.entries.items() if holds(e)), text

    @invariant()
    def boards_have_what_was_told(self) -> None:
        if not hasattr(self, "boards"):
            return
        which = self.clock % 2  # the other one lags behind, and has more to catch up
        board = self.boards[which]
        self.run(board.refresh())
        entries = {number: slots_of(entry.case) for number, entry in board.entries.items()}
        kept = self.run(self.kept())
        assert entries == {number: slots_of(case) for number, case in kept.items()}
        for number, have in entries.items():
            for slot in {*self.told, *self.world}:
                if slot[0] == number and slot not in self.unsure and self.shown(slot, have):
                    _, facts = self.told.get(slot, (0, None))
                    assert have.get(slot[1:]) == facts, slot
            assert have["crit", ""] is self.crit.get(number, UNSET)

    @staticmethod
    def shown(slot: Slot, have: Any) -> bool:
        """Comments are seen with their card only."""
        return slot[1] != COMMENTS or (Source.CARD, CARD) in have

    async def kept(self) -> dict[str, Case]:
        found = [assemble(fields, Rules()) async for fields in self.store.read_all()]
        return {case.number: case for case in found if case is not None}

    def teardown(self) -> None:
        if not hasattr(self, "boards"):
            return
        self.everything_is_synced()
        for board in self.boards:
            self.run(board.refresh())
            for number in NUMBERS:
                have = slots_of(board.entries[number].case)
                del have["crit", ""]
                truth = {s[1:]: v for s, v in self.world.items() if s[0] == number}
                if (Source.CARD, CARD) not in truth:
                    truth = {slot: v for slot, v in truth.items() if slot[0] != COMMENTS}
                assert have == truth
        self.run(self.redis.aclose())
        self.loop.close()

    def everything_is_synced(self) -> None:
        """What was on the way arrives, and then a sync of all: now nothing may be missing."""
        for event in self.late:
            self.deliver(*event)
        for _ in range(2):
            for number in NUMBERS:
                for source in (*KEYS, COMMENTS):
                    self.sync_reads(number, source)
            for _ in range(len(self.reading)):
                self.sync_writes(0)


def test_boards_follow_the_world_whatever_comes_late_twice_or_never(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "redis_url", redis_url)
    machine: Any = World.TestCase
    machine.settings = settings(
        max_examples=30,
        stateful_step_count=30,
        suppress_health_check=[HealthCheck.too_slow],
    )
    machine("runTest").runTest()
