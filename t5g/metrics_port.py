"""`/metrics` for processes that serve no page: worker, scheduler and bot, on `T5G_METRICS_PORT`.

Beside worker and scheduler it is a process of its own: RQ forks, and a thread that serves would
hold locks that a fork never gets back. What they count is in Redis, so nobody misses anything.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web
from redis.asyncio import Redis

from t5g.board import Board
from t5g.connection import open_redis
from t5g.lifeline import die_with_parent
from t5g.logs import logger
from t5g.scraping import CONTENT_TYPE, Scrape
from t5g.settings import Settings

log = logger(__name__)
STOPPING = 2.0


@contextmanager
def serve_beside(settings: Settings, process: str) -> Iterator[None]:
    """Serve from a process beside this one while the block runs; nothing without a port."""
    if not settings.metrics_port:
        yield
        return
    fork = multiprocessing.get_context("fork")
    server = fork.Process(target=_serve_as_child, args=(os.getpid(), settings, process))
    server.start()
    try:
        yield
    finally:
        server.terminate()
        server.join(STOPPING)


def _serve_as_child(parent: int, settings: Settings, process: str) -> None:
    die_with_parent(parent, signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def stay() -> None:
        redis = open_redis(settings.redis_url)
        async with serving(settings, redis, process):
            await asyncio.Event().wait()

    asyncio.run(stay())


@asynccontextmanager
async def serving(
    settings: Settings, redis: Redis, process: str, board: Board | None = None
) -> AsyncIterator[int]:
    """Serve from this process while the block runs; gives the port (0: none is wanted).

    A port that is taken is told in the log: it is no reason not to work.
    """
    if not settings.metrics_port:
        yield 0
        return
    runner = web.AppRunner(metrics_app(lambda: Scrape(settings, redis, process, board)))
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.metrics_host, settings.metrics_port)
        try:
            await site.start()
        except OSError as error:
            log.warning("metrics_port_not_open", port=settings.metrics_port, error=error.strerror)
        yield settings.metrics_port
    finally:
        await runner.cleanup()


def metrics_app(scrape: Callable[[], Scrape]) -> web.Application:
    """Return an application that answers scrapes, and `/healthz` while its loop turns."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=await scrape().text(), headers={"Content-Type": CONTENT_TYPE})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/metrics", page)
    app.router.add_get("/healthz", healthz)
    return app
