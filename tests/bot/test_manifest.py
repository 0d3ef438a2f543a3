"""The manifest asks for what is used, and the documentation says why."""

from pathlib import Path

import pytest

from bot.manifest import EVENTS, SCOPES, domains, manifest
from bot.router import router
from t5g.errors import SettingsError
from t5g.settings import load_settings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "slack.md"


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_is_explained_in_the_docs(scope: str) -> None:
    assert f"| `{scope}` | {SCOPES[scope]} |" in DOCS.read_text("utf-8")


def test_each_event_is_named_in_the_docs() -> None:
    text = DOCS.read_text("utf-8")
    assert [event for event in EVENTS if f"`{event}`" not in text] == []


def test_every_command_of_the_issue_is_there() -> None:
    wanted = (
        "help cases case mine escalations new stale sla account engineer stats digest watch "
        "unwatch watches refresh status claim assign comment escalate link export"
    )
    assert set(wanted.split()) <= set(router.commands)


def test_http_has_addresses_and_socket_mode_none() -> None:
    env = {"public_url": "https://t5g.example.com"}
    http = manifest(load_settings(env=env))
    assert str(http).count("https://t5g.example.com/slack/events") == 3
    socket = manifest(load_settings(env={**env, "slack_app_token": "xapp-not-secret"}))
    assert "/slack/events" not in str(socket)
    assert socket["settings"]["socket_mode_enabled"] is True


def test_the_command_has_the_name_that_is_set() -> None:
    staging = manifest(load_settings(env={"slack_command": "/t5g-staging"}))
    assert staging["features"]["slash_commands"][0]["command"] == "/t5g-staging"


@pytest.mark.parametrize("name", ["t5g", "/", "/T5G", "/t5g cases", "/" + "x" * 32, ""])
def test_what_slack_takes_for_no_command_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="SLACK_COMMAND"):
        load_settings(env={"slack_command": name})


def test_previews_have_at_most_five_bare_domains() -> None:
    found = domains(load_settings(env={"public_url": "https://T5G.Example.com:8443/x"}))
    assert "t5g.example.com" in found
    assert len(found) <= 5
