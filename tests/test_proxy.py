"""The proxy's configuration: read as nginx reads it, and served by nginx if that is at hand."""

import asyncio
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from t5g.jira_door import BODY_LIMIT
from tests import wall_clock
from webhooks.pages.live import PING

ROOT = Path(__file__).resolve().parent.parent
CONFIG = (ROOT / "ops" / "nginx" / "t5g.conf").read_text("utf-8")
#: From here on nginx knows `http2 on`.
HTTP2_ON = (1, 25, 1)
#: Else nginx becomes somebody who may not write into the folders of tests.
AS_ROOT = "user root;" if os.getuid() == 0 else ""

Directive = tuple[list[str], Any]


def tokens(text: str) -> list[str]:
    """The words of a configuration: comments away, quoted texts whole."""
    found = re.finditer(r"#[^\n]*|\"[^\"]*\"|'[^']*'|[{};]|[^\s{};\"']+", text)
    return [match[0].strip("\"'") for match in found if not match[0].startswith("#")]


def parsed(words: list[str]) -> list[Directive]:
    """Each directive with its block (None for one that ends with a semicolon)."""
    found: list[Directive] = []
    words_of: list[str] = []
    while words:
        word = words.pop(0)
        if word == "}":
            assert not words_of, f"no semicolon after {words_of}"
            return found
        if word in ("{", ";"):
            assert words_of, f"{word} after nothing"
            found.append((words_of, parsed(words) if word == "{" else None))
            words_of = []
        else:
            words_of.append(word)
    assert not words_of, f"no semicolon after {words_of}"
    return found


def block(directives: list[Directive], *name: str) -> list[Directive]:
    (found,) = [inner for words, inner in directives if words == list(name)]
    return list(found)


def said(directives: list[Directive]) -> dict[str, str]:
    return {words[0]: " ".join(words[1:]) for words, inner in directives if inner is None}


HTTP = block(parsed(tokens(CONFIG)), "http")
PLAIN, TLS, HEALTH = [inner for words, inner in HTTP if words == ["server"]]


def test_plain_http_only_leads_to_https() -> None:
    assert said(PLAIN) == {"listen": "8080", "return": "301 https://$host$request_uri"}


def test_only_tls_that_is_good_enough() -> None:
    assert said(HTTP)["ssl_protocols"] == "TLSv1.2 TLSv1.3"
    assert said(TLS)["listen"] == "8443 ssl"


def test_what_the_program_limits_fits_what_the_proxy_does() -> None:
    events = said(block(TLS, "location", "=", "/webhooks/jira"))
    assert int(events["client_max_body_size"].removesuffix("m")) * 2**20 >= BODY_LIMIT
    assert int(said(HTTP)["proxy_read_timeout"].removesuffix("s")) > 2 * PING
    assert said(block(TLS, "location", "=", "/live"))["proxy_buffering"] == "off"


def test_what_is_for_the_inside_is_not_shown() -> None:
    for path in ("/metrics", "/readyz"):
        assert said(block(TLS, "location", "=", path)) == {"return": "404"}


def test_no_line_of_its_log_has_what_people_looked_for() -> None:
    (words,) = [words for words, _ in HTTP if words[0] == "log_format"]
    assert not re.search(r"\$(request|request_uri|args|http_referer)\b", " ".join(words))


class Proxy:
    """nginx on loopback, with our configuration, before a server that says what it got."""

    def __init__(self, folder: Path, behind: str) -> None:
        self.plain, self.tls, health = unused_port(), unused_port(), unused_port()
        self._folder = folder
        certificate(folder)
        text = CONFIG.replace("listen 8080", f"listen 127.0.0.1:{self.plain}")
        text = text.replace("listen 8443", f"listen 127.0.0.1:{self.tls}")
        text = text.replace("127.0.0.1:8081", f"127.0.0.1:{health}")
        text = text.replace(" /tmp/", f" {folder}/").replace("/run/secrets", str(folder))
        text = text.replace("http://web:8080", behind)
        if version() < HTTP2_ON:
            text = text.replace("http2 on;", "")
        self.config = folder / "nginx.conf"
        self.config.write_text(text)
        self.health = f"http://127.0.0.1:{health}/"

    def command(self, *more: str) -> list[str]:
        # Standard error may be a pipe that nginx can not open by its name.
        log = self._folder / "error.log"
        return [nginx(), "-e", str(log), "-p", str(self._folder), "-c", str(self.config), *more]

    async def start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.command("-g", f"daemon off; {AS_ROOT}"),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip


def nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        pytest.skip("no nginx at hand")
    return found


def version() -> tuple[int, ...]:
    said = subprocess.run([nginx(), "-v"], capture_output=True, text=True).stderr
    return tuple(int(part) for part in re.findall(r"\d+", said)[:3])


def certificate(folder: Path) -> None:
    """Write a certificate for 127.0.0.1, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), wall_clock.now()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sandbox.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "tls_certificate").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "tls_key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


async def _told(request: web.Request) -> web.StreamResponse:
    """Say what arrived; `/live` says one word and stays open."""
    if request.path == "/live":
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b"first")
        await asyncio.Event().wait()
    size = len(await request.read())
    return web.json_response({"headers": dict(request.headers), "size": size})


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    nginx()
    app = web.Application(client_max_size=30 * 2**20)
    app.router.add_route("*", "/{any:.*}", _told)
    async with TestServer(app) as behind:
        made = Proxy(tmp_path, f"http://127.0.0.1:{behind.port}")
        process = await made.start()
        try:
            await _answers(made)
            yield made
        finally:
            with suppress(ProcessLookupError):  # it said why in error.log
                process.terminate()
            await process.wait()


async def _answers(proxy: Proxy) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(20):
        while True:
            try:
                assert (await client.get(proxy.health)).status_code == 200
            except httpx.TransportError:
                await asyncio.sleep(0.02)
            else:
                return


def client(proxy: Proxy) -> httpx.AsyncClient:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    base = f"https://127.0.0.1:{proxy.tls}"
    return httpx.AsyncClient(base_url=base, verify=context, trust_env=False, timeout=20)


def test_nginx_accepts_it(tmp_path: Path) -> None:
    checked = subprocess.run(
        Proxy(tmp_path, "http://127.0.0.1:9").command("-t"), capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr.replace('"user" directive', ""), checked.stderr


async def test_the_caller_can_not_say_where_it_comes_from(proxy: Proxy) -> None:
    async with client(proxy) as ask:
        lies = {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "gopher"}
        got = (await ask.get("/cases?q=secret", headers=lies)).json()["headers"]
    assert got["X-Forwarded-For"] == "127.0.0.1"
    assert got["X-Forwarded-Proto"] == "https"
    assert got["Host"] == f"127.0.0.1:{proxy.tls}"


async def test_events_may_be_large_and_pages_may_not(proxy: Proxy) -> None:
    async with client(proxy) as ask:
        large = b"x" * (2 * 2**20)
        assert (await ask.post("/webhooks/jira", content=large)).json()["size"] == len(large)
        assert (await ask.post("/cases", content=large)).status_code == 413
        assert (await ask.get("/metrics")).status_code == 404
    async with httpx.AsyncClient(trust_env=False) as plain:
        answer = await plain.get(f"http://127.0.0.1:{proxy.plain}/cases?q=1")
    assert answer.status_code == 301
    assert answer.headers["Location"] == "https://127.0.0.1/cases?q=1"


async def test_news_come_at_once(proxy: Proxy) -> None:
    async with client(proxy) as ask, ask.stream("GET", "/live") as stream, asyncio.timeout(10):
        assert await anext(stream.aiter_raw()) == b"first"
