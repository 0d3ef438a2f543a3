"""An identity provider, a web process that trusts it, a browser: for tests of login and access."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse
from redis.asyncio import Redis
from yarl import URL

from t5g.audit import Audit
from t5g.keys import Keys
from t5g.settings import Settings, load_settings
from tests.webhooks.conftest import Client, Serve
from tests.webhooks.saml.identity import (
    Claim,
    IdentityProvider,
    encoded,
    make_key,
    read_request,
)

BASE = "http://page.test"
#: Our own key and certificate: assertions are encrypted for it.
KEY, CERTIFICATE = make_key()
TEAM = """
[roles.viewer]
everyone = true
saml_groups = ["t5g-readers"]

[roles.engineer]
saml_groups = ["t5g-engineers"]

[roles.admin]
people = ["boss@example.com"]
"""


@pytest.fixture(scope="session")
def idp() -> IdentityProvider:
    """The identity provider that the web process trusts."""
    return IdentityProvider()


@pytest.fixture
def team_file(tmp_path: Path) -> Path:
    """Roles by groups of the login."""
    path = tmp_path / "team.toml"
    path.write_text(TEAM)
    return path


Configure = Callable[..., Settings]


@pytest.fixture
def configure(redis_url: str, idp: IdentityProvider, team_file: Path) -> Configure:
    """Settings of an installation with a login."""

    def made(**more: Any) -> Settings:
        return load_settings(
            env={
                "redis_url": redis_url,
                "auth": "saml",
                "public_url": BASE,
                "saml_idp_metadata": idp.metadata(),
                "saml_key": KEY,
                "saml_certificate": CERTIFICATE,
                "team_file": team_file,
                "slack_signing_secret": "test-signing-not-secret",
                "access_contact": "the leads (leads@example.com)",
                **more,
            }
        )

    return made


@pytest.fixture
def settings(configure: Configure) -> Settings:
    """An installation with a login."""
    return configure()


@dataclass
class Under:
    """A login under way: what the browser was sent away with."""

    request: str
    relay: str
    acs: str
    audience: str

    def claim(self, **changes: Any) -> Claim:
        """What a good answer says, with changes."""
        return Claim(
            **{
                "request": self.request,
                "acs": self.acs,
                "audience": self.audience,
                "certificate": CERTIFICATE,
                **changes,
            }
        )


class Browser:
    """A browser at the web process: it keeps cookies and follows nothing by itself."""

    def __init__(self, client: Client, idp: IdentityProvider) -> None:
        self.client = client
        self.idp = idp
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {"Accept": "text/html"}

    async def get(self, path: str, **headers: str) -> ClientResponse:
        """Ask for a page; the response is read."""
        return await self._ask("GET", path, headers=headers)

    async def post(self, path: str, data: dict[str, str], **headers: str) -> ClientResponse:
        """Post a form."""
        return await self._ask("POST", path, data=data, headers=headers)

    async def _ask(self, method: str, path: str, **options: Any) -> ClientResponse:
        headers = {**self.headers, **options.pop("headers", {})}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        self.client.session.cookie_jar.clear()
        url = URL(str(path).removeprefix(BASE), encoded=True)
        async with self.client.request(
            method, url, headers=headers, allow_redirects=False, **options
        ) as response:
            await response.read()
        for name, morsel in response.cookies.items():
            if morsel.value and morsel["max-age"] != "0":
                self.cookies[name] = morsel.value
            else:
                self.cookies.pop(name, None)
        return response

    async def leave(self, to: str = "/") -> Under:
        """Begin a login."""
        response = await self.get(f"/saml/login?{urlencode({'to': to})}")
        assert response.status == 302, await response.text()
        asked, relay = read_request(response.headers["Location"])
        issuer = asked.findtext("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer")
        acs = asked.get("AssertionConsumerServiceURL")
        return Under(asked.get("ID"), relay, acs, issuer)

    async def answer(self, under: Under, xml: str) -> ClientResponse:
        """Come back with a response."""
        form = {"SAMLResponse": encoded(xml), "RelayState": under.relay}
        return await self.post("/saml/acs", form, **{"Sec-Fetch-Site": "cross-site"})

    async def log_in(self, to: str = "/", **changes: Any) -> ClientResponse:
        """Log in with a good answer."""
        under = await self.leave(to)
        return await self.answer(under, self.idp.response(under.claim(**changes)))


@pytest.fixture
async def browser(serve: Serve, settings: Settings, idp: IdentityProvider) -> Browser:
    """A browser that nobody is logged in with."""
    return Browser(await serve(settings), idp)


Trail = Callable[[], Awaitable[list[tuple[str, str]]]]


@pytest.fixture
def trail(redis: Redis, settings: Settings) -> Trail:
    """The audit log, oldest first, as (action, outcome)."""

    async def read() -> list[tuple[str, str]]:
        entries = await Audit(redis, Keys(settings.redis_prefix)).export()
        return [(entry.action, entry.outcome.value) for entry in entries]

    return read
