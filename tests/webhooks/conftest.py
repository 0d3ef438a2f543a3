"""What tests of the web process share: the application on loopback, on a real Redis."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from t5g.board import Board
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.settings import Settings, load_settings
from t5g.store import Store
from tests.making_jira import SECRET, body_of, headers_of
from tests.own_redis import OwnRedis
from webhooks.app import create_app

Client = TestClient[Any, Any]


@pytest.fixture
def settings(redis_url: str) -> Settings:
    """Settings of an installation with a webhook secret."""
    return load_settings(
        env={
            "redis_url": redis_url,
            "jira_webhook_secret": SECRET,
            "slack_bot_token": "xoxb-test-not-secret",
            "slack_signing_secret": "test-signing-not-secret",
        }
    )


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of another process's kind."""
    client = open_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def store(settings: Settings, redis: Redis) -> Store:
    """The store as another process has it."""
    return open_store(settings, redis)


@pytest.fixture
def board(settings: Settings, redis: Redis, store: Store) -> Board:
    """The board of another process."""
    return Board(store, open_syncs(settings, redis), Rules.of(settings))


Serve = Callable[[Settings], Awaitable[Client]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start web processes; each is stopped with the test."""
    clients: list[Client] = []

    async def start(settings: Settings) -> Client:
        client: Client = TestClient(TestServer(create_app(settings)))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def client(serve: Serve, settings: Settings) -> Client:
    """A client of one web process."""
    return await serve(settings)


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    """A Redis that this test may kill; it is not started yet."""
    folder = Path(tempfile.mkdtemp(prefix="t5g-own-"))
    redis = OwnRedis(folder)
    yield redis
    redis.kill()
    shutil.rmtree(folder, ignore_errors=True)


Post = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def post(client: Client) -> Post:
    """Deliver an event as JIRA does; give the status and the JSON of the answer."""

    async def send(payload: Any, **headers: Any) -> tuple[int, Any]:
        body = payload if isinstance(payload, bytes) else body_of(payload)
        async with client.post(
            "/webhooks/jira", data=body, headers=headers_of(body, **headers)
        ) as response:
            return response.status, await response.json()

    return send
