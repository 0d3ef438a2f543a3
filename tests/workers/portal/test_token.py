"""The offline token becomes access tokens: cached, fetched once at a time, refused with advice."""

import asyncio
import json

import httpx
import pytest

from t5g.errors import UpstreamError
from workers.calls import Caller, Policy, Transient
from workers.portal.token import Token, Tokens, form, read_token
from workers.web import Answer, Web


def answer(status=200, **body):
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())


def test_the_form_has_what_sso_wants():
    assert form("offline", "rhsm-api") == {
        "grant_type": "refresh_token",
        "client_id": "rhsm-api",
        "refresh_token": "offline",
    }


@pytest.mark.parametrize(
    ("expires_in", "lasts"), [(900, 840), (300, 240), (100, 50), (0, 60), ("x", 60), (None, 60)]
)
def test_a_token_is_used_until_shortly_before_it_expires(expires_in, lasts):
    assert read_token(answer(access_token="a", expires_in=expires_in)).lasts == lasts


@pytest.mark.parametrize(
    "said", ["Offline user session not found", "Session doesn't have required client"]
)
def test_what_keycloak_says_after_a_restart_may_pass(said):
    with pytest.raises(Transient, match="T5G_PORTAL_OFFLINE_TOKEN"):
        read_token(answer(400, error="invalid_grant", error_description=said))


def test_a_dead_token_lasts_and_says_what_to_do():
    with pytest.raises(UpstreamError, match=r"access\.redhat\.com/management/api") as caught:
        read_token(answer(400, error="invalid_grant", error_description="Token is not active"))
    assert not caught.value.transient
    with pytest.raises(UpstreamError, match="unauthorized_client"):
        read_token(answer(401, error="unauthorized_client"))


@pytest.mark.parametrize(
    "odd",
    [
        Answer(200, {}, b"<html>"),
        answer(200),
        answer(200, access_token=""),
        answer(500),
        answer(429),
        Answer(200, {}, b"[]"),
        Answer(403, {"content-type": "text/html"}, b"<html>"),
    ],
)
def test_an_odd_answer_may_pass(odd):
    with pytest.raises(Transient):
        read_token(odd)


def test_a_token_does_not_print():
    assert "very-secret" not in repr(Token("very-secret", 60.0))


class Sso:
    """Counts the exchanges and gives out numbered tokens."""

    def __init__(self):
        self.exchanges = 0

    async def __call__(self, request):
        self.exchanges += 1
        await asyncio.sleep(0.01)
        return httpx.Response(200, json={"access_token": f"t{self.exchanges}", "expires_in": 300})


@pytest.fixture
async def cache():
    sso, now = Sso(), [0.0]
    async with httpx.AsyncClient(transport=httpx.MockTransport(sso)) as client:
        caller = Caller("sso", limit=1, policy=Policy(attempts=2, first_wait=0))
        tokens = Tokens(
            Web([client]),
            caller,
            url="http://sso",
            offline_token="o",
            client_id="c",
            clock=lambda: now[0],
        )
        yield tokens, sso, now


async def test_many_askers_cost_one_exchange(cache):
    tokens, sso, _ = cache
    assert set(await asyncio.gather(*(tokens.get() for _ in range(50)))) == {"t1"}
    assert sso.exchanges == 1


async def test_it_is_fetched_anew_before_it_expires(cache):
    tokens, sso, now = cache
    await tokens.get()
    now[0] = 239
    assert await tokens.get() == "t1"
    now[0] = 241
    assert await tokens.get() == "t2"
    assert sso.exchanges == 2


async def test_many_refusals_cost_one_exchange(cache):
    tokens, sso, _ = cache

    async def one():
        access = await tokens.get()
        await asyncio.sleep(0)
        tokens.refused("t1")
        return access, await tokens.get()

    found = await asyncio.gather(*(one() for _ in range(30)))
    assert {after for _, after in found} == {"t2"}
    assert sso.exchanges == 2
