"""Unsafe combinations of settings: each is named in a sentence, and the dangerous serve no page."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from t5g.cli import world
from t5g.cli.app import app
from t5g.errors import SettingsError
from t5g.hazards import HAZARDS, found, refuse_dangerous
from t5g.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
LONG = "a-secret-that-is-long-enough-not-secret"

#: For each hazard of the table: settings that have it and no other.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "open-host": [{"http_host": host, "public_url": "http://localhost"}
                  for host in ("0.0.0.0", "192.0.2.7", "example.com", "::", "")],
    "open-address": [
        {"public_url": url}
        for url in ("https://t5g.example.com", "http://192.0.2.7:8080", "https://[2001:db8::1]",
                    "t5g.example.com", "https://127.0.0.1.example.com", "http://[")
    ],
    "open-proxy": [{"trusted_proxies": "127.0.0.1/32"}],
    "login-in-the-clear": [
        {"auth": "saml", "public_url": "http://t5g.example.com"},
        {"auth": "saml", "http_host": "0.0.0.0"},
    ],
    "anybody-is-a-proxy": [
        {"auth": "saml", "public_url": "https://t5g.example.com", "trusted_proxies": wide}
        for wide in ("0.0.0.0/0", "10.0.0.0/8, 0.0.0.0/1", "::/0", "2000::/3")
    ],
    "secret-in-address": [{"jira_webhook_url_secret": LONG}],
    "short-secret": [
        {"jira_webhook_secret": f"{LONG} short"}, {"slack_signing_secret": "short"},
        {"jira_webhook_url_secret": "short", "jira_webhook_networks": "10.0.0.0/8"},
    ],
    "upstream-in-the-clear": [
        {"jira_url": "http://jira.example.com"}, {"slack_api_url": "http://192.0.2.1/api/"},
    ],
    "redis-in-the-clear": [
        {"redis_url": "redis://cache.example.com:6379/0"}, {"redis_url": "redis://192.0.2.1"},
        {"redis_url": "redis+sentinel://:x@one.example.com:26379,two.example.com:26379/t5g/0"},
    ],
    "mail-in-the-clear": [{"smtp_url": "smtp://user:not-secret@mail.example.com:25"}],
    "long-sessions": [{"session_hours": 200}, {"session_idle_hours": 10_000}],
}  # fmt: skip

SAFE: list[dict[str, Any]] = [
    {},
    {"public_url": "http://127.0.0.1:8080"},
    {"public_url": "http://localhost:8080", "http_host": "::1"},
    {"auth": "saml", "public_url": "https://t5g.example.com", "trusted_proxies": "10.0.0.0/8",
     "http_host": "0.0.0.0", "redis_url": "redis://redis:6379/0"},
    {"auth": "saml", "public_url": "http://127.0.0.1:8080"},
    {"redis_url": "unix:///run/t5g/redis.sock"},
    {"redis_url": "rediss://cache.example.com"},
    {"jira_webhook_url_secret": LONG, "jira_webhook_networks": "192.0.2.0/24"},
    {"smtp_url": "smtp+starttls://user:not-secret@mail.example.com:587"},
    {"jira_url": "http://jira:8080"},
]  # fmt: skip


@pytest.mark.parametrize("name", [hazard.name for hazard in HAZARDS])
def test_each_hazard_is_found_where_it_is_and_alone(name: str) -> None:
    for env in EXAMPLES[name]:
        assert [hazard.name for hazard in found(load_settings(env=env))] == [name], env


@pytest.mark.parametrize("env", SAFE)
def test_safe_settings_have_none(env: dict[str, Any]) -> None:
    assert found(load_settings(env=env)) == []


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard.name)
def test_each_is_one_sentence_that_names_a_setting_and_what_to_do(hazard: Any) -> None:
    assert re.search(r": (set|name|make|use) .*\.$", hazard.sentence), hazard.sentence


def test_a_start_refuses_all_dangerous_ones_at_once_and_no_others() -> None:
    env = {"http_host": "0.0.0.0", "trusted_proxies": "10.0.0.0/8", "session_hours": 1_000}
    with pytest.raises(SettingsError) as raised:
        refuse_dangerous(load_settings(env={**env, "public_url": "https://t5g.example.com"}))
    assert len(raised.value.lines) == 3
    refuse_dangerous(load_settings(env={"session_hours": 1_000}))


def run(*args: str, tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours in an empty folder, with these settings only."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    env = {f"T5G_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "t5g", *args],
        cwd=tmp_path, env={**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "300", **env},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["web", "up"])
def test_a_page_for_everybody_is_not_served(tmp_path: Path, command: str) -> None:
    done = run(
        command, tmp_path=tmp_path, public_url="https://t5g.example.com",
        portal_offline_token=LONG, jira_token=LONG, bugzilla_api_key=LONG, slack_bot_token=LONG,
        slack_signing_secret=LONG, jira_webhook_secret=LONG, data_dir=str(tmp_path),
    )  # fmt: skip
    assert done.returncode != 0
    assert "set T5G_AUTH=saml, or leave T5G_PUBLIC_URL empty" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_check_names_each_and_fails_for_the_dangerous(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def nothing(_: object) -> list[object]:
        return []

    monkeypatch.setattr("t5g.cli.checking._checked", nothing)
    monkeypatch.setattr("t5g.settings.Settings.missing", lambda *_: [])
    monkeypatch.setenv("T5G_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("T5G_SESSION_HOURS", "1000")
    mild = CliRunner().invoke(app, ["check"])
    assert mild.exit_code == 0
    assert "unsafe  settings  Sessions last longer than a week" in mild.output
    monkeypatch.setenv("T5G_TRUSTED_PROXIES", "127.0.0.1")
    grave = CliRunner().invoke(app, ["check"])
    assert grave.exit_code == 1
    assert "T5G_TRUSTED_PROXIES says that a proxy leads others" in grave.output
    assert "Sessions last longer than a week" in grave.output


def test_the_demo_is_for_this_machine_whatever_is_set_for_the_real_page() -> None:
    names = {name.removeprefix("T5G_").lower(): value for name, value in world.ON_LOOPBACK.items()}
    assert found(load_settings(env=names)) == []
    for env in EXAMPLES["open-address"] + EXAMPLES["open-host"] + EXAMPLES["open-proxy"]:
        assert found(load_settings(env={**env, **names})) == []
