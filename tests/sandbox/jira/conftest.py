"""Fixtures of the stand-in JIRA's tests: a served one of each kind."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.sandbox.jira.serving import Scene, make_scene


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """A served JIRA of each kind, with a receiver of its webhooks."""
    async for scene in _served(make_scene(cloud=request.param == "cloud")):
        yield scene


@pytest.fixture
async def cloud() -> AsyncIterator[Scene]:
    """A served JIRA Cloud."""
    async for scene in _served(make_scene(cloud=True)):
        yield scene


@pytest.fixture
async def dc() -> AsyncIterator[Scene]:
    """A served JIRA Data Center."""
    async for scene in _served(make_scene(cloud=False)):
        yield scene


async def _served(scene: Scene) -> AsyncIterator[Scene]:
    app = web.Application()
    app.router.add_post("/hook", scene.receiver.take)
    async with TestServer(app) as listening, TestServer(scene.app) as server:
        scene.server = server
        scene.receiver.url = str(listening.make_url("/hook"))
        scene.webhooks.register(scene.receiver.url)
        scene.state.base_url = scene.url
        yield scene
