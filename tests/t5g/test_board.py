"""The board follows the store: every acknowledged write is in the next answer."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g.board import Board
from t5g.derived import DAY, Rules
from t5g.errors import StoreError
from t5g.keys import Keys
from t5g.model import Bug, Escalation, Issue, Source
from t5g.query import parse_query
from t5g.state import PortalSeen
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncRecords
from t5g.team import Me
from tests.making import (
    NOW,
    NOW_SECONDS,
    ago,
    card_seen,
    details_seen,
    listing,
    portal_seen,
)


async def test_acknowledged_write_is_in_the_next_answer(store: Store, board: Board) -> None:
    await store.write([portal_seen(), card_seen(status="Open")], now=NOW)
    await board.refresh()
    assert board.get("01234567").internal_status == "Debugging"  # type: ignore[union-attr]
    for n, (status, internal) in enumerate((("In Progress", "Eng Working"), ("Done", "Done"))):
        moved = card_seen(status=status, updated=NOW + timedelta(seconds=n))
        await store.write([moved], now=NOW)
        await board.refresh()
        assert board.get("01234567").internal_status == internal  # type: ignore[union-attr]
    assert board.reloads == 1


async def test_a_board_knows_nothing_before_its_first_look(store: Store, board: Board) -> None:
    await store.write([portal_seen(), card_seen()], now=NOW)
    assert board.get("01234567") is None
    assert board.by_card("T5G-1") == board.by_jira_id("1") == set()
    assert dict(board.syncs) == {}
    assert board.select(parse_query(""), NOW_SECONDS) == []


async def test_unchanged_board_keeps_its_version(store: Store, board: Board) -> None:
    await store.write([portal_seen()], now=NOW)
    await board.refresh()
    version = board.version
    await board.refresh()
    assert board.version == version


async def test_card_of_a_case_not_known_yet_waits(store: Store, board: Board) -> None:
    await store.write([card_seen()], now=NOW)
    await board.refresh()
    assert not board.entries
    await store.write([portal_seen()], now=NOW)
    await board.refresh()
    assert board.get("01234567").card.key == "T5G-1"  # type: ignore[union-attr]


async def test_removed_case_leaves_with_its_indexes(store: Store, board: Board) -> None:
    await store.write([portal_seen(), card_seen()], now=NOW)
    await board.refresh()
    assert board.by_card("T5G-1") == {"01234567"}
    await store.remove("01234567", now=NOW)
    await board.refresh()
    assert not board.entries
    assert board.by_card("T5G-1") == set()
    assert board.by_jira_id("1") == set()


async def test_board_that_fell_off_the_feed_reloads(redis: Redis, syncs: SyncRecords) -> None:
    store = Store(redis, Keys(), feed_length=10)
    board = Board(store, syncs, Rules())
    await store.write([portal_seen("00000000")], now=NOW)
    await board.refresh()
    for n in range(1, 400):
        await store.write([portal_seen(f"{n:08}")], now=NOW)
    await board.refresh()
    assert len(board.entries) == 400
    assert board.reloads == 2


async def test_restored_or_flushed_redis_is_noticed(
    store: Store, board: Board, redis: Redis
) -> None:
    await store.write([portal_seen("00000001")], now=NOW)
    await board.refresh()
    await redis.flushall()
    await store.write([portal_seen("00000002")], now=NOW)
    await board.refresh()
    assert list(board.entries) == ["00000002"]


async def test_one_case_is_read_without_the_others(store: Store, board: Board) -> None:
    await store.write([portal_seen(), portal_seen("00000002")], now=NOW)
    entry = await board.read_alone("00000002")
    assert entry is not None
    assert entry.number == "00000002"
    assert set(board.syncs) == set(Sync), "how fresh it is comes with it"
    assert await board.read_alone("00000009") is None
    assert not board.entries
    assert not board.reloads
    await board.refresh()
    assert len(board.entries) == 2, "the board itself is read as if nothing had been asked"


async def test_two_boards_see_the_same(redis: Redis, store: Store, syncs: SyncRecords) -> None:
    one, two = Board(store, syncs, Rules()), Board(store, syncs, Rules())
    await one.refresh()
    await store.write([portal_seen(), card_seen()], now=NOW)
    await asyncio.gather(one.refresh(), two.refresh())
    assert one.get("01234567").case == two.get("01234567").case  # type: ignore[union-attr]


async def test_own_writes_are_adopted_without_asking_redis(store: Store, board: Board) -> None:
    one, two = "00000001", "00000002"
    await store.write([portal_seen(one), portal_seen(two)], now=NOW)
    await board.refresh()
    written = await store.write(
        [
            portal_seen(one, status="Closed", updated=NOW),
            details_seen(one, crit_sit=True),
            card_seen(two, "T5G-2", status="In Progress"),
            listing(two, Source.ISSUES, Issue(key="OCPBUGS-1", id="900")),
            listing(two, Source.BUGS, Bug(id=7)),
            listing(two, Source.ESCALATION, Escalation(key="ESC-1", id="901")),
        ],
        now=NOW,
    )
    assert board.adopt(written)
    adopted = {number: entry.case for number, entry in board.entries.items()}
    assert (adopted[one].portal.status, adopted[one].details.crit_sit) == ("Closed", True)
    assert board.by_card("T5G-2") == board.by_issue("OCPBUGS-1") == {two}
    assert board.is_current(await store.redis.mget(board.witnesses))
    await board.reload()
    assert {number: entry.case for number, entry in board.entries.items()} == adopted


async def test_what_is_adopted_while_redis_is_asked_makes_no_board_read_all_anew(
    store: Store, redis: Redis
) -> None:
    class Slow(SyncRecords):
        """Records that take so long to read that an event is applied meanwhile."""

        async def read_all(self) -> dict[Sync, SyncRecord]:
            adopted.append(board.adopt(await store.write([moved], now=NOW)))
            return await super().read_all()

    adopted: list[bool] = []
    moved = card_seen(status="In Progress", updated=NOW)
    syncs = Slow(redis, Keys())
    board = Board(store, syncs, Rules())
    await store.write([portal_seen(), card_seen(status="Open")], now=NOW)
    await board.refresh()  # cannot adopt before the first look
    moved = card_seen(status="Done", updated=NOW + timedelta(seconds=1))
    await syncs.write(SyncRecord(name=Sync.CASES))
    await board.refresh()
    assert adopted == [False, True]
    assert board.get("01234567").internal_status == "Done"  # type: ignore[union-attr]
    assert board.is_current(await redis.mget(board.witnesses))
    assert board.reloads == 1


async def test_redis_that_went_back_is_read_anew(store: Store, board: Board, redis: Redis) -> None:
    await store.write([portal_seen()], now=NOW)
    kept = await redis.hgetall(Keys().case("01234567"))
    await store.write([card_seen()], now=NOW)
    await board.refresh()
    await redis.delete(Keys().case("01234567"))
    await redis.hset(Keys().case("01234567"), mapping=kept)
    await redis.decr(Keys().sequence)
    await board.refresh()
    assert board.get("01234567").card is None  # type: ignore[union-attr]
    assert board.reloads == 2


async def test_a_case_that_left_the_portal_leaves_by_adoption(store: Store, board: Board) -> None:
    await store.write([portal_seen(), card_seen()], now=NOW)
    await board.refresh()
    left = PortalSeen(number="01234567", facts=None, updated=NOW, seen=NOW)
    assert board.adopt(await store.write([left], now=NOW))
    assert not board.entries
    assert not board.by_card("T5G-1")


async def test_what_others_wrote_between_is_not_skipped(store: Store, board: Board) -> None:
    await store.write([portal_seen("00000001")], now=NOW)
    assert not board.adopt(await store.write([card_seen("00000001")], now=NOW))  # not loaded yet
    await board.refresh()
    await store.write([portal_seen("00000002")], now=NOW)  # by somebody else
    written = await store.write([card_seen("00000001", status="Done", updated=NOW)], now=NOW)
    version = board.version
    assert not board.adopt(written)
    assert board.version == version
    assert not board.is_current(await store.redis.mget(board.witnesses))
    await board.refresh()
    assert set(board.entries) == {"00000001", "00000002"}


async def test_a_new_case_is_not_adopted_without_what_waits_for_it(
    store: Store, board: Board
) -> None:
    await board.refresh()
    waiting = await store.write([card_seen(status="In Progress")], now=NOW)
    assert board.adopt(waiting)
    assert not board.entries
    assert not board.adopt(await store.write([portal_seen()], now=NOW))
    await board.refresh()
    assert board.get("01234567").card.status == "In Progress"  # type: ignore[union-attr]


async def test_no_caller_is_answered_by_a_check_that_began_before_it(
    store: Store, board: Board
) -> None:
    await board.refresh()
    for n in range(30):
        early = asyncio.ensure_future(board.refresh())
        await asyncio.sleep(0)
        await store.write([portal_seen(f"{n:08}")], now=NOW)
        await board.refresh()
        assert board.get(f"{n:08}") is not None
        await early


async def test_who_gives_up_waiting_disturbs_no_other(store: Store, board: Board) -> None:
    await store.write([portal_seen()], now=NOW)
    first, second = (asyncio.ensure_future(board.refresh()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert list(board.entries) == ["01234567"]
    await board.refresh()


async def test_indexes_find_issue_and_escalation(store: Store, board: Board) -> None:
    await store.write(
        [
            portal_seen(),
            listing("01234567", Source.ISSUES, Issue(key="OCPBUGS-1", id="900")),
            listing("01234567", Source.ESCALATION, Escalation(key="ESC-1", id="901")),
        ],
        now=NOW,
    )
    await board.refresh()
    assert board.by_issue("OCPBUGS-1") == board.by_jira_id("900") == {"01234567"}
    assert board.by_escalation("ESC-1") == {"01234567"}
    assert board.get("01234567").escalated  # type: ignore[union-attr]


async def test_the_index_of_bugs_follows_what_comes_and_goes(store: Store, board: Board) -> None:
    await store.write([portal_seen(), listing("01234567", Source.BUGS, Bug(id=7))], now=NOW)
    await board.refresh()
    assert board.by_bug(7) == {"01234567"}
    later = listing("01234567", Source.BUGS, Bug(id=8), seen=NOW + timedelta(seconds=1))
    await store.write([later], now=NOW)
    await board.refresh()
    assert (board.by_bug(7), board.by_bug(8)) == (set(), {"01234567"})


async def test_how_far_behind_a_board_is_can_be_asked(store: Store, board: Board) -> None:
    assert await board.behind() == 0
    await store.write([portal_seen("00000001"), portal_seen("00000002")], now=NOW)
    assert await board.behind() == 2, "before its first look it has seen nothing"
    await board.refresh()
    assert await board.behind() == 0
    await store.write([portal_seen("00000003")], now=NOW)
    assert await board.behind() == 1


async def test_a_board_is_not_behind_a_redis_that_began_anew(
    store: Store, board: Board, redis: Redis
) -> None:
    await store.write([portal_seen("00000001"), portal_seen("00000002")], now=NOW)
    await board.refresh()
    await redis.flushall()
    assert await board.behind() == 0


async def test_how_far_behind_is_not_known_without_redis(syncs: SyncRecords) -> None:
    client = Redis.from_url("unix:///nowhere.sock")
    with pytest.raises(StoreError, match=r"^Redis does not answer; try again in a moment\.$"):
        await Board(Store(client, Keys()), syncs, Rules()).behind()
    await client.aclose()


async def test_an_empty_board_is_current(store: Store, board: Board) -> None:
    assert not board.is_current(await store.redis.mget(board.witnesses))
    await board.refresh()
    await board.refresh()
    assert board.is_current(await store.redis.mget(board.witnesses))
    assert board.reloads == 1


async def test_numbers_over_all_cases_follow_the_board(store: Store, board: Board) -> None:
    await store.write([portal_seen("00000001"), portal_seen("00000002")], now=NOW)
    await board.refresh()
    assert board.figures(NOW_SECONDS).headlines["open"] == 2
    await store.write([portal_seen("00000002", severity="4 (Low)", updated=NOW)], now=NOW)
    await board.refresh()
    assert board.figures(NOW_SECONDS).headlines["open"] == 2
    await store.write([portal_seen("00000001", status="Closed", updated=NOW)], now=NOW)
    await board.refresh()
    assert board.census().figures(NOW_SECONDS).headlines["open"] == 1


async def test_a_board_far_behind_follows_in_pages(
    store: Store, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t5g.board.FEED_PAGE", 3)
    await store.write([portal_seen("00000000")], now=NOW)
    await board.refresh()
    await store.write([portal_seen(f"{n:08}") for n in range(1, 9)], now=NOW)
    await board.refresh()
    assert (len(board.entries), board.reloads) == (9, 1)
    assert board.is_current(await store.redis.mget(board.witnesses))


async def test_of_two_cards_the_one_to_work_with_is_first(store: Store, board: Board) -> None:
    await store.write([portal_seen()], now=NOW)
    await board.refresh()
    done = card_seen(key="T5G-1", status="Done", created=ago(days=9))
    open_ = card_seen(key="T5G-2", status="Open", created=ago(days=1))
    assert board.adopt(await store.write([done, open_], now=NOW))
    adopted = board.entries["01234567"].case.cards
    await board.reload()
    read = board.entries["01234567"].case.cards
    assert [card.key for card in adopted] == [card.key for card in read] == ["T5G-2", "T5G-1"]


async def test_lost_redis_is_told_and_the_board_stays(
    store: Store, board: Board, redis: Redis
) -> None:
    await store.write([portal_seen()], now=NOW)
    await board.refresh()
    broken = Board(Store(redis, Keys()), SyncRecords(redis, Keys()), Rules())
    broken._entries = dict(board.entries)
    broken._store.redis = Redis.from_url("unix:///nowhere.sock")
    with pytest.raises(
        StoreError, match=r"^Redis does not answer; try again in a moment"
    ) as raised:
        await broken.refresh()
    assert isinstance(raised.value.__cause__, RedisError), "what it was stays chained"
    assert "01234567" in broken.entries


async def test_sync_records_come_with_the_refresh(board: Board, syncs: SyncRecords) -> None:
    await board.refresh()
    assert board.syncs[Sync.CASES].stale(NOW_SECONDS)
    await syncs.write(SyncRecord(name=Sync.CASES, last_success=NOW_SECONDS))
    await board.refresh()
    assert not board.syncs[Sync.CASES].stale(NOW_SECONDS + 60)
    assert board.syncs[Sync.CASES].stale(NOW_SECONDS + 3600)


async def test_select_orders_by_attention_and_by_wish(store: Store, board: Board) -> None:
    await store.write(
        [
            portal_seen("00000001", severity="4 (Low)", created=ago(days=3)),
            portal_seen("00000002", severity="1 (Urgent)", created=ago(days=2)),
            portal_seen("00000003", severity="1 (Urgent)", created=ago(days=20)),
            portal_seen("00000004", severity="1 (Urgent)", status="Closed"),
        ],
        now=NOW,
    )
    await board.refresh()
    found = board.select(parse_query(""), NOW_SECONDS)
    assert [e.number for e in found] == ["00000003", "00000002", "00000001"]
    youngest = board.select(parse_query("sort:age"), NOW_SECONDS)
    assert [e.number for e in youngest] == ["00000002", "00000001", "00000003"]
    assert board.words("status") == ["Closed", "Waiting on Red Hat"]


async def test_what_is_selected_follows_what_changes_and_who_asks_when(
    store: Store, board: Board
) -> None:
    one, two = "00000001", "00000002"
    await store.write(
        [portal_seen(one, owner="Ann Lee", created=ago(days=3)), portal_seen(two)], now=NOW
    )
    await board.refresh()

    def found(text: str, now: float = NOW_SECONDS) -> list[str]:
        query = parse_query(f"{text} sort:number")
        me = Me(names=frozenset({"ann lee"}))
        return [entry.number for entry in board.select(query, now, me)]

    assert found("") == [one, two]
    assert found("owner:me") == [one]
    assert found("age<5d") == [one]
    assert found("age<5d", NOW_SECONDS + 10 * DAY) == []
    assert found("") == [one, two]
    await store.write([portal_seen(one, status="Closed", updated=NOW)], now=NOW)
    await board.refresh()
    assert (found(""), found("status:any")) == ([two], [one, two])


async def test_words_of_the_data_follow_what_changes(store: Store, board: Board) -> None:
    await store.write(
        [
            portal_seen("00000001", status="Pondering", severity="odd"),
            portal_seen("00000002", status="", severity=""),
            card_seen("00000001", status="Sleeping"),
        ],
        now=NOW,
    )
    await board.refresh()
    assert board.words("status") == ["Pondering"]
    assert board.words("severity") == ["odd"]
    assert board.words("internal") == ["Sleeping"]
    assert board.words("account") == ()
    await store.write([portal_seen("00000001", status="Closed", updated=NOW)], now=NOW)
    await board.refresh()
    assert board.words("status") == ["Closed"]
