"""The stand-in JIRA as the real client package and a real receiver of webhooks meet it."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from jira import JIRA, JIRAError

from sandbox.faults import Faults
from sandbox.jira.app import TOKEN, USER, create_jira_app
from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import SECRET, Misdelivery, Webhooks


@dataclass
class Receiver:
    """A server that keeps what it is sent; answers `status`."""

    url: str = ""
    status: int = 200
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(raw) for _, raw in self.got]


@dataclass
class World:
    """A JIRA with one project, its server, and a receiver of its webhooks."""

    state: JiraState
    webhooks: Webhooks
    faults: Faults
    server: TestServer
    receiver: Receiver

    @property
    def url(self) -> str:
        return str(self.server.make_url("/")).rstrip("/")

    async def client(self, **options: Any) -> JIRA:
        auth: dict[str, Any] = (
            {"basic_auth": (USER, TOKEN)} if self.state.cloud else {"token_auth": TOKEN}
        )
        return await asyncio.to_thread(
            lambda: JIRA(self.url, **auth, max_retries=0, timeout=5, **options)
        )


@pytest.fixture(params=["cloud", "dc"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    listening = TestServer(app)
    await listening.start_server()
    receiver.url = str(listening.make_url("/hook"))
    state = JiraState(cloud=request.param == "cloud")
    state.add_project("T5G", "Cards", components=("Node",))
    board = state.add_board("T5G field support", "T5G")
    state.add_sprint(board, "Sprint 1")
    webhooks = Webhooks(state, retry_delays=(0.01,) * 5)
    webhooks.register(receiver.url)
    faults = Faults()
    server = TestServer(create_jira_app(state, faults=faults, webhooks=webhooks))
    await server.start_server()
    state.base_url = str(server.make_url("/")).rstrip("/")
    yield World(state, webhooks, faults, server, receiver)
    await server.close()
    await listening.close()


async def call(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


async def test_client_walks_all_pages(world: World) -> None:
    for n in range(230):
        world.state.create_issue("T5G", f"{n:08}: case", labels=("x",), silent=True)
    jira = await world.client()
    found = await call(
        lambda: jira.search_issues(
            'project = T5G AND labels = "x" ORDER BY key', maxResults=0, fields="summary"
        )
    )
    assert [issue.fields.summary[:8] for issue in found] == [f"{n:08}" for n in range(230)]


async def test_client_creates_moves_comments_and_links(world: World) -> None:
    jira = await world.client()
    made = await call(
        lambda: jira.create_issue(
            fields={
                "project": {"key": "T5G"},
                "summary": "01234567: Käse",
                "issuetype": {"name": "Task"},
                "priority": {"name": "Critical"},
                "labels": ["field-support"],
                "components": [{"name": "Node"}],
            },
            prefetch=False,
        )
    )
    issue = world.state.issues[made.key]
    assert (issue.summary, issue.priority, issue.components) == (
        "01234567: Käse",
        "Critical",
        ("Node",),
    )
    await call(lambda: jira.transition_issue(made.key, "In Progress"))
    await call(lambda: jira.add_comment(made.key, "looking"))
    link = {"url": "https://example.com/1", "title": "Support Case"}
    for _ in range(2):
        await call(lambda: jira.add_remote_link(made.key, link, globalId="case=01234567"))
    sprint = next(iter(world.state.sprints))
    await call(lambda: jira.add_issues_to_sprint(sprint, [made.key]))
    assert issue.status == "In Progress"
    assert [c.body for c in issue.comments] == ["looking"]
    assert [x.title for x in issue.remote_links] == ["Support Case"]
    assert issue.sprint == sprint


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"priority": {"name": "Sky-high"}}, "priority"),
        ({"summary": "x" * 256}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"summary": ""}, "summary"),
        ({"components": [{"name": "Nowhere"}]}, "components"),
        ({"colour": "red"}, "colour"),
        ({"project": {"key": "NOPE"}}, "project"),
    ],
)
async def test_jira_refuses_what_jira_refuses(
    world: World, fields: dict[str, Any], named: str
) -> None:
    jira = await world.client()
    sound = {"project": {"key": "T5G"}, "summary": "fine", "issuetype": {"name": "Task"}}
    with pytest.raises(JIRAError) as raised:
        await call(lambda: jira.create_issue(fields={**sound, **fields}, prefetch=False))
    assert raised.value.status_code == 400
    assert named in raised.value.response.json()["errors"]
    assert not world.state.issues


async def test_wrong_token_and_hidden_issue(world: World) -> None:
    hidden = world.state.create_issue("T5G", "secret", security="Internal", silent=True)
    jira = await world.client()
    with pytest.raises(JIRAError) as raised:
        await call(lambda: jira.issue(hidden.key))
    assert raised.value.status_code == 404
    async with ClientSession() as session:
        answer = await session.get(f"{world.url}/rest/api/2/myself")
        assert answer.status == 401


async def test_search_of_the_other_kind_is_gone(world: World) -> None:
    jira = await world.client()
    path = "search" if world.state.cloud else "search/jql"
    with pytest.raises(JIRAError) as raised:
        await call(lambda: jira._get_json(path, params={"jql": "project = T5G"}))
    assert raised.value.status_code == (410 if world.state.cloud else 404)


@pytest.mark.parametrize(
    "query", ["", "order by key", "nonsense = 1", "key in (T5G-999)", "project ="]
)
async def test_bad_queries_are_400(world: World, query: str) -> None:
    jira = await world.client()
    path = "search/jql" if world.state.cloud else "search"
    if not world.state.cloud and query in ("", "order by key"):
        pytest.skip("Data Center takes a query without bounds")
    with pytest.raises(JIRAError) as raised:
        await call(lambda: jira._get_json(path, params={"jql": query}))
    assert raised.value.status_code == 400


async def test_webhooks_are_signed_and_shaped(world: World) -> None:
    issue = world.state.create_issue("T5G", "01234567: x")
    world.state.transition(issue.key, "Open")
    world.state.add_comment(issue.key, None, "hello")
    await world.webhooks.settled()
    for headers, raw in world.receiver.got:
        digest = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature"] == f"sha256={digest}"
        assert headers["X-Atlassian-Webhook-Identifier"]
    bodies = {
        b["webhookEvent"]: b for b in world.receiver.bodies if "changelog" in b or "comment" in b
    }
    moved = bodies["jira:issue_updated"]
    comment = bodies["comment_created"]
    assert "user" not in comment
    assert ("issue" in comment) == world.state.cloud
    if world.state.cloud:
        assert moved["changelog"]["items"][0]["toString"] == "Open"
        assert len(world.receiver.got) == 3
    else:
        kinds = [b.get("issue_event_type_name") for b in world.receiver.bodies]
        assert "issue_commented" in kinds
        assert f"/issue/{issue.id}/" in comment["comment"]["self"]


async def test_deliveries_are_repeated_with_the_same_identifier(world: World) -> None:
    world.receiver.status = 503
    issue = world.state.create_issue("T5G", "x")
    await asyncio.sleep(0.05)
    world.receiver.status = 200
    await world.webhooks.settled()
    identifiers = {headers["X-Atlassian-Webhook-Identifier"] for headers, _ in world.receiver.got}
    assert len(identifiers) == 1
    assert len(world.receiver.got) > 1
    assert world.receiver.got[-1][0]["X-Atlassian-Webhook-Retry"]
    assert world.webhooks.log[-1].outcome == "delivered"
    assert issue.key


async def test_other_refusals_lose_the_event(world: World) -> None:
    world.receiver.status = 404
    world.state.create_issue("T5G", "x")
    await world.webhooks.settled()
    assert len(world.receiver.got) == 1
    assert world.webhooks.log[-1].outcome == "lost"


async def test_misdelivery_doubles_and_drops(world: World) -> None:
    world.webhooks.misdelivery = Misdelivery(duplicate_every=2, drop_every=5, delay=0.01, seed=1)
    for n in range(10):
        world.state.create_issue("T5G", f"{n}")
    await world.webhooks.settled()
    assert len(world.receiver.got) == 8 + 4


async def test_webhook_registration_of_each_kind(world: World) -> None:
    path = "/rest/webhooks/1.0/webhook" if world.state.cloud else "/rest/jira-webhook/1.0/webhooks"
    body: dict[str, Any] = {"name": "t5g", "url": "http://127.0.0.1:1/x", "events": []}
    body |= {"secret": "abc"} if world.state.cloud else {"configuration": {"SECRET": "abc"}}
    basic = aiohttp.encode_basic_auth(USER, TOKEN)
    headers = {"Authorization": basic if world.state.cloud else f"Bearer {TOKEN}"}
    async with ClientSession() as session:
        made = await session.post(world.url + path, json=body, headers=headers)
        assert made.status == 201
        shown = await made.json()
        assert shown["isSigned"]
        assert "abc" not in json.dumps(shown)
        gone = await session.delete(f"{world.url}{path}/{shown['id']}", headers=headers)
        assert gone.status == 204


async def test_moved_issue_answers_to_its_old_key(world: World) -> None:
    world.state.add_project("OTHER", "Other")
    issue = world.state.create_issue("T5G", "x", silent=True)
    old = issue.key
    new = world.state.move_issue(old, "OTHER")
    jira = await world.client()
    assert (await call(lambda: jira.issue(old))).key == new


async def test_page_moves_a_card(world: World) -> None:
    issue = world.state.create_issue("T5G", "<script>alert(1)</script>", silent=True)
    async with ClientSession() as session:
        board = await (await session.get(world.url + "/")).text()
        assert "<script>alert" not in board
        assert issue.key in board
        await session.post(f"{world.url}/browse/{issue.key}", data={"status": "Done"})
    assert issue.status == "Done"


def test_answers_hold_to_the_published_contract(shared_dir: Any) -> None:
    import jsonschema

    from sandbox.jira.render import issue_json

    contract = json.loads((shared_dir / "specs" / "jira-cloud-v3.openapi.json").read_text())
    state = JiraState()
    state.add_project("T5G", "Cards")
    issue = state.create_issue("T5G", "x", description="two\nlines", silent=True)
    state.add_comment(issue.key, None, "hello", silent=True)
    schema = {
        "$ref": "#/components/schemas/IssueBean",
        "components": contract["components"],
    }
    jsonschema.Draft202012Validator(schema).validate(issue_json(state, issue, 3))
