"""The door: tokens, hosts, proxies, headers and limits, with and without a login."""

import asyncio
import re

import pytest
from redis.asyncio import Redis

from t5g.audit import Audit
from t5g.errors import NotFoundError
from t5g.keys import Keys
from t5g.settings import Settings, load_settings
from t5g.team import Role
from tests.webhooks.conftest import Client, Serve
from tests.webhooks.logins import Browser, Configure
from tests.webhooks.saml.identity import IdentityProvider
from webhooks.access.origins import counted
from webhooks.access.tokens import TokenNameError, Tokens

PAGES = ("/", "/cases", "/cases/01234567", "/cases.csv", "/stats", "/trends", "/updates", "/weekly",
         "/weekly.txt", "/live", "/suggest", "/accounts/x", "/engineers/x")  # fmt: skip
API = ("/api/v1/cases", "/api/v1/cases/01234567", "/api/v1/stats", "/api/v1/stats/history",
       "/api/v1/accounts", "/api/v1/engineers", "/api/v1/syncs")  # fmt: skip


@pytest.fixture
def tokens(redis: Redis, settings: Settings) -> Tokens:
    """The tokens as the command line has them."""
    return Tokens(redis, Keys(settings.redis_prefix))


async def status_of(client: Client, path: str, **headers: str) -> int:
    """Ask and give the status."""
    async with client.get(path, headers=headers, allow_redirects=False) as response:
        return response.status


async def test_every_route_needs_a_login_but_those_that_say_so(
    serve: Serve,
    configure: Configure,
) -> None:
    client = await serve(configure())
    open_to_all = re.compile(
        r"/(healthz|readyz)$|/(webhooks|slack|saml|static)/|/api/v1/openapi\.json$"
    )
    assert client.app is not None
    for route in client.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        filled = re.sub(r"\{[^}]*\}", "01234567", path)
        if open_to_all.match(path) or route.method not in ("GET", "POST"):
            continue
        async with client.request(
            route.method, filled, headers={"Accept": "text/html"}, allow_redirects=False
        ) as response:
            assert response.status in (302, 401), (route.method, path)


@pytest.mark.parametrize("path", API)
async def test_machines_are_told_instead_of_sent_away(
    serve: Serve,
    configure: Configure,
    path: str,
) -> None:
    client = await serve(configure())
    async with client.get(path, allow_redirects=False) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.content_type == "application/problem+json"


async def test_script_of_a_page_is_not_sent_to_the_login(
    serve: Serve,
    configure: Configure,
) -> None:
    client = await serve(configure())
    assert await status_of(client, "/live", **{"Sec-Fetch-Mode": "cors"}) == 401


async def test_token_opens_the_api(
    serve: Serve,
    configure: Configure,
    tokens: Tokens,
) -> None:
    client = await serve(configure())
    _, secret = await tokens.create("nightly report", Role.VIEWER)
    assert await status_of(client, API[0], Authorization=f"Bearer {secret}") == 200
    await tokens.revoke("nightly report")
    assert await status_of(client, API[0], Authorization=f"Bearer {secret}") == 401


async def test_token_is_not_kept_only_its_hash(tokens: Tokens, redis: Redis) -> None:
    token, secret = await tokens.create("a", Role.ENGINEER, days=1)
    dump = b"".join([
        *(await redis.hkeys("t5g:tokens")),  # type: ignore[misc]
        *(await redis.hvals("t5g:tokens")),  # type: ignore[misc]
    ])  # fmt: skip
    assert secret.encode() not in dump
    assert secret.removeprefix("t5g_").encode() not in dump
    assert token.id not in secret


async def test_token_ends_when_it_was_said_to(redis: Redis) -> None:
    now = 1_000_000.0
    tokens = Tokens(redis, Keys(), clock=lambda: now)
    _, secret = await tokens.create("a", Role.VIEWER, days=1)
    assert await tokens.find(secret) is not None
    now += 86_400
    assert await tokens.find(secret) is None


async def test_use_of_a_token_is_noted_but_does_not_bring_it_back(redis: Redis) -> None:
    now = 1_000_000.0
    tokens = Tokens(redis, Keys(), clock=lambda: now)
    _, secret = await tokens.create("a", Role.VIEWER)
    now += 1000
    await tokens.find(secret)
    assert (await tokens.list_all())[0].used == now
    await tokens.revoke("a")
    assert await tokens.find(secret) is None
    assert await tokens.list_all() == []


async def test_names_of_tokens_are_single_and_printable(tokens: Tokens) -> None:
    await tokens.create("a", Role.VIEWER)
    for name in ("a", "", "x" * 61, "a\nb", "<b>"):
        with pytest.raises(TokenNameError):
            await tokens.create(name, Role.VIEWER)
    with pytest.raises(NotFoundError, match="t5g token list"):
        await tokens.revoke("b")


@pytest.mark.parametrize("given", ["x", "t5g_", "t5g_" + "a" * 43, "t5g_" + "\u00e4" * 20])
async def test_wrong_token_is_refused_also_without_a_login(client: Client, given: str) -> None:
    headers = {"Authorization": f"Bearer {given}"}
    async with client.get(API[0], headers=headers) as response:
        assert response.status == 401
        assert given not in await response.text() or given in ("x", "t5g_")


async def test_guessing_tokens_is_slowed_down(client: Client) -> None:
    statuses = [await status_of(client, API[0], Authorization=f"Bearer t5g_{n}") for n in range(12)]
    assert statuses[:10] == [401] * 10
    assert statuses[-1] == 429


async def test_guesses_shut_out_nobody_who_shares_the_address(
    serve: Serve, configure: Configure, tokens: Tokens, idp: IdentityProvider
) -> None:
    client = await serve(configure())
    _, good = await tokens.create("nightly report", Role.VIEWER)
    for n in range(15):
        last = await status_of(client, API[0], Authorization=f"Bearer t5g_{n:043}")
    assert last == 429
    assert await status_of(client, API[0], Authorization=f"Bearer {good}") == 200
    browser = Browser(client, idp)
    assert (await browser.log_in()).status == 303
    assert (await browser.get("/cases")).status == 200


async def test_unknown_people_are_slowed_down_and_nobody_who_is_known(
    serve: Serve, configure: Configure, tokens: Tokens, idp: IdentityProvider
) -> None:
    client = await serve(configure(page_rate=20))
    _, good = await tokens.create("nightly report", Role.VIEWER)
    for path in ("/cases", "/static/app.css", "/api/v1/openapi.json"):
        assert 429 in [await status_of(client, path) for _ in range(12)], path
    assert await status_of(client, API[0], Authorization=f"Bearer {good}") == 200
    assert (await Browser(client, idp).log_in()).status == 303


async def test_wrong_logins_shut_out_nobody_who_shares_the_address(
    serve: Serve, configure: Configure, idp: IdentityProvider
) -> None:
    client = await serve(configure())
    stranger, person = Browser(client, idp), Browser(client, idp)
    wrong = {"RelayState": "made-up", "SAMLResponse": "x"}
    assert [(await stranger.post("/saml/acs", wrong)).status for _ in range(12)][-1] == 429
    assert (await person.log_in()).status == 303


def test_addresses_of_one_site_count_as_one() -> None:
    assert counted("192.0.2.7") == counted("::ffff:192.0.2.7") == "192.0.2.7"
    assert counted("2001:db8:1:2::1") == counted("2001:db8:1:2:ffff::9")
    assert counted("2001:db8:1:2::1") != counted("2001:db8:1:3::1")
    assert counted("fe80::1%eth0") == "fe80::/64"
    assert counted("") == ""
    assert counted("no address") == "no address"


#: What the proxies of this world add, and what nginx does without being told to.
PASSED_ON = [
    {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-Host": "t5g.example.com"},
    {"X-Forwarded-Proto": "https"}, {"Forwarded": "for=192.0.2.7"}, {"X-Real-IP": "192.0.2.7"},
    {"Via": "1.1 proxy"}, {"X-Forwarded-For": ""},
]  # fmt: skip


@pytest.mark.parametrize("headers", PASSED_ON, ids=str)
async def test_page_without_login_is_told_to_nobody_behind_a_proxy(
    client: Client, headers: dict[str, str]
) -> None:
    for path in (*PAGES, *API, "/metrics", "/jobs", "/audit"):
        async with client.get(path, headers=headers) as response:
            assert response.status == 403, path
            assert "set T5G_AUTH=saml and T5G_TRUSTED_PROXIES" in await response.text()
    async with client.get("/readyz", headers=headers) as response:
        assert set(await response.json()) == {"ready", "parts"}


async def test_page_without_login_is_told_to_nobody_by_the_http_of_proxies(client: Client) -> None:
    for version, status in ((b"1.0", b"403"), (b"1.1", b"200")):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(
            b"GET /cases HTTP/%s\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % version
        )
        found = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert found.split()[1] == status, found[:200]


async def test_answers_name_no_versions(client: Client) -> None:
    for asked in (
        b"GET /cases HTTP/1.1\r\nHost: 127.0.0.1", b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1",
        b"\x16\x03\x01", b"GET / HTTP/9.9", b"POST / HTTP/1.1\r\nContent-Length: x",
    ):  # fmt: skip
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(asked + b"\r\nConnection: close\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()
        named = re.findall(rb"(?im)^server: (.*?)\r?$", head)
        assert named == [b"t5g"], head
        assert b"aiohttp" not in head and b"Python" not in head


async def test_scraping_is_slowed_down_and_told_when_to_come_back(
    serve: Serve, redis_url: str
) -> None:
    client = await serve(load_settings(env={"redis_url": redis_url, "page_rate": 20}))
    answers = []
    for _ in range(14):
        async with client.get("/cases") as response:
            answers.append((response.status, response.headers.get("Retry-After")))
    assert answers[0] == (200, None)
    status, after = answers[-1]
    assert status == 429
    assert after is not None
    assert 1 <= int(after) <= 6
    assert await status_of(client, "/healthz") == 200


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "evil.test:8080", "[::2]"])
async def test_page_without_login_answers_to_no_other_name(client: Client, host: str) -> None:
    assert await status_of(client, "/cases", Host=host) == 421
    assert await status_of(client, "/api/v1/cases", Host=host) == 421


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "127.1.2.3"])
async def test_page_without_login_answers_to_this_machine(client: Client, host: str) -> None:
    assert await status_of(client, "/cases", Host=host) == 200


async def test_other_sites_can_not_press_the_button(client: Client) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.test"}):
        async with client.post("/refresh", headers=headers) as response:
            assert response.status == 403


async def test_refusals_are_in_the_audit_log_but_do_not_flood_it(
    serve: Serve, configure: Configure, tokens: Tokens, redis: Redis
) -> None:
    client = await serve(configure())
    _, secret = await tokens.create("reader", Role.VIEWER)
    headers = {"Authorization": f"Bearer {secret}"}
    for _ in range(15):
        async with client.post("/refresh", headers=headers) as response:
            assert response.status == 403
    entries = await Audit(redis, Keys()).export()
    assert len(entries) == 1
    assert {(e.name, e.action, e.outcome, e.origin, e.place) for e in entries} == {
        ("reader", "access", "refused", "page", "127.0.0.1")
    }
    assert entries[0].detail.startswith("POST /refresh: Only people with the role engineer")


async def test_headers_of_a_page(client: Client) -> None:
    async with client.get("/cases") as response:
        headers = response.headers
        text = await response.text()
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers
    assert "<style" not in text
    assert "style=" not in text
    assert re.findall(r"<script(?! src=\"/static/)", text) == []
    assert re.findall(r'(?:src|href)="(https?:)?//[^"]*\.(?:js|css|woff)', text) == []
    assert re.findall(r"\son\w+=", text) == []


async def behind_proxy(
    serve: Serve,
    configure: Configure,
    provider: IdentityProvider,
) -> Browser:
    """A browser before a proxy that speaks https."""
    settings = configure(public_url="https://page.test", trusted_proxies="127.0.0.0/8")
    browser = Browser(await serve(settings), provider)
    browser.headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    return browser


async def test_plain_http_is_sent_to_https(
    serve: Serve,
    configure: Configure,
    idp: IdentityProvider,
) -> None:
    browser = await behind_proxy(serve, configure, idp)
    response = await browser.get("/cases?q=a", **{"X-Forwarded-Proto": "http"})
    assert response.status == 308
    assert response.headers["Location"] == "https://page.test/cases?q=a"
    assert (await browser.get("/healthz", **{"X-Forwarded-Proto": "http"})).status == 200


async def test_stranger_that_claims_to_be_the_proxy_is_not_believed(
    serve: Serve, configure: Configure, idp: IdentityProvider
) -> None:
    settings = configure(public_url="https://page.test", trusted_proxies="10.0.0.0/8")
    browser = Browser(await serve(settings), idp)
    claimed = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test"}
    response = await browser.get("/cases", **claimed)
    assert response.status == 308
    assert response.headers["Location"] == "https://page.test/cases"


async def test_our_address_is_that_of_the_settings_whatever_a_request_says(
    serve: Serve, configure: Configure, idp: IdentityProvider
) -> None:
    browser = await behind_proxy(serve, configure, idp)
    browser.headers |= {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=e"}
    under = await browser.leave()
    assert under.acs == "https://page.test/saml/acs"
    assert under.audience == "https://page.test/saml/metadata"
    assert "evil" not in await (await browser.get("/saml/metadata")).text()
    assert (await browser.answer(under, idp.response(under.claim()))).status == 303
    for path in ("/", "/weekly.txt", "/api/v1/cases"):
        assert "evil" not in await (await browser.get(path)).text()


async def test_behind_a_proxy_cookies_are_for_https_and_this_host_only(
    serve: Serve,
    configure: Configure,
    idp: IdentityProvider,
) -> None:
    browser = await behind_proxy(serve, configure, idp)
    done = await browser.log_in()
    assert done.status == 303
    morsel = done.cookies["__Host-t5g"]
    assert morsel["secure"]
    assert morsel["path"] == "/"
    page = await browser.get("/")
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "https://idp.test" in page.headers["Content-Security-Policy"]


async def test_answer_brought_by_another_browser_logs_nobody_in(
    serve: Serve,
    configure: Configure,
    idp: IdentityProvider,
) -> None:
    attacker = await behind_proxy(serve, configure, idp)
    victim = Browser(attacker.client, idp)
    victim.headers = dict(attacker.headers)
    under = await attacker.leave()
    response = await victim.answer(under, idp.response(under.claim()))
    assert response.status == 403
    assert not victim.cookies


async def test_address_is_believed_from_our_own_proxies_only(
    serve: Serve,
    configure: Configure,
    idp: IdentityProvider,
    redis: Redis,
) -> None:
    settings = configure(trusted_proxies="10.0.0.0/8")
    browser = Browser(await serve(settings), idp)
    browser.headers["X-Forwarded-For"] = "192.0.2.7"
    await browser.log_in()
    behind = await behind_proxy(serve, configure, idp)
    await behind.log_in()
    places = [entry.place for entry in await Audit(redis, Keys()).export()]
    assert places == ["127.0.0.1", "192.0.2.7"]
