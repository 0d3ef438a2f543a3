"""What strangers and those who lost their rights try at `t5g web` as a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.supervisor import free_port
from t5g.team import Role
from tests.hostile.process import ROOT, Web
from tests.hostile.test_login_process import Person
from tests.making_jira import body_of, headers_of, issue_event
from tests.webhooks.logins import CERTIFICATE, KEY
from tests.webhooks.saml.identity import ANN, Claim, IdentityProvider
from webhooks.access.tokens import Tokens

IDP = IdentityProvider()
#: Seconds within which who lost a right is out of a stream, on a busy machine.
SOON = 15.0


@pytest.fixture(scope="module")
def web(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A process with a login; only boss@example.com is an administrator."""
    metadata = tmp_path_factory.mktemp("idp") / "metadata.xml"
    metadata.write_text(IDP.metadata())
    with closing(SyncRedis.from_url(redis_server)) as redis:
        redis.flushall()
    found = Web(
        redis_server, free_port(0), saml_idp_metadata_file=str(metadata), saml_key=KEY,
        saml_certificate=CERTIFICATE, trusted_proxies="127.0.0.0/8",
        jira_url="https://jira-of-a-customer.example.com",
    )  # fmt: skip
    yield found
    found.stop()


def good(_: IdentityProvider, claim: Claim) -> str:
    return IDP.encrypted(claim)


async def token(redis_server: str, name: str) -> tuple[Tokens, str]:
    redis = Redis.from_url(redis_server)
    tokens = Tokens(redis, Keys())
    _, secret = await tokens.create(name, Role.VIEWER)
    return tokens, secret


async def test_a_revoked_token_ends_its_stream(web: Web, redis_server: str) -> None:
    tokens, secret = await token(redis_server, "a script")
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=web.base, trust_env=False, timeout=SOON) as client:
        async with client.stream("GET", "/live", headers=headers) as stream:
            assert stream.status_code == httpx.codes.OK
            await tokens.revoke("a script")
            async for _ in stream.aiter_lines():
                pass  # until the process ends it; else the client gives up with an error
        assert (await client.get("/api/v1/stats", headers=headers)).status_code == 401


async def test_wrong_tokens_lock_nobody_out_behind_the_same_address(
    web: Web, redis_server: str
) -> None:
    _, secret = await token(redis_server, "another script")
    path, wrong = "/api/v1/stats", {"Authorization": "Bearer guess"}
    async with httpx.AsyncClient(base_url=web.base, trust_env=False) as client:
        guesses = [(await client.get(path, headers=wrong)).status_code for _ in range(40)]
        assert set(guesses) == {401, 429}
        known = await client.get(path, headers={"Authorization": f"Bearer {secret}"})
        assert known.status_code == httpx.codes.OK
    assert Person(web, "127.0.0.1").answers(good).status_code == httpx.codes.SEE_OTHER


def test_strangers_are_told_a_word_and_no_number(web: Web) -> None:
    with httpx.Client(base_url=web.base, trust_env=False) as client:
        ready = client.get("/readyz")
        assert "example.com" not in ready.text
        assert "never" not in ready.text
        assert client.get("/metrics").status_code in (401, 403)
        assert client.get("/healthz").headers["Server"] == "t5g"


def test_an_address_that_only_looks_like_the_administrators_is_nobodys(web: Web) -> None:
    for place, address in enumerate(
        ("bo\u017f\u017f@example.com", "bo\u00df@example.com", "BOSS@example.com")
    ):
        person = Person(web, f"203.0.113.{place}")

        def claims(idp: IdentityProvider, claim: Claim, address: str = address) -> str:
            claim.attributes = {**ANN, "mail": [address]}
            return IDP.encrypted(claim)

        assert person.answers(claims).status_code == httpx.codes.SEE_OTHER
        audits = person.http.get("/audit").status_code == httpx.codes.OK
        assert audits is (address == "BOSS@example.com"), address


def test_an_event_counts_once_under_whatever_identifier(web: Web) -> None:
    body = body_of(issue_event("created", 0))
    with httpx.Client(base_url=web.base, trust_env=False) as client:
        told = [
            client.post(
                "/webhooks/jira", content=body, headers=headers_of(body, delivery=name)
            ).json()
            for name in ("d-1", "d-2", "d-3")
        ]
    assert [one["outcome"] for one in told[1:]] == ["duplicate", "duplicate"]


def test_a_page_for_everybody_is_not_started_at_a_public_address(
    redis_server: str, tmp_path: Path
) -> None:
    env = {"PYTHONPATH": str(ROOT), "T5G_REDIS_URL": redis_server, "T5G_AUTH": "none",
           "T5G_PUBLIC_URL": "https://t5g.example.com", "T5G_HTTP_PORT": "0"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "t5g", "web"], env=env, cwd=tmp_path, timeout=60,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "T5G_AUTH" in done.stderr
