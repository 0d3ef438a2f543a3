"""Settings are checked at start, all mistakes are told at once, secrets never print."""

from pathlib import Path

import pytest

from t5g.errors import SettingsError
from t5g.settings import PREFIX, Settings, is_loopback, load_settings


def test_every_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T5G_HTTP_PORT", "eighty")
    monkeypatch.setenv("T5G_TIMEZONE", "Mars/Olympus")
    monkeypatch.setenv("T5G_DIGEST_AT", "25:99")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    told = "\n".join(raised.value.lines)
    for name in ("T5G_HTTP_PORT", "T5G_TIMEZONE", "T5G_DIGEST_AT"):
        assert name in told
    assert "Europe/Berlin" in told


def test_missing_settings_are_named_with_what_they_are_for() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(("portal", "jira", "bugzilla", "slack", "webhook"))
    told = "\n".join(raised.value.lines)
    for name in (
        "T5G_PORTAL_OFFLINE_TOKEN",
        "T5G_JIRA_TOKEN",
        "T5G_BUGZILLA_API_KEY",
        "T5G_SLACK_BOT_TOKEN",
        "T5G_SLACK_SIGNING_SECRET",
        "T5G_JIRA_WEBHOOK_SECRET",
    ):
        assert f"{name} is missing: " in told
    assert len(raised.value.lines) == 6


def test_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("sandbox-token-not-secret\n")
    monkeypatch.setenv("T5G_JIRA_TOKEN_FILE", str(path))
    settings = load_settings(("jira",))
    assert settings.jira_token.get_secret_value() == "sandbox-token-not-secret"
    assert "not-secret" not in repr(settings)


@pytest.mark.parametrize(("variable", "wins"), [("", "of-the-file"), ("of-the-variable",) * 2])
def test_an_empty_variable_does_not_win_over_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, wins: str
) -> None:
    """As with `cp .env.example .env` and a container's secrets."""
    (tmp_path / "token").write_text("of-the-file\n")
    monkeypatch.setenv("T5G_JIRA_TOKEN", variable)
    monkeypatch.setenv("T5G_JIRA_TOKEN_FILE", str(tmp_path / "token"))
    assert load_settings().jira_token.get_secret_value() == wins


def test_unreadable_secret_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("T5G_JIRA_TOKEN_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match="T5G_JIRA_TOKEN_FILE: can not read"):
        load_settings()


def test_closed_cases_are_not_forgotten_before_their_cards_are_closed() -> None:
    load_settings(env={"closed_days": 30, "close_after_days": 30})
    with pytest.raises(SettingsError, match=r"T5G_CLOSED_DAYS=30 .*T5G_CLOSE_AFTER_DAYS=31"):
        load_settings(env={"closed_days": 30, "close_after_days": 31})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


def test_wrong_value_of_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T5G_SLA", '{"urgent": "hunter2-not-secret"}')
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


def test_every_setting_says_what_it_is_for() -> None:
    silent = [
        PREFIX + name.upper()
        for name, info in Settings.model_fields.items()
        if not info.description and not hasattr(info.annotation, "model_fields")
    ]
    assert silent == []


def test_several_webhook_secrets_while_rotating() -> None:
    settings = load_settings(env={"jira_webhook_secret": "old-not-secret  new-not-secret"})
    assert settings.webhook_secrets == ("old-not-secret", "new-not-secret")


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("log_levels", "jira", "write it like jira=debug"),
        ("log_levels", "=debug", "write it like jira=debug"),
        ("log_levels", "jira=loud", "write it like jira=debug"),
        ("trusted_proxies", "10.0.0.0/8 the-proxy", "write it like 10.0.0.0/8"),
        ("jira_webhook_networks", "300.0.0.1", "write it like 10.0.0.0/8"),
    ],
)
def test_a_value_that_can_not_be_read_is_told_with_one_that_can(
    name: str, value: str, hint: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(env={name: value})
    [line] = raised.value.lines
    assert line.startswith(f"{PREFIX}{name.upper()}: ")
    assert hint in line


def test_a_variable_that_is_no_json_is_told_with_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T5G_INTERNAL_STATUS", "New=New")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert raised.value.lines == (
        'T5G_INTERNAL_STATUS: is no JSON object; write it like {"name": "value"}',
    )


@pytest.mark.parametrize(
    "name", ["slack_digest_channel", "slack_high_channel", "slack_ops_channel"]
)
def test_a_channel_is_given_by_its_id(name: str) -> None:
    """A name works when something is posted, and in no other call."""
    for wrong in ("#t5g-digest", "t5g-digest", "U0123ABCDEF", "c0123abcdef"):
        with pytest.raises(SettingsError, match="is no channel's id"):
            load_settings(env={"redis_url": "redis://x", name: wrong})
    found = load_settings(env={"redis_url": "redis://x", name: "  C0123ABCDEF "})
    assert getattr(found, name) == "C0123ABCDEF"
    assert getattr(load_settings(env={"redis_url": "redis://x"}), name) == ""


def test_channels_of_a_list_are_given_by_their_ids() -> None:
    given = {"redis_url": "redis://x", "slack_restricted_channels": "C0123ABCDEF, G0123ABCDEF"}
    assert load_settings(env=given).slack_restricted_channels == "C0123ABCDEF G0123ABCDEF"
    with pytest.raises(SettingsError, match="'general' is no channel's id"):
        load_settings(env={**given, "slack_external_channels": "C0123ABCDEF general"})
