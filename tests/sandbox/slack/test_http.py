"""Commands, clicks, modals, events and previews with a real Bolt app behind signed HTTP."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from sandbox.slack.app import SIGNING_SECRET
from sandbox.slack.installation import Command, Installation, Shortcut
from sandbox.slack.signer import sign
from tests.sandbox.slack.serving import Bot, Slack, eventually, serving

BUTTONS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Two cases"}},
    {
        "type": "actions",
        "block_id": "paging",
        "elements": [
            {
                "type": "button",
                "action_id": "page:next",
                "text": {"type": "plain_text", "text": "Next"},
                "value": "2",
            },
            {
                "type": "static_select",
                "action_id": "sort",
                "placeholder": {"type": "plain_text", "text": "Sort"},
                "options": [
                    {"text": {"type": "plain_text", "text": name}, "value": name}
                    for name in ("age", "severity")
                ],
            },
            {
                "type": "overflow",
                "action_id": "more",
                "options": [
                    {"text": {"type": "plain_text", "text": name}, "value": name}
                    for name in ("share", "export")
                ],
            },
        ],
    },
]

MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "comment",
    "private_metadata": "01234567",
    "title": {"type": "plain_text", "text": "Comment"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "text",
            "label": {"type": "plain_text", "text": "Text"},
            "element": {"type": "plain_text_input", "action_id": "value", "min_length": 3},
        },
        {
            "type": "input",
            "block_id": "kind",
            "optional": True,
            "label": {"type": "plain_text", "text": "Kind"},
            "element": {
                "type": "static_select",
                "action_id": "value",
                "options": [
                    {"text": {"type": "plain_text", "text": "Private"}, "value": "private"}
                ],
            },
        },
    ],
}


def test_signature_is_slacks_own() -> None:
    secret, body = "8f742231b10e8888abcd99yyyzzz85a5", b"token=xyzz0WbapA4vBCDEFasx0q6G"
    verifier = SignatureVerifier(secret)
    assert verifier.generate_signature(timestamp="1531420618", body=body) == sign(
        secret, "1531420618", body
    )


# commands


async def test_command_is_answered_to_its_asker_only(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(text=f"You asked: {command['text']}", blocks=BUTTONS)

    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="cases")
    assert (done["status"], done["error"]) == (200, None)
    assert done["response"]["text"] == "You asked: cases"
    assert done["elapsed_ms"] < 3000
    [shown] = await slack.seen(slack.ann)
    assert (shown["text"], shown["ephemeral"]) == ("You asked: cases", True)
    assert await slack.seen(slack.bob) == []


async def test_command_carries_what_slack_sends(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck) -> None:
        await ack()

    for channel in ("general", "acme", "ann"):
        await slack.post("command", user="ann", channel=channel, command="/t5g", text="")
    names = [body["channel_name"] for body in bot.bodies]
    assert names == ["general", "privategroup", "directmessage"]
    body = bot.bodies[0]
    assert body["user_id"] == slack.ann.id
    assert body["team_id"] == slack.state.team_id
    assert body["response_url"].startswith(f"{slack.url}/commands/")
    assert body["is_enterprise_install"] == "false"
    assert "thread_ts" not in body
    assert await slack.seen(slack.ann) == []


async def test_command_text_is_escaped_as_the_manifest_asks(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck) -> None:
        await ack()

    text = "assign @bob #general #acme https://x.example/?a=1&b=2 age>30d R&D @nobody"
    for escape in (True, False):
        slack.state.install(Installation(commands=(Command("/t5g", should_escape=escape),)))
        await slack.post("command", user="ann", channel="general", command="/t5g", text=text)
    escaped, plain = (body["text"] for body in bot.bodies)
    assert escaped == (
        f"assign <@{slack.bob.id}|bob> <#{slack.general.id}|general> <#{slack.private.id}|> "
        "<https://x.example/?a=1&amp;b=2> age&gt;30d R&amp;D @nobody"
    )
    assert plain == text.replace("&", "&amp;").replace(">", "&gt;")


async def test_answer_in_channel_shows_the_typed_command(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck) -> None:
        await ack(text="for all", response_type="in_channel")

    await slack.post("command", user="ann", channel="general", command="/t5g", text="cases")
    assert [one["text"] for one in await slack.seen(slack.bob)] == ["/t5g cases", "for all"]


async def test_silence_of_three_seconds_is_a_timeout(slack: Slack, bot: Bot) -> None:
    slack.server.dispatcher.answer_seconds = 0.2

    @bot.bolt.command("/t5g")
    async def never(ack: AsyncAck) -> None:
        await asyncio.sleep(0.5)

    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="x")
    assert (done["status"], done["error"]) == (None, "operation_timeout")
    [shown] = await slack.seen(slack.ann)
    assert shown["text"] == '/t5g failed with the error "operation_timeout"'
    assert shown["user"] == "USLACKBOT"


async def test_failures_of_the_app_are_told_as_slack_tells_them(slack: Slack, bot: Bot) -> None:
    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="x")
    assert (done["status"], done["error"]) == (404, "http_client_error")
    url = await slack.get("request_url")
    await slack.post("request_url", "PUT", url="http://127.0.0.1:9/slack/events")
    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="x")
    assert done["error"] == "dispatch_failed"
    with pytest.raises(AssertionError, match="url_verification_failed"):
        await slack.post("request_url", "PUT", url="http://127.0.0.1:9/", verify=True)
    await slack.post("request_url", "PUT", url=url["url"], verify=True)
    done = await slack.post("command", user="ann", channel="general", command="/nope", text="")
    assert done["error"] == "unknown_command"


async def test_answer_that_breaks_the_rules_is_refused(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck) -> None:
        await ack(text="x", blocks=[{"type": "section"}])

    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="x")
    assert done["error"] == "invalid_command_response"
    assert "must have text or fields" in slack.problems()[-1]


async def test_wrongly_signed_request_is_refused_by_bolt(slack: Slack, bot: Bot) -> None:
    slack.server.dispatcher.signing_secret = "another-secret-not-secret"
    done = await slack.post("command", user="ann", channel="general", command="/t5g", text="x")
    assert (done["status"], bot.bodies) == (401, [])


# clicks


async def _command_with_buttons(slack: Slack, bot: Bot) -> str:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck) -> None:
        await ack(text="x", blocks=BUTTONS)

    await slack.post("command", user="ann", channel="general", command="/t5g", text="cases")
    return str((await slack.seen(slack.ann))[-1]["ts"])


async def test_click_replaces_an_ephemeral_message(slack: Slack, bot: Bot) -> None:
    @bot.bolt.action("page:next")
    async def turn(ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any]) -> None:
        await ack()
        await respond(text=f"page {action['value']}", replace_original=True)

    ts = await _command_with_buttons(slack, bot)
    where = {"user": "ann", "channel": "general", "message_ts": ts}
    done = await slack.post("click", **where, action_id="page:next")
    assert (done["status"], done["error"]) == (200, None)

    async def text() -> str:
        [shown] = await slack.seen(slack.ann)
        return str(shown["text"])

    async with asyncio.timeout(5):
        while await text() != "page 2":
            await asyncio.sleep(0.01)
    body = bot.bodies[-1]
    assert body["container"]["is_ephemeral"] is True
    assert "message" not in body
    assert body["actions"][0]["block_id"] == "paging"
    assert body["channel"] == {"id": slack.general.id, "name": "general"}


async def test_choice_carries_the_option_and_the_state(
    slack: Slack, bot: Bot, client: AsyncWebClient
) -> None:
    @bot.bolt.action("sort")
    @bot.bolt.action("more")
    async def chosen(ack: AsyncAck) -> None:
        await ack()

    posted = await client.chat_postMessage(channel=slack.general.id, text="x", blocks=BUTTONS)
    where = {"user": "bob", "channel": slack.general.id, "message_ts": posted["ts"]}
    await slack.post("click", **where, action_id="sort", value="severity")
    await slack.post("click", **where, action_id="more", value="export")
    sort, more = bot.bodies
    assert sort["actions"][0]["selected_option"]["value"] == "severity"
    held = sort["state"]["values"]["paging"]["sort"]["selected_option"]
    assert held["value"] == "severity"
    assert sort["message"]["ts"] == posted["ts"]
    assert more["actions"][0]["selected_option"]["value"] == "export"


async def test_impossible_clicks_say_why(slack: Slack, bot: Bot) -> None:
    ts = await _command_with_buttons(slack, bot)
    for body, word in (
        ({"user": "bob", "message_ts": ts, "action_id": "page:next"}, "message_not_found"),
        ({"user": "ann", "message_ts": ts, "action_id": "nope"}, "page:next"),
        ({"user": "ann", "message_ts": ts, "action_id": "sort", "value": "x"}, "not among"),
        ({"user": "zoe", "message_ts": ts, "action_id": "sort"}, "users_not_found"),
        ({"message_ts": ts}, "user"),
    ):
        with pytest.raises(AssertionError, match=word):
            await slack.post("click", channel="general", **body)
    async with slack.http.post(f"{slack.url}/_sandbox/click", data={"user": "ann"}) as answer:
        assert answer.status == 400


async def test_response_url_is_good_for_five_posts_in_half_an_hour(slack: Slack, bot: Bot) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck) -> None:
        await ack()

    for _ in range(2):
        await slack.post("command", user="ann", channel="general", command="/t5g", text="")
    first, second = (AsyncWebhookClient(body["response_url"]) for body in bot.bodies)
    for number in range(5):
        assert (await first.send(text=str(number))).status_code == 200
    used = await first.send(text="six")
    assert (used.status_code, json.loads(used.body)["error"]) == (404, "used_url")
    now = slack.state.clock()
    slack.state.clock = lambda: now + 1801
    late = await second.send(text="late")
    assert (late.status_code, json.loads(late.body)["error"]) == (404, "expired_url")
    assert len(await slack.seen(slack.ann)) == 5
    assert await slack.seen(slack.bob) == []


async def test_response_url_can_delete_and_answer_in_a_thread(
    slack: Slack, bot: Bot, client: AsyncWebClient
) -> None:
    @bot.bolt.action("page:next")
    async def turn(ack: AsyncAck, respond: AsyncRespond, body: dict[str, Any]) -> None:
        await ack()
        thread = {"thread_ts": body["message"]["ts"], "replace_original": False}
        await respond(text="in thread", response_type="in_channel", **thread)
        refused = await respond(blocks=[{"type": "section"}], text="x")
        assert refused.status_code == 400
        await respond(delete_original=True)

    posted = await client.chat_postMessage(channel=slack.general.id, text="x", blocks=BUTTONS)
    where = {"user": "bob", "channel": slack.general.id, "message_ts": posted["ts"]}
    await slack.post("click", **where, action_id="page:next")
    await eventually(lambda: not slack.state.messages(slack.general.id))
    [reply] = slack.state.messages(slack.general.id, thread=posted["ts"])
    assert reply.text == "in thread"


# modals


@pytest.fixture
async def modal(slack: Slack, bot: Bot, client: AsyncWebClient) -> None:
    @bot.bolt.shortcut("search")
    async def start(ack: AsyncAck, shortcut: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=MODAL)

    @bot.bolt.view_closed("comment")
    async def closed(ack: AsyncAck) -> None:
        await ack()

    slack.state.install(
        Installation(
            shortcuts=(
                Shortcut("global", "search", "Search cases…"),
                Shortcut("message", "find", "Find case in this message"),
            )
        )
    )
    await slack.post("shortcut", user="ann", callback_id="search")
    await eventually(lambda: slack.server.views.shown(slack.ann.id))


async def test_modal_is_filled_in_and_submitted(slack: Slack, bot: Bot, modal: None) -> None:
    @bot.bolt.view("comment")
    async def submitted(ack: AsyncAck) -> None:
        await ack()

    [view] = await slack.get(f"modal/{slack.ann.id}")
    assert view["private_metadata"] == "01234567"
    values = {"text": {"value": "hello there"}, "kind": {"value": "private"}}
    done = await slack.post("view_submit", user="ann", values=values)
    assert (done["error"], done["errors"]) == (None, {})
    held = bot.bodies[-1]["view"]["state"]["values"]
    assert held["text"]["value"] == {"type": "plain_text_input", "value": "hello there"}
    assert held["kind"]["value"]["selected_option"]["value"] == "private"
    assert await slack.get(f"modal/{slack.ann.id}") == []


async def test_slacks_own_client_checks_before_it_sends(
    slack: Slack, bot: Bot, modal: None
) -> None:
    sent = len(bot.bodies)
    done = await slack.post("view_submit", user="ann", values={})
    assert done["errors"] == {"text": "Please complete this required field."}
    done = await slack.post("view_submit", user="ann", values={"text": {"value": "x"}})
    assert done["errors"] == {"text": "Please enter at least 3 characters."}
    assert len(bot.bodies) == sent


@pytest.mark.parametrize(
    ("answer", "errors", "titles"),
    [
        ({"response_action": "errors", "errors": {"text": "No"}}, {"text": "No"}, ["Comment"]),
        ({"response_action": "clear"}, {}, []),
        ({"response_action": "update", "view": MODAL | {"title": None}}, None, ["Comment"]),
        (
            {
                "response_action": "update",
                "view": MODAL | {"title": {"type": "plain_text", "text": "New"}},
            },
            {},
            ["New"],
        ),
        ({"response_action": "push", "view": MODAL}, {}, ["Comment", "Comment"]),
        ({"response_action": "errors", "errors": {"nope": "No"}}, None, ["Comment"]),
    ],
)
async def test_answers_to_a_submission(
    slack: Slack, bot: Bot, modal: None, answer: Any, errors: Any, titles: list[str]
) -> None:
    @bot.bolt.view("comment")
    async def submitted(ack: AsyncAck) -> None:
        await ack(**answer)

    done = await slack.post("view_submit", user="ann", values={"text": {"value": "hello"}})
    if errors is None:
        assert "trouble" in done["errors"][""]
        assert slack.problems()
    else:
        assert done["errors"] == errors
    stack = await slack.get(f"modal/{slack.ann.id}")
    assert [view["title"]["text"] for view in stack] == titles


async def test_closing_a_modal_tells_the_app(slack: Slack, bot: Bot, modal: None) -> None:
    await slack.post("view_close", user="ann")
    assert bot.bodies[-1]["type"] == "view_closed"
    assert bot.bodies[-1]["is_cleared"] is False
    assert await slack.get(f"modal/{slack.ann.id}") == []


async def test_trigger_opens_one_view_within_three_seconds(
    slack: Slack, client: AsyncWebClient
) -> None:
    triggers = [slack.server.views.new_trigger(slack.ann.id) for _ in range(2)]
    await client.views_open(trigger_id=triggers[0], view=MODAL)
    now = slack.state.clock()
    slack.state.clock = lambda: now + 3.1
    for trigger, error in (
        (triggers[0], "exchanged_trigger_id"),
        (triggers[1], "expired_trigger_id"),
        ("1.2.3", "invalid_trigger_id"),
    ):
        with pytest.raises(SlackApiError, match=error):
            await client.views_open(trigger_id=trigger, view=MODAL)


async def test_open_view_is_updated_unless_it_changed_meanwhile(
    slack: Slack, client: AsyncWebClient
) -> None:
    trigger = slack.server.views.new_trigger(slack.ann.id)
    view = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]
    where = {"view_id": view["id"], "view": MODAL, "hash": view["hash"]}
    await client.views_update(**where)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(**where)
    pushed = slack.server.views.new_trigger(slack.ann.id)
    await client.views_push(trigger_id=pushed, view=MODAL)
    assert len(slack.server.views.stack(slack.ann.id)) == 2


async def test_external_options_are_asked_for(
    slack: Slack, bot: Bot, client: AsyncWebClient
) -> None:
    @bot.bolt.options("account")
    async def offer(ack: AsyncAck, payload: dict[str, Any]) -> None:
        option = {"text": {"type": "plain_text", "text": payload["value"]}, "value": "acme"}
        await ack(options=[option])

    blocks = [
        {
            "type": "actions",
            "elements": [{"type": "external_select", "action_id": "account"}],
        }
    ]
    posted = await client.chat_postMessage(channel=slack.general.id, text="x", blocks=blocks)
    where = {"user": "ann", "channel": slack.general.id, "message_ts": posted["ts"]}
    found = await slack.post("suggest", **where, action_id="account", query="Acm")
    assert found["response"]["options"][0]["text"]["text"] == "Acm"


# shortcuts and home


async def test_message_shortcut_carries_the_message(slack: Slack, bot: Bot, modal: None) -> None:
    @bot.bolt.shortcut({"type": "message_action", "callback_id": "find"})
    async def find(ack: AsyncAck, respond: AsyncRespond, shortcut: dict[str, Any]) -> None:
        await ack()
        await respond(text=f"found in: {shortcut['message']['text']}")

    said = await slack.post("message", user="bob", channel="general", text="see 01234567")
    where = {"user": "ann", "channel": "general", "message_ts": said["ts"]}
    await slack.post("message_shortcut", **where, callback_id="find")
    found = await eventually(
        lambda: [m for m in slack.state.messages(slack.general.id, slack.ann.id) if m.to]
    )
    assert found[0].text == "found in: see 01234567"


async def test_home_is_opened_and_published(slack: Slack, bot: Bot, client: AsyncWebClient) -> None:
    @bot.bolt.event("app_home_opened")
    async def publish(event: dict[str, Any]) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": BUTTONS})

    @bot.bolt.action("page:next")
    async def turn(ack: AsyncAck) -> None:
        await ack()

    await slack.post(f"home/{slack.ann.id}")
    view = await eventually(lambda: slack.server.views.homes.get(slack.ann.id))
    await slack.post(f"home/{slack.ann.id}")
    await slack.server.dispatcher.settled()
    first, second = bot.events("app_home_opened")
    assert "view" not in first
    assert second["view"]["id"] == view.id
    await slack.post("click", user="ann", view_id=view.id, action_id="page:next")
    assert bot.bodies[-1]["container"] == {"type": "view", "view_id": view.id}
    assert "response_url" not in bot.bodies[-1]


# events


async def test_events_follow_membership_and_subscription(slack: Slack, bot: Bot) -> None:
    for channel in ("general", "acme", "ann"):
        await slack.post("message", user="ann", channel=channel, text="hello @t5g")
    await slack.post("message", user="eve", channel="secret", text="hello @t5g")
    await slack.server.dispatcher.settled()
    kinds = [event["channel_type"] for event in bot.events("message")]
    assert sorted(kinds) == ["channel", "group", "im"]
    assert len(bot.events("app_mention")) == 2
    assert bot.events("message")[0]["text"] == f"hello <@{slack.state.bot_user.id}>"
    [hint] = [one for one in await slack.seen(slack.eve, slack.closed) if one["ephemeral"]]
    assert "not in this channel" in hint["text"]
    slack.state.install(Installation(events=frozenset({"message.im"})))
    count = len(bot.bodies)
    for channel in ("general", "ann"):
        await slack.post("message", user="ann", channel=channel, text="again @t5g")
    await slack.server.dispatcher.settled()
    assert [body["event"]["channel_type"] for body in bot.bodies[count:]] == ["im"]


async def test_bot_is_invited_into_a_channel(slack: Slack, bot: Bot) -> None:
    await slack.post("command", user="eve", channel="secret", command="/invite", text="@t5g")
    await slack.server.dispatcher.settled()
    assert bot.events("member_joined_channel")[0]["user"] == slack.state.bot_user.id
    assert slack.state.bot_user.id in slack.closed.members


async def test_unanswered_event_is_repeated_three_times_with_the_same_id(slack: Slack) -> None:
    seen: list[tuple[str, str | None, str | None]] = []
    answers = iter([500, 404, 500, 200])

    async def receive(request: web.Request) -> web.Response:
        body = await request.json()
        number = request.headers.get("X-Slack-Retry-Num")
        seen.append((body["event_id"], number, request.headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=next(answers))

    app = web.Application()
    app.router.add_post("/slack/events", receive)
    slack.server.dispatcher.retry_delays = (0, 0, 0)
    async with serving(app) as port:
        slack.server.dispatcher.request_url = f"http://127.0.0.1:{port}/slack/events"
        await slack.post("message", user="ann", channel="general", text="hello")
        await slack.server.dispatcher.settled()
        assert [number for _, number, _ in seen] == [None, "1", "2", "3"]
        assert {reason for _, _, reason in seen} == {None, "http_error"}
        assert len({event_id for event_id, _, _ in seen}) == 1
        answers = iter([200])
        await slack.post("event", event={"type": "x"}, event_id=seen[0][0])
        await slack.server.dispatcher.settled()
        assert seen[-1][0] == seen[0][0]


async def test_no_retry_header_ends_the_repetitions(slack: Slack) -> None:
    count = 0

    async def receive(request: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    app = web.Application()
    app.router.add_post("/slack/events", receive)
    slack.server.dispatcher.retry_delays = (0, 0, 0)
    async with serving(app) as port:
        slack.server.dispatcher.request_url = f"http://127.0.0.1:{port}/slack/events"
        await slack.post("message", user="ann", channel="general", text="hello")
        await slack.server.dispatcher.settled()
    assert count == 1


# previews


PREVIEW = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*01234567*"}}]}


async def test_link_is_previewed_under_the_very_url_of_the_event(
    slack: Slack, bot: Bot, client: AsyncWebClient
) -> None:
    @bot.bolt.event("link_shared")
    async def preview(event: dict[str, Any]) -> None:
        where = {"channel": event["channel"], "ts": event["message_ts"]}
        url = event["links"][0]["url"]
        with pytest.raises(SlackApiError, match="cannot_unfurl_url"):
            await client.chat_unfurl(**where, unfurls={url.replace("&amp;", "&"): PREVIEW})
        await client.chat_unfurl(**where, unfurls={url: PREVIEW})

    text = "look https://access.redhat.com/support/cases/?a=1&b=2 and https://other.example/"
    await slack.post("message", user="ann", channel="general", text=text)
    await slack.server.dispatcher.settled()
    [event] = bot.events("link_shared")
    assert event["links"] == [
        {
            "domain": "access.redhat.com",
            "url": "https://access.redhat.com/support/cases/?a=1&amp;b=2",
        }
    ]
    assert (event["source"], event["is_bot_user_member"]) == ("conversations_history", True)
    message = slack.state.messages(slack.general.id)[0]
    await eventually(lambda: message.unfurls)
    [shown] = await slack.seen()
    assert shown["attachments"][0]["blocks"][0]["text"]["text"] == "*01234567*"


async def test_link_in_the_composer_is_previewed_by_its_unfurl_id(
    slack: Slack, bot: Bot, client: AsyncWebClient
) -> None:
    @bot.bolt.event("link_shared")
    async def preview(event: dict[str, Any]) -> None:
        await client.chat_unfurl(
            unfurl_id=event["unfurl_id"],
            source=event["source"],
            unfurls={event["links"][0]["url"]: PREVIEW},
        )

    pasted = await slack.post("paste", user="ann", text="https://access.redhat.com/x")
    links = slack.server.previews.shared[pasted["unfurl_id"]]
    await eventually(lambda: links.draft)
    assert bot.events("link_shared")[0]["channel"] == "COMPOSER"
    assert (await slack.post("paste", user="ann", text="https://x.example"))["unfurl_id"] is None


async def test_every_request_is_recorded(slack: Slack, bot: Bot) -> None:
    await slack.post("command", user="ann", channel="general", command="/t5g", text="cases")
    [record] = await slack.get("deliveries")
    assert (record["what"], record["transport"], record["status"]) == ("/t5g cases", "http", 404)
    state = await slack.get("state")
    assert {one["name"] for one in state["channels"]} >= {"general", "acme", "secret"}
    assert SIGNING_SECRET not in json.dumps(state)
