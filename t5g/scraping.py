"""What a process answers to a scrape: its own, the sums of all, and what Redis knows at the moment.

Everything but memory, CPU, loop lag and the board is the same whichever process is asked. Nothing
here serves HTTP.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g.board import Board
from t5g.connection import open_syncs
from t5g.errors import StoreError
from t5g.heartbeat import KINDS, alive
from t5g.inbox import Inbox
from t5g.keys import Keys
from t5g.metrics import COUNTED, LOOP_LAG, REGISTRY, Snapshot
from t5g.operations import Operations
from t5g.runs import Runs
from t5g.settings import Settings
from t5g.sums import FLUSH_EVERY, Sums, read_sums
from t5g.syncs import SyncRecord, SyncState

PATIENCE = 3.0
LAG_INTERVAL = 1.0
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Statuses of cases that are named; the Portal may invent others.
STATUSES = frozenset({"Waiting on Red Hat", "Waiting on Customer", "Closed"})
SEVERITIES = frozenset({"Urgent", "High", "Normal", "Low"})

More = Callable[[Snapshot, float], Awaitable[None]]


class Scrape:
    """One answer of one process. `more` adds what only that process can ask."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        process: str,
        board: Board | None = None,
        more: More | None = None,
    ) -> None:
        self._settings = settings
        self._redis = redis
        self._keys = Keys(settings.redis_prefix)
        self._process = process
        self._board = board
        self._more = more

    async def text(self) -> bytes:
        """Return the answer; also while Redis is away, which `t5g_redis_up` then says."""
        snapshot, sums, up = Snapshot(), Sums(REGISTRY, {}), 1
        try:
            async with asyncio.timeout(PATIENCE):
                await COUNTED.flush(self._redis, self._keys)
                sums = await read_sums(self._redis, self._keys, REGISTRY)
                await self._read(snapshot, time.time())
        except (StoreError, RedisError, OSError, TimeoutError):
            snapshot, up = Snapshot(), 0
        snapshot.gauge("t5g_redis_up", "1 if Redis answered this scrape", up)
        return exposed(sums, snapshot)

    async def _read(self, snapshot: Snapshot, now: float) -> None:
        await _add_syncs(snapshot, self._redis, self._settings, now)
        await _add_inbox(snapshot, Inbox(self._redis, self._keys), now)
        await _add_work(snapshot, self._redis, self._keys, now)
        if self._board is not None:
            await _add_board(snapshot, self._board, now)
        if self._more is not None:
            await self._more(snapshot, now)


def exposed(sums: Sums, snapshot: Snapshot) -> bytes:
    """Return everything in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(sums)
    registry.register(snapshot)
    return generate_latest(registry)


async def measure_lag(process: str) -> None:
    """Measure how late the event loop is, until cancelled: what blocks it delays every answer."""
    loop, lag = asyncio.get_running_loop(), LOOP_LAG.labels(process)
    while True:
        due = loop.time() + LAG_INTERVAL
        await asyncio.sleep(LAG_INTERVAL)
        lag.set(max(0.0, loop.time() - due))


async def keep_adding(redis: Redis, keys: Keys) -> None:
    """Add what this process counts to the sums, every few seconds, until cancelled."""
    while True:
        await asyncio.sleep(FLUSH_EVERY)
        await add_once(redis, keys)


async def add_once(redis: Redis, keys: Keys) -> None:
    """Add what this process counted; what Redis does not take now is kept."""
    try:
        async with asyncio.timeout(PATIENCE):
            await COUNTED.flush(redis, keys)
    except (RedisError, OSError, TimeoutError):
        return


async def _add_board(snapshot: Snapshot, board: Board, now: float) -> None:
    behind = await board.behind()
    snapshot.gauge("t5g_board_lag_changes", "Changes the board had not seen yet", behind)
    await board.refresh()
    found = board.figures(now)
    for headline, count in found.headlines.items():
        snapshot.gauge("t5g_cases", "Cases by headline number", count, headline=headline)
    for severity, count in _bounded(found.by_severity, SEVERITIES).items():
        snapshot.gauge("t5g_open_cases", "Open cases by severity", count, severity=severity)
    for status, count in _bounded(found.by_status, STATUSES).items():
        meaning = "Open cases by whom they wait for"
        snapshot.gauge("t5g_open_cases_by_status", meaning, count, status=status)
    snapshot.gauge("t5g_board_cases", "Cases on the board, closed ones too", len(board.entries))


def _bounded(counts: Mapping[str, int], known: frozenset[str]) -> dict[str, int]:
    """Count what has none of the known names together."""
    found: dict[str, int] = dict.fromkeys(sorted(known), 0)
    for name, count in counts.items():
        label = name if name in known else "other"
        found[label] = found.get(label, 0) + count
    return found


async def _add_syncs(snapshot: Snapshot, redis: Redis, settings: Settings, now: float) -> None:
    for sync, record in (await open_syncs(settings, redis).read_all()).items():
        name = sync.value
        if record.last_success:
            age = now - record.last_success
            snapshot.gauge("t5g_sync_age_seconds", "Time since its last success", age, sync=name)
        for fact, value, meaning in _facts(record, now):
            snapshot.gauge(f"t5g_sync_{fact}", meaning, float(value), sync=name)


def _facts(record: SyncRecord, now: float) -> tuple[tuple[str, float, str], ...]:
    return (
        ("stale", record.stale(now), "1 if the sync is late"),
        ("running", record.state is SyncState.RUNNING, "1 while the sync runs"),
        ("failures", record.failures, "Failed runs of the sync in a row"),
        ("changed", record.changed, "Cases changed by the sync's last run"),
        ("missed_events", record.missed_events, "Changes found that no event had brought"),
    )


async def _add_inbox(snapshot: Snapshot, inbox: Inbox, now: float) -> None:
    arrivals, oldest = await inbox.arrivals(), await inbox.oldest()
    snapshot.gauge("t5g_deadletters", "Events that wait to be applied", await inbox.count())
    snapshot.gauge(
        "t5g_deadletter_oldest_age_seconds",
        "Age of the oldest event that waits to be applied",
        now - oldest if oldest else 0.0,
    )
    if arrivals.last is not None:
        age = now - arrivals.last
        snapshot.gauge("t5g_jira_last_event_age_seconds", "Time since JIRA's last event", age)


async def _add_work(snapshot: Snapshot, redis: Redis, keys: Keys, now: float) -> None:
    operations = Operations(redis, keys)
    for queue in await operations.queues():
        for fact, value, meaning in (
            ("jobs", queue.waiting, "Jobs that wait for a worker"),
            ("oldest_age_seconds", queue.oldest_age(now), "Age of the job that waits longest"),
            ("failed_jobs", queue.failed, "Jobs that failed for good and are kept"),
            ("repeated_jobs", queue.later, "Jobs that wait for their next attempt"),
        ):
            snapshot.gauge(f"t5g_queue_{fact}", meaning, value, queue=queue.name)
    running = len(await Runs(redis, keys).open())
    snapshot.gauge("t5g_jobs_running", "Attempts of jobs under way", running)
    planned = await operations.planned()
    late = max((now - entry.at for entry in planned), default=0.0)
    snapshot.gauge("t5g_schedule_late_seconds", "How late the schedule is", max(0.0, late))
    for kind in KINDS:
        count = len(await alive(redis, keys, kind, now))
        snapshot.gauge("t5g_processes", "Processes that gave a sign of life", count, kind=kind)
