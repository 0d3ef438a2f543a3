"""Slack's requests over HTTP: repetitions, strangers, and listeners that fail."""

import hashlib
import hmac
import json
from typing import Any

import aiohttp
import pytest

from sandbox.slack.app import SIGNING_SECRET
from tests import wall_clock
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world


async def signed(
    channel: Channel, body: bytes, kind: str, **headers: str
) -> aiohttp.ClientResponse:
    """Send a body as Slack signs it."""
    stamp = str(int(wall_clock.seconds()))
    base = f"v0:{stamp}:".encode() + body
    signature = "v0=" + hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    async with aiohttp.ClientSession() as http:
        answer = await http.post(
            channel.server.dispatcher.request_url,
            data=body,
            headers={
                "X-Slack-Request-Timestamp": stamp,
                "X-Slack-Signature": signature,
                "Content-Type": kind,
                **headers,
            },
        )
        await answer.read()
        return answer


async def test_an_event_that_slack_repeats_is_answered_once(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    direct = channel.direct
    await direct.say("mine")
    await direct.settle()
    before = len(await direct.messages())
    sent = [d for d in channel.server.dispatcher.deliveries if d.event_id]
    event = {
        "type": "message", "user": channel.user, "channel": direct.name, "text": "mine",
        "ts": "1.0", "channel_type": "im",
    }  # fmt: skip
    channel.server.dispatcher.emit(event, sent[-1].event_id)
    await direct.settle()
    assert len(await direct.messages()) == before


async def test_an_event_whose_listener_failed_is_taken_when_it_comes_again(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await channel.store.write(world(3), now=NOW)
    failures = [1]
    tasks = channel.context.tasks
    start = type(tasks).start

    def failing(self: Any, work: Any, name: str = "") -> Any:
        if name == "direct message" and failures:
            failures.pop()
            work.close()
            raise RuntimeError("broken")
        return start(self, work, name)

    monkeypatch.setattr(type(tasks), "start", failing)
    await channel.direct.say("mine")
    assert "00000001" in await channel.direct.shown()
    assert [d.retry for d in channel.server.dispatcher.deliveries if d.event_id][-1] == 1


async def test_a_command_whose_work_breaks_is_a_sentence_with_an_id(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(channel.context.board), "select", None)
    answer = await channel.said("cases")
    assert "Something went wrong on our side" in answer
    assert "(id `" in answer


async def test_a_slow_answer_is_acknowledged_and_follows(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    await channel.store.write(world(3), now=NOW)
    monkeypatch.setattr("bot.speaking.SOON", 0.01)
    refresh = type(channel.context.board).refresh

    async def slow(self: Any) -> None:
        await asyncio.sleep(0.1)
        await refresh(self)

    monkeypatch.setattr(type(channel.context.board), "refresh", slow)
    assert "One moment" in await channel.said("cases")
    assert "3 cases" in await channel.shown()


async def test_slack_looking_at_the_certificate_gets_a_plain_yes(channel: Channel) -> None:
    async with aiohttp.ClientSession() as http:
        url = channel.server.dispatcher.request_url
        answer = await http.post(url, data={"ssl_check": "1", "token": "x"})
        assert answer.status == 200


async def test_the_address_is_verified_by_echo(channel: Channel) -> None:
    assert await channel.server.dispatcher.verify_url()


async def test_being_told_of_fewer_events_is_no_error(channel: Channel) -> None:
    body = json.dumps({"type": "app_rate_limited", "minute_rate_limited": 1}).encode()
    assert (await signed(channel, body, "application/json")).status == 200


async def test_a_command_of_another_app_is_left_to_bolt(channel: Channel) -> None:
    body = b"command=%2Fother&text=x&user_id=U1"
    answer = await signed(channel, body, "application/x-www-form-urlencoded")
    assert answer.status == 404


async def test_a_person_slack_can_not_name_reads_nothing_and_is_told_to_try_again(
    channel: Channel,
) -> None:
    channel.server.auth_error = "token_revoked"
    await channel.store.write(world(3), now=NOW)
    said = texts((await channel.ask("cases"))["response"])
    assert "3 cases" not in said
    assert "Try again in a moment" in said
