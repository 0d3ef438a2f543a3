"""`/metrics`: what this process counted, and what Redis knows of all the others."""

import asyncio
import time

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from redis.exceptions import RedisError

from t5g.board import Board
from t5g.errors import StoreError
from t5g.figures import figures
from t5g.inbox import Inbox
from t5g.metrics import REGISTRY, Snapshot
from webhooks.keys import BOARD, INBOX

PATIENCE = 3.0
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def add_routes(app: web.Application) -> None:
    """Mount the page."""
    app.router.add_get("/metrics", page)


async def page(request: web.Request) -> web.Response:
    """Answer a scrape; also while Redis is away, which `t5g_redis_up` then says."""
    snapshot, now = Snapshot(), time.time()
    try:
        async with asyncio.timeout(PATIENCE):
            await _read(request.app, snapshot, now)
        up = 1
    except (StoreError, RedisError, OSError, TimeoutError):
        snapshot, up = Snapshot(), 0
    snapshot.gauge("t5g_redis_up", "1 if Redis answered this scrape", up)
    own = CollectorRegistry(auto_describe=True)
    own.register(snapshot)
    body = generate_latest(REGISTRY) + generate_latest(own)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


async def _read(app: web.Application, snapshot: Snapshot, now: float) -> None:
    board = app[BOARD]
    await board.refresh()
    _add_cases(snapshot, board, now)
    _add_syncs(snapshot, board, now)
    await _add_inbox(snapshot, app[INBOX], now)


def _add_cases(snapshot: Snapshot, board: Board, now: float) -> None:
    found = figures(board.entries.values(), now)
    for headline, count in found.headlines.items():
        snapshot.gauge("t5g_cases", "Cases by headline number", count, headline=headline)
    for severity, count in found.by_severity.items():
        snapshot.gauge("t5g_open_cases", "Open cases by severity", count, severity=severity)
    snapshot.gauge("t5g_board_cases", "Cases on the board, closed ones too", len(board.entries))


def _add_syncs(snapshot: Snapshot, board: Board, now: float) -> None:
    for sync, record in board.syncs.items():
        name = sync.value
        if record.last_success:
            snapshot.gauge(
                "t5g_sync_age_seconds",
                "Time since the sync last worked",
                now - record.last_success,
                sync=name,
            )
        for fact, value, meaning in (
            ("stale", record.stale(now), "1 if the sync is late"),
            ("failures", record.failures, "Failed runs of the sync in a row"),
            ("changed", record.changed, "Cases changed by the sync's last run"),
            ("missed_events", record.missed_events, "Changes found that no event had brought"),
        ):
            snapshot.gauge(f"t5g_sync_{fact}", meaning, float(value), sync=name)


async def _add_inbox(snapshot: Snapshot, inbox: Inbox, now: float) -> None:
    arrivals, oldest = await inbox.arrivals(), await inbox.oldest()
    snapshot.gauge("t5g_deadletters", "Events that wait to be applied", await inbox.count())
    snapshot.gauge(
        "t5g_deadletter_oldest_age_seconds",
        "Age of the oldest event that waits to be applied",
        now - oldest if oldest else 0.0,
    )
    if arrivals.last is not None:
        snapshot.gauge(
            "t5g_jira_last_event_age_seconds", "Time since JIRA's last event", now - arrivals.last
        )
