"""How the cost of every hot path grows with the number of cases: 1,000, 10,000, 100,000.

For each number: the paths beside their floors, lists with changing queries, the time from a
process's start to its first answer, memory of the web process and of Redis, and how long a change
takes to be seen by another process. The targets stand in docs/performance.md.

    t5g bench growth [--sizes 1000,10000,100000] [--plot growth.svg]
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path as Folder

from redis.asyncio import Redis

from bench import slack
from bench.load import Measured, fire
from bench.paths import Path, always, compare, constant, get, one_hash, searches, single_cases
from bench.process import WebProcess
from bench.report import Findings
from bench.serving import PrivateRedis, Serving
from bench.webhooks import SECRET, Events, bare_receiver, made_cases
from bench.worlds import fill, number_of, portal
from t5g.board import Board
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.settings import Settings, load_settings
from t5g.state import PortalSeen
from t5g.store import Store
from webhooks.app import create_app

SIZES = (1_000, 10_000, 100_000)
#: Targets by number of cases; the largest is for all larger ones.
START = {10_000: 2.0, 100_000: 10.0}
#: Megabytes for 10,000 cases; times the bytes of the data for 100,000.
MEMORY, MEMORY_TIMES, REDIS_TIMES = 150.0, 8.0, 1.5
SEARCH_P99, VISIBLE_MILLIS = 30.0, 2.0
CHANGES, STARTS, SEARCHES = 200, 3, 400
AT_ONCE = 500


async def measure(cases: int, *, rounds: int = 9, count: int = 700) -> Findings:
    """Measure everything at that many cases, on a Redis of its own."""
    found = Findings()
    async with slack.slack_api() as api:
        with (
            tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder,
            PrivateRedis(Folder(folder)) as url,
        ):
            await _measure(found, url, api, cases, rounds, count)
    found.detail = {str(cases): found.detail}
    return found


async def _measure(
    found: Findings, url: str, api: str, cases: int, rounds: int, count: int
) -> None:
    settings = load_settings(
        env={
            "redis_url": url,
            "jira_webhook_secret": SECRET,
            "page_rate": 100_000_000,
            "slack_api_url": api,
            "slack_signing_secret": slack.SECRET,
            "slack_bot_token": "xoxb-bench-not-secret",
        }
    )
    redis = open_redis(url)
    store = open_store(settings, redis)
    empty = await _used(redis)
    await fill(store, cases)
    data = await _data(store)
    kept = await _used(redis) - empty
    found.most(
        f"{cases:,} cases: Redis, times the bytes of the JSON", kept / data, "×", REDIS_TIMES
    )
    found.detail |= {"data_mb": round(data / 1e6, 1), "redis_mb": round(kept / 1e6, 1)}
    _process(found, settings, cases, data)
    with Serving(create_app, settings) as ours:
        # First: the events that follow leave thousands of statuses behind, which no team has.
        await _searches(found, ours, cases, max(1, rounds // 3))
        for path in paths(cases, await _size(ours.port)):
            one = await compare(path, ours, settings, rounds=rounds, count=count)
            for row in one.rows:
                row.what = f"{cases:,} cases: {row.what}"
            found.rows += one.rows
            found.detail |= one.detail
    await _visible(found, settings, store, cases)
    await redis.aclose()


def paths(cases: int, size: int) -> Iterator[Path]:
    """The paths with a floor, for that many cases and a first page of that many bytes."""
    events = Events(made_cases(cases))
    yield Path("POST /webhooks/jira", bare_receiver, events.take, 0.6, 3.0)
    yield Path(f"/t5g {slack.QUESTION}", slack.constant, slack.asked, 0.7, 2.0)
    yield Path("GET /cases, unchanged", constant(size), always(get("/cases")), 0.5)
    yield Path("GET /api/v1/cases/NUMBER", one_hash, single_cases(cases), 0.5)


def _process(found: Findings, settings: Settings, cases: int, data: int) -> None:
    """Start the web process some times; look at its memory after lists and single cases."""
    times, costs, memories = [], [], []
    for _ in range(STARTS):
        with WebProcess(settings) as process:
            times.append(process.first_answer(get("/cases")))
            costs.append(process.processor())
            for n in range(1, 20):
                process.first_answer(get(f"/cases/{number_of(n)}"))
                process.first_answer(get(f"/cases?q=node&page={n}"))
            memories.append(process.memory())
    took, memory = statistics.median(times), statistics.median(memories)
    limit = next((seconds for size, seconds in START.items() if cases <= size), START[100_000])
    found.most(f"{cases:,} cases: start to first answer", took, "s", limit)
    found.add(f"{cases:,} cases: processor time of it", statistics.median(costs), "s")
    if cases <= 10_000:
        found.most(f"{cases:,} cases: memory of web", memory, "MB", MEMORY)
    else:
        found.most(
            f"{cases:,} cases: memory of web, times the data",
            memory * 1e6 / data,
            "×",
            MEMORY_TIMES,
        )
    found.detail |= {
        "start_s": round(took, 3),
        "start_cpu_s": round(statistics.median(costs), 3),
        "memory_mb": round(memory, 1),
    }


async def _searches(found: Findings, ours: Serving, cases: int, rounds: int) -> None:
    """Lists with queries that were not asked before, one after another; medians of the rounds."""
    take = searches()
    await fire(ours.port, take(20), connections=1)
    runs = [await ours.measure(take(SEARCHES), connections=1) for _ in range(rounds)]

    def median(of: Callable[[Measured], float]) -> float:
        return statistics.median(map(of, runs))

    cpu, p99 = median(lambda run: run.cpu * 1000), median(lambda run: run.percentile(0.99))
    found.detail["searches_p50_ms"] = round(median(lambda run: run.percentile(0.5)), 3)
    found.detail["searches_p99_ms"] = round(p99, 3)
    found.detail["searches_p99_ms_of_each_round"] = [round(r.percentile(0.99), 1) for r in runs]
    found.detail["searches_cpu_ms"] = round(cpu, 3)
    found.add(f"{cases:,} cases: processor time of one, on average", cpu, "ms")
    limit = SEARCH_P99 if cases <= 10_000 else SEARCH_P99 * cases / 10_000
    found.most(f"{cases:,} cases: GET /cases?q= changing, p99", p99, "ms", limit)
    missing = rounds * SEARCHES - sum(run.statuses.get(200, 0) for run in runs)
    if missing:
        found.most(f"{cases:,} cases: searches not answered", missing, "", 0)


async def _visible(found: Findings, settings: Settings, store: Store, cases: int) -> None:
    """Change a case, then ask another board: seen at once, and how much longer than a ping."""
    redis = open_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    await board.refresh()
    seen, pings, refreshes = 0, [], []
    for n in range(CHANGES):
        now = datetime.now(UTC)
        number = number_of(n)
        facts = portal(n, now, now, closed=False, summary=f"Change {n}")
        await store.write([PortalSeen(number=number, seen=now, updated=now, facts=facts)], now=now)
        begun = time.perf_counter()
        await redis.ping()
        pinged = time.perf_counter()
        await board.refresh()
        refreshes.append(time.perf_counter() - pinged)
        pings.append(pinged - begun)
        seen += board.entries[number].case.portal.summary == f"Change {n}"
    await redis.aclose()
    added = (statistics.median(refreshes) - statistics.median(pings)) * 1000
    found.least(f"{cases:,} cases: changes seen at the next question", seen, "", CHANGES)
    found.most(f"{cases:,} cases: a change's way, more than a ping", added, "ms", VISIBLE_MILLIS)
    found.detail["visible_ms"] = round(added, 3)


async def _size(port: int) -> int:
    """Bytes of the first page as it is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(get("/cases"))
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    writer.close()
    at = head.find(b"content-length:") + 15
    return int(head[at : head.find(b"\r", at)])


async def _used(redis: Redis) -> int:
    return int((await redis.info("memory"))["used_memory"])


async def _data(store: Store) -> int:
    """Bytes of the JSON of all cases."""
    numbers, total = sorted(await store.numbers()), 0
    for start in range(0, len(numbers), AT_ONCE):
        pipe = store.redis.pipeline(transaction=False)
        for number in numbers[start : start + AT_ONCE]:
            pipe.hvals(store.keys.case(number))
        total += sum(len(value) for row in await pipe.execute() for value in row)
    return total
