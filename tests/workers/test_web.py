"""The HTTP client: what it makes of answers, and that it asks for no package again and again."""

import asyncio
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec

import certifi
import httpx
import pytest

from workers.web import Request, _by_name, open_web, trusted

#: A server that answers everything, and sets a cookie.
ANSWER = (
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\n\r\n{}"
)


@pytest.fixture
async def served() -> AsyncIterator[tuple[str, list[str]]]:
    """A server's address, and what it was sent: the head of each request."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(ANSWER)
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}", heads


@pytest.fixture
def no_proxy_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


@pytest.mark.usefixtures("no_proxy_named")
async def test_a_request_says_who_asks_and_what_is_understood_and_keeps_no_cookie(served) -> None:
    url, heads = served
    web = open_web(timeout=5.0, connections=1)
    for _ in range(2):
        answer = await web.send(Request(url=f"{url}/a", params={"q": "x y"}, headers={"X-Of": "b"}))
        assert (answer.status, answer.json()) == (200, {})
    await web.aclose()
    assert [head.splitlines()[0] for head in heads] == ["GET /a?q=x+y HTTP/1.1"] * 2
    said = dict(line.split(": ") for line in heads[1].lower().splitlines()[1:-1])
    assert said["user-agent"] == "t5g-bot"
    assert said["accept"] == "application/json"
    assert said["x-of"] == "b"
    assert "gzip" in said["accept-encoding"]
    assert "cookie" not in said


@pytest.mark.usefixtures("no_proxy_named")
async def test_requests_go_through_the_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, served
) -> None:
    url, heads = served
    monkeypatch.setenv("HTTP_PROXY", url)
    web = open_web(timeout=5.0, connections=1)
    answer = await web.send(Request(url="http://portal.invalid/a"))
    await web.aclose()
    assert answer.status == 200
    assert heads[0].splitlines()[0] == "GET http://portal.invalid/a HTTP/1.1"


def test_headers_are_found_by_their_name_in_lower_case() -> None:
    raw = [("Content-Type", "text/html"), ("Retry-After", "3"), ("X-Of", "a"), ("x-of", "é")]
    headers = httpx.Headers([(name, value.encode("latin-1")) for name, value in raw])
    assert _by_name(headers.raw) == dict(headers)
    assert _by_name(headers.raw)["x-of"] == "a, é"


@pytest.mark.usefixtures("no_proxy_named")
async def test_a_package_that_is_not_there_is_not_searched_for_at_each_request(
    monkeypatch: pytest.MonkeyPatch, served
) -> None:
    url, _ = served
    monkeypatch.setenv("HTTP_PROXY", url)
    web = open_web(timeout=5.0, connections=1)
    if find_spec("sniffio"):
        pytest.skip("the package is there")
    searched: list[str] = []

    class Watch:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> None:
            searched.append(name)

    await web.send(Request(url=url))  # loads what is loaded once
    monkeypatch.setattr(sys, "meta_path", [Watch, *sys.meta_path])
    await web.send(Request(url=url))
    await web.aclose()
    assert searched == []


def test_certificates_are_read_once_and_anew_where_another_file_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = trusted()
    assert trusted() is usual
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    named = trusted()
    assert named is not usual
    assert named.get_ca_certs()
