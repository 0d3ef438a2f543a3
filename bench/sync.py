"""What the syncs cost against the sandbox: time and requests of a full, an idle and a small round.

Every answer of the sandbox (a process of its own) comes 50 ms late, as from far away. Measured:
a full sync of everything, beside asking for one thing after another and beside the least that the
allowed concurrency permits; a round in which nothing changed; one in which 1 % of the open cases
did; and the memory of a worker at 20,000 cases.

    t5g bench sync
"""

import asyncio
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.report import Findings
from sandbox.servers import Sandbox, SandboxConfig, start_sandbox
from t5g.connection import open_redis, open_store
from t5g.embedded_redis import EmbeddedRedis
from t5g.logs import setup_logging
from t5g.model import Source
from t5g.settings import Settings, load_settings
from t5g.state import visible
from t5g.syncs import Sync, SyncRecord, SyncState
from workers.clients import Clients
from workers.jira.client import CALLS_AT_ONCE
from workers.portal.client import REST_AT_ONCE
from workers.runner import run_all

FASTER, IDLE, SHARE, MEMORY, FLOOR = 20.0, 10, 0.05, 300.0, 1.5
PROBES = 20
UPSTREAMS = ("portal", "jira", "bugzilla")


async def measure(
    *, cases: int = 1_000, latency: float = 0.05, memory_cases: int = 20_000,
    dialect: str = "graphql",
) -> Findings:  # fmt: skip
    """Measure the rounds, and (unless 0) the memory at `memory_cases`."""
    found = Findings()
    with tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder:
        with EmbeddedRedis(Path(folder)) as redis:
            await measure_rounds(found, redis.url, cases, latency, dialect)
        if memory_cases:
            with EmbeddedRedis(Path(folder) / "large") as redis:
                await measure_memory(found, redis.url, memory_cases, dialect)
    return found


async def measure_rounds(
    found: Findings, redis_url: str, cases: int, latency: float, dialect: str
) -> None:
    """A full round, an idle one, and one with 1 % of the cases changed."""
    async with far_away(cases, latency, dialect, redis_url) as (settings, pipe):
        single = await time_of_one_request(settings)
        begun, busy = time.perf_counter(), time.process_time()
        full = await run_all(settings, full=True)
        took, busy = time.perf_counter() - begun, time.process_time() - busy
        _all_well(full)
        things = await count_things(settings)
        naive = sum(things.values()) * single
        requests = sum(record.requests for record in full)
        least = floor(full, latency)
        found.detail |= {
            "things": things, "single_request_seconds": single, "full_requests": requests,
            "full_seconds": took, "full_processor_seconds": busy,
            "by_sync": {record.name.value: _figures(record) for record in full},
            "one_after_another_seconds": naive,
            "same_requests_one_after_another_seconds": requests * single,
        }  # fmt: skip
        found.add(
            f"full sync, {cases} open cases, against one thing after another",
            naive / took, "×", f"≥ {FASTER:.0f} × faster", met=naive / took >= FASTER,
        )  # fmt: skip
        found.add(
            "full sync, against requests × latency ÷ concurrency",
            took / least, "×", f"≤ {FLOOR} ×", met=took / least <= FLOOR,
        )  # fmt: skip
        idle = await run_all(settings)
        _all_well(idle)
        asked = sum(record.requests for record in idle)
        found.add("nothing changed: requests", asked, "", f"≤ {IDLE}", met=asked <= IDLE)
        pipe.send(max(1, cases // 100))
        await asyncio.to_thread(pipe.recv)
        small = await run_all(settings)
        _all_well(small)
        share = sum(record.requests for record in small) / requests
        found.add(
            "1 % changed: share of the full run's requests",
            share * 100, "%", f"≤ {SHARE:.0%}", met=share <= SHARE,
        )  # fmt: skip


async def measure_memory(found: Findings, redis_url: str, cases: int, dialect: str) -> None:
    """The most memory that a process doing every sync of many cases ever had."""
    async with far_away(cases, 0.0, dialect, redis_url) as (settings, _):
        spawn = multiprocessing.get_context("spawn")
        answers, child_end = spawn.Pipe()
        child = spawn.Process(target=_work, args=(settings, child_end))
        child.start()
        peak, seconds, states = await asyncio.to_thread(answers.recv)
        child.join()
    found.detail["memory"] = {"cases": cases, "seconds": seconds, "states": states}
    found.add(
        f"worker, every sync of {cases} cases: peak memory",
        peak, "MB", f"< {MEMORY:.0f} MB", met=peak < MEMORY,
    )  # fmt: skip


def _work(settings: Settings, answers: Connection) -> None:
    setup_logging(settings)
    begun = time.perf_counter()
    records = asyncio.run(run_all(settings, full=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    states = {record.name.value: record.state.value for record in records}
    answers.send((peak, time.perf_counter() - begun, states))


@asynccontextmanager
async def far_away(
    cases: int, latency: float, dialect: str, redis_url: str
) -> AsyncIterator[tuple[Settings, Connection]]:
    """Run the sandbox in a process of its own; send a number to change so many cases."""
    pipe, other = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(cases, latency, dialect, other), daemon=True
    )
    child.start()
    try:
        env = await asyncio.to_thread(pipe.recv)
        names = {key.removeprefix("T5G_").lower(): value for key, value in env.items()}
        quiet = {"redis_url": redis_url, "log_level": "error"}
        settings = load_settings(env={**names, **quiet})
        setup_logging(settings)
        yield settings, pipe
    finally:
        child.kill()
        child.join()


def _serve(cases: int, latency: float, dialect: Any, pipe: Connection) -> None:
    config = SandboxConfig(cases=cases, closed=cases // 10, portal_api=dialect)
    asyncio.run(_serving(config, latency, pipe))


async def _serving(config: SandboxConfig, latency: float, pipe: Connection) -> None:
    async with start_sandbox(config) as sandbox:
        for name in UPSTREAMS:
            sandbox.faults[name].latency = latency
        pipe.send(sandbox.env())
        while True:
            count = await asyncio.to_thread(pipe.recv)
            _change(sandbox, count)
            pipe.send("done")


def _change(sandbox: Sandbox, count: int) -> None:
    """Let something happen to some cases, and to the cards of half of them."""
    cases = sandbox.world.open_cases()[:count]
    for place, case in enumerate(cases):
        sandbox.portal.update_case(case.number, severity=1 + place % 4)
        card = sandbox.world.cards.get(case.number)
        if card and place % 2:
            sandbox.jira.add_comment(card, None, "a comment")


async def time_of_one_request(settings: Settings) -> float:
    """The median time of asking the Portal for one thing, connections kept open (seconds)."""
    async with Clients(settings) as clients:
        number = ""
        async for page in clients.portal.listing():
            number = page.cases[0].number
            break
        times = []
        for _ in range(PROBES):
            begun = time.perf_counter()
            async for _ in clients.portal.members([number]):
                pass
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


async def count_things(settings: Settings) -> dict[str, int]:
    """What one asks for one after another: cases, their details and links, cards, issues, bugs."""
    redis = open_redis(settings.redis_url)
    things = dict.fromkeys(("cases", "details", "links", "cards", "issues", "bugs"), 0)
    seen: set[str] = set()
    async for fields in open_store(settings, redis).read_all():
        states: dict[Source, Any] = dict(fields.states)
        if Source.PORTAL not in states:
            continue
        for name in ("cases", "details", "links"):
            things[name] += 1
        cards = states.get(Source.CARD)
        things["cards"] += len(visible(cards.cards)) if cards else 0
        for source, name in ((Source.ISSUES, "issues"), (Source.BUGS, "bugs")):
            keys = set(visible(states[source])) if source in states else set()
            things[name] += len(keys - seen)
            seen |= keys
    await redis.aclose()
    if settings.portal_api == "hydra":
        things["links"] = 0  # they come with the details
    return things


def floor(records: Sequence[SyncRecord], latency: float) -> float:
    """The least time that these requests can take, at the concurrency that is allowed.

    What one needs of the other is waited for; of what runs side by side the longest counts.
    """
    by_name = {record.name: record.requests * latency for record in records}
    details = by_name[Sync.DETAILS] / REST_AT_ONCE + latency
    links = max(by_name[Sync.ISSUES] / CALLS_AT_ONCE, by_name[Sync.BUGS])
    cards = by_name[Sync.CARDS]  # its pages come one after another
    return by_name[Sync.CASES] + max(details + links, cards)


def _all_well(records: Sequence[SyncRecord]) -> None:
    for record in records:
        if record.state is not SyncState.OK:
            print(f"{record.name}: {record.state}: {record.error}", file=sys.stderr)


def _figures(record: SyncRecord) -> dict[str, float]:
    return {"requests": record.requests, "seconds": round(record.ended - record.started, 3)}
