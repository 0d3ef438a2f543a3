"""The pages at 10,000 cases against a handler that returns a constant body, in the same run.

Targets: the first page of `/cases` at 50 % or more of the constant handler's throughput
when nothing changed; `/stats` under 50 ms (p99) when it has to be made anew; no page over 200 KB.

    t5g bench pages
"""

import asyncio
import tempfile
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis.asyncio import Redis
from structlog.testing import capture_logs

from bench.load import Measured, fire
from bench.paths import Path as HotPath
from bench.paths import always, compare, constant
from bench.report import Findings, joined
from bench.serving import PrivateRedis, Serving
from bench.worlds import fill, number_of
from t5g.audit import Audit, AuditEntry, Outcome
from t5g.connection import open_redis, open_store
from t5g.figures import HEADLINES
from t5g.keys import Keys
from t5g.model import Details, Portal
from t5g.settings import Settings, load_settings
from t5g.state import DetailsSeen, PortalSeen
from t5g.statistics import DayRow, History, day_of
from t5g.store import Store
from webhooks.app import create_app

THROUGHPUT, STATS_MILLIS, LARGEST = 0.5, 50.0, 200_000
PAGES = ("/", "/cases", "/cases?rows=100", "/cases?q=status:any", "/stats", "/stats?days=0",
         "/trends", "/updates?days=7", "/weekly", "/weekly.txt", "/cases/00000001",
         "/accounts/Account%201", "/engineers/Engineer%201", "/jobs", "/audit")  # fmt: skip
STATS_REQUESTS = 200
AT_ONCE = 1_000
AUDITED = 500


async def measure(cases: int = 10_000, requests: int = 3_000, rounds: int = 3) -> Findings:
    """Run everything on a private Redis; tell what was met."""
    found = Findings()
    with (
        tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder,
        PrivateRedis(Path(folder)) as url,
    ):
        settings = load_settings(env={"redis_url": url, "page_rate": 100_000_000})
        redis = open_redis(settings.redis_url)
        store = open_store(settings, redis)
        await fill(store, cases)
        await _history(settings, redis)
        await _durations(store, cases)
        await _audit(settings, redis)
        with Serving(create_app, settings) as ours:
            await asyncio.to_thread(_sizes, found, ours.port)
            for coding in ("identity", "gzip"):
                size = len(await asyncio.to_thread(_body, ours.port, "/cases", coding))
                asked = always(_get("/cases", coding))
                path = HotPath(f"GET /cases ({coding})", constant(size), asked, THROUGHPUT)
                one = await compare(path, ours, settings, rounds=rounds, count=requests)
                found = joined([found, one])
            await _stats(found, ours, store)
        await redis.aclose()
    return found


async def _stats(found: Findings, ours: Serving, store: Store) -> None:
    """Statistics made anew for each request: a case changes before each."""
    measured = Measured()
    asked = _get("/stats", "gzip")
    for n in range(STATS_REQUESTS):
        await _change(store, n)
        one = await fire(ours.port, [asked], connections=1)
        measured.latencies += one.latencies
        measured.seconds += one.seconds
        for status, count in one.statuses.items():
            measured.statuses[status] = measured.statuses.get(status, 0) + count
    found.most("GET /stats, each made anew: p99", measured.percentile(0.99), "ms", STATS_MILLIS)
    wrong = STATS_REQUESTS - measured.statuses.get(200, 0)
    found.most("GET /stats: answers that were not 200", wrong, "", 0)


def _sizes(found: Findings, port: int) -> None:
    sizes = {path: len(_body(port, path, "identity")) for path in PAGES}
    largest = max(sizes, key=lambda path: sizes[path])
    found.most(f"the largest page ({largest})", sizes[largest] / 1000, "KB", LARGEST / 1000)
    found.detail["page_bytes"] = sizes


def _body(port: int, path: str, coding: str) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Accept-Encoding": coding}
    )
    with urllib.request.urlopen(request) as response:
        return bytes(response.read())


def _get(path: str, coding: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n"
        f"Accept-Encoding: {coding}\r\n\r\n"
    ).encode()


async def _durations(store: Store, cases: int) -> None:
    """Half of the cases found relief and a third were resolved, after hours to months."""
    now = datetime.now(UTC)
    for first in range(0, cases, AT_ONCE):
        seen = [_found(n, now) for n in range(first, min(first + AT_ONCE, cases)) if n % 2 == 0]
        await store.write(seen, now=now)


def _found(n: int, now: datetime) -> DetailsSeen:
    created = now - timedelta(days=1 + n * 7919 % 400, seconds=n % 86_400)
    relief = created + timedelta(hours=n * 31 % 3_000)
    resolved = relief + timedelta(hours=n * 17 % 1_000) if n % 3 == 0 else None
    facts = Details(crit_sit=n % 50 == 1, relief_at=relief, resolved_at=resolved)
    return DetailsSeen(number=number_of(n), seen=now, updated=now, facts=facts)


async def _audit(settings: Settings, redis: Redis) -> None:
    """More entries of the audit log than a page shows, without a line of the log for each."""
    audit = Audit(redis, Keys(settings.redis_prefix))
    entries = [
        AuditEntry(
            who=f"engineer{n % 30}@example.com", action="assign", outcome=Outcome.DONE,
            case=number_of(n), detail="Engineer 1 takes the case of the day " * 3,
        )
        for n in range(AUDITED)
    ]  # fmt: skip
    with capture_logs():
        await audit.record(*entries)


async def _history(settings: Settings, redis: Redis) -> None:
    """A year of rows of numbers."""
    now = datetime.now(UTC)
    history = History(redis, Keys(settings.redis_prefix))
    for days in range(1, 400):
        at = now.timestamp() - days * 86_400
        numbers = {line.name: 100 + days % 37 for line in HEADLINES}
        names = {f"Account {n}": days for n in range(40)}
        await history.write(
            DayRow(
                day=day_of(at, settings.zone), at=at, headlines=numbers,
                by_severity=dict.fromkeys(("Urgent", "High", "Normal", "Low"), days),
                by_account=names, by_engineer=names,
            )
        )  # fmt: skip


async def _change(store: Store, n: int) -> None:
    now = datetime.now(UTC)
    seen = PortalSeen(
        number="00000001",
        seen=now,
        updated=now,
        facts=Portal(number="00000001", status="Waiting on Red Hat", summary=f"Change {n}"),
    )
    await store.write([seen], now=now)
