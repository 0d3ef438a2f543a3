"""Every header that is read, on every route, with values that nobody should send: never a 5xx.

Headers are sent as bytes, so that nothing of a client's stands between them and the process.
"""

import hashlib
import hmac
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

import pytest
from redis import Redis as SyncRedis

from t5g.connection import open_redis
from t5g.jira_door import sign
from t5g.keys import Keys
from t5g.supervisor import free_port
from t5g.team import Role
from tests import wall_clock
from tests.hostile.process import SLACK_SECRET, Web
from tests.making_jira import SECRET, body_of, issue_event
from tests.webhooks.access.test_every_route import ACT, FILLED, READ
from webhooks.access.tokens import Tokens

#: What of a request is read somewhere, by us, by aiohttp or by Bolt.
HEADERS = (
    "Host", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP",
    "Via", "Cookie", "Authorization", "If-None-Match", "If-Modified-Since", "Accept",
    "Accept-Encoding", "Accept-Language", "Content-Type", "Content-Encoding", "Range", "Expect",
    "Upgrade", "Last-Event-ID", "Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode",
    "User-Agent", "X-Slack-Signature", "X-Slack-Request-Timestamp", "X-Slack-Retry-Num",
    "X-Hub-Signature", "X-Atlassian-Webhook-Identifier", "X-Atlassian-Webhook-Retry",
    "X-Atlassian-Webhook-Flow", "X-Request-Id", "Connection", "Content-Length",
)  # fmt: skip
NOW = str(int(wall_clock.seconds())).encode()
VALUES: Mapping[str, bytes] = {
    "empty": b"",
    "no UTF-8": b"\xff\xfe\x80",
    "half a character": b"\xed\xa0\x80",
    "a bracket": b"[",
    "an address with a bracket": b"http://[",
    "a bracket and a port": b"[::1]:99999999",
    "NUL-like": b"%00\\x00\\0",
    "tabs": b"\t;\t,\t",
    "digits": b"9" * 5_000,
    "a time and digits": NOW.rjust(12, b"0") + b"0" * 5_000,
    "other digits": "\u0663\u0664".encode(),
    "long": b"A" * 7_000,
    "a list": b"," * 3_000,
    "quotes": b'"\\"; a="',
    "negative": b"-1",
    "not a number": b"nan, inf, 1e999",
    "percent": b"%ff%c0%ae%",
    "cookies": b't5g=\xff; __Host-t5g=" ; t5g-login=[; =; ;;; $Version=1',
    "a token": b"Bearer \xff t5g_" + b"\xe4" * 43,
    "a signature": b"sha256=\xff" + b"0" * 63,
    "ranges": b"bytes=0-,-1,9-1,\xff",
    "a date": b"Mon, 99 Foo 99999 99:99:99 XXX",
    "a type": b"application/json; charset=no-such; =;\x80",
    "a form": b"application/x-www-form-urlencoded; charset=\xff",
    "parts": b"multipart/form-data",
}
#: What has broken something once; all of them are tried where headers mean most.
ODD = ("empty", "no UTF-8", "half a character", "a bracket", "an address with a bracket", "digits")
ROUTES = [("GET", path) for path in READ] + [("POST", path) for path in ACT]


@pytest.fixture(scope="module")
def web(redis_server: str) -> Iterator[Web]:
    """A process with a login, behind a proxy that it believes."""
    with SyncRedis.from_url(redis_server) as redis:
        redis.flushall()
    found = Web(
        redis_server, free_port(0), trusted_proxies="127.0.0.0/8", log_level="warning",
        jira_webhook_networks="127.0.0.0/8 192.0.2.0/24",
    )  # fmt: skip
    yield found
    found.stop()


@pytest.fixture(scope="module")
def token(web: Web, redis_server: str) -> bytes:
    """The header of an administrator."""
    import asyncio

    async def made() -> str:
        async with open_redis(redis_server) as redis:
            return (await Tokens(redis, Keys()).create("attacker", Role.ADMIN))[1]

    return b"Bearer " + asyncio.run(made()).encode()


@pytest.fixture(scope="module")
def alone(redis_server: str) -> Iterator[Web]:
    """A process without a login, for this machine."""
    found = Web(redis_server, free_port(0), auth="none", log_level="warning")
    yield found
    found.stop()


def status_of(
    web: Web, method: str, path: str, headers: Iterable[tuple[bytes, bytes]], body: bytes = b""
) -> int:
    """Send a request of bytes on a connection of its own; 0 if it was ended without an answer."""
    lines = [f"{method} {path} HTTP/1.1".encode(), *(b"%s: %s" % one for one in headers)]
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(b"\r\n".join([*lines, b"", b""]) + body)
        found = b""
        with suppress(ConnectionError):
            while b"\r\n" not in found and (more := connection.recv(4_096)):
                found += more
    words = found.split(b" ", 2)
    return int(words[1]) if len(words) > 1 else 0


def with_header(
    usual: Mapping[bytes, bytes], name: str, value: bytes, *, twice: bool
) -> list[tuple[bytes, bytes]]:
    """Return the headers with one of them instead of the usual one, or beside it."""
    key = name.encode()
    kept = [(n, v) for n, v in usual.items() if twice or n.lower() != key.lower()]
    return [*kept, (key, value), *([(key, value)] if twice else [])]


def failures(
    web: Web, method: str, path: str, usual: Mapping[bytes, bytes], body: bytes = b"",
    values: Iterable[str] = tuple(VALUES),
) -> list[str]:  # fmt: skip
    """Try every header with every value; tell those that were answered with a 5xx."""
    wrong = []
    for name in HEADERS:
        for what in values:
            value = VALUES[what]
            headers = with_header(usual, name, value, twice=what in ("no UTF-8", "empty"))
            found = status_of(web, method, path, headers, body)
            if found >= 500:
                wrong.append(f"{method} {path} with {name}: {what} → {found}")
    return wrong


def filled(pattern: str) -> str:
    return FILLED.get(pattern) or re.sub(r"\{[^}]*\}", "01234567", pattern)


def usual(body: bytes = b"", **more: bytes) -> dict[bytes, bytes]:
    """Return the headers of a request that is fine but for what is put in their place."""
    found = {b"Host": b"127.0.0.1", b"Connection": b"close"}
    if body:
        found[b"Content-Length"] = str(len(body)).encode()
    return found | {name.replace("_", "-").encode(): value for name, value in more.items()}


@pytest.mark.parametrize(("method", "pattern"), ROUTES)
def test_no_header_of_somebody_known_breaks_anything(
    web: Web, token: bytes, method: str, pattern: str
) -> None:
    known = usual(Authorization=token)
    assert failures(web, method, filled(pattern), known, values=ODD) == []


@pytest.mark.parametrize("path", ["/", "/readyz", "/saml/login", "/saml/logout", "/nowhere"])
def test_no_header_of_a_stranger_breaks_anything(web: Web, alone: Web, path: str) -> None:
    for attacked in (web, alone):
        assert failures(attacked, "GET", path, usual(Accept=b"text/html")) == []


@pytest.mark.parametrize("path", ["/saml/acs", "/saml/logout", "/refresh"])
def test_no_header_of_a_form_breaks_anything(web: Web, alone: Web, path: str) -> None:
    body = b"SAMLResponse=x&RelayState=y&everywhere=1"
    form = usual(body, Content_Type=b"application/x-www-form-urlencoded")
    assert failures(web, "POST", path, form, body) == []
    if path == "/refresh":
        assert failures(alone, "POST", path, form, body) == []


def test_no_header_of_a_signed_event_breaks_anything(web: Web) -> None:
    body = body_of(issue_event("updated", 0))
    signed = usual(
        body, Content_Type=b"application/json", X_Hub_Signature=sign(body, SECRET).encode()
    )
    assert failures(web, "POST", "/webhooks/jira", signed, body) == []
    assert failures(web, "POST", "/webhooks/jira/%ff%00?secret=%ff", signed, body) == []


def test_no_header_of_a_request_of_slack_breaks_anything(web: Web) -> None:
    body = b"command=%2Ft5g&text=help&user_id=U1&channel_id=C1&team_id=T1"
    made = hmac.new(SLACK_SECRET.encode(), b"v0:%s:%s" % (NOW, body), hashlib.sha256).hexdigest()
    signed = usual(
        body, Content_Type=b"application/x-www-form-urlencoded",
        X_Slack_Request_Timestamp=NOW, X_Slack_Signature=f"v0={made}".encode(),
    )  # fmt: skip
    assert failures(web, "POST", "/slack/events", signed, body) == []


def test_nothing_of_all_this_is_an_error_in_the_log(web: Web, alone: Web) -> None:
    for attacked in (web, alone):
        assert attacked.alive()
        assert "request failed" not in attacked.said()
        assert "Unhandled exception" not in attacked.said()
