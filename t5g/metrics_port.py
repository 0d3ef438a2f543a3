"""`/metrics` of every process on a port of its own, `T5G_METRICS_PORT`, for the inside only.

Beside worker and scheduler it is a process of its own: RQ forks, and a thread that serves would
hold locks that a fork never gets back. What they count is in Redis, so nobody misses anything.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import HttpVersion11, web, web_response, web_urldispatcher

from t5g.connection import open_redis
from t5g.lifeline import die_with_parent
from t5g.logs import logger
from t5g.scraping import CONTENT_TYPE, Scrape
from t5g.settings import Settings

log = logger(__name__)
STOPPING = 2.0
SERVER = "t5g"


def hide_versions() -> None:
    """Let answers, also those to what is no HTTP, name no versions in their header `Server`.

    aiohttp has no setting for it: it puts `Python/3.11 aiohttp/3.14` where there is none yet.
    """
    vars(web_response)["SERVER_SOFTWARE"] = SERVER


def refuse_odd_expectations() -> None:
    """Let an unknown `Expect` be refused with a text that does not repeat it.

    aiohttp looks at it before any middleware, and can not write what is no UTF-8 into its answer.
    """
    vars(web_urldispatcher)["_default_expect_handler"] = _expected


async def _expected(request: web.Request) -> None:
    """Send `100 Continue` to who waits for it, as aiohttp does; refuse what else is expected."""
    expect = request.headers.get("Expect", "")
    if request.version == HttpVersion11 and expect.lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="There is no such expectation.")
    await _AS_AIOHTTP_DOES(request)


#: Taken once, when nothing is put in its place yet.
_AS_AIOHTTP_DOES = vars(web_urldispatcher)["_default_expect_handler"]


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
        async with serving(settings, Scrape(settings, redis, process)):
            await asyncio.Event().wait()

    asyncio.run(stay())


@asynccontextmanager
async def serving(
    settings: Settings, scrape: Scrape, *, shared: bool = False
) -> AsyncIterator[int]:
    """Serve from this process while the block runs; gives the port (0: none is wanted).

    A port that is taken is told in the log: it is no reason not to work. `shared`: processes of the
    same kind answer on it in turn.
    """
    if not settings.metrics_port:
        yield 0
        return
    runner = web.AppRunner(metrics_app(scrape), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, settings.metrics_host, settings.metrics_port, reuse_port=shared or None
        )
        try:
            await site.start()
        except OSError as error:
            log.warning("metrics_port_not_open", port=settings.metrics_port, error=error.strerror)
        yield settings.metrics_port
    finally:
        await runner.cleanup()


def metrics_app(scrape: Scrape) -> web.Application:
    """Return an application that answers scrapes, and `/healthz` while its loop turns."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=await scrape.text(), headers={"Content-Type": CONTENT_TYPE})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    hide_versions()
    refuse_odd_expectations()
    app = web.Application()
    app.router.add_get("/metrics", page)
    app.router.add_get("/healthz", healthz)
    return app
