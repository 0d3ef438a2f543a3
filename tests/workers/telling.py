"""What people are told of a run: the words of `t5g sync`, and the answer of `/readyz`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console

from t5g.board import Board
from t5g.cli.syncing import summary, worked
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.inbox import Inbox
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.syncs import SyncRecord
from webhooks.health import add_routes
from webhooks.keys import BOARD, INBOX, REDIS, SETTINGS


def said(*records: SyncRecord) -> str:
    """What `t5g sync` prints at the end, with its exit code."""
    out = StringIO()
    Console(file=out, width=1_000).print(summary(list(records)))
    return f"{out.getvalue()}exit code {0 if worked(list(records)) else 1}"


@asynccontextmanager
async def readiness(settings: Settings) -> AsyncIterator[Any]:
    """The health routes of the installation; calling the value asks `/readyz`.

    Only these: a whole web process compiles its templates for half a second.
    """
    redis = open_redis(settings.redis_url)
    app = web.Application()
    app[SETTINGS], app[REDIS] = settings, redis
    app[INBOX] = Inbox(redis, Keys(settings.redis_prefix))
    records = open_syncs(settings, redis)
    app[BOARD] = Board(open_store(settings, redis), records, Rules.of(settings))
    add_routes(app)
    client: Any = TestClient(TestServer(app))
    await client.start_server()

    async def ask() -> Any:
        async with client.get("/readyz") as response:
            return await response.json()

    try:
        yield ask
    finally:
        await client.close()
        await redis.aclose()
