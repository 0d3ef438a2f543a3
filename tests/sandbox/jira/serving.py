"""A small JIRA for tests: its server, the real client package, and a receiver of its webhooks."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, encode_basic_auth, web
from aiohttp.test_utils import TestServer
from jira import JIRA

from sandbox.faults import Faults
from sandbox.jira.app import TOKEN, USER, create_jira_app
from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import Webhooks


@dataclass
class Receiver:
    """A server that keeps what it is sent; answers `statuses` in turn, then `status`."""

    url: str = ""
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else self.status)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(raw) for _, raw in self.got]


@dataclass
class Scene:
    """A JIRA with the project T5G, a board and an active sprint; its server; a receiver."""

    state: JiraState
    webhooks: Webhooks
    faults: Faults
    app: web.Application
    receiver: Receiver
    board: int
    sprint: int
    server: TestServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return str(self.server.make_url("/")).rstrip("/")

    @property
    def headers(self) -> dict[str, str]:
        if self.state.cloud:
            return {"Authorization": encode_basic_auth(USER, TOKEN)}
        return {"Authorization": f"Bearer {TOKEN}"}

    async def client(self, **options: Any) -> JIRA:
        auth: dict[str, Any] = (
            {"basic_auth": (USER, TOKEN)} if self.state.cloud else {"token_auth": TOKEN}
        )
        options = {"max_retries": 0, "timeout": 5, **options}
        return await off(lambda: JIRA(self.url, **auth, **options))

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the answer."""
        async with (
            ClientSession(headers=self.headers if headers is None else headers) as http,
            http.request(method, self.url + path, json=body) as answer,
        ):
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw[:1] in (b"{", b"[") else raw.decode()


def make_scene(*, cloud: bool) -> Scene:
    """Make a scene that is not served yet."""
    state = JiraState(cloud=cloud)
    state.add_project("T5G", "Cards", components=("Node",), versions=("4.16",))
    board = state.add_board("T5G field support", "T5G")
    sprint = state.add_sprint(board, "T5G Sprint 12")
    state.add_user("Anna Beispiel", "anna@example.com", "712020:anna")
    webhooks = Webhooks(state, retry_delays=(0.01,) * 5)
    faults = Faults()
    app = create_jira_app(state, faults=faults, webhooks=webhooks)
    return Scene(state, webhooks, faults, app, Receiver(), board, sprint)


async def off(work: Callable[[], Any]) -> Any:
    """Do something blocking in a thread, as the server lives in this one."""
    return await asyncio.to_thread(work)
