"""The traps of Bolt and of Slack's SDK: each is walked into here, and nothing happens."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.context import create_client
from bot.tasks import Tasks
from sandbox.slack.app import SIGNING_SECRET
from t5g.settings import Settings
from tests import wall_clock
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world

FORM = "application/x-www-form-urlencoded"


async def sent(channel: Channel, body: bytes, kind: str = FORM, **headers: str) -> tuple[int, str]:
    """Send a body as Slack signs it; return the status and the answer."""
    stamp = str(int(wall_clock.seconds()))
    base = f"v0:{stamp}:".encode() + body
    signature = "v0=" + hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    signed = {
        "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature, "Content-Type": kind,
    }  # fmt: skip
    async with aiohttp.ClientSession() as http:
        url = channel.server.dispatcher.request_url
        async with http.post(url, data=body, headers={**signed, **headers}) as answer:
            return answer.status, await answer.text()


async def test_a_listener_that_fails_after_its_acknowledgement_takes_nothing_back(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("cases")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("after the acknowledgement")

    monkeypatch.setattr("bot.actions.lists.Lists._turn", broken)
    begun = time.monotonic()
    outcome = await channel.click("sort", value="-age")
    assert outcome["status"] == 200
    assert time.monotonic() - begun < 2.5  # Bolt alone lets Slack wait three seconds for a 404


async def test_a_listener_that_fails_before_its_acknowledgement_is_no_500(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("cases")
    monkeypatch.setattr("bot.actions.lists.click_of", None)
    assert (await channel.click("share"))["status"] == 200


async def test_whatever_the_answer_waits_for_slack_gets_one_in_time(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()

    async def waiting(_: Any) -> None:
        await never.wait()

    monkeypatch.setattr("bot.speaking.SOON", 0.05)
    monkeypatch.setattr(type(channel.context.board), "refresh", waiting)
    outcome = await channel.ask("cases")
    assert outcome["error"] is None
    assert "One moment" in texts(outcome["response"])
    never.set()


@pytest.mark.parametrize(
    ("stamp", "signature"),
    [
        ("soon", "v0=00"),
        ("१२३", "v0=00"),
        ("-1", "v0=00"),
        ("NOW", "v0=é"),
        ("NOW", ""),
        ("NOW", "v1=00"),
        ("", ""),
        ("9" * 5000, "v0=00"),
    ],
)
async def test_a_malformed_signature_is_401_and_one_short_line(
    channel: Channel,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    stamp: str,
    signature: str,
) -> None:
    headers = {
        "X-Slack-Request-Timestamp": stamp.replace("NOW", str(int(wall_clock.seconds()))),
        "X-Slack-Signature": signature,
    }
    capsys.readouterr()
    status, _ = await sent(channel, b"command=%2Ft5g&text=tell-nobody", **headers)
    assert status == 401
    logged = capsys.readouterr().out + caplog.text
    assert "tell-nobody" not in logged  # Bolt alone logs the whole body
    assert "Traceback" not in logged
    assert logged.count("slack_refused") <= 1


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"payload=%ff%fe", b"{", b"[" * 100_000])
@pytest.mark.parametrize("kind", ["application/json", FORM, "text/plain"])
async def test_a_body_that_can_not_be_read_is_refused_before_anything_else(
    channel: Channel, capsys: pytest.CaptureFixture[str], body: bytes, kind: str
) -> None:
    async with aiohttp.ClientSession() as http:
        url = channel.server.dispatcher.request_url
        async with http.post(url, data=body, headers={"Content-Type": kind}) as answer:
            assert answer.status == 401
    assert (await sent(channel, body, kind))[0] in (200, 400, 401, 404)
    assert "Traceback" not in capsys.readouterr().out


async def test_a_replay_of_an_old_request_is_refused(channel: Channel) -> None:
    stamp = str(int(wall_clock.seconds()) - 400)
    base = f"v0:{stamp}:".encode() + b"text=x"
    signature = "v0=" + hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
    assert (await sent(channel, b"text=x", **headers))[0] == 401


async def test_an_unknown_event_or_button_is_taken_and_not_sent_again(channel: Channel) -> None:
    event = {"type": "something_new", "user": channel.user, "event_ts": "1.0"}
    channel.server.dispatcher.emit(event)
    await channel.settle()
    last = channel.server.dispatcher.deliveries[-1]
    assert (last.outcome.status, last.retry) == (200, 0)


async def test_a_dead_response_url_is_seen_and_another_way_is_taken(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await channel.store.write(world(20), now=NOW)
    await channel.ask("cases")
    monkeypatch.setattr("sandbox.slack.response_urls.USES", 0)  # `respond` would say nothing of it
    await channel.click("page:next")
    assert "9–16 of 20" in await channel.shown()


async def test_tasks_are_finished_at_shutdown_and_what_hangs_is_cut_off() -> None:
    tasks, done = Tasks(), []

    async def soon() -> None:
        await asyncio.sleep(0)
        done.append("soon")

    tasks.start(soon())
    tasks.start(asyncio.Event().wait())
    await tasks.close(grace=0.05)
    assert done == ["soon"]


async def test_a_task_that_fails_is_in_the_log() -> None:
    tasks = Tasks()

    async def failing() -> None:
        raise RuntimeError("nobody waits for me")

    with capture_logs() as said:
        tasks.start(failing(), "forgotten")
        await tasks.settled()
        await asyncio.sleep(0)
    assert [line["event"] for line in said] == ["slack_task_failed"]


async def test_slack_that_does_not_know_us_for_a_while_keeps_nobody_from_an_answer(
    channel: Channel,
) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.ask("cases")
    channel.server.auth_error = "invalid_auth"
    assert (await channel.click("sort", value="-age"))["status"] == 200
    channel.server.auth_error = ""
    await channel.click("sort", value="-age")
    assert "sort:-age" in await channel.shown()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"])
def test_a_proxy_is_not_used_for_addresses_that_need_none(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    near = Settings(slack_api_url="http://127.0.0.1:9/api/", _env_file=None)
    assert create_client(near).proxy is None
    monkeypatch.setenv("NO_PROXY", "slack.internal")
    monkeypatch.setenv("no_proxy", "slack.internal")
    inside = Settings(slack_api_url="https://slack.internal/api/", _env_file=None)
    assert create_client(inside).proxy is None
    outside = Settings(slack_api_url="https://slack.com/api/", _env_file=None)
    assert create_client(outside).proxy


def test_the_client_repeats_no_post_by_itself() -> None:
    assert create_client(Settings(_env_file=None)).retry_handlers == []


async def test_ssl_check_does_nothing_and_needs_no_signature(channel: Channel) -> None:
    async with aiohttp.ClientSession() as http:
        url = channel.server.dispatcher.request_url
        async with http.post(url, data={"ssl_check": "1", "token": "x"}) as answer:
            assert (answer.status, await answer.text()) == (200, "")
        big = {"ssl_check": "1", "command": "/t5g", "text": "x" * 500}
        async with http.post(url, data=big) as answer:
            assert answer.status == 401


async def test_the_challenge_is_echoed(channel: Channel) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"}).encode()
    status, text = await sent(channel, body, "application/json")
    assert (status, json.loads(text)) == (200, {"challenge": "abc"})


async def test_bolt_sets_the_level_of_no_logger_of_ours(channel: Channel) -> None:
    await channel.said("cases")
    ours = ("t5g", "bot", "webhooks", "workers")
    assert {name: logging.getLogger(name).level for name in ours} == dict.fromkeys(ours, 0)
