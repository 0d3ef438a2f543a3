"""What people are told of a run: the words of `t5g sync`, and the answer of `/readyz`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console

from t5g.cli.syncing import summary, worked
from t5g.settings import Settings
from t5g.syncs import SyncRecord
from webhooks.app import create_app


def said(*records: SyncRecord) -> str:
    """What `t5g sync` prints at the end, with its exit code."""
    out = StringIO()
    Console(file=out, width=1_000).print(summary(list(records)))
    return f"{out.getvalue()}exit code {0 if worked(list(records)) else 1}"


@asynccontextmanager
async def readiness(settings: Settings) -> AsyncIterator[Any]:
    """A web process of the installation; calling the value asks its `/readyz`."""
    client: Any = TestClient(TestServer(create_app(settings)))
    await client.start_server()

    async def ask() -> Any:
        async with client.get("/readyz") as response:
            return await response.json()

    try:
        yield ask
    finally:
        await client.close()
