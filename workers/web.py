"""The thin shell of httpx: one request, one answer; what the answer means is judged elsewhere."""

import ssl
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec

import httpx
import msgspec
from msgspec import Struct

from t5g.errors import UpstreamError
from workers.calls import Transient, retry_after, trace_headers

USER_AGENT = "t5g-bot"
LANE = 4
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


class Web:
    """An HTTP client in lanes: several small pools of connections instead of a large one.

    httpcore looks at every connection of its pool, for every connection of it, at each request;
    with dozens of them that costs more than the request. Close it when done.
    """

    def __init__(self, lanes: Sequence[httpx.AsyncClient]) -> None:
        self._lanes = lanes
        self._busy = [0] * len(lanes)

    async def send(self, request: Request) -> Answer:
        """Send one request; raises Transient when no whole answer comes back."""
        lane = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[lane] += 1
        try:
            return await _send(self._lanes[lane], request)
        finally:
            self._busy[lane] -= 1

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            await lane.aclose()


def open_web(*, timeout: float, connections: int) -> Web:
    """Open the HTTP client. `timeout` in seconds for each read; connections are kept open."""
    _settle_loop_detection()
    verify = httpx.create_ssl_context()  # dear: made once for all lanes
    return Web([_lane(timeout, verify) for _ in range(-(-connections // LANE))])


def _settle_loop_detection() -> None:
    """Say once that the optional package `sniffio` is not there, if it is not.

    httpcore imports it anew four times a request to learn which event loop runs. Python remembers
    no import that failed, so that all of the path is searched each time: a quarter of a sync.
    """
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]


def _lane(timeout: float, verify: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=min(10.0, timeout)),
        limits=httpx.Limits(max_connections=LANE, max_keepalive_connections=LANE),
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        follow_redirects=False,
        verify=verify,
    )


async def _send(client: httpx.AsyncClient, request: Request) -> Answer:
    headers = {**trace_headers(), **request.headers}
    content = None
    if request.json is not None:
        content = msgspec.json.encode(request.json)
        headers["Content-Type"] = "application/json"
    try:
        found = await client.request(
            request.method,
            request.url,
            headers=headers,
            params=request.params,
            content=content,
            data=request.form,
        )
    except httpx.TimeoutException as error:
        raise Transient("no answer in time") from error
    except httpx.RemoteProtocolError as error:
        raise Transient("the answer was cut off") from error
    except httpx.DecodingError as error:
        raise Transient("the answer was garbled") from error
    except httpx.TransportError as error:
        raise Transient(f"the connection broke ({type(error).__name__})") from error
    return Answer(found.status_code, _by_name(found.headers.raw), found.content)


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
