"""Slack's bad days: the faults that the bot must live through."""

import json

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.app import APP_TOKEN, FAULTS, create_slack_app
from sandbox.slack.state import SlackState
from sandbox.slack.workspace import DIGEST, PRIVATE, TEAM, fill_workspace
from tests.sandbox.slack.serving import Slack, serving


async def test_post_whose_answer_is_lost_was_made(slack: Slack, client: AsyncWebClient) -> None:
    fault = {"kind": "lose_answer", "path": "/api/chat.postMessage", "times": 2}
    async with slack.http.post(f"{slack.url}/_sandbox/faults", json=fault) as answer:
        assert answer.status == 201
    with pytest.raises(Exception):  # noqa: B017 - whichever error the client makes of it
        await client.chat_postMessage(channel=slack.general.id, text="once?")
    assert len(await slack.seen()) == 2, "slack_sdk repeats after a lost connection"
    counts = await slack.get("requests")
    assert counts["requests"]["POST /api/{method}"] == 2


async def test_slack_refuses_a_token_and_limits_rates_in_its_own_words() -> None:
    state = SlackState()
    app = create_slack_app(state)
    faults = app[FAULTS]
    async with serving(app) as port:
        client = AsyncWebClient(token="xoxb-x", base_url=f"http://127.0.0.1:{port}/api/")
        fault = faults.add("refuse_token")
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await client.auth_test()
        faults.remove(fault)
        body = json.dumps({"ok": False, "error": "ratelimited"})
        faults.add("throttle", body=body, retry_after="7")
        with pytest.raises(SlackApiError) as caught:
            await client.auth_test()
        assert caught.value.response.headers["Retry-After"] == "7"


def test_workspace_has_people_groups_and_channels() -> None:
    state = SlackState()
    fill_workspace(state)
    ann = state.user("ann.mueller@example.com")
    assert ann.tz == "Europe/Berlin"
    assert state.bot_user.id in state.channel(DIGEST).members
    private = state.channel(PRIVATE)
    assert (ann.id in private.members, state.bot_user.id in private.members) == (True, False)
    people = {one.email for one in state.users.values() if not one.is_bot}
    assert people == {one.email for one in TEAM}
    assert {group.handle for group in state.groups.values()} == {
        "t5g-engineers",
        "t5g-leads",
        "t5g-admins",
    }


async def test_base_url_is_learned_from_the_first_request() -> None:
    state = SlackState()
    async with serving(create_slack_app(state)) as port:
        client = AsyncWebClient(base_url=f"http://127.0.0.1:{port}/api/")
        answer = await client.apps_connections_open(app_token=APP_TOKEN)
        assert answer["url"].startswith(f"ws://127.0.0.1:{port}/link?ticket=")
