"""A small Portal behind HTTP, with a token at hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.faults import Faults
from sandbox.portal.app import create_portal_app, portal_faults
from sandbox.portal.state import PortalState
from sandbox.sso import CLIENT_ID, OFFLINE_TOKEN, TOKEN_PATH, Sso

NOW = datetime(2026, 11, 24, 12, 0, 0, 345_678, tzinfo=UTC)
FORM = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": OFFLINE_TOKEN}


@dataclass
class Portal:
    """The server's parts and a client with a good token."""

    client: TestClient[web.Request, web.Application]
    state: PortalState
    sso: Sso
    faults: Faults
    seconds: list[float]
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def log_in(self) -> None:
        body = await (await self.client.post(TOKEN_PATH, data=FORM)).json()
        self.token = body["access_token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params, headers=self.headers)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def search(self, q: str, **params: Any) -> list[str]:
        """Case numbers of a hydra search."""
        found = await self.get("/hydra/rest/search/cases", q=q, rows=500, **params)
        return [doc["case_number"] for doc in found["response"]["docs"]]

    async def graphql(self, query: str, **variables: Any) -> Any:
        answer = await self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={
                **self.headers,
                "apollographql-client-name": "test",
                "apollographql-client-version": "1",
            },
        )
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def nodes(self, fields: str = "CaseNumber__c { value }", **variables: Any) -> list[Any]:
        """The nodes of all cases that `where` finds, on one page."""
        found = await self.graphql(
            "query($where: RedHatSupportCase_Filter, $orderBy: RedHatSupportCase_OrderBy) {"
            " redhat_support_uiapi { query {"
            " RedHatSupportCase(where: $where, first: 200, orderBy: $orderBy)"
            f" {{ edges {{ node {{ {fields} }} }} }} }} }} }}",
            **variables,
        )
        assert "errors" not in found, found
        edges = found["data"]["redhat_support_uiapi"]["query"]["RedHatSupportCase"]["edges"]
        return [edge["node"] for edge in edges]

    async def numbers(self, **variables: Any) -> list[str]:
        """Case numbers of a GraphQL filter."""
        return [node["CaseNumber__c"]["value"] for node in await self.nodes(**variables)]


def day(number: int) -> datetime:
    """Noon of a day of January 2026."""
    return datetime(2026, 1, number, 12, tzinfo=UTC)


def make_state() -> PortalState:
    """Three cases that differ in everything, and an escalation record."""
    state = PortalState(clock=lambda: NOW)
    state.add_case(
        "01234567",
        account_name="ACME & Sons",
        account_number="1234567",
        contact="Test Contact",
        owner="Test Owner",
        severity=2,
        version="4.16",
        summary="Node <worker-1> isn't ready & flaps",
        description="d",
        created=day(1),
        modified=day(10),
        tags=["shift_telco5g", "shift_SR-IOV"],
        group_name="Telco",
        crit_sit=True,
        relief_at=day(2),
    )
    state.add_case(
        "01234568",
        account_name="Ünïversal Télécom",
        account_number="7654321",
        status="waiting_customer",
        severity=4,
        product="Red Hat Enterprise Linux",
        version="9.4",
        summary="Kernel panic in the timer interrupt",
        created=day(2),
        modified=day(9),
        tags=["shift_telco5g"],
        owner="GSS Queue",
        owner_is_group=True,
        relief_at=day(3),
    )
    state.add_case(
        "01234569",
        account_name="ACME & Sons",
        account_number="1234567",
        status="closed",
        severity="0 (Panic)",
        version="4.18",
        summary="Closed long ago",
        created=day(3),
        modified=day(8),
        closed=day(8),
        tags=["shift_other"],
    )
    state.add_case("EN-00012", summary="Escalation", created=day(4), modified=day(4))
    return state


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    seconds = [0.0]
    sso = Sso(clock=lambda: seconds[0])
    state, faults = make_state(), portal_faults(sso)
    app = create_portal_app(state, sso=sso, faults=faults)
    async with TestClient(TestServer(app)) as client:
        found = Portal(client, state, sso, faults, seconds)
        await found.log_in()
        faults.reset_requests()
        yield found
