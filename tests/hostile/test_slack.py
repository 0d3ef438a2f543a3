"""Hostile bodies with Slack's own signature: odd, broken and huge payloads of every kind."""

import json
import re
import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.conftest import Victim
from tests.hostile.nasty import JSON, SEEDED, TEXTS, bombs, mangled, sent

APPLICATION_JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TEAM = {"id": "T1", "domain": "t5g"}
USER = {"id": "U1", "username": "ann", "name": "ann", "team_id": "T1"}
LIST_BLOCK = {"type": "actions", "block_id": "list", "elements": []}
VIEW: dict[str, Any] = {
    "id": "V1", "type": "modal", "callback_id": "comment", "private_metadata": "00000001",
    "blocks": [LIST_BLOCK], "state": {"values": {"text": {"text": {"value": "hello"}}}},
    "hash": "1.2", "root_view_id": "V1", "previous_view_id": None, "team_id": "T1",
}  # fmt: skip
ACTIONS = (
    "page:2", "sort:age", "filter:account", "ask:cases", "share:00000001", "link:00000001",
    "comment:00000001", "assign:00000001", "home:search", "home:refresh", "nobody:knows",
)  # fmt: skip
PLAIN = {"type": "plain_text", "text": "a"}
PLACE: dict[str, Any] = {
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"},
    "channel": {"id": "C1", "name": "general"},
    "message": {"type": "message", "text": "a list", "ts": "1.2", "blocks": [LIST_BLOCK],
                "metadata": {"event_type": "t5g_message", "event_payload": {"id": "x"}}},
}  # fmt: skip


def interaction(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind, "team": TEAM, "user": USER, "api_app_id": "A1", "token": "not-secret",
        "trigger_id": "1.2.3", "response_url": "http://127.0.0.1:9/", **more,
    }  # fmt: skip


CLICKS = [
    interaction(
        "block_actions", **PLACE,
        actions=[{"type": "button", "action_id": action, "block_id": "list", "value": "cases",
                  "action_ts": "1.3",
                  "selected_option": {"value": "age", "text": PLAIN}}],
    )
    for action in ACTIONS
]  # fmt: skip
INTERACTIONS: list[Any] = [
    *CLICKS,
    interaction("view_submission", view=VIEW),
    interaction("view_submission", view={**VIEW, "callback_id": "assign"}),
    interaction("view_submission", view={**VIEW, "callback_id": "search"}),
    interaction("view_closed", view=VIEW, is_cleared=True),
    interaction("shortcut", callback_id="search_cases"),
    interaction("message_action", callback_id="find_cases", **PLACE),
    interaction("block_suggestion", action_id="who", block_id="who", value="ann", view=VIEW),
]
EVENTS: list[Any] = [
    {
        "type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_time": 1795510000,
        "authorizations": [{"team_id": "T1", "user_id": "U0", "is_bot": True}], "event": event,
    }
    for event in (
        {"type": "message", "channel_type": "im", "user": "U1", "text": "cases", "ts": "1.2",
         "channel": "D1"},
        {"type": "app_mention", "user": "U1", "text": "<@U0> cases severity:urgent", "ts": "1.2",
         "channel": "C1"},
        {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home"},
        {"type": "link_shared", "user": "U1", "channel": "C1", "message_ts": "1.2",
         "unfurl_id": "C1.1.2", "source": "conversations_history",
         "links": [{"domain": "page.test", "url": "http://page.test/cases/00000001"}]},
        {"type": "reaction_added", "user": "U1", "reaction": "eyes"},
    )
]  # fmt: skip
COMMAND = {
    "token": "not-secret", "team_id": "T1", "channel_id": "C1", "channel_name": "general",
    "user_id": "U1", "user_name": "ann", "command": "/t5g", "api_app_id": "A1",
    "response_url": "http://127.0.0.1:9/", "trigger_id": "1.2.3",
}  # fmt: skip
WORDS = (
    "help", "cases", "case", "claim", "comment", "assign", "digest", "watch", "refresh", "find",
    "stats", "status", "export", "mine", "sla", "stale", "escalations", "team",
)  # fmt: skip


def form(fields: dict[str, Any]) -> bytes:
    """A form in bytes, half characters and all."""
    return urlencode(fields, errors="surrogatepass").encode()


def payload(value: Any) -> bytes:
    return b"payload=" + quote(sent(value).decode()).encode()


@SEEDED
@given(body=mangled(INTERACTIONS) | JSON)
def test_signed_interactions_of_any_shape_are_answered(victim: Victim, body: Any) -> None:
    assert victim.slack(payload(body), FORM) in (200, 400, 401, 404)


@SEEDED
@given(body=mangled(EVENTS) | JSON)
def test_signed_events_of_any_shape_are_answered(victim: Victim, body: Any) -> None:
    assert victim.slack(sent(body), APPLICATION_JSON) in (200, 400, 401, 404)


@SEEDED
@given(word=st.sampled_from(WORDS) | TEXTS, text=TEXTS, more=TEXTS)
def test_commands_of_any_text_are_answered(victim: Victim, word: str, text: str, more: str) -> None:
    body = form({**COMMAND, "text": f"{word} {text} {more}"})
    assert victim.slack(body, FORM) in (200, 401)


@SEEDED
@given(name=st.sampled_from(sorted(COMMAND)), value=TEXTS, gone=st.booleans())
def test_commands_whose_fields_are_odd_are_answered(
    victim: Victim, name: str, value: str, gone: bool
) -> None:
    fields = {**COMMAND, "text": "cases", name: value}
    if gone:
        del fields[name]
    assert victim.slack(form(fields), FORM) in (200, 400, 401, 404)


@pytest.mark.parametrize("kind", [APPLICATION_JSON, FORM, "text/plain", "multipart/form-data"])
@pytest.mark.parametrize("name", bombs())
def test_signed_bomb_is_refused_soon_and_the_process_lives(
    victim: Victim, name: str, kind: str
) -> None:
    bomb = bombs()[name]
    body = b"payload=" + quote(bomb[:400_000]).encode() if kind == FORM else bomb
    began = time.monotonic()
    assert victim.slack(body, kind) in (200, 400, 401, 404, 413)
    assert victim.alive()
    assert time.monotonic() - began < 3


def test_a_form_of_a_hundred_thousand_fields_is_answered_soon(victim: Victim) -> None:
    body = form(COMMAND) + b"&" + b"&".join(b"f%d=1" % n for n in range(80_000))
    began = time.monotonic()
    assert victim.slack(body, FORM) in (200, 400)
    assert time.monotonic() - began < 3


def test_what_people_type_never_becomes_a_mention_or_a_link_of_the_bot(victim: Victim) -> None:
    text = "cases <!channel> <https://evil.example|click> <@U2>"
    status, found = victim.slack_answer(form({**COMMAND, "text": text}), FORM)
    assert status == 200
    spoken = json.dumps(json.loads(found))
    assert "<!channel>" not in spoken
    assert "<https://evil.example" not in spoken


STAMPS = st.sampled_from(["", "0", "-1", "9" * 400, "NaN", "٣", " 1", "1e9"]) | TEXTS
SIGNATURES = st.sampled_from(["", "v0=", "v0=" + "0" * 64, "v1=" + "0" * 64, "é"]) | TEXTS


@SEEDED
@given(body=st.binary(max_size=200), stamp=STAMPS, signature=SIGNATURES)
def test_a_stranger_gets_401_whatever_is_sent(
    victim: Victim, body: bytes, stamp: str, signature: str
) -> None:
    headers = {"X_Slack_Request_Timestamp": stamp, "X_Slack_Signature": signature}
    plain = {
        name: re.sub(rb"[\r\n\0]", b"", value.encode("utf-8", "replace"))[:4_000].decode("latin-1")
        for name, value in headers.items()
    }
    status, found = victim.ask("POST", "/slack/events", body, Content_Type=FORM, **plain)
    assert status in (400, 401), found
