"""Events written in groups: what was done is remembered along the way, or soon after the last."""

import asyncio
from datetime import datetime

import pytest
from redis.asyncio import Redis

from t5g.board import Board
from t5g.errors import StoreError
from t5g.inbox import Inbox
from t5g.jira_decisions import Outcome
from t5g.jira_events import DELIVERY, Event, read_event
from t5g.jira_intake import Delivery, Intake
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import Sync
from tests import wall_clock
from tests.making import NOW, portal_seen
from tests.making_jira import body_of, event, issue_event
from webhooks.jira.commit import GroupCommit

ONE = "01234567"


def delivery(n: int, payload: dict[str, object] | None = None) -> Delivery:
    body = body_of(payload or issue_event("updated", n, status=f"S{n}"))
    headers = {DELIVERY: f"d-{n}"}
    found = read_event(body, headers, received=NOW)
    assert isinstance(found, Event)
    return Delivery(found, body, headers)


@pytest.fixture
def inbox(redis: Redis) -> Inbox:
    """An empty inbox."""
    return Inbox(redis, Keys())


@pytest.fixture
def asked() -> list[Sync]:
    """The syncs that were asked for."""
    return []


@pytest.fixture
async def commit(store: Store, board: Board, inbox: Inbox, asked: list[Sync]) -> GroupCommit:
    """What the web process has, and a case that the Portal has told of."""
    await store.write([portal_seen()], now=NOW)
    intake = Intake(store, board, inbox, Settings(_env_file=None))
    return GroupCommit(intake, clock=wall_clock.now, ask=asked.extend)


async def remembered(inbox: Inbox) -> int:
    return (await inbox.arrivals()).total


async def test_all_that_come_together_are_answered_in_their_order(
    commit: GroupCommit, board: Board
) -> None:
    deliveries = [delivery(n % 150) for n in range(151)]  # more than one group, the first again
    outcomes = await asyncio.gather(*map(commit.apply, deliveries))
    assert outcomes == [Outcome.APPLIED] * 150 + [Outcome.DUPLICATE]
    await board.refresh()
    card = board.entries[ONE].card
    assert card is not None
    assert card.status == "S149"


async def test_what_was_done_is_remembered_along_the_way(commit: GroupCommit, inbox: Inbox) -> None:
    for n in range(4):
        await commit.apply(delivery(n))
        assert await remembered(inbox) >= n


async def test_what_was_done_last_is_remembered_soon(commit: GroupCommit, inbox: Inbox) -> None:
    await commit.apply(delivery(0))
    async with asyncio.timeout(10):
        while not await remembered(inbox):
            await asyncio.sleep(0.01)
    assert await commit.apply(delivery(0)) is Outcome.DUPLICATE


async def test_a_process_that_ends_remembers_what_it_did(commit: GroupCommit, inbox: Inbox) -> None:
    await commit.apply(delivery(0))
    late = asyncio.ensure_future(commit.apply(delivery(1)))
    await asyncio.sleep(0)
    await commit.close()
    assert await late is Outcome.APPLIED
    assert await remembered(inbox) == 2


async def test_the_syncs_that_should_look_are_asked_for(
    commit: GroupCommit, asked: list[Sync]
) -> None:
    await commit.apply(delivery(0, event("sprint_started", 0, sprint={"id": 5})))
    assert asked == [Sync.CARDS]


async def test_of_a_group_that_can_not_be_written_only_the_one_at_fault_pays(
    commit: GroupCommit, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Intake.apply

    async def sometimes(self: Intake, batch: list[Delivery], *, now: datetime) -> object:
        if any(one.headers[DELIVERY] == "d-2" for one in batch):
            raise RuntimeError("broken by this one")
        return await real(self, batch, now=now)

    monkeypatch.setattr(Intake, "apply", sometimes)
    found = await asyncio.gather(
        *(commit.apply(delivery(n)) for n in (1, 2, 3)), return_exceptions=True
    )
    assert [found[0], found[2]] == [Outcome.APPLIED] * 2
    assert isinstance(found[1], RuntimeError)
    await board.refresh()
    card = board.entries[ONE].card
    assert card is not None
    assert card.status == "S3"
    await commit.close()


async def test_while_the_store_is_away_all_of_a_group_are_told_to_come_again(
    commit: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreError("Redis does not answer")

    monkeypatch.setattr(Intake, "apply", away)
    monkeypatch.setattr(Intake, "settle", away)
    found = await asyncio.gather(
        *(commit.apply(delivery(n)) for n in (1, 2)), return_exceptions=True
    )
    assert [type(one) for one in found] == [StoreError] * 2
    await commit.close()


async def test_who_gave_up_waiting_disturbs_no_other(
    commit: GroupCommit, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection of JIRA that breaks; its event is written all the same."""
    first, second = (asyncio.ensure_future(commit.apply(delivery(n))) for n in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is Outcome.APPLIED
    assert await commit.apply(delivery(1)) is Outcome.DUPLICATE
    await board.refresh()

    async def away(*_: object, **__: object) -> None:
        raise StoreError("Redis does not answer")

    monkeypatch.setattr(Intake, "apply", away)
    third, fourth = (asyncio.ensure_future(commit.apply(delivery(n))) for n in (3, 4))
    await asyncio.sleep(0)
    third.cancel()
    with pytest.raises(StoreError):
        await fourth
