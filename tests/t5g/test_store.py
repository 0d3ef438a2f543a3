"""The store against a real Redis: atomic, newer wins, told in the feed, nothing twice."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g.changes import Change
from t5g.connection import open_redis
from t5g.errors import StoreError
from t5g.keys import Keys
from t5g.model import Source
from t5g.state import ItemSeen
from t5g.store import FeedEntry, Store
from tests.making import NOW, ago, card_seen, details_seen, portal_seen


async def test_write_is_told_in_the_feed(store: Store) -> None:
    await store.write([portal_seen(severity="2 (High)", updated=ago(hours=2))], now=NOW)
    written = await store.write([portal_seen(severity="1 (Urgent)", updated=NOW)], now=NOW)
    assert Change("severity", "2 (High)", "1 (Urgent)") in written[0].changes
    feed = await store.feed_after(0)
    assert feed is not None
    assert [entry.sequence for entry in feed] == [1, 2]
    assert feed[1].changes == written[0].changes
    assert feed[1].at == int(NOW.timestamp() * 1000)


async def test_nothing_changed_means_nothing_written(store: Store) -> None:
    await store.write([portal_seen(), card_seen()], now=NOW)
    before = await store.position()
    assert await store.write([portal_seen(), card_seen()], now=NOW) == []
    assert await store.position() == before


async def test_older_event_changes_nothing(store: Store) -> None:
    await store.write([card_seen(status="Done", updated=NOW)], now=NOW)
    assert await store.write([card_seen(status="Open", updated=ago(minutes=1))], now=NOW) == []


async def test_two_sources_never_overwrite_each_other(store: Store) -> None:
    await asyncio.gather(
        *(
            store.write([observation], now=NOW)
            for observation in (portal_seen(), card_seen(), details_seen(crit_sit=True))
        )
    )
    fields = await store.read("01234567")
    assert fields is not None
    assert set(fields.states) == {Source.PORTAL, Source.CARD, Source.DETAILS}


async def test_many_writers_at_once_lose_nothing(store: Store) -> None:
    await asyncio.gather(*(store.write([card_seen(key=f"T5G-{n}")], now=NOW) for n in range(1, 13)))
    fields = await store.read("01234567")
    assert fields is not None
    cards = fields.states[Source.CARD].cards.items  # type: ignore[union-attr]
    assert set(cards) == {f"T5G-{n}" for n in range(1, 13)}
    assert (await store.position()).sequence == 12


async def test_one_contested_state_does_not_hold_up_the_others(store: Store) -> None:
    numbers = [f"{n:08d}" for n in range(250)]  # more than one round trip
    await store.write([portal_seen(number) for number in numbers], now=NOW)
    moved = [portal_seen(n, status="Closed", updated=NOW) for n in numbers]
    once = [portal_seen(numbers[3], status="Waiting on Customer", updated=NOW)]
    written, _ = await asyncio.gather(store.write(moved, now=NOW), store.write(once, now=NOW))
    assert len({row.number for row in written}) >= 249
    sequences = [row.sequence for row in written]
    assert sequences == sorted(sequences)
    kept = {row.number: row.states async for row in store.read_all()}
    for row in written:
        if row.number != numbers[3]:
            assert row.state == kept[row.number][Source.PORTAL]


async def test_what_the_caller_read_too_early_is_read_again(store: Store) -> None:
    place = ("01234567", Source.CARD)
    early = {place: None}
    await store.write([card_seen(status="Open")], now=NOW)
    moved = card_seen(key="T5G-2", status="Done", updated=NOW)
    await store.write([moved, portal_seen()], now=NOW, read=early)
    fields = await store.read("01234567")
    assert fields is not None
    assert set(fields.states) == {Source.CARD, Source.PORTAL}
    assert set(fields.states[Source.CARD].cards.items) == {"T5G-1", "T5G-2"}


async def test_who_comes_too_late_each_time_is_told_where(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t5g.store.ATTEMPTS", 1)
    await store.write([card_seen(status="Open")], now=NOW)
    late = card_seen(status="Done", updated=NOW)
    with pytest.raises(StoreError, match=r"^Too many writers at once on 01234567; try again"):
        await store.write([late], now=NOW, read={("01234567", Source.CARD): None})
    fields = await store.read("01234567")
    assert fields is not None
    cards = fields.states[Source.CARD].cards.items  # type: ignore[union-attr]
    assert cards["T5G-1"].facts.status == "Open"


async def test_feed_that_was_cut_says_so(redis: Redis) -> None:
    store = Store(redis, Keys(), feed_length=10)
    for n in range(400):
        await store.write([portal_seen(f"{n:08}")], now=NOW)
    assert await store.feed_after(1) is None
    newest = (await store.position()).sequence
    assert await store.feed_after(newest) == []


async def test_remove_forgets_once(store: Store) -> None:
    await store.write([portal_seen()], now=NOW)
    assert await store.remove("01234567", now=NOW)
    assert not await store.remove("01234567", now=NOW)
    assert await store.read("01234567") is None
    assert await store.numbers() == set()


async def test_prefixes_keep_installations_apart(redis: Redis) -> None:
    ours, theirs = Store(redis, Keys("a:")), Store(redis, Keys("b:"))
    await ours.write([portal_seen()], now=NOW)
    assert await theirs.numbers() == set()


async def test_lost_redis_is_a_sentence() -> None:
    client = open_redis("unix:///nowhere/at/all.sock")
    with pytest.raises(StoreError, match="Redis does not answer") as raised:
        await Store(client, Keys()).write([portal_seen()], now=NOW)
    assert isinstance(raised.value.__cause__, RedisError), "what it was stays chained"
    await client.aclose()


async def test_full_redis_refuses_and_keeps(store: Store, redis: Redis) -> None:
    await store.write([portal_seen()], now=NOW)
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreError):
            await store.write([portal_seen("07654321")], now=NOW)
    finally:
        await redis.config_set("maxmemory", "0")
    assert await store.numbers() == {"01234567"}
    assert (await store.position()).sequence == 1


async def test_all_cases_are_read_in_batches(store: Store) -> None:
    await store.write([portal_seen(f"{n:08}") for n in range(450)], now=NOW)
    found = [fields.number async for fields in store.read_all()]
    assert found == [f"{n:08}" for n in range(450)]


async def test_a_case_that_goes_while_all_are_read_is_left_out(store: Store) -> None:
    await store.write([portal_seen(f"{n:08}") for n in range(3)], now=NOW)
    await store.redis.delete(store.keys.case("00000001"))
    assert [fields.number async for fields in store.read_all()] == ["00000000", "00000002"]


async def test_who_stops_reading_half_way_leaves_no_question_behind(store: Store) -> None:
    await store.write([portal_seen(f"{n:08}") for n in range(1_000)], now=NOW)
    before = asyncio.all_tasks()
    async with aclosing(store.read_all()) as reading:
        assert (await anext(reading)).number == "00000000"
        assert len(asyncio.all_tasks()) == len(before) + 1  # the next are under way
    assert asyncio.all_tasks() == before
    assert len(await store.numbers()) == 1_000  # and the client answers what it is asked


async def test_reading_all_cases_says_so_when_redis_is_of_no_use(store: Store) -> None:
    await store.redis.set(store.keys.cases, "no set")
    with pytest.raises(StoreError, match="holds something else"):
        [fields async for fields in store.read_all()]


async def test_of_all_cases_only_some_sources_are_read(store: Store) -> None:
    await store.write([portal_seen("00000001"), card_seen("00000002")], now=NOW)
    for sources in ([Source.CARD], [Source.CARD, Source.BUGS]):
        found = [fields async for fields in store.read_all(sources)]
        assert [(fields.number, list(fields.states)) for fields in found] == [
            ("00000001", []), ("00000002", [Source.CARD])
        ]  # fmt: skip


async def test_a_case_is_read_with_its_number(store: Store) -> None:
    await store.write([portal_seen("00000001"), portal_seen("00000002")], now=NOW)
    one = await store.read("00000002")
    many = await store.read_many(["00000002", "00000009", "00000001"])
    assert one is not None
    assert one.number == "00000002"
    assert [found and found.number for found in many] == ["00000002", None, "00000001"]


async def test_of_many_cases_only_some_sources_are_read(store: Store) -> None:
    numbers = [f"{n:08}" for n in range(450)]  # more than two round trips
    await store.write([portal_seen(number) for number in numbers], now=NOW)
    await store.write([card_seen("00000449")], now=NOW)
    found = await store.read_many([*numbers, "09999999"], [Source.CARD, Source.BUGS])
    assert [fields and fields.number for fields in found] == [*numbers, "09999999"]
    kept = {fields.number: list(fields.states) for fields in found if fields and fields.states}
    assert kept == {"00000449": [Source.CARD]}


async def test_what_is_told_of_a_write_says_case_source_and_place(store: Store) -> None:
    await store.write([portal_seen("00000001")], now=NOW)
    [told] = await store.write([card_seen("00000002")], now=NOW)
    assert (told.number, told.source, told.sequence) == ("00000002", Source.CARD, 2)
    assert await store.feed_after(1) == [
        FeedEntry(
            sequence=2,
            number="00000002",
            source=Source.CARD,
            changes=told.changes,
            at=int(NOW.timestamp() * 1000),
        )
    ]


async def test_what_no_person_could_see_is_kept_and_not_told(store: Store) -> None:
    hidden = card_seen()
    gone = ItemSeen(
        number=hidden.number, source=Source.CARD, key="T5G-9", facts=None, updated=NOW, seen=NOW
    )
    [told] = await store.write([gone], now=NOW)
    assert (told.changes, told.sequence) == ((), 0)
    assert await store.feed_after(0) == []
    assert await store.numbers() == {hidden.number}
    fields = await store.read(hidden.number)
    assert fields is not None
    assert fields.states[Source.CARD] == told.state


async def test_a_case_that_was_forgotten_is_told_in_the_feed(store: Store) -> None:
    await store.write([portal_seen(), card_seen()], now=NOW)
    await store.remove("01234567", now=NOW)
    assert await store.feed_after(2) == [
        FeedEntry(
            sequence=3,
            number="01234567",
            source=Source.PORTAL,
            changes=(Change("case", "01234567", None),),
            at=int(NOW.timestamp() * 1000),
        )
    ]
    assert (await store.position()).sequence == 3


async def test_what_half_of_is_left_of_a_case_is_forgotten_too(store: Store) -> None:
    await store.write([portal_seen("00000001"), portal_seen("00000002")], now=NOW)
    await store.redis.delete(store.keys.case("00000001"))
    await store.redis.srem(store.keys.cases, "00000002")
    assert await store.remove("00000001", now=NOW)
    assert await store.remove("00000002", now=NOW)
    assert await store.numbers() == set()
    assert await store.read("00000002") is None


async def test_a_history_is_known_by_one_name(store: Store, redis: Redis) -> None:
    first = await store.position()
    await store.write([portal_seen()], now=NOW)
    again = await Store(redis, Keys()).position()
    assert (again.epoch, first.sequence, again.sequence) == (first.epoch, 0, 1)
    await redis.flushall()
    assert (await store.position()).epoch != first.epoch


async def test_of_two_who_begin_a_history_at_once_the_first_names_it(
    store: Store, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await store.position()
    ask, too_early = redis.mget, [[None, None]]

    async def answer(*keys: str) -> Any:
        return too_early.pop() if too_early else await ask(*keys)

    monkeypatch.setattr(redis, "mget", answer)
    assert await store.position() == first
    assert not too_early


async def test_the_feed_is_read_in_pages(store: Store) -> None:
    await store.write([portal_seen(f"{n:08}") for n in range(5)], now=NOW)
    page = await store.feed_after(1, 2)
    assert page is not None
    assert [entry.sequence for entry in page] == [2, 3]


async def test_feeds_keep_about_what_they_should(redis: Redis) -> None:
    store = Store(redis, Keys(), feed_length=10)
    numbers = [f"{n:08}" for n in range(400)]
    await store.write([portal_seen(number) for number in numbers], now=NOW)
    assert await redis.xlen(store.keys.feed) < 250
    for number in numbers:
        await store.remove(number, now=NOW)
    assert await redis.xlen(store.keys.feed) < 250
