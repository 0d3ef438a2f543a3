"""The transport: what comes back, what a failure is called, and that nothing is sent twice."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.authority import certificate
from workers import calls
from workers.calls import Transient
from workers.web import Direct, Request, Web
from workers.wire import Wire

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\n"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
PACKED = gzip.compress(b'{"a": 1}')


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An answer with a length and these headers."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def serving(
    *answers: bytes | None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[str]]]:
    """Give these answers, one a request, then close; None: say nothing. Yield address and heads."""
    left, heads = list(answers), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                if not left:
                    return
                said = left.pop(0)
                if said is None:
                    await reader.read()
                    return
                writer.write(said)
                if said.endswith(b"\n"):  # no whole answer
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}", heads


@asynccontextmanager
async def connected(timeout: float = 5.0) -> AsyncIterator[Web]:
    """A client on one connection."""
    wire = Wire(verify=httpx.create_ssl_context(), connections=1)
    web = Web([Direct(wire)], timeout=timeout)
    try:
        yield web
    finally:
        await web.aclose()


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "the answer was cut off"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\n"], "the answer was cut off"),
        ([CHUNKED], "the answer was cut off"),
        ([b"good morning\r\n\r\n"], "the answer was cut off"),
        ([answer(b"no gzip", "Content-Encoding: gzip")], "the answer was garbled"),
        ([None], "no answer in time"),
    ],
)  # fmt: skip
async def test_what_goes_wrong_has_a_name(answers: list[bytes | None], reason: str) -> None:
    async with serving(*answers) as (url, _), connected(timeout=0.2) as web:
        with pytest.raises(Transient) as caught:
            await web.send(Request(url=url))
    assert caught.value.reason == reason


async def test_a_server_that_is_not_there_is_a_connection_that_broke(free_tcp_port: int) -> None:
    async with connected() as web:
        with pytest.raises(Transient, match=r"the connection broke \(ConnectError\)"):
            await web.send(Request(url=f"http://127.0.0.1:{free_tcp_port}"))


async def test_nothing_is_sent_twice_by_the_transport_itself() -> None:
    """Also not on a connection that was good before: repetitions are ours, and counted."""
    async with serving(GOOD) as (url, heads), connected() as web:
        await web.send(Request(url=url))
        with pytest.raises(Transient):
            await web.send(Request(url=url))
    assert len(heads) == 2


async def test_a_redirect_is_not_followed() -> None:
    moved = answer(b"", "Location: /b", status="302 Found")
    async with serving(moved) as (url, heads), connected() as web:
        found = await web.send(Request(url=f"{url}/a", headers={"Authorization": "Bearer x"}))
    assert (found.status, found.headers["location"], len(heads)) == (302, "/b", 1)


async def test_bodies_go_out_whole_and_come_back_unpacked() -> None:
    packed = answer(PACKED, "Content-Encoding: gzip", f"X-Long: {'x' * 20_000}")
    async with serving(packed, GOOD, GOOD) as (url, heads), connected() as web:
        found = await web.send(Request(url=url))
        await web.send(Request(method="POST", url=f"{url}/?a=b%20c", json={}))
        await web.send(Request(method="POST", url=url))
    assert found.json() == {"a": 1}
    assert len(found.headers["x-long"]) == 20_000
    assert heads[1].startswith("POST /?a=b%20c HTTP/1.1\r\n")
    assert "content-length: 2\r\n" in heads[1].lower()
    assert "content-type: application/json\r\n" in heads[1].lower()
    assert "content-length: 0\r\n" in heads[2].lower()


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_beyond_all_measure_is_given_up(
    packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long as it comes, or a short one that would unpack to very much."""
    monkeypatch.setattr(calls, "LARGEST_ANSWER", 2**20)
    long = b" " * (2**20 - 2) + b"{}"
    said = [
        answer(gzip.compress(one), "Content-Encoding: gzip") if packed else answer(one)
        for one in (long, b" " + long)
    ]
    async with serving(*said) as (url, _), connected() as web:
        assert (await web.send(Request(url=url))).json() == {}
        with pytest.raises(Transient, match="the answer is larger than 1 MB"):
            await web.send(Request(url=url))


async def test_only_a_server_whose_certificate_is_vouched_for_is_spoken_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(GOOD, tls=certificate(tmp_path)) as (url, _):
        async with connected() as web:
            with pytest.raises(Transient, match="the connection broke"):
                await web.send(Request(url=url))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with connected() as web:
            assert (await web.send(Request(url=url))).status == 200
