"""Every forgery of an identity provider, once more against `t5g web` as a process of its own.

Beside what it answers, its memory and its lines are looked at: some forgeries name `/dev/zero`, and
one holds a text that must not be told.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from redis import Redis as SyncRedis

from t5g.supervisor import free_port
from tests.hostile.process import Web
from tests.webhooks.logins import CERTIFICATE, KEY, TEAM
from tests.webhooks.saml.forging import FORGERIES, LOGOUTS, Forge
from tests.webhooks.saml.identity import Claim, IdentityProvider, encoded, read_request

MEGABYTE = 1 << 20
IDP = IdentityProvider()


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("idp") / "metadata.xml"
    path.write_text(IDP.metadata())
    return path


@pytest.fixture(scope="module")
def web(
    redis_server: str, metadata: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    team = tmp_path_factory.mktemp("team") / "team.toml"
    team.write_text(TEAM)
    with SyncRedis.from_url(redis_server) as redis:
        redis.flushall()
    found = Web(
        redis_server, free_port(0), saml_idp_metadata_file=str(metadata), saml_key=KEY,
        saml_certificate=CERTIFICATE, team_file=str(team), trusted_proxies="127.0.0.0/8",
    )  # fmt: skip
    yield found
    found.stop()


class Person:
    """A browser at the process, from an address of its own."""

    def __init__(self, web: Web, address: str) -> None:
        headers = {"X-Forwarded-For": address, "Accept": "text/html"}
        self.http = httpx.Client(base_url=web.base, headers=headers, trust_env=False, timeout=30)

    def answers(self, forge: Forge) -> httpx.Response:
        """Begin a login and come back with that answer."""
        sent = self.http.get("/saml/login")
        asked, relay = read_request(sent.headers["Location"])
        base = str(self.http.base_url).rstrip("/")
        claim = Claim(
            asked.get("ID"), f"{base}/saml/acs", f"{base}/saml/metadata", certificate=CERTIFICATE
        )
        form = {"SAMLResponse": encoded(forge(IDP, claim)), "RelayState": relay}
        return self.http.post("/saml/acs", data=form)

    def is_in(self) -> bool:
        """Say whether the process shows them a page."""
        return self.http.get("/cases").status_code == httpx.codes.OK

    def comes_by(self, url: str) -> httpx.Response:
        """Go to an address as it is written: clients write some characters anew."""
        parts = urlsplit(url)
        raw = f"{parts.path}?{parts.query}".encode()
        request = self.http.build_request("GET", "/")
        request.url = request.url.copy_with(raw_path=raw)
        return self.http.send(request)


def good(idp: IdentityProvider, claim: Claim) -> str:
    return idp.encrypted(claim)


@pytest.fixture(scope="module")
def calm(web: Web) -> int:
    """The memory that it holds after some good logins and logouts."""
    person = Person(web, "192.0.2.250")
    for _ in range(3):
        assert person.answers(good).status_code == httpx.codes.SEE_OTHER
        assert person.is_in()
    return web.memory()


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_logs_nobody_in(web: Web, calm: int, name: str) -> None:
    person = Person(web, f"192.0.2.{list(FORGERIES).index(name)}")
    answer = person.answers(FORGERIES[name])
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "Login refused" in answer.text
    assert not person.http.cookies
    assert not person.is_in()
    assert web.memory() < calm + 60 * MEGABYTE


@pytest.mark.parametrize("name", LOGOUTS)
def test_forged_logout_ends_nothing(web: Web, calm: int, name: str) -> None:
    person = Person(web, f"198.51.100.{list(LOGOUTS).index(name)}")
    assert person.answers(good).status_code == httpx.codes.SEE_OTHER
    answer = person.comes_by(LOGOUTS[name](IDP, f"{web.base}/saml/logout"))
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert person.is_in()
    assert web.memory() < calm + 60 * MEGABYTE


def test_a_good_logout_ends_the_session(web: Web) -> None:
    person = Person(web, "203.0.113.1")
    person.answers(good)
    answer = person.comes_by(IDP.logout_url(f"{web.base}/saml/logout", "ann"))
    assert answer.status_code == httpx.codes.FOUND
    assert not person.is_in()


def test_certificate_taken_out_of_the_file_opens_nothing(web: Web, metadata: Path) -> None:
    following = IdentityProvider()
    metadata.write_text(following.metadata())
    assert Person(web, "203.0.113.2").answers(good).status_code == httpx.codes.FORBIDDEN
    metadata.write_text("<broken")
    newer = Person(web, "203.0.113.3").answers(lambda _, claim: following.response(claim))
    assert newer.status_code == httpx.codes.SEE_OTHER
    assert "the last good one stays in use" not in newer.text
    assert "saml_metadata_unusable" in web.said()
    metadata.write_text(IDP.metadata())
    assert Person(web, "203.0.113.4").answers(good).status_code == httpx.codes.SEE_OTHER


def test_lines_of_the_process_have_nothing_that_was_decrypted(web: Web) -> None:
    person = Person(web, "203.0.113.5")
    person.answers(FORGERIES["encrypted_text_that_is_no_xml"])
    lines = web.said().splitlines()
    assert "confidential-text-of-the-customer" not in web.said()
    assert all(line.startswith("{") for line in lines), "libraries print lines of their own"
