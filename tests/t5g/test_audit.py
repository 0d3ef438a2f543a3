"""The audit log: append-only, readable with filters, told in the log."""

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from t5g.audit import MOST_REFUSALS, PAGE, QUIET, Audit, AuditEntry, Filter, Outcome
from t5g.keys import Keys
from tests import wall_clock


@pytest.fixture
def audit(redis: Redis) -> Audit:
    return Audit(redis, Keys())


def line(**fields: object) -> AuditEntry:
    facts = {"who": "U0ANN", "action": "case", "outcome": Outcome.ANSWERED, **fields}
    return AuditEntry(**facts)  # type: ignore[arg-type]


async def test_entries_come_back_newest_first_with_time_and_id(audit: Audit) -> None:
    before = wall_clock.seconds()
    await audit.record(line(action="cases"), line(action="claim", case="01234567"))
    found = await audit.read()
    assert [x.action for x in found] == ["claim", "cases"]
    assert all(before <= x.at <= wall_clock.seconds() and x.id for x in found)


async def test_the_same_refusal_is_written_and_logged_once_a_minute(
    audit: Audit, redis: Redis
) -> None:
    refused = line(action="claim", outcome=Outcome.REFUSED, detail="outsider")
    with capture_logs() as said:
        for _ in range(50):
            await audit.record(refused, line(action="claim", outcome=Outcome.ASKED))
    outcomes = [entry.outcome for entry in await audit.read(limit=None)]
    assert outcomes.count(Outcome.REFUSED) == 1
    assert outcomes.count(Outcome.ASKED) == 50, "what is no refusal is written each time"
    assert [row["outcome"] for row in said].count("refused") == 1
    (mark,) = [x async for x in redis.scan_iter("t5g:audit:refused:*")][:1]
    assert 0 < await redis.ttl(mark) <= QUIET


async def test_other_refusals_and_other_people_are_written(audit: Audit) -> None:
    for who in ("U1", "U2"):
        for action in ("claim", "assign", "claim"):
            await audit.record(line(who=who, action=action, outcome=Outcome.REFUSED))
    assert [(x.who, x.action) for x in await audit.read()] == [
        ("U2", "assign"), ("U2", "claim"), ("U1", "assign"), ("U1", "claim"),
    ]  # fmt: skip


async def test_whoever_varies_what_is_refused_still_floods_nothing(audit: Audit) -> None:
    for n in range(100):
        await audit.record(line(outcome=Outcome.REFUSED, detail=f"asked {n}"))
    assert len(await audit.read(limit=None)) == MOST_REFUSALS


@pytest.mark.parametrize(
    ("wanted", "actions"),
    [
        (Filter(who="ann"), ["b", "a"]),
        (Filter(who="Müller"), ["b"]),
        (Filter(action="c"), ["c"]),
        (Filter(case="01234567"), ["a"]),
        (Filter(origin="page"), ["c"]),
        (Filter(outcome="refused"), ["b"]),
        (Filter(who="ann", outcome="failed"), []),
    ],
)
async def test_filters_narrow(audit: Audit, wanted: Filter, actions: list[str]) -> None:
    await audit.record(
        line(action="a", case="01234567", origin="slack"),
        line(action="b", name="Ann Müller", outcome=Outcome.REFUSED),
        line(action="c", who="U0BOB", origin="page"),
    )
    assert [x.action for x in await audit.read(wanted)] == actions


async def test_reading_goes_over_pages_and_stops_at_the_limit(audit: Audit) -> None:
    await audit.record(*(line(detail=str(n)) for n in range(PAGE + 20)))
    found = await audit.read(limit=PAGE + 10)
    assert [x.detail for x in found] == [str(n) for n in reversed(range(10, PAGE + 20))]
    assert len(await audit.read(limit=10_000)) == PAGE + 20


async def test_a_window_of_time_narrows(audit: Audit) -> None:
    await audit.record(line(action="old"))
    now = wall_clock.seconds()
    assert [x.action for x in await audit.read(Filter(since=now - 60))] == ["old"]
    assert await audit.read(Filter(until=now - 60)) == []


async def test_entries_older_than_the_set_time_go(redis: Redis) -> None:
    key = Keys().named("audit")
    old = int((wall_clock.seconds() - 10 * 86_400) * 1000)
    for n in range(500):
        await redis.xadd(key, {"entry": b'{"who":"U","action":"old","outcome":"done"}'}, id=old + n)
    await Audit(redis, Keys(), days=5).record(line())
    assert await redis.xlen(key) < 200, "whole nodes of the stream must be gone"


async def test_each_entry_is_a_log_line(audit: Audit) -> None:
    with capture_logs() as lines:
        await audit.record(line(action="claim", case="01234567", outcome=Outcome.ASKED))
    assert [(x["event"], x["action"], x["case"]) for x in lines] == [("audit", "claim", "01234567")]


async def test_long_details_are_cut(audit: Audit) -> None:
    await audit.record(line(detail="x" * 5000))
    assert len((await audit.read())[0].detail) == 300


async def test_a_backup_restores_the_same_entries(audit: Audit, redis: Redis) -> None:
    await audit.record(*(line(detail=str(n)) for n in range(5)))
    kept = await audit.export()
    await redis.flushall()
    await audit.restore(kept)
    assert await audit.export() == kept


async def test_nothing_to_record_asks_nothing_of_redis() -> None:
    await Audit(Redis.from_url("unix:///nowhere.sock"), Keys()).record()
