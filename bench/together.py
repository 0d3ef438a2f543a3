"""A busy day at once: engineers asking, pages open, events coming in, syncs running.

50 engineers ask in Slack, 200 pages follow what changes and are looked at now and then, JIRA sends
200 events a second, and full syncs run one after another, against one web process. Told: latencies
of each, errors (there must be none), whether memory stays flat, and whether the board was ever
read anew as a whole: changes are followed, and only the first look reads all.

    t5g bench together [--seconds 600]
"""

import asyncio
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from bench.load import Measured, exchange, request_bytes
from bench.paths import get
from bench.process import WebProcess
from bench.report import Findings
from bench.sync import far_away
from bench.webhooks import Events, Tracked
from t5g.board import Board
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.embedded_redis import EmbeddedRedis
from t5g.logs import setup_logging
from t5g.settings import Settings
from t5g.syncs import SyncState
from workers.runner import run_all
from workers.worker import POLITENESS

ENGINEERS, PAGES, EVENTS_A_SECOND = 50, 200, 200
THINKING, LOOKING = 1.0, 10.0
SENDERS = 20
QUESTIONS = ("cases", "cases severity:urgent", "escalations", "mine", "stale", "status", "sla")
VIEWS = ("/", "/cases", "/cases?q=severity%3Aurgent", "/stats", "/updates")
SLACK_SECONDS, EVENT_MILLIS, GROWTH = 3.0, 100.0, 1.15
SAMPLE = 5.0
#: Samples in a quarter of the time, for its memory to mean something.
ENOUGH = 3


@dataclass
class Day:
    """What happened, by kind of asker; `memory` in megabytes over time; `told`: pages' news.

    `processor`: seconds that the web process took; `reloads`: boards read as a whole.
    """

    measured: dict[str, Measured] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    told: int = 0
    syncs: int = 0
    processor: float = 0.0
    reloads: float = 0.0

    def add(self, kind: str, seconds: float, status: int) -> None:
        """Remember one answer."""
        found = self.measured.setdefault(kind, Measured())
        found.latencies.append(seconds)
        found.statuses[status] = found.statuses.get(status, 0) + 1


async def measure(seconds: float = 600, cases: int = 1_000) -> Findings:
    """Run it all for so long; tell what was met."""
    with (
        tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder,
        EmbeddedRedis(Path(folder)) as redis,
    ):
        async with far_away(cases, 0.05, "graphql", redis.url) as (settings, _):
            await run_all(settings, full=True)
            known = await _tracked(settings)
            with WebProcess(settings) as web:
                web.first_answer(get("/cases"))
                before = web.processor()
                day = await _day(settings, web, known, seconds)
                day.processor = web.processor() - before
                day.reloads = await asyncio.to_thread(web.counted, "t5g_board_reloads_total")
    return _findings(day, seconds)


async def _day(settings: Settings, web: WebProcess, known: list[Tracked], seconds: float) -> Day:
    day, end = Day(), time.monotonic() + seconds
    events = Events(known, WebProcess.SECRET)
    await asyncio.gather(
        *(_engineer(web.port, day, end, n) for n in range(ENGINEERS)),
        *(_page(web.port, day, end, n) for n in range(PAGES)),
        *(_sender(web.port, day, end, events) for _ in range(SENDERS)),
        _memory(web, day, end),
        _syncing(settings, day, seconds),
    )
    return day


async def _engineer(port: int, day: Day, end: float, n: int) -> None:
    """Ask, think, ask."""
    verifier = SignatureVerifier(WebProcess.SECRET)
    chance = random.Random(n)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0, 2 * THINKING))
        body = urlencode({
            "command": "/t5g", "text": chance.choice(QUESTIONS), "user_id": f"U{n:08d}",
            "user_name": f"engineer{n}", "team_id": "T1", "channel_id": "C1",
            "response_url": "http://127.0.0.1:9/", "trigger_id": "1.2.3", "token": "x",
        }).encode()  # fmt: skip
        stamp = str(int(time.time()))
        signature = verifier.generate_signature(timestamp=stamp, body=body) or ""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature,
        }
        await _ask(reader, writer, request_bytes("/slack/events", headers, body), day, "Slack")
    writer.close()


async def _page(port: int, day: Day, end: float, n: int) -> None:
    """An open page: follows what changes, and is loaded anew now and then."""
    chance = random.Random(1_000 + n)
    following = asyncio.create_task(_follow(port, day))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0, 2 * LOOKING))
        await _ask(reader, writer, get(chance.choice(VIEWS)), day, "pages")
    writer.close()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def _follow(port: int, day: Day) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
    try:
        while line := await reader.readline():
            day.told += line.startswith(b"data:")
        day.broken.append("a page was no longer told of changes")
    finally:
        writer.close()


async def _sender(port: int, day: Day, end: float, events: Events) -> None:
    """JIRA: at its own pace, whatever the answers take."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    pause = SENDERS / EVENTS_A_SECOND
    due = time.monotonic() + random.Random(id(writer)).uniform(0, pause)
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await _ask(reader, writer, events.take(1)[0], day, "events")
        due += pause
    writer.close()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, day: Day, kind: str
) -> None:
    begun = time.perf_counter()
    status = await exchange(reader, writer, request)
    day.add(kind, time.perf_counter() - begun, status)


async def _memory(web: WebProcess, day: Day, end: float) -> None:
    while time.monotonic() < end:
        day.memory.append(web.memory())
        await asyncio.sleep(min(SAMPLE, max(0.0, end - time.monotonic())))


async def _syncing(settings: Settings, day: Day, seconds: float) -> None:
    """Full syncs, one after another, in a process of their own as a worker's."""
    spawn = multiprocessing.get_context("spawn")
    answers, other = spawn.Pipe()
    worker = spawn.Process(target=_sync_until, args=(settings, seconds, other), daemon=True)
    worker.start()
    day.syncs, failures = await asyncio.to_thread(answers.recv)
    day.broken += failures
    await asyncio.to_thread(worker.join)


def _sync_until(settings: Settings, seconds: float, answers: Connection) -> None:
    os.nice(POLITENESS)
    setup_logging(settings)
    end, rounds, failures = time.monotonic() + seconds, 0, list[str]()
    while time.monotonic() < end:
        records = asyncio.run(run_all(settings, full=True))
        failures += [f"{r.name}: {r.error}" for r in records if r.state is not SyncState.OK]
        rounds += 1
    answers.send((rounds, failures))


async def _tracked(settings: Settings) -> list[Tracked]:
    """The cases that have a card."""
    redis = open_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    await board.refresh()
    await redis.aclose()
    return [
        Tracked(entry.number, entry.card.key, entry.card.id)
        for entry in board.entries.values()
        if entry.card
    ]


def _findings(day: Day, seconds: float) -> Findings:
    found = Findings()
    refused = 0
    for kind, one in sorted(day.measured.items()):
        one.seconds = seconds
        refused += sum(n for status, n in one.statuses.items() if status >= 400)
        found.detail[kind] = {
            "answers": len(one.latencies), "statuses": {str(k): v for k, v in one.statuses.items()},
            "p50_ms": round(one.percentile(0.5), 2), "p99_ms": round(one.percentile(0.99), 2),
            "longest_ms": round(max(one.latencies) * 1000, 1),
        }  # fmt: skip
        found.add(f"{kind}: p99", one.percentile(0.99), "ms")
    found.most("answers that were errors", refused, "", 0)
    found.most("syncs and open pages that broke", len(day.broken), "", 0)
    slowest = max(day.measured["Slack"].latencies)
    found.most("Slack: the longest answer", slowest, "s", SLACK_SECONDS)
    found.most("boards read as a whole", day.reloads, "", 1)
    found.add("web: part of a processor taken", 100 * day.processor / seconds, "%")
    found.most("events: p99", day.measured["events"].percentile(0.99), "ms", EVENT_MILLIS)
    quarter = len(day.memory) // 4
    if quarter >= ENOUGH:
        before = statistics.median(day.memory[quarter : 2 * quarter])
        after = statistics.median(day.memory[-quarter:])
        found.most("memory of web, last quarter against the second", after / before, "×", GROWTH)
    found.detail |= {
        "seconds": seconds, "news_told": day.told, "full_syncs": day.syncs,
        "memory_mb": [round(x, 1) for x in day.memory[:: max(1, len(day.memory) // 20)]],
        "broken": day.broken[:20],
    }  # fmt: skip
    return found
