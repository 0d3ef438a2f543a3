"""Every route of the process with parameters, headers and paths that nobody should send."""

import asyncio
import gzip
import http.client
import re
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.conftest import Victim
from tests.hostile.nasty import NASTY_TEXTS, SEEDED, TEXTS
from tests.webhooks.access.test_every_route import READ

ENDLESS = {"/live"}
PATHS = sorted(set(READ) - ENDLESS)
PARAMETERS = (
    "q", "limit", "cursor", "sort", "page", "days", "since", "until", "from", "to", "text", "at",
    "account", "after", "before", "who", "action", "format", "", "Q", "q[]",
)  # fmt: skip
FINE = {200, 302, 303, 304, 400, 401, 403, 404, 405, 410, 413, 414, 422, 429, 431}
HEADERS = (
    "Accept", "Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range", "Cookie", "Host",
    "Origin", "Referer", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "User-Agent",
    "Sec-Fetch-Site", "Accept-Language", "Forwarded", "Last-Event-ID",
)  # fmt: skip


def packed(text: str) -> str:
    """Text as it can stand in an address, cut to what a server reads."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")[:3_000]


@settings(SEEDED, max_examples=250)
@given(
    pattern=st.sampled_from(PATHS),
    part=TEXTS,
    given_=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=2),
)
def test_no_path_and_no_parameter_breaks_anything(
    victim: Victim, pattern: str, part: str, given_: dict[str, str]
) -> None:
    path = re.sub(r"\{[^}]*\}", packed(part)[:1_500] or "x", pattern)
    query = "&".join(f"{packed(name)}={packed(value)}" for name, value in given_.items())
    assert victim.page(f"{path}?{query}") in FINE


@pytest.mark.parametrize("pattern", [path for path in PATHS if path.startswith("/api/")])
def test_every_nasty_value_in_every_parameter_of_the_api(victim: Victim, pattern: str) -> None:
    path = re.sub(r"\{[^}]*\}", "00000001", pattern)
    for name in ("q", "limit", "cursor", "days"):
        for text in NASTY_TEXTS:
            assert victim.page(f"{path}?{name}={packed(text)}") in FINE


@settings(SEEDED, max_examples=150)
@given(
    path=st.sampled_from(["/", "/cases", "/api/v1/cases", "/saml/login", "/static/app.css"]),
    name=st.sampled_from(HEADERS),
    value=TEXTS,
)
def test_no_header_breaks_anything(victim: Victim, path: str, name: str, value: str) -> None:
    raw = re.sub(rb"[\r\n\0]", b" ", value.encode("utf-8", "replace"))[:4_000].decode("latin-1")
    status, _ = victim.ask("GET", path, **{name.replace("-", "_"): raw})
    assert status in FINE


@pytest.mark.parametrize(
    "path",
    [
        "/cases?q=%0d%0aX-Injected:%201",
        "/%0d%0aX-Injected:%201",
        "/saml/login?to=/%0d%0aX-Injected:%201",
        "/saml/login?to=//evil.example",
        "/accounts/a%0d%0ab",
    ],
)
def test_no_line_of_a_header_is_made_of_what_was_sent(victim: Victim, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", victim.port, timeout=5)
    connection.request("GET", path, headers={"Authorization": f"Bearer {victim.token}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status < 500
    assert answer.getheader("X-Injected") is None
    assert "evil.example" not in (answer.getheader("Location") or "")


RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
    "no version": b"GET /\r\n\r\n",
    "a header without end": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000,
    "a thousand headers": b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(1_000)),
    "two lengths": b"POST /webhooks/jira HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                   b"Content-Length: 2\r\n\r\nab",
    "length and chunks": b"POST /webhooks/jira HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "a chunk beyond all": b"POST /webhooks/jira HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
                          b"\r\n\r\nffffffffffffffffff\r\nx",
    "a negative length": b"POST /webhooks/jira HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "an absolute address": b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the path": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
async def test_bytes_that_are_hardly_http_do_no_harm(victim: Victim, name: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", victim.port)
    writer.write(RAW[name])
    writer.write_eof()
    async with asyncio.timeout(5):
        found = await reader.read()
    writer.close()
    assert not re.search(rb"HTTP/1\.[01] 5\d\d", found), found[:200]
    assert victim.alive()


#: Sixty megabytes in sixty kilobytes.
PACKED = gzip.compress(b"x=" + b"0" * 60_000_000)
DOORS = ("/slack/events", "/webhooks/jira", "/webhooks/jira/guess", "/saml/acs", "/refresh")


def posted(victim: Victim, path: str, body: bytes, packing: str) -> int:
    """Send a packed body on a connection of its own: a refusal may end it."""
    connection = http.client.HTTPConnection("127.0.0.1", victim.port, timeout=5)
    try:
        kind = "application/json" if "jira" in path else "application/x-www-form-urlencoded"
        connection.request("POST", path, body, {"Content-Encoding": packing, "Content-Type": kind})
        return connection.getresponse().status
    except (ConnectionError, http.client.RemoteDisconnected):
        return 400  # the door was shut before all of it was sent
    finally:
        connection.close()


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd", "no such"])
def test_a_body_that_is_not_packed_as_it_says_is_refused(
    victim: Victim, path: str, packing: str
) -> None:
    assert posted(victim, path, b"0123456789", packing) in FINE
    assert victim.alive()


@pytest.mark.parametrize("path", DOORS)
def test_a_packed_bomb_is_not_unpacked_beyond_the_limit(victim: Victim, path: str) -> None:
    with victim.traced() as peak:
        status = posted(victim, path, PACKED, "gzip")
        assert victim.alive()
        most = peak()
    assert status in FINE
    assert most < (40_000_000 if "jira" in path else 10_000_000)  # events may be large
    assert victim.alive()
