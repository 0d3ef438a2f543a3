"""Store and boards against a plain model: any interleaving of syncs, webhooks, restarts, reloads.

The model is a dictionary that applies observations in the order of their upstream times; the store
gets the same ones shuffled by chance, through two clients. After every step each board equals what
the store holds, and what the model says.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from t5g.assembly import assemble
from t5g.board import Board
from t5g.connection import open_redis
from t5g.derived import Rules
from t5g.keys import Keys
from t5g.model import Source
from t5g.state import ItemSeen
from t5g.store import Store
from t5g.syncs import SyncRecords
from tests.making import NOW, card, portal_seen

NUMBERS = st.sampled_from([f"0000000{n}" for n in range(4)])
STATUSES = st.sampled_from(["New", "Open", "Done"])


class Machine(RuleBasedStateMachine):
    """One Redis, two writers, two boards, and a model."""

    redis_url = ""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = 0
        self.held: list[Any] = []
        self.sent: list[Any] = []
        self.statuses: dict[str, tuple[int, str]] = {}
        self.cards: dict[str, tuple[int, str | None]] = {}
        self.clients = [open_redis(self.redis_url) for _ in range(2)]
        self.run(self.clients[0].flushall())
        self.stores = [Store(client, Keys(), feed_length=1000) for client in self.clients]
        self.boards = [self.new_board(store) for store in self.stores]

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def new_board(self, store: Store) -> Board:
        return Board(store, SyncRecords(store.redis, store.keys), Rules())

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    def send(self, observation: Any, writer: int, *, hold: bool) -> None:
        """Write now, or hold back to be written late."""
        if hold:
            self.held.append(observation)
        else:
            self.sent.append(observation)
            self.run(self.stores[writer].write([observation], now=NOW))

    @rule(
        number=NUMBERS,
        status=st.sampled_from(["Closed", "Waiting on Red Hat"]),
        w=st.integers(0, 1),
    )
    def sync_sees_case(self, number: str, status: str, w: int) -> None:
        at = NOW + timedelta(seconds=self.tick())
        self.statuses[number] = (self.clock, status)
        self.send(portal_seen(number, seen=at, status=status, updated=at), w, hold=False)

    @rule(number=NUMBERS, status=STATUSES, w=st.integers(0, 1), hold=st.booleans())
    def card_moves(self, number: str, status: str, w: int, hold: bool) -> None:
        at = NOW + timedelta(seconds=self.tick())
        self.cards[number] = (self.clock, status)
        facts = card(f"T5G-{number[-1]}", status=status, updated=at)
        self.send(self.item(number, facts, at), w, hold=hold)

    @rule(number=NUMBERS, w=st.integers(0, 1), hold=st.booleans())
    def card_goes(self, number: str, w: int, hold: bool) -> None:
        at = NOW + timedelta(seconds=self.tick())
        self.cards[number] = (self.clock, None)
        self.send(self.item(number, None, at), w, hold=hold)

    @staticmethod
    def item(number: str, facts: Any, at: Any) -> ItemSeen:
        key = f"T5G-{number[-1]}"
        return ItemSeen(
            number=number, source=Source.CARD, key=key, facts=facts, updated=at, seen=at
        )

    @rule(which=st.integers(0, 50), w=st.integers(0, 1))
    def held_event_arrives(self, which: int, w: int) -> None:
        if self.held:
            observation = self.held.pop(which % len(self.held))
            self.sent.append(observation)
            self.run(self.stores[w].write([observation, observation], now=NOW))

    @rule(which=st.integers(0, 50), w=st.integers(0, 1))
    def old_event_comes_again(self, which: int, w: int) -> None:
        if self.sent:
            self.run(self.stores[w].write([self.sent[which % len(self.sent)]], now=NOW))

    @rule(which=st.integers(0, 1))
    def process_restarts(self, which: int) -> None:
        self.boards[which] = self.new_board(self.stores[which])

    @rule(which=st.integers(0, 1))
    def board_reloads(self, which: int) -> None:
        self.run(self.boards[which].reload())

    @rule(number=NUMBERS)
    def case_is_removed(self, number: str) -> None:
        if self.run(self.stores[0].remove(number, now=NOW)):
            self.statuses.pop(number, None)
            self.cards.pop(number, None)
            self.held = [x for x in self.held if x.number != number]
            self.sent = [x for x in self.sent if x.number != number]

    @invariant()
    def boards_equal_store_and_model(self) -> None:
        if not hasattr(self, "boards"):
            return
        self.run(self.boards[0].refresh())
        self.run(self.boards[1].refresh())
        kept = {}
        for fields in self.run(self.everything()):
            case = assemble(fields, Rules())
            if case is not None:
                kept[case.number] = case
        for board in self.boards:
            assert {n: e.case for n, e in board.entries.items()} == kept
        assert {n: case.portal.status for n, case in kept.items()} == {
            n: status for n, (_, status) in self.statuses.items()
        }
        for number, case in kept.items():
            if not any(x.number == number for x in self.held):
                _, status = self.cards.get(number, (0, None))
                assert (case.card.status if case.card else None) == status

    async def everything(self) -> list[Any]:
        return [fields async for fields in self.stores[0].read_all()]

    def teardown(self) -> None:
        if hasattr(self, "clients"):
            for client in self.clients:
                self.run(client.aclose())
            self.loop.close()


def test_store_and_boards_equal_the_model(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "redis_url", redis_url)
    machine: Any = Machine.TestCase
    machine.settings = settings(
        max_examples=40,
        stateful_step_count=25,
        suppress_health_check=[HealthCheck.too_slow],
    )
    machine("runTest").runTest()
