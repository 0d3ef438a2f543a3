"""A managed Redis: by TLS with an authority of its own, as a user who may touch our keys only."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis as SyncRedis
from redis.exceptions import ConnectionError as RedisConnectionError

from t5g.checks import redis_check
from t5g.connection import open_queue_redis, open_redis, open_store
from t5g.keys import Keys
from t5g.runs import Outcome, Runs
from t5g.settings import load_settings
from t5g.work import enqueue
from tests.authority import certificate
from tests.making import NOW, portal_seen
from tests.own_redis import OwnRedis
from tests.workers.starting import Workers

PASSWORD = "planted-redis-not-secret"
DOCS = Path(__file__).resolve().parents[2] / "docs"


def rights() -> str:
    """What the user may do, as the operators' page tells it."""
    text = (DOCS / "operations.md").read_text("utf-8")
    (found,) = [line for line in text.splitlines() if line.startswith("ACL SETUSER t5g ")]
    return found.removeprefix("ACL SETUSER t5g ").replace("PASSWORD", PASSWORD)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A Redis behind TLS, with a user of ours; its address but for the authority."""
    folder = Path(tempfile.mkdtemp(prefix="t5g-tls-"))
    own = OwnRedis(folder)
    own.start()
    with SyncRedis.from_url(own.url) as admin:
        admin.execute_command("ACL", "SETUSER", "t5g", *rights().split())
        admin.execute_command("ACL", "SETUSER", "default", "off")

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = await asyncio.open_unix_connection(str(own.socket))
        await asyncio.gather(_pass_on(reader, inside[1]), _pass_on(inside[0], writer))

    server = await asyncio.start_server(joined, "127.0.0.1", 0, ssl=certificate(folder))
    port = server.sockets[0].getsockname()[1]
    yield f"rediss://t5g:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={folder}/ca.pem"
    server.close()
    own.kill()
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_worker_works_with_it(address: str) -> None:
    settings = load_settings(env={"redis_url": address, "log_format": "json"})
    redis = open_redis(address)
    assert (await redis_check(redis, Keys())[1]()).endswith("writable")
    store = open_store(settings, redis)
    await store.write([portal_seen()], now=NOW)

    def ask() -> None:
        with open_queue_redis(address) as queue:
            enqueue(queue, "tests.workers.doings.short", 3, keys=Keys())

    await asyncio.to_thread(ask)
    workers = Workers(settings)
    try:
        worker = await workers(burst=True)
        async with asyncio.timeout(40):
            assert await worker.wait() == 0, workers.said()
        (run,) = await Runs(redis, Keys()).ended(0)
    finally:
        await workers.stop()
    assert run.outcome is Outcome.DONE, run
    await redis.aclose()


async def test_an_authority_that_is_not_named_is_not_believed(address: str) -> None:
    redis = open_redis(address.split("?", maxsplit=1)[0])
    with pytest.raises(RedisConnectionError):
        await redis.ping()
    await redis.aclose()
