"""The past of a demo: what its cases tell of the days before, and never over what was kept."""

from redis.asyncio import Redis

from t5g.cli.past import DAYS, MOST_CASES, as_it_was, past_rows, write_past
from t5g.derived import DAY, Rules
from t5g.keys import Keys
from t5g.model import Escalation
from t5g.settings import load_settings
from t5g.statistics import DayRow, History
from tests import wall_clock
from tests.making import NOW_SECONDS, ago, entry

SETTINGS = load_settings(env={})
RULES = Rules()


def test_numbers_of_a_past_day_follow_from_when_cases_were_opened_and_closed() -> None:
    cases = [
        entry("00000001", portal={"created": ago(days=90), "updated": ago(days=1)}),
        entry(
            "00000002",
            portal={"created": ago(days=80.5), "status": "Closed", "closed": ago(days=9.5)},
        ),
    ]
    rows = list(past_rows(cases, RULES, SETTINGS, NOW_SECONDS))
    assert len({row.day for row in rows}) == len(rows) == DAYS
    opened = {DAYS - n: row.headlines["open"] for n, row in enumerate(rows)}
    assert [opened[days] for days in (60, 30, 10, 9, 1)] == [2, 2, 2, 1, 1]
    assert rows[DAYS - 8].headlines["closed_7d"] == 1


def test_before_a_case_there_were_others_in_its_place() -> None:
    cases = [entry(f"{n:08d}", portal={"created": ago(days=1 + n % 50)}) for n in range(200)]
    rows = list(past_rows(cases, RULES, SETTINGS, NOW_SECONDS))
    opened = [row.headlines["open"] for row in rows]
    assert 120 < min(opened) < max(opened) <= 200
    assert all(row.headlines["opened_7d"] for row in rows)
    assert all(row.headlines["closed_7d"] for row in rows)
    assert rows == list(past_rows(cases, RULES, SETTINGS, NOW_SECONDS))


def test_a_case_was_not_escalated_before_it_was() -> None:
    case = entry(
        portal={"created": ago(days=50)}, escalations=(Escalation(key="E-1", since=ago(days=10)),)
    )
    (before,) = as_it_was(case, RULES, NOW_SECONDS - 20 * DAY, NOW_SECONDS)
    (after,) = as_it_was(case, RULES, NOW_SECONDS - 5 * DAY, NOW_SECONDS)
    assert (before.escalated, after.escalated) == (False, True)


def test_of_many_cases_some_stand_for_all() -> None:
    many = [entry(f"{n:08d}", portal={"created": ago(days=90)}) for n in range(MOST_CASES * 2)]
    newest = list(past_rows(many, RULES, SETTINGS, NOW_SECONDS))[-1]
    assert newest.headlines["open"] >= len(many)
    assert newest.headlines["open"] - len(many) < 3


async def test_an_installation_with_a_past_keeps_it(redis: Redis, redis_url: str) -> None:
    settings = load_settings(env={"redis_url": redis_url})
    history = History(redis, Keys(settings.redis_prefix))
    kept = [DayRow(day=f"2026-01-0{n}", at=0.0, headlines={"open": n}) for n in (1, 2)]
    for row in kept:
        await history.write(row)
    assert await write_past(settings, wall_clock.seconds()) == 0
    assert await history.read_all() == kept


async def test_an_empty_one_gets_its_days(redis: Redis, redis_url: str) -> None:
    settings = load_settings(env={"redis_url": redis_url})
    assert await write_past(settings, wall_clock.seconds()) == DAYS
    assert len(await History(redis, Keys(settings.redis_prefix)).read_all()) == DAYS
