"""A web process with a login and cases, on real HTTP, for those who send it what nobody should."""

import asyncio
import contextlib
import hashlib
import hmac
import http.client
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis import Redis as SyncRedis

from sandbox.slack.app import BOT_TOKEN, create_slack_app
from sandbox.slack.state import SlackState
from t5g.connection import open_redis, open_store
from t5g.jira_door import sign
from t5g.keys import Keys
from t5g.settings import load_settings
from t5g.team import Role
from tests import wall_clock
from tests.webhooks.pages.worlds import world
from tests.webhooks.saml.identity import IdentityProvider
from webhooks.access.tokens import Tokens
from webhooks.app import create_app

JIRA_SECRET = "webhook-test-not-secret"
SLACK_SECRET = "test-signing-not-secret"
#: Seconds after which an answer counts as a hang.
PATIENCE = 5.0


class Victim:
    """The process under attack, asked over one connection."""

    def __init__(self, port: int, token: str, loop: asyncio.AbstractEventLoop) -> None:
        self.port = port
        self._loop = loop
        self.token = token
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Send one request; fail for a 500, a hang, or a connection that is dropped."""
        self._http.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = self._http.getresponse()
        found = answer.read()
        assert answer.status < 500, (answer.status, method, path[:300], (body or b"")[:300], found)
        return answer.status, found

    def page(self, path: str) -> int:
        """Ask for a page or the API as an administrator."""
        return self.ask("GET", path, Authorization=f"Bearer {self.token}")[0]

    def event(self, body: bytes) -> int:
        """Send an event with JIRA's signature."""
        return self.ask(
            "POST", "/webhooks/jira", body,
            X_Hub_Signature=sign(body, JIRA_SECRET), Content_Type="application/json",
        )[0]  # fmt: skip

    def slack(self, body: bytes, kind: str) -> int:
        """Send something with Slack's signature."""
        return self.slack_answer(body, kind)[0]

    def slack_answer(self, body: bytes, kind: str) -> tuple[int, bytes]:
        """Do the same, and give the answer's body too."""
        stamp = str(int(wall_clock.seconds()))
        base = f"v0:{stamp}:".encode() + body
        made = hmac.new(SLACK_SECRET.encode(), base, hashlib.sha256).hexdigest()
        return self.ask(
            "POST", "/slack/events", body,
            X_Slack_Request_Timestamp=stamp, X_Slack_Signature=f"v0={made}", Content_Type=kind,
        )  # fmt: skip

    def alive(self) -> bool:
        """Say whether the process still answers others."""
        return self.ask("GET", "/healthz")[0] == 200

    @contextlib.contextmanager
    def traced(self) -> Iterator[Callable[[], int]]:
        """Watch Python's memory; give what tells its peak so far, in bytes.

        It ends in the process's own thread. Python 3.11 crashes when tracing is stopped while
        another thread unpacks something, as this one may after it has refused.
        """
        tracemalloc.start()
        try:
            yield lambda: tracemalloc.get_traced_memory()[1]
        finally:
            ended = threading.Event()
            self._loop.call_soon_threadsafe(lambda: (tracemalloc.stop(), ended.set()))
            assert ended.wait(20), "the process is held up"

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def victim(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """A web process in a thread of its own, with a Slack that nobody reaches."""
    with SyncRedis.from_url(redis_server) as redis:
        redis.flushall()
    team = tmp_path_factory.mktemp("team") / "team.toml"
    team.write_text("[roles.viewer]\neveryone = true\n")
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), list[Victim]()
    thread = threading.Thread(target=_serve, args=(loop, redis_server, team, ready, found))
    thread.start()
    assert ready.wait(20), "the web process did not start"
    yield found[0]
    found[0].close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)


def _serve(
    loop: asyncio.AbstractEventLoop,
    redis_url: str,
    team: Path,
    ready: threading.Event,
    found: list[Victim],
) -> None:
    server = loop.run_until_complete(_started(redis_url, team, found))
    ready.set()
    loop.run_forever()
    loop.run_until_complete(server.close())


async def _started(redis_url: str, team: Path, found: list[Victim]) -> TestServer:
    state = SlackState()
    state.add_user("ann", user_id="U1")
    upstream = TestServer(create_slack_app(state))
    await upstream.start_server()
    settings = load_settings(
        env={
            "redis_url": redis_url,
            "auth": "saml",
            "public_url": "http://page.test",
            "saml_idp_metadata": IdentityProvider().metadata(),
            "team_file": team,
            "jira_webhook_secret": JIRA_SECRET,
            "slack_signing_secret": SLACK_SECRET,
            "slack_bot_token": BOT_TOKEN,
            "slack_api_url": str(upstream.make_url("/api/")),
            "page_rate": 1_000_000,
        }
    )
    redis, now = open_redis(redis_url), wall_clock.now()
    await open_store(settings, redis).write(world(40, now), now=now)
    _, token = await Tokens(redis, Keys(settings.redis_prefix)).create("attacker", Role.ADMIN)
    await redis.aclose()
    app = create_app(settings)

    async def upstreams(_: web.Application) -> AsyncIterator[None]:
        yield
        await upstream.close()

    app.cleanup_ctx.insert(0, upstreams)
    server = TestServer(app)
    await server.start_server()
    assert server.port is not None
    found.append(Victim(server.port, token, asyncio.get_running_loop()))
    return server
