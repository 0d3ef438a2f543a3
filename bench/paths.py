"""The hot paths of the web process, each beside the least that the libraries under it cost.

A path is a floor (an application that does the least one could do), the requests that both get,
and the targets. The same servers and loads are used at every number of cases.
"""

import itertools
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bench.load import Measured, fire
from bench.report import Findings
from bench.serving import CONNECTIONS, Serving
from bench.worlds import number_of
from t5g.connection import open_redis
from t5g.keys import Keys
from t5g.settings import Settings

WARMING = 300
Factory = Callable[[Settings], web.Application]
Requests = Callable[[int], list[bytes]]


@dataclass(frozen=True)
class Path:
    """One hot path. `throughput`: at least this part of the floor's; `p99`: at most so many times.

    `requests` makes that many requests; those for the floor, if it is asked otherwise, come from
    `floor_requests`.
    """

    name: str
    floor: Factory
    requests: Requests
    throughput: float
    p99: float | None = None
    floor_requests: Requests | None = None


async def compare(
    path: Path, ours: Serving, settings: Settings, *, rounds: int, count: int
) -> Findings:
    """Measure a path and its floor by turns; quote the medians of the ratios."""
    found = Findings()
    pairs: list[tuple[Measured, Measured]] = []
    ask_floor = path.floor_requests or path.requests
    with Serving(path.floor, settings) as least:
        await fire(least.port, ask_floor(WARMING), connections=CONNECTIONS)
        await fire(ours.port, path.requests(WARMING), connections=CONNECTIONS)
        for _ in range(rounds):
            bare = await least.measure(ask_floor(count))
            real = await ours.measure(path.requests(count))
            pairs.append((bare, real))
    throughput = statistics.median(real.throughput / bare.throughput for bare, real in pairs)
    found.least(
        f"{path.name}: throughput of the floor", throughput * 100, "%", path.throughput * 100
    )
    cost = statistics.median(real.cpu / bare.cpu for bare, real in pairs if bare.cpu)
    found.add(f"{path.name}: processor time of the floor", cost, "×")
    if path.p99:
        slower = statistics.median(r.percentile(0.99) / b.percentile(0.99) for b, r in pairs)
        found.most(f"{path.name}: p99 of the floor", slower, "×", path.p99)
    found.detail[path.name] = {
        "floor": figures(b for b, _ in pairs),
        "ours": figures(r for _, r in pairs),
    }
    refused = sum(n for _, real in pairs for status, n in real.statuses.items() if status != 200)
    if refused:
        found.most(f"{path.name}: answers that were not 200", refused, "", 0)
    return found


def figures(runs: Iterator[Measured]) -> dict[str, float]:
    """Medians over some runs: requests a second, p50 and p99 in ms, processor µs a request."""
    measured = list(runs)

    def median(of: Callable[[Measured], float]) -> float:
        return round(statistics.median(map(of, measured)), 3)

    return {
        "per_second": median(lambda m: m.throughput),
        "p50_ms": median(lambda m: m.percentile(0.5)),
        "p99_ms": median(lambda m: m.percentile(0.99)),
        "cpu_us": median(lambda m: m.cpu * 1e6),
    }


def get(path: str, accept: str = "text/html") -> bytes:
    """Write a GET request."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n"
        "Accept-Encoding: gzip\r\n\r\n"
    ).encode()


def constant(size: int) -> Factory:
    """A handler that answers every GET with a body of that size."""

    def make(_: Settings) -> web.Application:
        body = b"x" * size

        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, content_type="text/html")

        app = web.Application()
        app.router.add_get("/{any:.*}", answer)
        return app

    return make


def one_hash(settings: Settings) -> web.Application:
    """A handler that reads one hash from Redis and answers with what is in it."""
    redis, keys = open_redis(settings.redis_url), Keys(settings.redis_prefix)

    async def answer(request: web.Request) -> web.Response:
        found: Any = await redis.hgetall(keys.case(request.match_info["number"]))
        return web.Response(body=b",".join(found.values()), content_type="application/json")

    app = web.Application()
    app.router.add_get("/api/v1/cases/{number}", answer)
    return app


def single_cases(cases: int) -> Requests:
    """Ask the API for one case after another, no two of them the same in a row."""
    order = itertools.cycle(range(1, cases, 7))

    def take(count: int) -> list[bytes]:
        numbers = (number_of(next(order)) for _ in range(count))
        return [get(f"/api/v1/cases/{number}", "application/json") for number in numbers]

    return take


def searches() -> Requests:
    """Ask the page for lists, each with a query that was not asked before."""
    terms = itertools.cycle(
        (
            "severity:urgent,high", "status:waiting", "product:4.16 sort:-age", "escalated:yes",
            'account:"Account {n}"', "age>{n}d", "sla:breached sort:account", "node {n}",
            "-card:none internal:debugging", "bug:any updated<{n}h", "assignee:engineer stale:yes",
        )
    )  # fmt: skip
    counter = itertools.count(1)

    def take(count: int) -> list[bytes]:
        return [get(f"/cases?q={_escaped(next(terms), next(counter))}") for _ in range(count)]

    return take


def _escaped(term: str, n: int) -> str:
    # A word that no case has makes each query a new one.
    return quote(f"{term.format(n=n % 300)} -zz{n}")


def always(request: bytes) -> Requests:
    """The same request again and again."""
    return lambda count: [request] * count
