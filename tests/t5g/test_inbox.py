"""What is kept of deliveries: which were done, when they came, and dead letters until applied."""

from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from t5g.inbox import (
    BUCKET_SECONDS,
    FIRST_WAIT,
    LONGEST_WAIT,
    Arrivals,
    DeadLetter,
    Inbox,
    letter_of,
)
from t5g.keys import Keys

NOW = 1_795_521_600.0


@pytest.fixture
def inbox(redis: Redis) -> Inbox:
    """An empty inbox."""
    return Inbox(redis, Keys())


def letter(
    id: str = "d-1", subject: str = "10001", event_at: float = NOW, **facts: Any
) -> DeadLetter:
    facts = {"name": "jira:issue_updated", "error": "ValueError: odd", "now": NOW, **facts}
    facts = {"headers": {"X-Atlassian-Webhook-Identifier": id}, "body": b"{}", **facts}
    return letter_of(id=id, subject=subject, event_at=event_at, **facts)


async def test_a_delivery_that_was_done_is_recognised(inbox: Inbox) -> None:
    assert (await inbox.look(["a", "b"], ["-"], now=NOW)).done == frozenset()
    await inbox.mark_done(["a"], now=NOW)
    assert (await inbox.look(["a", "b"], ["-"], now=NOW)).done == {"a"}
    known = await inbox.look(["b", "c"], ["-"], now=NOW, done=["c"])
    assert known.done == {"c"}
    assert await inbox.arrivals() == Arrivals(last=NOW, total=2)


async def test_other_keys_and_hashes_are_read_in_the_same_round_trip(
    inbox: Inbox, redis: Redis
) -> None:
    await redis.set("t5g:seq", 7)
    await redis.hset("t5g:case:1", "card", "{}")
    known = await inbox.look(
        ["a"], ["-"], now=NOW, done=["b"], keys=["t5g:epoch", "t5g:seq"],
        fields=[("t5g:case:1", "card"), ("t5g:case:2", "card"), ("t5g:case:1", "bugs")],
    )  # fmt: skip
    assert known.values == [None, b"7"]
    assert known.fields == [b"{}", None, None]
    known = await inbox.look(["a"], ["-"], now=NOW)
    assert (known.values, known.fields) == ([], [])


async def test_a_delivery_is_remembered_for_hours_and_not_for_ever(inbox: Inbox) -> None:
    await inbox.mark_done(["a"], now=NOW)
    assert (await inbox.look(["a"], ["-"], now=NOW + BUCKET_SECONDS)).done == {"a"}
    assert (await inbox.look(["a"], ["-"], now=NOW + 2 * BUCKET_SECONDS)).done == frozenset()


async def test_what_is_remembered_fades_from_redis(inbox: Inbox, redis: Redis) -> None:
    await inbox.mark_done(["a"], now=NOW)
    [bucket] = await redis.keys("t5g:inbox:done:*")
    assert 0 < await redis.ttl(bucket) <= 2 * BUCKET_SECONDS


async def test_arrivals_say_when_the_last_event_came(inbox: Inbox) -> None:
    assert await inbox.arrivals() == Arrivals()
    await inbox.mark_done(["a", "b"], now=NOW)
    await inbox.mark_done(["c"], now=NOW + 1)
    assert await inbox.arrivals() == Arrivals(last=NOW + 1, total=3)


async def test_a_letter_is_kept_whole(inbox: Inbox) -> None:
    kept = letter(body='{"é": 1}'.encode())
    assert await inbox.put(kept)
    assert await inbox.get("d-1") == kept
    assert kept.raw == '{"é": 1}'.encode()
    assert (await inbox.look(["-"], ["10001", "other"], now=NOW)).parked == {"10001"}


async def test_bytes_that_are_no_text_are_kept_too(inbox: Inbox) -> None:
    await inbox.put(letter(body=b"\xff\x00\xfe"))
    found = await inbox.get("d-1")
    assert found is not None
    assert found.raw == b"\xff\x00\xfe"


async def test_letters_of_an_issue_come_in_the_order_of_its_events(inbox: Inbox) -> None:
    for id, event_at in (("late", NOW + 9), ("first", NOW - 9), ("mid", NOW)):
        await inbox.put(letter(id, event_at=event_at))
    await inbox.put(letter("other", subject="10002", event_at=NOW - 99))
    assert [found.id for found in await inbox.of_subject("10001")] == ["first", "mid", "late"]


async def test_only_the_first_letter_is_the_first(inbox: Inbox) -> None:
    assert await inbox.put(letter("a"))
    assert not await inbox.put(letter("b"))
    assert not await inbox.put(letter("a"))
    assert await inbox.count() == 2


async def test_a_letter_that_was_dropped_leaves_nothing_behind(inbox: Inbox, redis: Redis) -> None:
    await inbox.put(letter())
    assert await inbox.drop(letter())
    assert not await inbox.drop(letter())
    assert await redis.keys("t5g:inbox:*") == []


async def test_an_issue_is_held_as_long_as_it_has_letters(inbox: Inbox) -> None:
    await inbox.put(letter("a"))
    await inbox.put(letter("b"))
    await inbox.drop(letter("a"))
    assert (await inbox.look(["-"], ["10001"], now=NOW)).parked == {"10001"}
    await inbox.drop(letter("b"))
    assert (await inbox.look(["-"], ["10001"], now=NOW)).parked == frozenset()


async def test_a_letter_is_due_after_a_while_that_doubles(inbox: Inbox) -> None:
    await inbox.put(letter())
    assert await inbox.due(now=NOW + FIRST_WAIT - 1) == []
    [due] = await inbox.due(now=NOW + FIRST_WAIT)
    again = await inbox.failed_again(due, "ValueError: still odd", now=NOW + FIRST_WAIT)
    assert (again.attempts, again.error) == (2, "ValueError: still odd")
    assert await inbox.due(now=NOW + FIRST_WAIT * 2) == []
    assert await inbox.due(now=NOW + FIRST_WAIT * 3) == [again]


def test_the_wait_is_never_longer_than_some_hours() -> None:
    tried = DeadLetter(id="x", subject="1", name="", error="", event_at=0, received=0, attempts=500)
    assert tried.next_try == LONGEST_WAIT


async def test_letters_are_bounded_by_age_and_not_by_count(inbox: Inbox) -> None:
    for index in range(30):
        await inbox.put(letter(f"d-{index:02}", now=NOW + index))
    moment = datetime.fromtimestamp(NOW + 2, UTC)
    assert [found.id for found in await inbox.received_before(moment)] == ["d-00", "d-01"]
    assert await inbox.count() == 30
    assert await inbox.oldest() == NOW


async def test_the_age_of_a_letter_is_that_of_its_first_arrival(inbox: Inbox) -> None:
    await inbox.put(letter())
    await inbox.failed_again(letter(), "again", now=NOW + 999)
    assert await inbox.oldest() == NOW


async def test_letters_are_listed_in_pages(inbox: Inbox) -> None:
    for index in range(5):
        await inbox.put(letter(f"d-{index}", now=NOW + index))
    assert [found.id for found in await inbox.letters(1, 2)] == ["d-1", "d-2"]


async def test_a_letter_that_somebody_dropped_meanwhile_does_not_come_back(inbox: Inbox) -> None:
    await inbox.put(letter())
    [found] = await inbox.letters()
    await inbox.drop(found)
    await inbox.failed_again(found, "still odd", now=NOW + 60)
    assert await inbox.count() == 0
    assert await inbox.subjects() == []


async def test_it_says_whether_something_is_due_or_too_old(inbox: Inbox) -> None:
    assert not await inbox.is_due(now=NOW + 10**6, expired=NOW + 10**6)
    await inbox.put(letter())
    assert not await inbox.is_due(now=NOW, expired=NOW)
    assert await inbox.is_due(now=NOW + FIRST_WAIT, expired=NOW)
    assert await inbox.is_due(now=NOW, expired=NOW + 1)


async def test_all_letters_of_an_issue_are_named_in_the_order_of_its_events(inbox: Inbox) -> None:
    for number in (3, 1, 2):
        await inbox.put(letter(id=f"d-{number}", event_at=NOW + number))
    await inbox.put(letter(id="other", subject="10002"))
    assert await inbox.ids_of_subject("10001") == ["d-1", "d-2", "d-3"]
    assert await inbox.subjects() == ["10001", "10002"]


async def test_a_letter_whose_next_try_lies_beyond_the_longest_wait_is_due(inbox: Inbox) -> None:
    """A clock that was a month ahead set it; until then it would wait."""
    await inbox.put(letter(now=NOW + 31 * 86_400))
    assert await inbox.is_due(now=NOW, expired=0.0)
    [found] = await inbox.due(now=NOW)
    await inbox.failed_again(found, "again", now=NOW)
    assert not await inbox.is_due(now=NOW, expired=0.0)
    assert await inbox.due(now=NOW) == []
