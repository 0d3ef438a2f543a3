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
from typing import Any, Final

import httpx
import pytest
import yaml
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
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["proxy"]
#: The name in the file, in whose place the host of T5G_PUBLIC_URL is put.
NAME = "t5g.example.com"
SECRET = "planted-address-value-not-secret"
#: From here on nginx says that HTTP/2 has a directive of its own.
HTTP2_WARNED = (1, 25, 1)
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
PLAIN, ANY, TLS, HEALTH = [inner for words, inner in HTTP if words == ["server"]]


def test_plain_http_only_leads_to_https() -> None:
    assert said(PLAIN) == {"listen": "8080", "return": f"301 https://{NAME}$request_uri"}


def test_only_tls_that_is_good_enough() -> None:
    assert said(HTTP)["ssl_protocols"] == "TLSv1.2 TLSv1.3"
    assert said(TLS)["listen"] == "8443 ssl http2"


def test_what_the_program_limits_fits_what_the_proxy_does() -> None:
    events = said(block(TLS, "location", "~", "^/webhooks/jira(?:/|$)"))
    assert int(events["client_max_body_size"].removesuffix("m")) * 2**20 >= BODY_LIMIT
    assert int(said(HTTP)["proxy_read_timeout"].removesuffix("s")) > 2 * PING
    assert said(block(TLS, "location", "=", "/live"))["proxy_buffering"] == "off"


def test_what_is_for_the_inside_is_not_shown() -> None:
    for path in ("/metrics", "/readyz"):
        assert said(block(TLS, "location", "=", path)) == {"return": "404"}


def test_no_line_of_its_log_has_what_people_looked_for() -> None:
    (words,) = [words for words, _ in HTTP if words[0] == "log_format"]
    assert not re.search(r"\$(request|request_uri|uri|args|http_referer)\b", " ".join(words))


def test_its_memory_is_more_than_its_disk_of_memory() -> None:
    (disk,) = re.findall(r"size=(\d+)m", " ".join(COMPOSE["tmpfs"]))
    memory = COMPOSE["deploy"]["resources"]["limits"]["memory"]
    assert int(memory.removesuffix("M")) >= 2 * int(disk)


@pytest.mark.parametrize(
    ("url", "name"),
    [("https://t5g.corp.example", "t5g.corp.example"), ("https://a.example:8443/t5g", "a.example")],
)
def test_the_service_answers_to_the_name_that_people_have(
    tmp_path: Path, url: str, name: str
) -> None:
    done = started(tmp_path, url)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "nginx.conf").read_text("utf-8")
    assert f"server_name {name};" in text
    assert f"return 301 https://{name}$request_uri;" in text
    assert NAME not in text


def test_the_service_says_what_is_missing(tmp_path: Path) -> None:
    done = started(tmp_path, "")
    assert done.returncode != 0
    assert "T5G_PUBLIC_URL is missing in .env" in done.stderr


def started(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run the service's command as its container would, with a nginx that does nothing."""
    (folder / "nginx").write_text("#!/bin/sh\n")
    (folder / "nginx").chmod(0o755)
    *shell, script = COMPOSE["command"]
    script = script.replace("$$", "$").replace("/tmp/", f"{folder}/")
    script = script.replace("/etc/nginx/t5g.conf", str(ROOT / "ops" / "nginx" / "t5g.conf"))
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "T5G_PUBLIC_URL": url}
    return subprocess.run([*shell, script], capture_output=True, text=True, env=env)


class Proxy:
    """nginx on loopback, with our configuration, before a server that says what it got."""

    def __init__(self, folder: Path, behind: str) -> None:
        self.plain, self.tls, health = unused_port(), unused_port(), unused_port()
        self.arrived = asyncio.Event()
        self.folder = folder
        certificate(folder)
        text = CONFIG.replace("listen 8080", f"listen 127.0.0.1:{self.plain}")
        text = text.replace("listen 8443", f"listen 127.0.0.1:{self.tls}")
        text = text.replace("127.0.0.1:8081", f"127.0.0.1:{health}")
        text = text.replace(" /tmp/", f" {folder}/").replace("/run/secrets", str(folder))
        text = text.replace("http://web:8080", behind)
        # As in the container: the place of each log is a file that can be read again.
        text = text.replace("/dev/stderr", f"{folder}/error.log")
        text = text.replace("/dev/stdout", f"{folder}/access.log")
        self.config = folder / "nginx.conf"
        self.config.write_text(text)
        self.health = f"http://127.0.0.1:{health}/"

    def command(self, *more: str) -> list[str]:
        # Standard error may be a pipe that nginx can not open by its name.
        log = self.folder / "start.log"
        return [nginx(), "-e", str(log), "-p", str(self.folder), "-c", str(self.config), *more]

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


ARRIVED: Final = web.AppKey("ARRIVED", asyncio.Event)


async def _told(request: web.Request) -> web.StreamResponse:
    """Say what arrived, and when a part did; `/live` says one word and stays open."""
    if request.path == "/live":
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b"first")
        await asyncio.Event().wait()
    if request.path == "/refused":
        return web.json_response({}, status=401)
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        request.app[ARRIVED].set()
    return web.json_response({"headers": dict(request.headers), "size": size})


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    nginx()
    app = web.Application(client_max_size=30 * 2**20)
    app.router.add_route("*", "/{any:.*}", _told)
    app[ARRIVED] = asyncio.Event()
    async with TestServer(app) as behind:
        made = Proxy(tmp_path, f"http://127.0.0.1:{behind.port}")
        made.arrived = app[ARRIVED]
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
    headers = {"Host": NAME}
    return httpx.AsyncClient(
        base_url=base, verify=context, trust_env=False, timeout=20, headers=headers
    )


def test_nginx_accepts_it(tmp_path: Path) -> None:
    checked = subprocess.run(
        Proxy(tmp_path, "http://127.0.0.1:9").command("-t"), capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    warned = [line for line in checked.stderr.splitlines() if "[warn]" in line]
    known = '"user" directive', *(['"listen ... http2"'] if version() >= HTTP2_WARNED else [])
    assert [line for line in warned if not any(x in line for x in known)] == []


async def test_the_caller_can_not_say_where_it_comes_from(proxy: Proxy) -> None:
    async with client(proxy) as ask:
        lies = {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "gopher"}
        got = (await ask.get("/cases?q=secret", headers=lies)).json()["headers"]
    assert got["X-Forwarded-For"] == "127.0.0.1"
    assert got["X-Forwarded-Proto"] == "https"
    assert got["Host"] == NAME


async def test_events_may_be_large_and_pages_may_not(proxy: Proxy) -> None:
    async with client(proxy) as ask:
        large = b"x" * (2 * 2**20)
        for path in ("/webhooks/jira", f"/webhooks/jira/{SECRET}"):
            assert (await ask.post(path, content=large)).json()["size"] == len(large)
        for path in ("/cases", "/webhooks/jirax", "/webhooks"):
            assert (await ask.post(path, content=large)).status_code == 413
        beyond = await ask.post("/webhooks/jira", content=b"x" * (26 * 2**20))
        assert beyond.status_code == 413
        assert (await ask.get("/metrics")).status_code == 404


@pytest.mark.parametrize("host", [NAME, "evil.example", "evil.example:80", "127.0.0.1"])
async def test_plain_http_leads_to_our_own_name_whatever_was_asked(proxy: Proxy, host: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as plain:
        answer = await plain.get(
            f"http://127.0.0.1:{proxy.plain}/cases?q=1", headers={"Host": host}
        )
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://{NAME}/cases?q=1"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", f"{NAME}.evil.example"])
async def test_another_name_gets_nothing(proxy: Proxy, host: str) -> None:
    async with client(proxy) as ask:
        assert (await ask.get("/cases", headers={"Host": host})).status_code == 421


async def test_the_name_is_ours_whatever_stands_in_two_places(proxy: Proxy) -> None:
    told = await spoken(proxy, f"GET https://{NAME}/ HTTP/1.1\r\nHost: evil.example\r\n")
    assert f'"Host": "{NAME}"' in told
    assert "evil" not in told


async def spoken(proxy: Proxy, request: str) -> str:
    """Say something word by word; return all that is answered."""
    reader, writer = await opened(proxy)
    writer.write(f"{request}Connection: close\r\n\r\n".encode())
    async with asyncio.timeout(10):
        told = await reader.read()
    writer.close()
    return told.decode()


async def opened(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return await asyncio.open_connection("127.0.0.1", proxy.tls, ssl=context, server_hostname=NAME)


async def test_a_body_is_passed_on_as_it_comes_and_kept_nowhere(proxy: Proxy) -> None:
    size = 24 * 2**20
    head = (
        f"POST /webhooks/jira/{SECRET} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {size}\r\n"
        "Connection: close\r\n\r\n"
    )
    posts = [await opened(proxy) for _ in range(3)]
    for _, writer in posts:
        writer.write(head.encode() + b"x" * (size // 2))
        await writer.drain()
    async with asyncio.timeout(20):
        await proxy.arrived.wait()  # before the rest of any was sent
    assert [path for path in (proxy.folder / "body").rglob("*") if path.is_file()] == []
    for _, writer in posts:
        writer.write(b"x" * (size // 2))
        await writer.drain()
    for reader, writer in posts:
        async with asyncio.timeout(20):
            assert f'"size": {size}' in (await reader.read()).decode()
        writer.close()


async def test_a_refusal_before_the_end_of_a_body_arrives(proxy: Proxy) -> None:
    async with client(proxy) as ask:
        assert (await ask.post("/refused", content=b"x" * 2**20)).status_code == 401


async def test_one_address_has_so_many_requests_at_once_and_no_more(proxy: Proxy) -> None:
    head = f"POST /webhooks/jira HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\n"
    held = [await opened(proxy) for _ in range(20)]
    for _, writer in held:
        writer.write(head.encode())
        await writer.drain()
    async with client(proxy) as ask:
        async with asyncio.timeout(20):
            while (await ask.post("/webhooks/jira", content=b"x")).status_code != 429:
                pass
        assert (await ask.get("/cases")).status_code == 200, "others than events go on"
    for reader, writer in held:
        writer.write(b"123456789")
        assert b" 200 " in await reader.readline()
        writer.close()


async def test_no_log_has_the_secret_of_an_address_or_whom_somebody_looked_at(
    proxy: Proxy,
) -> None:
    paths = [f"/webhooks/jira/{SECRET}", f"/webhooks/jira//{SECRET}", f"/accounts/{SECRET}",
             f"/engineers/{SECRET}", f"/api/v1/accounts/{SECRET}", f"/cases?q={SECRET}",
             f"/webhooks%2Fjira/{SECRET}"]  # fmt: skip
    async with client(proxy) as ask:
        for path in paths:
            await ask.get(path)
            await ask.post(path, content=b"x" * (26 * 2**20))
    async with httpx.AsyncClient(trust_env=False) as plain:
        for path in paths:
            await plain.get(f"http://127.0.0.1:{proxy.plain}{path}")
    kept = {name: (proxy.folder / name).read_text("utf-8") for name in ("access.log", "error.log")}
    assert "POST /webhooks/jira/-" in kept["access.log"]
    assert [name for name, text in kept.items() if SECRET in text] == []


async def test_news_come_at_once(proxy: Proxy) -> None:
    async with client(proxy) as ask, ask.stream("GET", "/live") as stream, asyncio.timeout(10):
        assert await anext(stream.aiter_raw()) == b"first"
