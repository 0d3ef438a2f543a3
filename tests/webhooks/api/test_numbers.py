"""Statistics, accounts, engineers and syncs: the numbers of the core, in pages by name."""

import pytest
from redis.asyncio import Redis

from t5g.board import Board
from t5g.census import figures
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.statistics import DayRow, History, day_of
from tests import wall_clock
from tests.webhooks.api.conftest import Ask
from tests.webhooks.pages.conftest import Fill


async def test_numbers_are_those_of_the_core(ask: Ask, fill: Fill, board: Board) -> None:
    await fill(60)
    await board.refresh()
    numbers = figures(board.entries.values(), wall_clock.now().timestamp())
    status, told = await ask("/api/v1/stats")
    assert status == 200
    assert told["headlines"] == numbers.headlines
    assert told["by_account"] == numbers.by_account
    assert told["resolution"].keys() == numbers.resolution.keys()


async def test_history_has_the_newest_rows(ask: Ask, redis: Redis, settings: Settings) -> None:
    history, now = History(redis, Keys(settings.redis_prefix)), wall_clock.now().timestamp()
    for days in range(1, 10):
        at = now - days * 86_400
        await history.write(DayRow(day=day_of(at, settings.zone), at=at, headlines={"open": days}))
    _, told = await ask("/api/v1/stats/history", days="3")
    assert [row["headlines"]["open"] for row in told["items"]] == [3, 2, 1]
    assert (await ask("/api/v1/stats/history", days="0"))[0] == 400


async def test_change_since_yesterday(
    ask: Ask, fill: Fill, redis: Redis, settings: Settings
) -> None:
    await fill(10)
    at = wall_clock.now().timestamp() - 86_400
    row = DayRow(day=day_of(at, settings.zone), at=at, headlines={"open": 2})
    await History(redis, Keys(settings.redis_prefix)).write(row)
    _, told = await ask("/api/v1/stats")
    assert told["since_yesterday"] == {"open": told["headlines"]["open"] - 2}


@pytest.mark.parametrize("kind", ["accounts", "engineers"])
async def test_groups_come_in_pages_that_hold_each_once(ask: Ask, fill: Fill, kind: str) -> None:
    await fill(120)
    _, whole = await ask(f"/api/v1/{kind}", limit="500")
    names = [item["name"] for item in whole["items"]]
    assert names == sorted(names, key=lambda name: (name.casefold(), name))
    status, page = await ask(f"/api/v1/{kind}", limit="4")
    walked = [item["name"] for item in page["items"]]
    while page["next"]:
        status, page = await ask(page["next"])
        assert status == 200
        walked += [item["name"] for item in page["items"]]
    assert walked == names
    assert sum(item["headlines"]["open"] for item in whole["items"]) <= 120


async def test_foreign_cursor_is_refused(ask: Ask) -> None:
    assert (await ask("/api/v1/accounts", cursor="ä"))[0] == 400
    assert (await ask("/api/v1/accounts", cursor=""))[0] == 400
    assert (await ask("/api/v1/accounts", cursor="_w"))[0] == 400


async def test_syncs_that_never_ran_are_late(ask: Ask) -> None:
    _, told = await ask("/api/v1/syncs")
    assert told["items"][0]["name"] == "cases"
    assert all(item["late"] and item["why"] for item in told["items"])
