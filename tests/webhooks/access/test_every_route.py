"""Every route that the web process has, asked by everybody there is: who gets in, who does not.

The routes come from the router itself. One that is not in the table below fails the test, so that
nobody adds a page without saying who may see it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import ClientResponse
from msgspec import Struct
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.settings import Settings
from t5g.store import Store
from t5g.team import Role
from tests.making import NOW, Person, card_seen, portal_seen
from tests.webhooks.conftest import Client, Serve
from tests.webhooks.logins import Configure
from webhooks.access.sessions import Sessions
from webhooks.access.tokens import Tokens

NUMBER = "01234567"
#: Long enough for an answer to begin on a busy machine.
PATIENCE = 10.0


class Rule(Struct, frozen=True):
    """Who may ask a route (None: anybody), and what they are then answered."""

    least: Role | None
    answer: int = 200


SIGNED = Rule(None, 401)  # everybody is turned away who can not sign
VIEWER, ENGINEER, ADMIN = Rule(Role.VIEWER), Rule(Role.ENGINEER), Rule(Role.ADMIN)

#: What may be read (GET and HEAD) and what does something (POST), by whom.
READ: Mapping[str, Rule] = {
    "/healthz": Rule(None),
    "/readyz": Rule(None),
    "/static/{name}": Rule(None),
    "/saml/login": Rule(None, 302),
    "/saml/metadata": Rule(None),
    "/saml/logout": Rule(None),
    "/api/v1/openapi.json": Rule(None),
    "/metrics": VIEWER,
    "/": VIEWER,
    "/cases": VIEWER,
    "/cases/{number}": VIEWER,
    "/cases.csv": VIEWER,
    "/accounts/{name}": VIEWER,
    "/engineers/{name}": VIEWER,
    "/trends": VIEWER,
    "/updates": VIEWER,
    "/weekly": VIEWER,
    "/weekly.txt": VIEWER,
    "/stats": VIEWER,
    "/suggest": VIEWER,
    "/live": VIEWER,
    "/jobs": ENGINEER,
    "/audit": ADMIN,
    "/audit.csv": ADMIN,
    "/api/v1/cases": VIEWER,
    "/api/v1/cases/{number}": VIEWER,
    "/api/v1/stats": VIEWER,
    "/api/v1/stats/history": VIEWER,
    "/api/v1/accounts": VIEWER,
    "/api/v1/engineers": VIEWER,
    "/api/v1/syncs": VIEWER,
}
ACT: Mapping[str, Rule] = {
    "/webhooks/jira": SIGNED,
    "/webhooks/jira/{secret}": SIGNED,
    "/slack/events": SIGNED,
    "/saml/acs": Rule(None, 403),  # an answer to a login that nobody began
    "/saml/logout": Rule(None, 303),
    "/refresh": Rule(Role.ENGINEER, 303),
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

#: An address for each pattern, so that who may see it finds something.
FILLED = {
    "/static/{name}": "/static/app.css",
    "/accounts/{name}": "/accounts/Acme%20Corp",
    "/engineers/{name}": "/engineers/Ann",
    "/webhooks/jira/{secret}": "/webhooks/jira/not-the-secret",
}

Asker = tuple[str, Role | None, Mapping[str, str]]


@pytest.fixture
def settings(configure: Configure) -> Settings:
    """With a login, and enough requests a minute for this."""
    return configure(page_rate=100_000, jira_webhook_secret="webhook-test-not-secret-not-secret")


@pytest.fixture
async def client(serve: Serve, settings: Settings, store: Store) -> Client:
    """A web process that knows a case."""
    assigned = card_seen(NUMBER, assignee=Person(account="ann", name="Ann"))
    await store.write([portal_seen(NUMBER), assigned], now=NOW)
    return await serve(settings)


@pytest.fixture
async def askers(redis: Redis, settings: Settings) -> AsyncIterator[list[Asker]]:
    """Nobody, strangers of all kinds, and each role by session and by token."""
    sessions = Sessions.of(settings, redis)
    tokens = Tokens(redis, Keys(settings.redis_prefix))
    people = {
        Role.VIEWER: {"groups": ("t5g-readers",), "email": "reader@example.com"},
        Role.ENGINEER: {"groups": ("t5g-engineers",), "email": "eng@example.com"},
        Role.ADMIN: {"groups": (), "email": "boss@example.com"},
    }
    found: list[Asker] = [
        ("nobody", None, {}),
        ("a made-up session", None, {"Cookie": "t5g=made-up"}),
        ("a made-up password", None, {"Authorization": "Basic YTpi"}),
    ]
    for role, facts in people.items():
        identity = await sessions.begin(role.value, **facts)
        found.append((f"{role} by session", role, {"Cookie": f"t5g={identity}"}))
        _, secret = await tokens.create(f"{role} token", role)
        found.append((f"{role} by token", role, {"Authorization": f"Bearer {secret}"}))
    yield found


def patterns(client: Client) -> list[tuple[str, str]]:
    """Every method and pattern that the router knows."""
    assert client.app is not None
    found = [
        (route.method, route.resource.canonical)
        for route in client.app.router.routes()
        if route.resource is not None
    ]
    return sorted(found, key=lambda one: one == ("POST", "/saml/logout"))  # it ends sessions


def rule_of(method: str, pattern: str) -> Rule | None:
    return (ACT if method == "POST" else READ).get(pattern)


def address_of(pattern: str) -> str:
    return FILLED.get(pattern) or re.sub(r"\{[^}]*\}", NUMBER, pattern)


def allowed(rule: Rule, role: Role | None) -> bool:
    return rule.least is None or (role is not None and role.includes(rule.least))


async def status_of(client: Client, method: str, pattern: str, headers: Mapping[str, str]) -> int:
    """Ask; the answer's beginning is enough (`/live` has no end)."""
    client.session.cookie_jar.clear()
    async with asyncio.timeout(PATIENCE):
        response: ClientResponse = await client.request(
            method,
            address_of(pattern),
            headers=dict(headers),
            allow_redirects=False,
            json={} if pattern.startswith("/webhooks/") and method == "POST" else None,
        )
    response.close()
    return response.status


async def test_every_route_says_in_the_table_who_may_ask_it(client: Client) -> None:
    found = set(patterns(client))
    named = {(m, p) for p in READ for m in ("GET", "HEAD")} | {("POST", p) for p in ACT}
    assert found - named == set(), "routes without a rule: say in READ or ACT who may ask them"
    assert named - found == set(), "rules of routes that there are no more"


async def test_everybody_gets_what_the_table_says_and_nothing_else(
    client: Client, askers: list[Asker]
) -> None:
    wrong = []
    for method, pattern in patterns(client):
        rule = rule_of(method, pattern)
        assert rule is not None, (method, pattern)
        for who, role, headers in askers:
            expected = rule.answer if allowed(rule, role) else 401 if role is None else 403
            if (method, pattern) == ("POST", "/saml/logout") and "by session" not in who:
                expected = 200  # nobody is logged in: there is nothing to tell the provider
            status = await status_of(client, method, pattern, headers)
            if status != expected:
                wrong.append(f"{who}: {method} {pattern} → {status}, not {expected}")
    assert not wrong, "\n".join(wrong)


async def test_no_other_method_reaches_anything(client: Client, askers: list[Asker]) -> None:
    known, wrong = set(patterns(client)), []
    for pattern in sorted({pattern for _, pattern in known}):
        for method in METHODS:
            if (method, pattern) in known:
                continue
            for who, role, headers in (askers[0], askers[-1]):
                status = await status_of(client, method, pattern, headers)
                if status not in ((405,) if role else (401, 405)):
                    wrong.append(f"{who}: {method} {pattern} → {status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", ["/cases.csv", "/audit.csv", "/live", "/cases", "/api/v1/cases"])
async def test_head_has_no_body_that_would_be_taken_for_the_next_answer(
    client: Client, askers: list[Asker], path: str
) -> None:
    _, _, headers = askers[-1]
    reader, writer = await asyncio.open_connection(client.host, client.port)
    lines = [f"HEAD {path} HTTP/1.1", "Host: page.test", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(PATIENCE):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 200") and body == b""


async def test_every_answer_has_the_headers_that_browsers_and_caches_act_upon(
    client: Client, askers: list[Asker]
) -> None:
    _, _, headers = askers[-1]
    wrong = []
    for method, pattern in (*patterns(client), ("GET", "/nowhere")):
        if method != "GET":
            continue
        async with asyncio.timeout(PATIENCE):
            response = await client.get(
                address_of(pattern), headers=dict(headers), allow_redirects=False
            )
        found = response.headers
        response.close()
        if found.get("X-Content-Type-Options") != "nosniff":
            wrong.append(f"{pattern}: may be taken for something else")
        if found.get("Content-Type", "").startswith("text/html"):
            policy = found.get("Content-Security-Policy", "")
            if "default-src 'none'; script-src 'self';" not in policy or "unsafe" in policy:
                wrong.append(f"{pattern}: policy {policy!r}")
            if found.get("X-Frame-Options") != "DENY" or "Referrer-Policy" not in found:
                wrong.append(f"{pattern}: may be framed, or tells where it is")
        private = "private" in found.get("Cache-Control", "") or "no-store" in found.get(
            "Cache-Control", ""
        )
        rule = rule_of("GET", pattern)
        if (rule is None or rule.least is not None) and not private:
            wrong.append(f"{pattern}: shared caches may keep it")
    assert not wrong, "\n".join(wrong)


async def test_person_whose_role_was_taken_away_sees_nothing(
    client: Client, settings: Settings, redis: Redis
) -> None:
    sessions = Sessions.of(settings, redis)
    identity = await sessions.begin("gone", email="gone@example.com", groups=("other-people",))
    wrong = []
    for method, pattern in patterns(client):
        rule = rule_of(method, pattern)
        if rule is not None and rule.least is not None:
            status = await status_of(client, method, pattern, {"Cookie": f"t5g={identity}"})
            if status != 403:
                wrong.append(f"{method} {pattern} → {status}")
    assert not wrong, "\n".join(wrong)


async def test_session_can_not_act_from_another_site(client: Client, askers: list[Asker]) -> None:
    admin = next(headers for who, _, headers in askers if who == "admin by session")
    for pattern, rule in ACT.items():
        if rule.least is not None or pattern == "/saml/logout":
            for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
                assert await status_of(client, "POST", pattern, {**admin, **foreign}) == 403
