"""The token endpoint gives out tokens that expire, and refuses as Keycloak does."""

import pytest

from sandbox.sso import TOKEN_PATH
from tests.sandbox.portal.conftest import FORM, Portal

SEARCH = "/hydra/rest/search/cases"


async def test_a_token_opens_the_portal_until_it_expires(portal: Portal) -> None:
    assert (await portal.client.get(SEARCH, headers=portal.headers)).status == 200
    portal.seconds[0] += 900
    assert (await portal.client.get(SEARCH, headers=portal.headers)).status == 401
    await portal.log_in()
    assert (await portal.client.get(SEARCH, headers=portal.headers)).status == 200
    assert portal.sso.issued == 2


async def test_the_answer_says_how_long_a_token_lasts(portal: Portal) -> None:
    portal.sso.expires_in = 5
    body = await (await portal.client.post(TOKEN_PATH, data=FORM)).json()
    assert body["expires_in"] == 5
    assert body["token_type"] == "Bearer"
    assert "not-secret" in body["access_token"]


async def test_revoked_tokens_are_refused(portal: Portal) -> None:
    portal.sso.revoke_all()
    for path in (SEARCH, "/hydra/rest/v1/cases/01234567", "/cases/01234567/jiras"):
        assert (await portal.client.get(path, headers=portal.headers)).status == 401
    assert (await portal.client.post("/", headers=portal.headers, json={})).status == 401


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"refresh_token": "another"}, 400, "invalid_grant"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"client_id": "another"}, 401, "unauthorized_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_wrong_forms_are_refused_with_the_reason(
    portal: Portal, changed: dict[str, str], status: int, error: str
) -> None:
    answer = await portal.client.post(TOKEN_PATH, data={**FORM, **changed})
    assert (answer.status, (await answer.json())["error"]) == (status, error)


async def test_a_dead_offline_token_is_said_to_be_dead(portal: Portal) -> None:
    portal.sso.refusal = "Token is not active"
    body = await (await portal.client.post(TOKEN_PATH, data=FORM)).json()
    assert body == {"error": "invalid_grant", "error_description": "Token is not active"}


async def test_the_fault_refuses_in_each_place_s_own_way(portal: Portal) -> None:
    portal.faults.add("refuse_token")
    answer = await portal.client.post(TOKEN_PATH, data=FORM)
    assert (answer.status, (await answer.json())["error"]) == (400, "invalid_grant")
    assert (await portal.client.get(SEARCH, headers=portal.headers)).status == 401


async def test_token_requests_are_counted(portal: Portal) -> None:
    await portal.log_in()
    assert portal.faults.requests == {f"POST {TOKEN_PATH}": 1}
