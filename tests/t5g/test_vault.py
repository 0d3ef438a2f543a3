"""Secrets at rest: unreadable without the key, never half-written, and first in what is empty."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from t5g.errors import SettingsError
from t5g.setting_sources import VaultPlace
from t5g.settings import Settings, load_settings, secret_names, with_secrets_of
from t5g.vault import Vault, new_key

TOKEN = "planted-jira-token-not-secret"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "secrets.json"


@pytest.fixture
def key() -> str:
    return new_key()


def test_what_is_kept_comes_back_and_stands_in_no_file_in_plain(path: Path, key: str) -> None:
    Vault(path, key).put("T5G_JIRA_TOKEN", TOKEN)
    assert Vault(path, key).values() == {"T5G_JIRA_TOKEN": TOKEN}
    assert TOKEN not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_names_and_times_are_shown_without_values(path: Path, key: str) -> None:
    vault = Vault(path, key)
    assert vault.set_at() == {}
    vault.put("T5G_JIRA_TOKEN", TOKEN)
    (at,) = vault.set_at().values()
    assert at.startswith("20")
    assert TOKEN not in repr(vault.set_at())


def test_one_is_forgotten(path: Path, key: str) -> None:
    vault = Vault(path, key)
    vault.put("T5G_JIRA_TOKEN", TOKEN)
    assert vault.remove("T5G_JIRA_TOKEN")
    assert not vault.remove("T5G_JIRA_TOKEN")
    assert vault.values() == {}


def test_a_rotated_key_opens_and_the_old_one_does_not(path: Path, key: str) -> None:
    newer = new_key()
    Vault(path, key).put("T5G_JIRA_TOKEN", TOKEN)
    at = Vault(path, key).set_at()
    assert Vault(path, f"{newer} {key}").rotate() == 1
    assert Vault(path, newer).values() == {"T5G_JIRA_TOKEN": TOKEN}
    assert Vault(path, newer).set_at() == at
    with pytest.raises(SettingsError, match="does not open T5G_JIRA_TOKEN"):
        Vault(path, key).values()


def test_a_wrong_key_changes_nothing(path: Path, key: str) -> None:
    Vault(path, key).put("T5G_JIRA_TOKEN", TOKEN)
    before = path.read_bytes()
    with pytest.raises(SettingsError):
        Vault(path, new_key()).put("T5G_SLACK_BOT_TOKEN", "xoxb-not-secret")
    with pytest.raises(SettingsError):
        Vault(path, new_key()).rotate()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("keys", "said"), [("", "T5G_SECRETS_KEY is missing"), ("short", "T5G_SECRETS_KEY is no key")]
)
def test_a_key_that_is_none_is_said(path: Path, keys: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Vault(path, keys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no file of `t5g secrets`"),
        ("[]", "is no file of `t5g secrets`"),
        ("\xff\xfe", "is no file of `t5g secrets`"),
        ('{"version":9,"secrets":{}}', "newer version"),
    ],
)
def test_a_file_that_is_none_is_said_by_name(path: Path, key: str, text: str, said: str) -> None:
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=said) as told:
        Vault(path, key).values()
    assert str(path) in str(told.value)


def test_a_crash_in_the_middle_of_writing_leaves_the_old_file(
    path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Vault(path, key).put("T5G_JIRA_TOKEN", TOKEN)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            Vault(path, key).put("T5G_JIRA_TOKEN", "another-not-secret")
    assert Vault(path, key).values() == {"T5G_JIRA_TOKEN": TOKEN}
    assert list(path.parent.iterdir()) == [path]


# As a source of settings


@pytest.fixture(autouse=True)
def env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the `.env` of the current folder, as the program does."""
    for read in (Settings, VaultPlace):
        monkeypatch.setitem(read.model_config, "env_file", ".env")


@pytest.fixture
def kept(path: Path, key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Vault:
    """A vault that the environment leads to, with its key in a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text(key + "\n")
    monkeypatch.setenv("T5G_SECRETS_FILE", str(path))
    monkeypatch.setenv("T5G_SECRETS_KEY_FILE", str(tmp_path / "key"))
    vault = Vault(path, key)
    vault.put("T5G_JIRA_TOKEN", TOKEN)
    return vault


def test_what_is_empty_elsewhere_comes_from_the_vault(
    kept: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings().jira_token.get_secret_value() == TOKEN
    monkeypatch.setenv("T5G_JIRA_TOKEN", "")
    assert load_settings().jira_token.get_secret_value() == TOKEN
    (tmp_path / ".env").write_text("T5G_JIRA_TOKEN=\n")
    assert load_settings().jira_token.get_secret_value() == TOKEN


def test_what_is_said_elsewhere_wins(
    kept: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("T5G_JIRA_TOKEN=dotenv-not-secret\n")
    assert load_settings().jira_token.get_secret_value() == "dotenv-not-secret"
    (tmp_path / "token").write_text("file-not-secret")
    monkeypatch.setenv("T5G_JIRA_TOKEN_FILE", str(tmp_path / "token"))
    assert load_settings().jira_token.get_secret_value() == "file-not-secret"
    monkeypatch.setenv("T5G_JIRA_TOKEN", "env-not-secret")
    assert load_settings().jira_token.get_secret_value() == "env-not-secret"
    assert load_settings(env={"jira_token": "told"}).jira_token.get_secret_value() == "told"


def test_the_vault_may_be_named_in_the_env_file(
    path: Path, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Vault(path, key).put("T5G_REDIS_URL", "redis://:password-not-secret@redis/0")
    (tmp_path / ".env").write_text(f"T5G_SECRETS_FILE={path}\nT5G_SECRETS_KEY={key}\n")
    assert load_settings().redis_url == "redis://:password-not-secret@redis/0"


def test_a_vault_without_a_key_stops_the_start(
    kept: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("T5G_SECRETS_KEY_FILE")
    with pytest.raises(SettingsError, match="T5G_SECRETS_KEY is missing"):
        load_settings()


def test_only_secrets_are_taken_over_while_running() -> None:
    running = load_settings(env={"jira_token": "old", "stale_days": 7, "redis_prefix": "a:"})
    fresh = load_settings(env={"jira_token": "new", "stale_days": 9, "redis_prefix": "b:"})
    found = with_secrets_of(running, fresh)
    assert found.jira_token.get_secret_value() == "new"
    assert (found.stale_days, found.redis_prefix) == (7, "a:")
    assert with_secrets_of(running, running) is running


def test_every_secret_may_be_kept() -> None:
    names = secret_names()
    assert {"jira_token", "portal_offline_token", "bugzilla_api_key", "redis_url"} <= set(names)
    assert "secrets_key" not in names


def test_a_key_that_is_a_secret_already_opens_it(tmp_path: Path) -> None:
    path, key = tmp_path / "secrets", new_key()
    Vault(path, key).put("T5G_JIRA_TOKEN", TOKEN)
    settings = load_settings(env={"secrets_file": path, "secrets_key": SecretStr(key)})
    assert settings.jira_token.get_secret_value() == TOKEN


def test_an_empty_variable_names_no_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T5G_SECRETS_FILE", "")
    monkeypatch.setenv("T5G_JIRA_TOKEN", TOKEN)
    assert load_settings().jira_token.get_secret_value() == TOKEN
