"""The Web API as the real slack_sdk client sees it."""

import json
import time
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.app import APP_TOKEN
from sandbox.slack.installation import Installation
from tests import wall_clock
from tests.sandbox.slack.serving import Slack


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_auth_test_names_the_bot(slack: Slack, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == slack.state.bot_user.id
    assert answer["team_id"] == slack.state.team_id


async def test_tokens_are_checked(slack: Slack) -> None:
    base = f"{slack.url}/api/"
    wrong = AsyncWebClient(token="xoxb-wrong", base_url=base)
    assert await refusal(wrong.auth_test()) == "invalid_auth"
    assert await refusal(AsyncWebClient(base_url=base).auth_test()) == "not_authed"
    app = AsyncWebClient(token=APP_TOKEN, base_url=base)
    assert await refusal(app.auth_test()) == "not_allowed_token_type"
    await slack.post("auth", "PUT", error="token_revoked")
    assert await refusal(app.apps_connections_open(app_token=APP_TOKEN)) == "token_revoked"


async def test_message_is_posted_changed_and_deleted(slack: Slack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(
        channel=slack.general.id, text="fallback", blocks=[section("*hello*")]
    )
    [shown] = await slack.seen()
    assert shown["blocks"][0]["text"]["text"] == "*hello*"
    assert shown["blocks"][0]["block_id"]
    assert posted["channel"] == slack.general.id
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="only text now")
    [shown] = await slack.seen()
    assert "blocks" not in shown
    assert shown["edited"]
    await client.chat_delete(channel=posted["channel"], ts=posted["ts"])
    assert await slack.seen() == []


async def test_form_and_json_bodies_mean_the_same(slack: Slack, client: AsyncWebClient) -> None:
    url, auth = f"{slack.url}/api/chat.postMessage", {"Authorization": f"Bearer {client.token}"}
    message = {"channel": slack.general.id, "text": "t"}
    as_json = {**message, "blocks": [section("x")]}
    as_form = {**message, "blocks": json.dumps([section("x")])}
    async with slack.http.post(url, headers=auth, json=as_json) as answer:
        assert (await answer.json())["ok"] is True
    async with slack.http.post(url, headers=auth, data=as_form) as answer:
        assert (await answer.json())["ok"] is True
    first, second = await slack.seen()
    assert first["blocks"][0]["text"] == second["blocks"][0]["text"]
    async with slack.http.post(
        f"{slack.url}/api/chat.postMessage",
        data={"token": client.token, "channel": slack.general.id, "blocks": "[{"},
    ) as answer:
        assert (await answer.json())["error"] == "invalid_blocks_format"


async def test_broken_rules_are_refused_with_their_place(
    slack: Slack, client: AsyncWebClient
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(
            channel=slack.general.id, text="t", blocks=[section("x" * 3001)]
        )
    answer = caught.value.response
    assert answer.status_code == 200
    assert answer["error"] == "invalid_blocks"
    assert "/blocks/0/text/text" in answer["response_metadata"]["messages"][0]
    assert "invalid_blocks" in slack.problems()[0]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"text": " "}, "no_text"),
        ({"blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"text": "x", "thread_ts": "1.2"}, "thread_not_found"),
    ],
)
async def test_message_errors(
    slack: Slack, client: AsyncWebClient, message: dict[str, Any], error: str
) -> None:
    call = client.chat_postMessage(channel=slack.general.id, **{"text": "t", **message})
    assert await refusal(call) == error


async def test_update_refuses_a_long_text(slack: Slack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=slack.general.id, text="x" * 5000)
    call = client.chat_update(channel=slack.general.id, ts=posted["ts"], text="x" * 4001)
    assert await refusal(call) == "msg_too_long"


async def test_only_own_messages_can_be_changed(slack: Slack, client: AsyncWebClient) -> None:
    theirs = slack.state.add_message(slack.general.id, slack.ann.id, "mine")
    where = {"channel": slack.general.id, "ts": theirs.ts}
    assert await refusal(client.chat_update(**where, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(**where)) == "cant_delete_message"
    where["ts"] = "1.000000"
    assert await refusal(client.chat_update(**where, text="x")) == "message_not_found"


async def test_channels_one_is_not_in(slack: Slack, client: AsyncWebClient) -> None:
    assert await refusal(client.chat_postMessage(channel="C0", text="x")) == "channel_not_found"
    closed = client.chat_postMessage(channel=slack.closed.id, text="x")
    assert await refusal(closed) == "channel_not_found"
    slack.state.install(Installation(scopes=frozenset({"chat:write"})))
    public = slack.state.add_channel("public", with_bot=False)
    assert await refusal(client.chat_postMessage(channel=public.id, text="x")) == "not_in_channel"
    await client.conversations_join(channel=public.id)
    await client.chat_postMessage(channel=public.id, text="x")
    public.archived = True
    assert await refusal(client.chat_postMessage(channel=public.id, text="x")) == "is_archived"


async def test_ephemeral_is_seen_by_one_and_kept_out_of_history(
    slack: Slack, client: AsyncWebClient
) -> None:
    answer = await client.chat_postEphemeral(
        channel=slack.general.id, user=slack.ann.id, text="psst"
    )
    assert [one["text"] for one in await slack.seen(slack.ann)] == ["psst"]
    assert await slack.seen(slack.bob) == []
    assert (await client.conversations_history(channel=slack.general.id))["messages"] == []
    change = client.chat_update(channel=slack.general.id, ts=answer["message_ts"], text="x")
    assert await refusal(change) == "message_not_found"
    stranger = client.chat_postEphemeral(channel=slack.private.id, user=slack.bob.id, text="x")
    assert await refusal(stranger) == "user_not_in_channel"


async def test_threads_are_counted_and_listed(slack: Slack, client: AsyncWebClient) -> None:
    parent = await client.chat_postMessage(channel=slack.general.id, text="digest")
    for text in ("one", "two"):
        await client.chat_postMessage(channel=slack.general.id, text=text, thread_ts=parent["ts"])
    [shown] = await slack.seen()
    assert shown["reply_count"] == 2
    replies = await client.conversations_replies(channel=slack.general.id, ts=parent["ts"])
    assert [one["text"] for one in replies["messages"]] == ["digest", "one", "two"]


async def test_direct_messages_open_by_user_id(slack: Slack, client: AsyncWebClient) -> None:
    opened = await client.conversations_open(users=slack.ann.id)
    posted = await client.chat_postMessage(channel=slack.ann.id, text="hello")
    assert posted["channel"] == opened["channel"]["id"]
    assert posted["channel"].startswith("D")
    info = await client.conversations_info(channel=posted["channel"])
    assert (info["channel"]["is_im"], info["channel"]["user"]) == (True, slack.ann.id)


async def test_people_are_found(slack: Slack, client: AsyncWebClient) -> None:
    found = await client.users_lookupByEmail(email="ANN@example.com")
    assert found["user"]["id"] == slack.ann.id
    assert found["user"]["tz"] == "Europe/Berlin"
    assert await refusal(client.users_lookupByEmail(email="x@y.z")) == "users_not_found"
    assert (await client.users_info(user=slack.bob.id))["user"]["name"] == "bob"
    members = [one async for page in await client.users_list(limit=2) for one in page["members"]]
    assert {one["name"] for one in members} >= {"ann", "bob", "eve", "slackbot", "t5g"}
    group = slack.state.add_user_group("oncall", "On call", [slack.ann.id])
    assert (await client.usergroups_users_list(usergroup=group.id))["users"] == [slack.ann.id]


async def test_channels_are_listed_in_pages(slack: Slack, client: AsyncWebClient) -> None:
    for number in range(5):
        slack.state.add_channel(f"c{number}")
    pages = [
        page["channels"]
        async for page in await client.conversations_list(
            limit=3, types="public_channel,private_channel"
        )
    ]
    names = [one["name"] for page in pages for one in page]
    assert len(pages) == 3
    assert names == ["general", "acme", "c0", "c1", "c2", "c3", "c4"]
    members = await client.conversations_members(channel=slack.private.id)
    assert members["members"] == [slack.ann.id, slack.state.bot_user.id]


async def test_history_is_newest_first_within_its_window(
    slack: Slack, client: AsyncWebClient
) -> None:
    stamps = [
        (await client.chat_postMessage(channel=slack.general.id, text=str(n)))["ts"]
        for n in range(4)
    ]
    history = await client.conversations_history(
        channel=slack.general.id, oldest=stamps[1], inclusive=True, limit=2
    )
    assert [one["text"] for one in history["messages"]] == ["3", "2"]
    assert history["has_more"] is True


async def test_permalink_and_reactions(slack: Slack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=slack.general.id, text="x")
    link = await client.chat_getPermalink(channel=slack.general.id, message_ts=posted["ts"])
    async with slack.http.get(link["permalink"]) as page:
        assert page.status == 200
        assert posted["ts"] in await page.text()
    where = {"channel": slack.general.id, "timestamp": posted["ts"]}
    await client.reactions_add(**where, name="eyes")
    assert await refusal(client.reactions_add(**where, name="eyes")) == "already_reacted"
    assert (await slack.seen())[0]["reactions"][0]["name"] == "eyes"
    await client.reactions_remove(**where, name="eyes")
    assert "reactions" not in (await slack.seen())[0]


async def test_file_is_uploaded_in_three_steps_and_can_be_fetched(
    slack: Slack, client: AsyncWebClient
) -> None:
    answer = await client.files_upload_v2(
        content="number,owner\n01234567,Ann\n",
        filename="cases.csv",
        title="Cases",
        channel=slack.general.id,
        initial_comment="Your export",
    )
    [shown] = await slack.seen()
    assert shown["text"] == "Your export"
    assert shown["files"][0]["id"] == answer["file"]["id"]
    async with slack.http.get(answer["file"]["url_private"]) as file:
        assert await file.text() == "number,owner\n01234567,Ann\n"
        assert file.headers["Content-Disposition"] == "attachment"
    by_name = client.files_upload_v2(content="x", filename="x.txt", channel="#general")
    assert await refusal(by_name) == "channel_not_found"


async def test_one_message_a_second_in_a_channel(slack: Slack, client: AsyncWebClient) -> None:
    await slack.post("rate_limit", "PUT", enabled=True, per_second=2, burst=1)
    await client.chat_postMessage(channel=slack.general.id, text="1")
    await client.chat_postMessage(channel=slack.private.id, text="another channel")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=slack.general.id, text="2")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    started = time.monotonic()
    await client.chat_postMessage(channel=slack.general.id, text="2")
    assert 0.9 < time.monotonic() - started < 20


async def test_methods_have_tiers(slack: Slack, client: AsyncWebClient) -> None:
    await slack.post("rate_limit", "PUT", enabled=True, tiers=True)
    for _ in range(20):
        await client.users_list()
    assert await refusal(client.users_list()) == "ratelimited"
    await client.auth_test()


async def test_scopes_are_enforced_as_the_manifest_has_them(
    slack: Slack, client: AsyncWebClient
) -> None:
    manifest = {
        "display_information": {"name": "T5G"},
        "oauth_config": {"scopes": {"bot": ["chat:write", "commands"]}},
    }
    await slack.post("manifest", "PUT", manifest=manifest, enforce_scopes=True)
    await client.chat_postMessage(channel=slack.general.id, text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.users_lookupByEmail(email="ann@example.com")
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "users:read.email"


async def test_scheduled_message_is_posted_in_time_and_can_be_cancelled(
    slack: Slack, client: AsyncWebClient
) -> None:
    now = int(wall_clock.seconds())
    where = {"channel": slack.general.id, "text": "later"}
    first = await client.chat_scheduleMessage(**where, post_at=now + 100)
    second = await client.chat_scheduleMessage(**where, post_at=now + 200)
    await client.chat_deleteScheduledMessage(
        channel=slack.general.id, scheduled_message_id=second["scheduled_message_id"]
    )
    listed = await client.chat_scheduledMessages_list()
    assert [one["id"] for one in listed["scheduled_messages"]] == [first["scheduled_message_id"]]
    assert await refusal(client.chat_scheduleMessage(**where, post_at=now - 1)) == "time_in_past"
    far = client.chat_scheduleMessage(**where, post_at=now + 121 * 86_400)
    assert await refusal(far) == "time_too_far"
    slack.state.clock = lambda: now + 101.0
    assert slack.server.schedule.post_due() == 1
    assert [one["text"] for one in await slack.seen()] == ["later"]


async def test_thirty_scheduled_messages_in_five_minutes(
    slack: Slack, client: AsyncWebClient
) -> None:
    start = (int(wall_clock.seconds()) // 300 + 2) * 300
    for number in range(30):
        slack.server.schedule.add(slack.general.id, start + number, {"text": "x"})
    call = client.chat_scheduleMessage(channel=slack.general.id, text="x", post_at=start + 31)
    assert await refusal(call) == "restricted_too_many"


async def test_scheduled_message_with_metadata_is_never_posted(
    slack: Slack, client: AsyncWebClient
) -> None:
    now = int(wall_clock.seconds())
    await client.chat_scheduleMessage(
        channel=slack.general.id,
        text="lost",
        post_at=now + 100,
        metadata={"event_type": "digest", "event_payload": {}},
    )
    slack.state.clock = lambda: now + 101.0
    slack.server.schedule.post_due()
    assert await slack.seen() == []


async def test_unknown_method_and_odd_bodies(slack: Slack, client: AsyncWebClient) -> None:
    assert await refusal(client.api_call("no.such")) == "unknown_method"
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    for body, error in (("{", "invalid_json"), ("[]", "json_not_object")):
        async with slack.http.post(
            f"{slack.url}/api/auth.test", data=body, headers=headers
        ) as answer:
            assert answer.status == 200
            assert (await answer.json())["error"] == error


async def test_home_is_published_and_held_to_the_rules(
    slack: Slack, client: AsyncWebClient
) -> None:
    view = {"type": "home", "blocks": [section("My cases")]}
    first = await client.views_publish(user_id=slack.ann.id, view=view)
    second = await client.views_publish(user_id=slack.ann.id, view=view)
    assert first["view"]["id"] == second["view"]["id"]
    assert (await slack.get(f"home/{slack.ann.id}"))["blocks"][0]["text"]["text"] == "My cases"
    stale = client.views_publish(user_id=slack.ann.id, view=view, hash=first["view"]["hash"])
    assert await refusal(stale) == "hash_conflict"
    too_many = {"type": "home", "blocks": [{"type": "divider"}] * 101}
    call = client.views_publish(user_id=slack.ann.id, view=json.dumps(too_many))
    assert await refusal(call) == "invalid_arguments"
