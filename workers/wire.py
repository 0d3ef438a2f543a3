"""A transport for httpx that moves bytes by aiohttp, whose parser of HTTP is in C.

A request costs less than half of what it does by httpcore, which httpx brings along: of a thousand
requests a sync feels that. What goes wrong is told in httpx's own words; nothing is sent twice.
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx
from yarl import URL

from workers.calls import Measure

#: Seconds that an idle connection is kept; many servers close theirs soon after.
KEPT = 5.0
#: Some gateways send a lot in one header.
LONGEST_HEADER = 65_536
#: An answer is unpacked in such pieces, in bytes, so that whoever counts can stop in between.
PIECE = 65_536


class Wire(httpx.AsyncBaseTransport):
    """Sends requests over at most so many connections, which are kept open."""

    def __init__(self, *, verify: ssl.SSLContext, connections: int) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=verify, keepalive_timeout=KEPT),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            middlewares=(_once,),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the answer, not decoded yet.

        Raises httpx's TransportErrors, and Transient for an answer beyond all measure.
        """
        body = await request.aread()
        with _in_words_of_httpx():
            async with self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers,
                data=body or None,
                allow_redirects=False,
                timeout=_patience(request),
            ) as answer:
                measure = Measure()
                parts = [measure(part) async for part in answer.content.iter_any()]
                stream = Pieces(b"".join(parts))
                return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()


class Pieces(httpx.AsyncByteStream):
    """Bytes, piece by piece."""

    def __init__(self, whole: bytes) -> None:
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._whole), PIECE):
            yield self._whole[start : start + PIECE]


def _patience(request: httpx.Request) -> aiohttp.ClientTimeout:
    asked = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        total=None,
        connect=asked.get("pool"),
        sock_connect=asked.get("connect"),
        sock_read=asked.get("read"),
    )


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Let aiohttp not repeat what broke, as it does by itself: repetitions are counted ours."""
    with _in_words_of_httpx():
        return await handler(request)


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except (
        aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientResponseError,
    ) as error:  # fmt: skip
        raise httpx.RemoteProtocolError(str(error)) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(str(error)) from error
