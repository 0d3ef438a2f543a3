"""Lets asyncio use the blocking packages `jira` and `python-bugzilla`: threads with time limits.

What their exceptions mean is said by the client that uses them; here only what is common to
everything built on `requests`: broken connections, time-outs, answers cut off, and HTTP statuses.
"""

import asyncio
import http.client
import io
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import Any, TypeVar, cast
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from t5g.errors import UpstreamError
from workers.calls import Caller, Measure, Transient, retry_after, trace_headers

T = TypeVar("T")

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
#: A thread can not be stopped; the limit of the answer comes first, this one is the last resort.
SPARE = 30.0

Judge = Callable[[Exception], Exception]


class Threads:
    """Runs blocking calls of one service in its own few threads, with retries."""

    def __init__(self, caller: Caller, judge: Judge, *, threads: int, timeout: float) -> None:
        self._caller = caller
        self._judge = judge
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=caller.service)
        self._timeout = timeout + SPARE

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """Return what `call(*args)` returns; raises UpstreamError when it fails for good."""
        return await self._caller.insist(partial(self._attempt, call, *args))

    def close(self) -> None:
        """Let go of the threads; those still busy end by their socket's time limit."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _attempt(self, call: Callable[..., T], *args: Any) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                # The thread gets the ids of the log lines and of the header.
                inside = copy_context()
                return await loop.run_in_executor(self._pool, partial(inside.run, call, *args))
        except TimeoutError as error:
            raise Transient("no answer in time") from error
        except (Transient, UpstreamError):
            raise
        except Exception as error:
            # The cause is not chained: exceptions of these packages print addresses with keys.
            raise self._judge(error) from None


ELSEWHERE = (
    "the answer leads to another host, where our credentials are not sent: set the address that "
    "answers by itself"
)


class ElsewhereError(requests.RequestException):
    """An upstream sent us to another scheme, host or port, where our credentials must not go."""


class NamingAdapter(requests.adapters.HTTPAdapter):
    """Puts the id of what a call is made for on every request, and lets none leave its origin.

    An answer beyond all measure, or that takes longer than the time limit, is given up while it
    comes.
    """

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the connections to a host, which read answers within a time."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _reading_in_time(pool.ConnectionCls)
        return pool

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request. Raises ElsewhereError if the answer leads elsewhere."""
        answer = super().send(request, *args, **kwargs)
        target = urljoin(request.url or "", answer.headers.get("Location", ""))
        if answer.is_redirect and urlsplit(target)[:2] != urlsplit(request.url or "")[:2]:
            answer.close()
            raise ElsewhereError
        _bound(answer)
        return answer

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        """Add our header; `requests` asks for it before it sends."""
        for name, value in trace_headers().items():
            request.headers.setdefault(name, value)


@cache
def _reading_in_time(connection: type) -> type:
    if getattr(connection, "response_class", None) is _InTime:
        return connection
    return type(connection.__name__, (connection,), {"response_class": _InTime})


class _InTime(http.client.HTTPResponse):
    """An answer whose time limit, the socket's, is one of the whole of it, head and body.

    By itself it is one of each read, and who sends a byte now and then holds a thread for ever.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        limit = sock.gettimeout()
        if limit is not None:
            raw = cast("socket.SocketIO", self.fp.detach())
            self.fp = io.BufferedReader(_Timed(raw, sock, time.monotonic() + limit))


class _Timed(io.RawIOBase):
    """What comes from a socket until a moment. Raises TimeoutError after it."""

    def __init__(self, raw: socket.SocketIO, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there; wait for the first byte no longer than is left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close what was read from."""
        self._raw.close()
        super().close()


def _bound(answer: requests.Response) -> None:
    stream = answer.raw.stream

    def counted(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        return map(Measure(), stream(*args, **kwargs))

    answer.raw.stream = counted  # type: ignore[method-assign]


def judge_requests(service: str, error: Exception) -> Exception:
    """Turn an exception of `requests` into what it means; anything else is returned as it is."""
    match error:
        case ElsewhereError():
            return UpstreamError(service, ELSEWHERE, transient=False, concerns_all=True)
        case requests.HTTPError() if error.response is not None:
            headers = error.response.headers
            return judge_status(service, error.response.status_code, dict(headers))
        case requests.ConnectTimeout():
            return Transient("no connection in time", concerns_all=True)
        case requests.Timeout():
            return Transient("no answer in time")
        case requests.ConnectionError():
            return Transient(
                "the connection could not be made or broke", concerns_all=_no_host(error)
            )
        case (
            requests.exceptions.ChunkedEncodingError() | requests.exceptions.ContentDecodingError()
        ):
            return Transient("the answer was cut off")
        case requests.exceptions.JSONDecodeError() | ValueError():
            return Transient("the answer is no JSON")
        case OSError():
            return Transient(f"the connection broke ({type(error).__name__})")
    return error


def _no_host(error: requests.ConnectionError) -> bool:
    """Say whether nobody took the connection; one that breaks may be the fault of one answer."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(cause, NewConnectionError)


def judge_status(service: str, status: int, headers: dict[str, str]) -> Exception:
    """Turn an HTTP status that says failure into what it means."""
    if status in RETRIED:
        return Transient(f"HTTP {status}", after=retry_after(headers), throttled=status == 429)
    if status in (401, 403):
        return UpstreamError(
            service,
            f"HTTP {status}: the credentials are not accepted",
            transient=False,
            concerns_all=status == 401,  # 403 may be said of one project, card or bug
        )
    return UpstreamError(service, f"HTTP {status}", transient=False)
