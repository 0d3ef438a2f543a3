"""`t5g secrets`, as an operator types it."""

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from t5g.cli import secrets
from t5g.errors import NotFoundError, SettingsError
from t5g.settings import load_settings

TOKEN = "typed-jira-token-not-secret"


@pytest.fixture
def run(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    secrets.add_commands(app)

    def typed(*words: str, input: str = "") -> Result:
        return CliRunner().invoke(app, ["secrets", *words], input=input)

    key = typed("key").stdout.strip()
    monkeypatch.setenv("T5G_SECRETS_FILE", str(tmp_path / "secrets.json"))
    monkeypatch.setenv("T5G_SECRETS_KEY", key)
    return typed


@pytest.mark.parametrize("name", ["T5G_JIRA_TOKEN", "jira_token", "JIRA_TOKEN"])
def test_a_secret_is_kept_under_any_way_to_write_its_name(run, name) -> None:
    done = run("set", name, input=TOKEN + "\n")
    assert done.exit_code == 0, done.output
    assert TOKEN not in done.output
    assert load_settings().jira_token.get_secret_value() == TOKEN
    shown = run("list").output
    assert "T5G_JIRA_TOKEN" in shown
    assert TOKEN not in shown


def test_a_secret_of_several_lines_is_kept_whole(run) -> None:
    pem = "-----BEGIN KEY-----\nabc\n-----END KEY-----"
    assert run("set", "saml_key", input=pem + "\n").exit_code == 0
    assert load_settings().saml_key.get_secret_value() == pem


def test_what_is_no_secret_is_refused_with_those_that_are(run) -> None:
    wrong = run("set", "stale_days", input="x")
    assert isinstance(wrong.exception, NotFoundError)
    assert "T5G_PORTAL_OFFLINE_TOKEN" in str(wrong.exception)


def test_nothing_typed_is_said(run) -> None:
    empty = run("set", "jira_token", input="\n")
    assert empty.exit_code == 2
    assert "nothing came" in empty.output
    assert "Nothing is kept yet" in run("list").output


def test_one_is_forgotten(run) -> None:
    run("set", "jira_token", input=TOKEN)
    assert run("remove", "jira_token").exit_code == 0
    again = run("remove", "jira_token")
    assert isinstance(again.exception, NotFoundError)


def test_the_key_is_rotated(run, tmp_path, monkeypatch) -> None:
    run("set", "jira_token", input=TOKEN)
    before = json.loads((tmp_path / "secrets.json").read_text())
    old, new = load_settings().secrets_key.get_secret_value(), run("key").stdout.strip()
    monkeypatch.setenv("T5G_SECRETS_KEY", f"{new} {old}")
    assert "1 encrypted" in run("rotate").output
    monkeypatch.setenv("T5G_SECRETS_KEY", new)
    assert load_settings().jira_token.get_secret_value() == TOKEN
    assert json.loads((tmp_path / "secrets.json").read_text()) != before


def test_without_a_place_it_says_which_setting(run, monkeypatch) -> None:
    monkeypatch.delenv("T5G_SECRETS_FILE")
    told = run("list")
    assert isinstance(told.exception, SettingsError)
    assert "T5G_SECRETS_FILE is missing" in str(told.exception)
