"""Events applied on a real Redis: once in effect, none lost, none kept from being applied."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from t5g import jira_intake
from t5g.alerts import Alerts
from t5g.board import Board
from t5g.clock import BEHIND
from t5g.connection import open_redis
from t5g.errors import StoreError
from t5g.inbox import DeadLetter, Inbox, letter_of
from t5g.jira_decisions import Outcome
from t5g.jira_events import DELIVERY, Event, Unreadable, delivery_of, read_event
from t5g.jira_intake import ALERT, Delivery, Intake
from t5g.keys import Keys
from t5g.model import Comment
from t5g.settings import Settings
from t5g.state import CommentsSeen
from t5g.store import Store
from t5g.syncs import Sync
from tests.making import NOW, card_seen, portal_seen
from tests.making_jira import T0, at, body_of, comment, comment_event, event, issue, issue_event

ONE = "01234567"
SETTINGS = Settings(_env_file=None)


@pytest.fixture
def inbox(redis: Redis) -> Inbox:
    """An empty inbox."""
    return Inbox(redis, Keys())


@pytest.fixture
async def intake(store: Store, board: Board, inbox: Inbox) -> Intake:
    """An intake, and a case that the Portal has told of."""
    await store.write([portal_seen()], now=NOW)
    return Intake(store, board, inbox, SETTINGS)


def delivery(payload: Any, id: str = "") -> Delivery:
    headers = {DELIVERY: id} if id else {}
    body = body_of(payload)
    found = read_event(body, headers, received=NOW)
    assert isinstance(found, Event | Unreadable)
    return Delivery(found, body, headers)


async def apply(intake: Intake, *payloads: Any) -> list[Outcome]:
    """Apply payloads together; a tuple is a payload with its delivery's identifier."""
    made = [delivery(*p) if isinstance(p, tuple) else delivery(p) for p in payloads]
    return (await intake.apply(made, now=NOW)).outcomes


async def status(store: Store, board: Board) -> str | None:
    await board.refresh()
    card = board.entries[ONE].card
    return card.status if card else None


def break_on(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """A bug of ours: events that bring a card into this status can not be decided."""
    real = jira_intake.decide

    def decide(event: Event, *args: Any) -> Any:
        if event.issue and event.issue["fields"]["status"]["name"] == status:
            raise ZeroDivisionError("a bug of ours")
        return real(event, *args)

    monkeypatch.setattr(jira_intake, "decide", decide)


# Once in effect


async def test_a_repeated_delivery_is_recognised(intake: Intake, store: Store) -> None:
    first = issue_event("created", 0), "d-1"
    assert await apply(intake, first) == [Outcome.APPLIED]
    before = await store.position()
    assert await apply(intake, first, first) == [Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert await store.position() == before


async def test_a_delivery_that_comes_twice_at_once_is_applied_once(intake: Intake) -> None:
    first = issue_event("created", 0), "d-1"
    assert await apply(intake, first, first) == [Outcome.APPLIED, Outcome.DUPLICATE]


async def test_a_crash_before_it_is_remembered_changes_nothing_the_second_time(
    store: Store, board: Board, inbox: Inbox
) -> None:
    await store.write([portal_seen()], now=NOW)
    for outcome in (Outcome.APPLIED, Outcome.UNCHANGED):
        intake = Intake(store, board, inbox, SETTINGS)  # another process, which can not remember
        assert await apply(intake, (issue_event("created", 0), "d-1")) == [outcome]
    assert len(await store.feed_after(0) or ()) == 2  # the case, and the card once


async def test_what_was_done_is_remembered_by_another_process(
    intake: Intake, store: Store, board: Board, inbox: Inbox
) -> None:
    await apply(intake, (issue_event("created", 0), "d-1"))
    await intake.settle(now=NOW)
    other = Intake(store, board, inbox, SETTINGS)
    assert await apply(other, (issue_event("created", 0), "d-1")) == [Outcome.DUPLICATE]


async def test_each_event_of_a_group_says_what_became_of_itself(intake: Intake) -> None:
    """Also if all of them are about one card, and are written in one step."""
    await apply(intake, (issue_event("updated", 5, status="Done"), "d-1"))
    older, newer = issue_event("updated", 2, status="Open"), comment_event("created", 6)
    outcomes = await apply(intake, (older, "d-2"), (newer, "d-3"), (older, "d-2"))
    assert outcomes == [Outcome.UNCHANGED, Outcome.APPLIED, Outcome.DUPLICATE]


@pytest.mark.parametrize("late", [0, 30])
async def test_a_comment_that_came_just_before_a_listing_without_it_stays(
    intake: Intake, store: Store, board: Board, late: float
) -> None:
    """JIRA's clock may be behind ours, and so may the index that a search reads."""
    await store.write([card_seen(seen=T0, updated=T0)], now=NOW)
    said = comment_event("created", 1, body="hi")
    listed = at(1) + timedelta(seconds=late)
    nothing = CommentsSeen(number=ONE, card="T5G-1", comments=(), complete=True, seen=listed)
    known = CommentsSeen(
        number=ONE, card="T5G-1", comments=(Comment(id="7", body="old", created=T0),), seen=T0
    )
    await store.write([known, nothing], now=NOW)
    assert await apply(intake, (said, "d-1")) == [Outcome.APPLIED]
    await store.write([nothing], now=NOW)
    await board.refresh()
    assert [one.body for one in board.entries[ONE].case.comments["T5G-1"]] == ["hi"]


async def test_a_comment_that_a_later_listing_does_not_have_says_that_nothing_changed(
    intake: Intake, store: Store
) -> None:
    await store.write([card_seen(seen=T0, updated=T0)], now=NOW)
    listed = at(1) + 2 * BEHIND
    known = CommentsSeen(
        number=ONE, card="T5G-1", comments=(Comment(id="7", body="old", created=T0),), seen=listed
    )
    await store.write([known], now=NOW)
    assert await apply(intake, (comment_event("created", 1), "d-1")) == [Outcome.UNCHANGED]


async def test_events_of_one_group_see_what_the_ones_before_did(
    intake: Intake, board: Board
) -> None:
    """Data Center's comment without an issue comes right behind the card that it is of."""
    await apply(
        intake,
        issue_event("created", 0),
        event("comment_created", 1, comment=comment(body="hi", minutes=1)),
    )
    await board.refresh()
    assert [c.body for c in board.entries[ONE].case.card_comments] == ["hi"]


async def test_the_syncs_that_should_look_are_told(intake: Intake) -> None:
    made = [delivery(issue_event("created", 0, summary="No number"))]
    assert (await intake.apply(made, now=NOW)).resyncs == {Sync.CARDS}


# Dead letters


async def test_an_event_in_an_unknown_shape_is_kept_and_told(intake: Intake, inbox: Inbox) -> None:
    odd = event("jira:issue_updated", issue={"id": "10001"})
    assert await apply(intake, (odd, "d-1")) == [Outcome.PARKED]
    [letter] = await inbox.letters()
    assert (letter.subject, letter.raw) == ("10001", body_of(odd))
    assert (letter.id, letter.headers[DELIVERY]) == (delivery_of(body_of(odd)), "d-1")
    assert "no key" in letter.error


async def test_a_bug_of_ours_loses_no_event_and_stops_no_other(
    intake: Intake, inbox: Inbox, store: Store, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_on(monkeypatch, "Blocked")
    outcomes = await apply(
        intake, issue_event("created", 0), issue_event("updated", 1, status="Blocked"),
        comment_event("created", 2, of=issue(status="Open")),
    )  # fmt: skip
    assert outcomes == [Outcome.APPLIED, Outcome.PARKED, Outcome.APPLIED]
    assert await status(store, board) == "Open"
    [letter] = await inbox.letters()
    assert letter.error == "ZeroDivisionError: a bug of ours"


async def test_a_write_that_fails_for_one_event_fails_for_no_other(
    intake: Intake, inbox: Inbox, store: Store, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.write

    async def write(observations: Any, **kwargs: Any) -> Any:
        found = list(observations)
        if any(getattr(o.facts, "status", "") == "Blocked" for o in found):
            raise TypeError("can not be joined")
        return await real(found, **kwargs)

    monkeypatch.setattr(store, "write", write)
    outcomes = await apply(
        intake, issue_event("created", 0), issue_event("updated", 1, status="Blocked"),
        issue_event("updated", 2, status="Done"),
    )  # fmt: skip
    assert outcomes == [Outcome.APPLIED, Outcome.PARKED, Outcome.APPLIED]
    assert await status(store, board) == "Done"
    assert await inbox.count() == 1


async def test_the_first_dead_letter_raises_an_alert_and_the_last_clears_it(
    intake: Intake, inbox: Inbox, redis: Redis
) -> None:
    alerts = Alerts(redis, Keys())
    await apply(intake, (event("jira:issue_updated", 1), "a"), (event("comment_created", 2), "b"))
    [raised] = await alerts.raised()
    assert (raised.name, "t5g deadletters" in raised.hint) == (ALERT, True)
    one, two = await inbox.letters()
    await intake.drop(one)
    assert await alerts.raised() == [raised]
    await intake.drop(two)
    assert await alerts.raised() == []
    assert [notice.raised for notice in await alerts.unposted()] == [True, False]


async def test_the_next_event_of_the_issue_drains_what_is_parked_first(
    intake: Intake, inbox: Inbox, store: Store, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as bug:
        break_on(bug, "Blocked")
        await apply(intake, issue_event("created", 0), issue_event("updated", 1, status="Blocked"))
    assert await inbox.count() == 1
    await apply(intake, comment_event("created", 2, of=issue(status="Blocked")))
    assert await inbox.count() == 0
    assert await status(store, board) == "Blocked"


async def test_events_of_other_issues_do_not_drain_it(
    intake: Intake, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as bug:
        break_on(bug, "Blocked")
        await apply(intake, issue_event("created", 0, status="Blocked"))
    await apply(intake, issue_event("created", 0, key="T5G-2"))
    assert await inbox.count() == 1


async def test_what_stays_parked_holds_nothing_back(
    intake: Intake, inbox: Inbox, store: Store, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_on(monkeypatch, "Blocked")
    await apply(intake, issue_event("created", 0), issue_event("updated", 1, status="Blocked"))
    assert await apply(intake, issue_event("updated", 2, status="Done")) == [Outcome.APPLIED]
    assert await status(store, board) == "Done"
    assert await inbox.count() == 1


async def test_an_old_letter_applied_late_changes_nothing_newer(
    intake: Intake, inbox: Inbox, store: Store, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as bug:
        break_on(bug, "Blocked")
        await apply(intake, issue_event("updated", 1, status="Blocked"))
        await apply(intake, issue_event("updated", 2, status="Done"))
    drained = await intake.drain_all(now=NOW)
    assert (drained.applied, await inbox.count()) == (1, 0)
    assert await status(store, board) == "Done"


async def test_letters_are_applied_in_the_order_of_their_events(
    intake: Intake, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as bug:
        break_on(bug, "Blocked")
        for minute in (3, 1, 2):
            await apply(intake, issue_event("updated", minute, status="Blocked"))
    tried: list[str] = []
    real = jira_intake.decide

    def watched(event: Event, *args: Any) -> Any:
        tried.append(f"at-{event.at.minute - NOW.minute}")
        return real(event, *args)

    monkeypatch.setattr(jira_intake, "decide", watched)
    assert (await intake.drain_all(now=NOW)).applied == 3
    assert tried == ["at-1", "at-2", "at-3"]


async def test_the_timed_job_tries_what_is_due_and_drops_what_is_too_old(
    intake: Intake, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_on(monkeypatch, "Blocked")
    await apply(intake, (issue_event("updated", 1, status="Blocked"), "d-1"))
    assert (await intake.drain_due(now=NOW)).failed == 0
    assert (await intake.drain_due(now=NOW + timedelta(minutes=2))).failed == 1
    [letter] = await inbox.letters()
    assert letter.attempts == 2
    drained = await intake.drain_due(now=NOW + timedelta(days=31))
    assert (drained.expired, await inbox.count()) == (1, 0)


async def test_an_operator_replays_a_letter_and_is_told_why_it_stays(
    intake: Intake, inbox: Inbox, store: Store, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as bug:
        break_on(bug, "Blocked")
        await apply(intake, issue_event("updated", 1, status="Blocked"))
        [letter] = await inbox.letters()
        assert await intake.replay(letter, now=NOW) == "ZeroDivisionError: a bug of ours"
    assert await intake.replay(letter, now=NOW) == ""
    assert await status(store, board) == "Blocked"


async def test_a_repetition_of_a_parked_delivery_is_parked_once(
    intake: Intake, inbox: Inbox
) -> None:
    odd = event("jira:issue_updated", 1), "d-1"
    assert await apply(intake, odd) == [Outcome.PARKED]
    assert await apply(intake, odd) == [Outcome.DUPLICATE]
    assert await inbox.count() == 1


# Redis away


async def test_redis_away_is_told_so_that_jira_repeats_it(board: Board) -> None:
    gone = open_redis("unix:///nowhere/redis.sock")
    store = Store(gone, Keys())
    intake = Intake(store, board, Inbox(gone, Keys()), SETTINGS)
    with pytest.raises(StoreError):
        await apply(intake, issue_event("created", 0))
    await gone.aclose()


@pytest.fixture
async def half_away(store: Store, board: Board, inbox: Inbox) -> AsyncIterator[Intake]:
    """An intake that can look, but not write: Redis went away in between."""
    await store.write([portal_seen()], now=NOW)
    gone = open_redis("unix:///nowhere/redis.sock")
    yield Intake(Store(gone, Keys()), board, inbox, SETTINGS)
    await gone.aclose()


async def test_redis_gone_before_the_write_parks_nothing(
    half_away: Intake, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError):
        await apply(half_away, issue_event("created", 0))
    real, broken = half_away.write, [TypeError("can not be joined")]

    async def write(*args: Any) -> None:
        if broken:
            raise broken.pop()
        await real(*args)

    monkeypatch.setattr(half_away, "write", write)
    with pytest.raises(StoreError):
        await apply(half_away, issue_event("created", 0), issue_event("updated", 1))
    assert await inbox.count() == 0


async def test_redis_gone_while_a_letter_is_tried_again_leaves_it_as_it_was(
    half_away: Intake, inbox: Inbox
) -> None:
    await inbox.put(letter(issue_event("created", 0)))
    [kept] = await inbox.letters()
    with pytest.raises(StoreError):
        await half_away.replay(kept, now=NOW)
    assert await inbox.letters() == [kept]


# Letters


def letter(payload: Any, subject: str = "10001") -> DeadLetter:
    """A letter of an event that could not be applied for a reason that is no more."""
    body = payload if isinstance(payload, bytes) else body_of(payload)
    return letter_of(
        id="d-1", subject=subject, name="jira:issue_updated", error="a bug of ours",
        event_at=NOW.timestamp(), now=NOW.timestamp(), headers={DELIVERY: "d-1"}, body=body,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[]", "The body is no JSON object."),
        (b"\xff\x00", "The body is no JSON object."),
        (body_of(event("jira:issue_updated")), "jira:issue_updated without an issue object"),
    ],
)
async def test_a_letter_that_can_not_be_read_stays_and_says_why(
    intake: Intake, inbox: Inbox, body: bytes, why: str
) -> None:
    await inbox.put(letter(body))
    [kept] = await inbox.letters()
    assert await intake.replay(kept, now=NOW) == why
    [again] = await inbox.letters()
    assert (again.error, again.attempts, again.raw) == (why, 2, body)


async def test_a_letter_that_needs_what_was_written_just_before_looks_at_it(
    intake: Intake, inbox: Inbox, store: Store, board: Board
) -> None:
    """Data Center's comment without an issue waits for the card that another process brings."""
    await board.refresh()
    said = event("comment_created", 1, comment=comment(body="hi", minutes=1))
    await inbox.put(letter(said))
    await store.write([card_seen(ONE, "T5G-1", id="10001")], now=NOW)
    assert (await intake.drain_all(now=NOW)).applied == 1
    await board.refresh()
    assert [c.body for c in board.entries[ONE].case.comments["T5G-1"]] == ["hi"]


async def test_a_letter_that_somebody_else_applied_meanwhile_is_passed_over(
    intake: Intake, inbox: Inbox, redis: Redis
) -> None:
    await inbox.put(letter(issue_event("created", 0)))
    await redis.hdel(Keys().named("inbox", "letters"), "d-1")
    drained = await intake.drain_all(now=NOW)
    assert (drained.applied, drained.failed) == (0, 0)


async def test_whether_a_letter_is_due_can_be_asked(intake: Intake, inbox: Inbox) -> None:
    assert not await intake.is_due(now=NOW)
    await inbox.put(letter(issue_event("created", 0)))
    assert not await intake.is_due(now=NOW)
    assert await intake.is_due(now=NOW + timedelta(minutes=2))
    assert await intake.is_due(now=NOW + timedelta(days=31))
