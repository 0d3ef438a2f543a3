"""What the stand-in sends has every field of recorded requests of Slack (if they are at hand)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.installation import Installation
from tests.sandbox.slack.serving import Bot, Slack
from tests.sandbox.slack.test_http import BUTTONS, MODAL

#: Fields of an Enterprise Grid, of threads and of old apps, which the workspace has not.
_ELSEWHERE = {"enterprise_id", "enterprise_name", "authed_users", "thread_ts", "is_ephemeral"}


def missing_fields(recorded: Any, sent: Any, path: str = "") -> list[str]:
    """The fields of a recorded body that a sent one lacks."""
    if not isinstance(recorded, Mapping) or not isinstance(sent, Mapping):
        return []
    found = [f"{path}/{key}" for key in recorded if key not in sent and key not in _ELSEWHERE]
    for key in recorded.keys() & sent.keys() - {"values", "blocks"}:
        found += missing_fields(recorded[key], sent[key], f"{path}/{key}")
    return found


@pytest.fixture
async def sent(slack: Slack, bot: Bot, client: AsyncWebClient) -> dict[str, Any]:
    """One request of each kind, by the name of its recorded twin."""

    async def last() -> Any:
        await slack.server.dispatcher.settled()
        return bot.bodies[-1]

    found: dict[str, Any] = {}
    await slack.post("command", user="ann", channel="general", command="/t5g", text="cases")
    found["od-payload_slash_command"] = await last()
    posted = await client.chat_postMessage(channel=slack.general.id, text="x", blocks=BUTTONS)
    where = {"user": "ann", "channel": slack.general.id, "message_ts": posted["ts"]}
    await slack.post("click", **where, action_id="page:next")
    found["od-payload_block_action_button"] = await last()
    await slack.post("click", **where, action_id="sort", value="age")
    found["od-payload_block_action_static_select"] = await last()
    said = await slack.post("message", user="ann", channel="general", text="hello")
    found["od-payload_message"] = await last()
    where["message_ts"] = said["ts"]
    await slack.post("message_shortcut", **where, callback_id="find")
    found["od-payload_message_action"] = await last()
    await slack.post("shortcut", user="ann", callback_id="search")
    found["bolt-shortcut--global-shortcut-body"] = await last()
    for name in ("submission", "closed"):
        trigger = slack.server.views.new_trigger(slack.ann.id)
        await client.views_open(trigger_id=trigger, view=MODAL)
        path = "view_submit" if name == "submission" else "view_close"
        await slack.post(path, user="ann", values={"text": {"value": "hello"}})
        found[f"bolt-view-{name}--body"] = await last()
        slack.server.views.clear(slack.ann.id)
    await client.views_publish(user_id=slack.ann.id, view={"type": "home", "blocks": []})
    await slack.post(f"home/{slack.ann.id}")
    found["doc-app_home_opened"] = await last()
    slack.state.install(Installation(events=frozenset({"link_shared"})))
    await slack.post("message", user="ann", channel="general", text="https://access.redhat.com/1")
    found["doc-link_shared"] = await last()
    return found


async def test_every_recorded_field_is_sent(sent: dict[str, Any], shared_dir: Path) -> None:
    lacking = {}
    for name, body in sent.items():
        recorded = json.loads((shared_dir / "fixtures" / "slack" / f"{name}.json").read_text())
        recorded = recorded.get("payload") or recorded.get("form") or recorded
        if fields := missing_fields(recorded, body):
            lacking[name] = fields
    assert lacking == {}


async def test_ids_look_like_slacks(sent: dict[str, Any]) -> None:
    command = sent["od-payload_slash_command"]
    for key, letter in (("user_id", "U"), ("channel_id", "C"), ("team_id", "T")):
        assert command[key].startswith(letter)
        assert command[key].isalnum()
        assert command[key].isupper()
    assert sent["doc-app_home_opened"]["event"]["channel"].startswith("D")
    assert sent["od-payload_message"]["event_id"].startswith("Ev")
