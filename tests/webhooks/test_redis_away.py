"""What everybody sees while Redis is away, and that all of it comes back by itself."""

import json
from typing import Any
from urllib.parse import urlencode

from aiohttp.test_utils import TestServer
from pydantic import AnyHttpUrl, SecretStr
from slack_sdk.signature import SignatureVerifier

from sandbox.slack.app import BOT_TOKEN, create_slack_app
from sandbox.slack.state import SlackState
from t5g.connection import open_redis, open_store
from t5g.settings import Settings
from tests import wall_clock
from tests.making_jira import body_of, headers_of, issue_event
from tests.own_redis import OwnRedis
from tests.webhooks.conftest import Client, Serve
from tests.webhooks.pages.worlds import world

PEOPLE = {"Accept": "text/html"}
PAGES = ("/", "/cases?q=severity:urgent", "/cases/04000001", "/stats", "/weekly")
SORRY = "Redis does not answer; try again in a moment."


async def test_every_door_says_so_and_all_of_it_recovers(
    serve: Serve, settings: Settings, own_redis: OwnRedis
) -> None:
    own_redis.start()
    state = SlackState()
    state.add_user("ann", user_id="U1")
    async with TestServer(create_slack_app(state)) as upstream:
        api = AnyHttpUrl(str(upstream.make_url("/api/")))
        told = {
            "redis_url": own_redis.url, "slack_api_url": api,
            "slack_bot_token": SecretStr(BOT_TOKEN),
        }  # fmt: skip
        await _away_and_back(serve, settings.model_copy(update=told), own_redis)


async def _away_and_back(serve: Serve, settings: Settings, own_redis: OwnRedis) -> None:
    await fill(settings)
    client = await serve(settings)
    await all_is_well(client)
    own_redis.kill()
    for page in PAGES:
        status, text, headers = await get(client, page, **PEOPLE)
        assert (status, headers["Retry-After"]) == (503, "5"), page
        assert SORRY in text
        assert "<h1" in text, "people get a page"
        assert "Traceback" not in text
    status, text, headers = await get(client, "/api/v1/cases")
    assert (status, headers["Content-Type"]) == (503, "application/problem+json")
    assert json.loads(text)["detail"] == SORRY
    assert (await get(client, "/readyz"))[0] == 503
    assert (await get(client, "/healthz"))[0] == 200
    body = body_of(issue_event("created", 0))
    assert await event(client, body) == 503
    assert "try again in a moment" in (await slack(client, "cases")).casefold()
    own_redis.start()
    await all_is_well(client)
    assert await event(client, body) < 300


async def all_is_well(client: Client) -> None:
    for page in PAGES:
        assert (await get(client, page, **PEOPLE))[0] == 200, page
    status, text, _ = await get(client, "/api/v1/cases")
    assert (status, bool(json.loads(text)["items"])) == (200, True)
    assert (await get(client, "/readyz"))[0] in (200, 503)  # 503 for workers that are not there
    assert json.loads((await get(client, "/readyz"))[1])["parts"]["redis"] == {"ok": True}
    assert "of 40" in await slack(client, "cases status:any")


async def fill(settings: Settings) -> None:
    redis, now = open_redis(settings.redis_url), wall_clock.now()
    await open_store(settings, redis).write(world(40, now, hostile=False), now=now)
    await redis.aclose()


async def get(client: Client, path: str, **headers: str) -> tuple[int, str, Any]:
    async with client.get(path, headers=headers) as response:
        return response.status, await response.text(), response.headers


async def event(client: Client, body: bytes) -> int:
    async with client.post("/webhooks/jira", data=body, headers=headers_of(body)) as response:
        return response.status


async def slack(client: Client, text: str) -> str:
    """Type `/t5g TEXT`; return what the asker sees, as JSON text."""
    form = {
        "command": "/t5g", "text": text, "team_id": "T1", "user_id": "U1", "channel_id": "C1",
        "api_app_id": "A1", "trigger_id": "1.2", "response_url": "http://127.0.0.1:9/",
    }  # fmt: skip
    body, stamp = urlencode(form), str(int(wall_clock.seconds()))
    signature = SignatureVerifier("test-signing-not-secret").generate_signature(
        timestamp=stamp, body=body
    )
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": str(signature),
    }
    async with client.post("/slack/events", data=body, headers=headers) as response:
        assert response.status == 200
        return await response.text()
