"""What an engineer gets, over signed HTTP from the sandbox's Slack."""

import hashlib
import hmac
import json
from datetime import timedelta

import aiohttp
import pytest

from bot.digests import post_due
from bot.terminal import opened
from sandbox.slack.app import SIGNING_SECRET
from sandbox.slack.page.markup import Names, mrkdwn
from sandbox.slack.rules import validate_message
from sandbox.slack.state import SlackState
from t5g.model import Escalation, Person, Source
from t5g.state import Observation
from tests import wall_clock
from tests.bot.conftest import Channel, texts
from tests.making import card_seen, listing, portal_seen

NOW = wall_clock.now()


def cases(count: int = 20) -> list[Observation]:
    """Cases of every severity; the first is escalated and Ann's."""
    seen: list[Observation] = []
    for n in range(1, count + 1):
        number = f"{n:08}"
        severity = ("1 (Urgent)", "2 (High)", "3 (Normal)", "4 (Low)")[n % 4]
        created = NOW - timedelta(days=n)
        seen.append(
            portal_seen(
                number, severity=severity, created=created, updated=NOW, summary=f"Case <{n}>"
            )
        )
        assignee = Person(account="a", name="Ann Müller") if n == 1 else None
        seen.append(card_seen(number, f"T5G-{n}", assignee=assignee, updated=NOW, created=created))
    seen.append(
        listing("00000001", Source.ESCALATION, Escalation(key="ESC-1", since=NOW), seen=NOW)
    )
    return seen


async def test_cases_are_listed_with_pages(channel: Channel) -> None:
    await channel.store.write(cases(), now=NOW)
    first = await channel.said("cases")
    assert "20 cases" in first
    assert "1–8 of 20" in first
    assert "00000001" in first
    outcome = await channel.click("page:next")
    assert outcome["status"] == 200
    await channel.settle()
    second = texts((await channel.messages())[-1])
    assert "9–16 of 20" in second
    assert len([m for m in await channel.messages() if "of 20" in texts(m)]) == 1


async def test_a_change_shows_in_the_next_answer(channel: Channel) -> None:
    await channel.store.write(cases(1), now=NOW)
    assert "Debugging" in await channel.said("case 00000001")
    later = NOW + timedelta(seconds=5)
    await channel.store.write([card_seen("00000001", status="Done", updated=later)], now=later)
    assert "Done" in await channel.said("case T5G-1")


async def test_foreign_text_stays_text(channel: Channel) -> None:
    hostile = "<!channel> *bold* <http://evil|good> `x` & \u202etxt"
    await channel.store.write([portal_seen(summary=hostile, account=hostile)], now=NOW)
    outcome = await channel.ask("case 01234567")
    header, *blocks = outcome["response"]["blocks"]
    assert header["text"]["type"] == "plain_text"
    marked_up = json.dumps([outcome["response"]["text"], blocks], ensure_ascii=False)
    for active in ("<!channel>", "<http://evil", "`x`", "\\u202e", "\u202e", "\u2060"):
        assert active not in marked_up
    shown = str(mrkdwn(marked_up, Names(SlackState(), "U1")))
    assert "<code>&lt;!channel&gt; *bold* &lt;http" in shown
    assert "<b>bold</b>" not in shown
    assert validate_message(outcome["response"]) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("casse", "Did you mean `case`?"),
        ("cases severty:high", "Did you mean severity:high?"),
        ("case 99999999", "There is no case"),
        ("case", "Which case?"),
        ("case ZZZ-1", "There is no case"),
        ("new soon", "no number of days"),
        ("refresh everything", "There is no sync"),
        ("help nonsense", "There is no command"),
        ("cases " + "x" * 1500, "Make it shorter"),
    ],
)
async def test_mistakes_get_a_sentence(channel: Channel, text: str, said: str) -> None:
    assert said in await channel.said(text)


async def test_help_names_every_command_and_the_keys(channel: Channel) -> None:
    everything = await channel.said("help")
    for name in ("cases", "case", "mine", "escalations", "digest", "status", "refresh"):
        assert f"/t5g {name}" in everything
    assert "severity:urgent,high" in await channel.said("help cases")
    assert await channel.said("") == everything


async def test_mine_knows_who_asks(channel: Channel) -> None:
    await channel.store.write(cases(5), now=NOW)
    mine = await channel.said("mine")
    assert "1 case" in mine
    assert "00000001" in mine


async def test_menus_edit_the_query(channel: Channel) -> None:
    await channel.store.write(cases(), now=NOW)
    await channel.ask("cases account:acme")
    await channel.click("filter:severity", value="urgent")
    await channel.settle()
    shown = texts((await channel.messages())[-1])
    assert "account:acme severity:urgent" in shown
    await channel.click("sort", value="-age")
    await channel.settle()
    assert "sort:-age" in texts((await channel.messages())[-1])


async def test_open_and_share(channel: Channel) -> None:
    await channel.store.write(cases(1), now=NOW)
    await channel.ask("cases")
    await channel.click("ask:case")
    await channel.settle()
    opened_case = (await channel.messages())[-1]
    assert "Open for" in texts(opened_case)
    await channel.click("share")
    await channel.settle()
    other = Channel(**{**channel.__dict__, "user": channel.server.state.add_user("bob", "Bob").id})
    seen = await other.messages()
    assert any("00000001" in texts(message) for message in seen)


async def test_stale_sources_are_named(channel: Channel) -> None:
    assert "old: cases" in await channel.said("cases")


async def test_lost_redis_is_a_polite_sentence(channel: Channel) -> None:
    from webhooks import keys  # noqa: F401 (the store below is the app's own)

    channel.store.redis.connection_pool.connection_kwargs["path"] = "/nowhere.sock"
    await channel.store.redis.connection_pool.disconnect()
    assert "try again in a moment" in (await channel.said("cases")).casefold()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"text=x"),
        ({"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=00"}, b"text=x"),
        ({"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=00"}, b"text=x"),
        ({"X-Slack-Request-Timestamp": "NOW", "X-Slack-Signature": "v0=\xe9"}, b"text=x"),
        ({"X-Slack-Request-Timestamp": "NOW", "X-Slack-Signature": "v0=00"}, b"\xff\xfe"),
        ({"X-Slack-Request-Timestamp": "9" * 400, "X-Slack-Signature": "v0=00"}, b"{"),
    ],
)
async def test_strangers_get_401(channel: Channel, headers: dict[str, str], body: bytes) -> None:
    url = channel.server.dispatcher.request_url
    stamped = {k: v.replace("NOW", str(int(wall_clock.seconds()))) for k, v in headers.items()}
    async with aiohttp.ClientSession() as http:
        answer = await http.post(url, data=body, headers=stamped)
        assert answer.status == 401


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("body", [b"{broken", b"payload=%7Bbroken", b"[]", b"null", b""])
async def test_signed_nonsense_is_no_500(channel: Channel, body: bytes, kind: str) -> None:
    stamp = str(int(wall_clock.seconds()))
    base = f"v0:{stamp}:".encode() + body
    signature = "v0=" + hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    headers = {
        "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature, "Content-Type": kind,
    }  # fmt: skip
    async with aiohttp.ClientSession() as http:
        answer = await http.post(channel.server.dispatcher.request_url, data=body, headers=headers)
        assert answer.status in (200, 400, 404)


async def test_digest_is_posted_once_a_day(channel: Channel) -> None:
    await channel.store.write(cases(30), now=NOW)
    settings = channel.settings.model_copy(update={"digest_at": NOW.time().replace(microsecond=0)})
    async with opened(settings) as context:
        posted = [len(await post_due(context)) for _ in range(3)]
        await context.outbox.drain()
    assert posted == [1, 0, 0]
    digests = [m for m in await channel.messages() if "digest" in texts(m).casefold()]
    assert len(digests) == 1
    assert "🚨 escalated (ESC-1)" in texts(digests[0])
