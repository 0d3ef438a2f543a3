"""An upstream that was taken over gets nothing of ours sent elsewhere, nor fills our memory."""

import asyncio
import gzip
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from t5g.errors import UpstreamError
from t5g.settings import Settings, load_settings
from workers import calls
from workers.clients import Clients

HEARD: web.AppKey[list[dict[str, str]]] = web.AppKey("heard")


@pytest.fixture
async def thief() -> AsyncIterator[TestServer]:
    """Another host that keeps what it is sent."""
    app = web.Application()
    app[HEARD] = []

    async def hear(request: web.Request) -> web.Response:
        app[HEARD].append(dict(request.headers))
        return web.json_response({})

    app.router.add_route("*", "/{anything:.*}", hear)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


def leading_to(url: str) -> Settings:
    """Settings with all upstreams at one address."""
    return load_settings(
        env={
            "jira_url": url, "jira_user": "bot@example.com", "jira_token": "jira-not-secret",
            "bugzilla_url": url, "bugzilla_api_key": "bugzilla-not-secret",
            "sso_url": url, "portal_url": url, "portal_offline_token": "portal-not-secret",
            "portal_rest_url": url, "upstream_attempts": 1, "upstream_timeout": 5,
        }
    )  # fmt: skip


@pytest.fixture
async def settings(thief: TestServer) -> AsyncIterator[Settings]:
    """Settings whose upstreams send everybody to the thief."""
    app = web.Application()

    async def send_on(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{thief.make_url('/')}{request.path_qs[1:]}")

    app.router.add_route("*", "/{anything:.*}", send_on)
    server = TestServer(app)
    await server.start_server()
    yield leading_to(str(server.make_url("/")))
    await server.close()


async def test_no_credentials_follow_a_redirect(settings: Settings, thief: TestServer) -> None:
    async with Clients(settings) as clients:
        with pytest.raises(UpstreamError, match="another host"):
            await clients.jira.sprint_ids("Board", "")
        with pytest.raises(UpstreamError):
            await anext(clients.bugzilla.bugs([1]))
        with pytest.raises(UpstreamError):
            await anext(clients.portal.listing())
    assert thief.app[HEARD] == []


@pytest.mark.parametrize("dialect", ["rest", "xmlrpc"])
async def test_bugzilla_says_what_is_wrong(
    settings: Settings, thief: TestServer, dialect: str
) -> None:
    async with Clients(settings.model_copy(update={"bugzilla_api": dialect})) as clients:
        with pytest.raises(UpstreamError, match="another host"):
            await anext(clients.bugzilla.bugs([1]))
    assert thief.app[HEARD] == []


@pytest.mark.parametrize(
    ("dialect", "bugzilla"),
    # By XML-RPC the package puts an error of its own in the place of ours.
    [("rest", "the answer is larger than 1 MB"), ("xmlrpc", "the server is in trouble")],
)
async def test_an_answer_that_would_fill_the_memory_is_given_up(
    dialect: str, bugzilla: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "LARGEST_ANSWER", 2**20)
    bomb = gzip.compress(b" " * 2**21)
    app = web.Application()

    async def flood(request: web.Request) -> web.Response:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=bomb, headers=headers)

    app.router.add_route("*", "/{anything:.*}", flood)
    async with TestServer(app) as server:
        settings = leading_to(str(server.make_url("/")))
        async with Clients(settings.model_copy(update={"bugzilla_api": dialect})) as clients:
            for asked, why in (
                (clients.jira.sprint_ids("Board", ""), "the answer is larger than 1 MB"),
                (anext(clients.bugzilla.bugs([1])), bugzilla),
                (anext(clients.portal.listing()), "the answer is larger than 1 MB"),
            ):
                with pytest.raises(UpstreamError, match=why):
                    await asked


@asynccontextmanager
async def dripping(head: bytes) -> AsyncIterator[str]:
    """Say `head` at once, then a byte now and then for ever; yield the address."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("dialect", ["rest", "xmlrpc"])
@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
    ],
    ids=["head", "body"],
)
async def test_an_answer_that_comes_in_drops_is_given_up_in_time_with_its_thread(
    head: bytes, dialect: str
) -> None:
    async with dripping(head) as url:
        settings = leading_to(url).model_copy(
            update={"bugzilla_api": dialect, "upstream_timeout": 0.5}
        )
        begun = time.monotonic()
        async with Clients(settings) as clients:
            for asked in (
                clients.jira.sprint_ids("Board", ""),
                anext(clients.bugzilla.bugs([1])),
                anext(clients.portal.listing()),
            ):
                with pytest.raises(UpstreamError):
                    async with asyncio.timeout(10):
                        await asked
        names = ("jira", "bugzilla")
        for thread in [one for one in threading.enumerate() if one.name.startswith(names)]:
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive(), "a thread still reads what will never end"
        assert time.monotonic() - begun < 8
