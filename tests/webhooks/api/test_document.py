"""The OpenAPI document tells the truth: schemathesis asks what it allows and what it forbids."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from redis import Redis as SyncRedis
from schemathesis.checks import positive_data_acceptance
from schemathesis.generation import GenerationMode

from t5g.connection import open_redis, open_store
from t5g.settings import load_settings
from t5g.store import Store
from tests import wall_clock
from tests.making import NOW, portal_seen
from tests.webhooks.conftest import Client
from tests.webhooks.pages.worlds import world
from webhooks.api.document import PATH, document
from webhooks.api.endpoints import ENDPOINTS, Endpoint
from webhooks.app import create_app

CALM = list(HealthCheck)


@pytest.fixture(scope="module")
def address(redis_server: str) -> Iterator[str]:
    """A web process with cases, in a thread of its own: schemathesis asks synchronously."""
    with SyncRedis.from_url(redis_server) as redis:
        redis.flushall()
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), list[str]()

    async def serve() -> TestServer:
        env = {"redis_url": redis_server, "slack_signing_secret": "test-not-secret"}
        configured = load_settings(env=env)
        redis, now = open_redis(redis_server), wall_clock.now()
        await open_store(configured, redis).write(world(40, now), now=now)
        await redis.aclose()
        server = TestServer(create_app(configured))
        await server.start_server()
        found.append(str(server.make_url("")))
        ready.set()
        return server

    server = None

    def run() -> None:
        nonlocal server
        server = loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(server.close())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(20), "the web process did not start"
    yield found[0].rstrip("/")
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)


SCHEMA = schemathesis.openapi.from_dict(json.loads(document()))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
#: What has no parameter can not be asked wrongly.
ASKED = [
    pytest.param(one, mode, id=f"{one.path}-{mode.value}")
    for one in OPERATIONS
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or one.query
]


@pytest.mark.parametrize(("operation", "mode"), ASKED)
def test_process_answers_as_its_document_says(
    address: str, operation: Any, mode: GenerationMode
) -> None:
    @settings(max_examples=25, derandomize=True, suppress_health_check=CALM)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        # A text that the document allows may still be no query: a 400, with the reason.
        case.call_and_validate(base_url=address, excluded_checks=[positive_data_acceptance])

    ask()


def test_every_shape_is_described() -> None:
    told = json.loads(document())
    assert set(told["paths"]) == {endpoint.path for endpoint in ENDPOINTS}
    for endpoint in ENDPOINTS:
        assert endpoint.shape.__name__ in told["components"]["schemas"]


def test_what_is_no_cursor_is_none_by_the_document_either() -> None:
    parameters = [
        one
        for path in json.loads(document())["paths"].values()
        for one in path["get"]["parameters"]
        if one["name"] == "cursor"
    ]
    assert len(parameters) == 3
    for one in parameters:
        schema = one["schema"]
        for text in ("", "x y", "ä", "=", "A" * (schema["maxLength"] + 1)):
            fits = len(text) <= schema["maxLength"] and re.search(schema["pattern"], text)
            assert not fits, text


async def test_document_is_sent_to_whoever_asks(client: Client) -> None:
    async with client.get(PATH) as response:
        assert response.status == 200
        assert (await response.json())["openapi"] == "3.1.0"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.path)
async def test_every_address_answers_304_to_who_has_the_answer(
    client: Client, store: Store, endpoint: Endpoint
) -> None:
    await store.write([portal_seen()], now=NOW)
    path = endpoint.path.replace("{number}", "01234567")
    async with client.get(path) as response:
        assert response.status == 200
        etag, body = response.headers["ETag"], await response.read()
    for named, status in ((etag, 304), (f'"other", W/{etag}', 304), ("*", 304), ('"other"', 200)):
        async with client.get(path, headers={"If-None-Match": named}) as response:
            assert response.status == status, named
            assert response.headers["ETag"] == etag
            assert "private" in response.headers["Cache-Control"]
            assert await response.read() == (b"" if status == 304 else body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("GET", "/api/v1/cases/1", 404), ("GET", "/api/v2", 404),
     ("POST", "/api/v1/cases", 405), ("GET", "/api/v1/cases?limit=0", 400),
     ("GET", "/api/v1/stats?x=1", 400), ("GET", "/api/v1/stats/history?days=-1", 400)],
)  # fmt: skip
async def test_every_error_is_a_problem(
    client: Client, method: str, path: str, status: int
) -> None:
    async with client.request(method, path) as response:
        assert (response.status, response.content_type) == (status, "application/problem+json")
        told = json.loads(await response.read())
    assert told["status"] == status
    assert told["instance"] == path.partition("?")[0]
    assert told["title"] and told["detail"]
