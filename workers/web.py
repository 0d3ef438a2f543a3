"""The thin shell of httpx: one request, one answer; what the answer means is judged elsewhere."""

import asyncio
import os
import ssl
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Protocol
from urllib.request import getproxies

import httpx
import msgspec
from msgspec import Struct

from t5g.errors import UpstreamError
from workers.calls import Measure, Transient, retry_after, trace_headers
from workers.wire import Wire

HEADERS = {
    "User-Agent": "t5g-bot",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}
CONNECT_TIMEOUT = 10.0
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Request(Struct, frozen=True, kw_only=True):
    """One request to be sent."""

    method: str = "GET"
    url: str
    headers: Mapping[str, str] = {}
    params: dict[str, str | int] | None = None
    json: object = None
    form: dict[str, str] | None = None


class Answer(Struct, frozen=True):
    """What came back: status, headers (lower case names) and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """Return the body as JSON values; raises Transient if it is none (cut off, a page)."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Transient("the answer is no JSON") from error


class Lane(Protocol):
    """What sends one request after another: httpx's client, or less of it."""

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the answer is not read yet."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


class Direct:
    """A transport of httpx without its client around it.

    The client looks after cookies, redirects, sign-in and hooks, none of which we use, and that
    costs as much as the transport.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the answer is not read yet."""
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._transport.aclose()


class Proxied:
    """A client of httpx: it knows which address goes through which proxy, and how."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the answer is not read yet."""
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()


class Web:
    """An HTTP client in lanes, of which the least busy takes the next request.

    Close it when done.
    """

    def __init__(self, lanes: Sequence[Lane], *, timeout: float = CONNECT_TIMEOUT) -> None:
        patience = httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout))
        self._lanes = lanes
        self._busy = [0] * len(lanes)
        self._timeout = timeout
        self._extensions = {"timeout": patience.as_dict()}

    async def send(self, request: Request) -> Answer:
        """Send one request; raises Transient when no whole answer comes back."""
        lane = self._busy.index(min(self._busy))
        self._busy[lane] += 1
        try:
            return await self._send(self._lanes[lane], request)
        finally:
            self._busy[lane] -= 1

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            await lane.aclose()

    async def _send(self, lane: Lane, request: Request) -> Answer:
        try:
            # Of the whole answer: one that comes in drops is never late between two of them.
            async with asyncio.timeout(self._timeout):
                found = await lane.send(self._made(request))
                body = await _body(found)
        except httpx.ConnectTimeout as error:
            raise Transient("no connection in time", concerns_all=True) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise Transient("no answer in time") from error
        except httpx.RemoteProtocolError as error:
            raise Transient("the answer was cut off") from error
        except httpx.DecodingError as error:
            raise Transient("the answer was garbled") from error
        except httpx.TransportError as error:
            gone = isinstance(error, httpx.ConnectError | httpx.ProxyError)
            raise Transient(
                f"the connection broke ({type(error).__name__})", concerns_all=gone
            ) from error
        return Answer(found.status_code, _by_name(found.headers.raw), body)

    def _made(self, request: Request) -> httpx.Request:
        headers = {**HEADERS, **trace_headers(), **request.headers}
        content = None
        if request.json is not None:
            content = msgspec.json.encode(request.json)
            headers["Content-Type"] = "application/json"
        return httpx.Request(
            request.method,
            request.url,
            headers=headers,
            params=request.params,
            content=content,
            data=request.form,
            extensions=self._extensions,
        )


def open_web(*, timeout: float, connections: int) -> Web:
    """Open the HTTP client. `timeout` in seconds for a whole answer; connections are kept open."""
    verify = trusted()
    if getproxies():
        return Web(_lanes_through_proxies(connections, verify), timeout=timeout)
    return Web([Direct(Wire(verify=verify, connections=connections))], timeout=timeout)


def _lanes_through_proxies(connections: int, verify: ssl.SSLContext) -> Sequence[Lane]:
    """Return httpx's clients.

    Each has one connection: httpcore looks at every connection of its pool, for every connection
    of it, at each request; with dozens of them that costs more than the request.
    """
    _settle_loop_detection()
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    return [
        Proxied(httpx.AsyncClient(limits=limits, follow_redirects=False, verify=verify))
        for _ in range(connections)
    ]


def trusted() -> ssl.SSLContext:
    """Return whose certificates are trusted: read once in a process, for it takes 30 ms."""
    return _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()  # it looks at these variables itself


def _settle_loop_detection() -> None:
    """Say once that the optional package `sniffio` is not there, if it is not.

    httpcore imports it anew four times a request to learn which event loop runs. Python remembers
    no import that failed, so that all of the path is searched each time: a quarter of a sync.
    """
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]


async def _body(answer: httpx.Response) -> bytes:
    measure = Measure()
    try:
        return b"".join([measure(part) async for part in answer.aiter_bytes()])
    finally:
        await answer.aclose()


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by their name in lower case; of one that comes twice both, with a comma."""
    found: dict[str, str] = {}
    for raw_name, raw in headers:
        name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def judge(service: str, answer: Answer) -> Answer:
    """Return the answer if its status says success; raises what any other status means."""
    if answer.status < 300:
        return answer
    if answer.status in RETRIED:
        raise Transient(
            f"HTTP {answer.status}",
            after=retry_after(answer.headers),
            throttled=answer.status == 429,
        )
    raise UpstreamError(service, f"HTTP {answer.status}", transient=False)
