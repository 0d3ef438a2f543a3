"""The pages at 10,000 cases against a handler that returns a constant body, in the same run.

Targets (issue 7): the first page of `/cases` at 50 % or more of the constant handler's throughput
when nothing changed; `/stats` under 50 ms (p99) when it has to be made anew; no page over 200 KB.

    python -m bench.pages [--cases N] [--requests N] [--rounds N]
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from bench.load import Measured, fire
from bench.serving import CONNECTIONS, PrivateRedis, Serving
from t5g.connection import open_redis, open_store
from t5g.figures import HEADLINES
from t5g.keys import Keys
from t5g.model import Portal
from t5g.settings import Settings, load_settings
from t5g.state import PortalSeen
from t5g.statistics import DayRow, History, day_of
from t5g.store import Store
from webhooks.app import create_app

THROUGHPUT, STATS_MILLIS, LARGEST = 0.5, 50.0, 200_000
PAGES = ("/", "/cases", "/cases?rows=100", "/stats", "/stats?days=0", "/trends", "/updates?days=7",
         "/weekly", "/cases/00000001", "/accounts/Account%201")  # fmt: skip
SEVERITIES = ("1 (Urgent)", "2 (High)", "3 (Normal)", "4 (Low)")
STATS_REQUESTS = 200


def main() -> None:
    """Measure, print, and exit with 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder,
        PrivateRedis(Path(folder)) as url,
    ):
        settings = load_settings(env={"redis_url": url, "page_rate": 100_000_000})
        met = asyncio.run(_measure(settings, args.cases, args.requests, args.rounds))
    sys.exit(0 if met else 1)


async def _measure(settings: Settings, cases: int, requests: int, rounds: int) -> bool:
    redis = open_redis(settings.redis_url)
    store = open_store(settings, redis)
    await _fill(store, settings, cases)
    with Serving(create_app, settings) as ours:
        met = await asyncio.to_thread(_sizes, ours.port)
        for coding in ("identity", "gzip"):
            met &= await _compare(settings, ours, coding, requests, rounds)
        met &= await _stats(ours, store)
    await redis.aclose()
    return met


async def _compare(
    settings: Settings, ours: Serving, coding: str, requests: int, rounds: int
) -> bool:
    """The list of cases against a constant body of the same size."""
    size = len(await asyncio.to_thread(_body, ours.port, "/cases", coding))
    asked = _get("/cases", coding)
    pairs: list[tuple[Measured, Measured]] = []
    with Serving(_constant(size), settings) as least:
        for server in (least, ours):
            await fire(server.port, [asked] * 200, connections=CONNECTIONS)
        for _ in range(rounds):
            bare = await least.measure([asked] * requests)
            page = await ours.measure([asked] * requests)
            print(bare.line(f"constant {size:,} bytes"))
            print(page.line(f"GET /cases ({coding})"))
            pairs.append((bare, page))
    part = statistics.median(page.throughput / bare.throughput for bare, page in pairs)
    print(f"/cases ({coding}): {part:.0%} of the constant handler (at least {THROUGHPUT:.0%})")
    return part >= THROUGHPUT


async def _stats(ours: Serving, store: Store) -> bool:
    """Statistics made anew for each request: a case changes before each."""
    found = Measured()
    asked = _get("/stats", "gzip")
    for n in range(STATS_REQUESTS):
        await _change(store, n)
        one = await fire(ours.port, [asked], connections=1)
        found.latencies += one.latencies
        found.seconds += one.seconds
        for status, count in one.statuses.items():
            found.statuses[status] = found.statuses.get(status, 0) + count
    print(found.line("GET /stats, each anew"))
    return found.percentile(0.99) < STATS_MILLIS and set(found.statuses) == {200}


def _sizes(port: int) -> bool:
    sizes = {path: len(_body(port, path, "identity")) for path in PAGES}
    for path, size in sizes.items():
        packed = len(_body(port, path, "gzip"))
        print(f"{path:<24} {size:>8,} bytes, {packed:>7,} compressed")
    return max(sizes.values()) < LARGEST


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


def _constant(size: int) -> Callable[[Settings], web.Application]:
    def make(_: Settings) -> web.Application:
        body = b"x" * size

        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, content_type="text/html")

        app = web.Application()
        app.router.add_get("/cases", answer)
        return app

    return make


async def _fill(store: Store, settings: Settings, cases: int) -> None:
    now = datetime.now(UTC)
    await store.write([_case(n, now) for n in range(cases)], now=now)
    history = History(store.redis, Keys(settings.redis_prefix))
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


def _case(n: int, now: datetime) -> PortalSeen:
    created = now - timedelta(days=1 + n * 7919 % 400)
    closed = n % 5 == 0
    return PortalSeen(
        number=f"{n:08d}",
        seen=now,
        updated=now - timedelta(hours=n % 400),
        facts=Portal(
            number=f"{n:08d}",
            status="Closed" if closed else "Waiting on Red Hat",
            severity=SEVERITIES[n % 4],
            account=f"Account {n % 300}",
            summary=f"Node {n} not ready after the upgrade of the cluster to 4.{n % 20}",
            product="OpenShift Container Platform",
            version=f"4.{n % 20}",
            created=created,
            updated=now - timedelta(hours=n % 400),
            closed=now - timedelta(hours=n % 400) if closed else None,
        ),
    )


async def _change(store: Store, n: int) -> None:
    now = datetime.now(UTC)
    seen = PortalSeen(
        number="00000001",
        seen=now,
        updated=now,
        facts=Portal(number="00000001", status="Waiting on Red Hat", summary=f"Change {n}"),
    )
    await store.write([seen], now=now)


if __name__ == "__main__":
    main()
