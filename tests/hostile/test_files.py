"""Settings and team files of any content: read, or refused with a line for each mistake."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.errors import SettingsError
from t5g.setting_sources import PREFIX
from t5g.settings import Settings, load_settings, secret_names
from t5g.team import parse_team, team_text
from tests.hostile.nasty import JSON, SEEDED, TEXTS

NAMES = sorted(Settings.model_fields)
#: What an environment can hold: text without NUL.
VALUES = TEXTS.map(lambda text: text.replace("\0", "").encode("utf-8", "replace").decode())
TEAM = """
[roles.viewer]
everyone = true
[roles.admin]
people = ["boss@example.com"]
[[people]]
name = "Ann"
email = "ann@example.com"
jira = "5f0"
slack = "U1"
accounts = ["Acme Corp"]
role = "engineer"
away = [{from = 2026-12-01, to = 2026-12-24}]
"""


@settings(SEEDED, max_examples=200)
@given(given_=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
def test_any_environment_is_settings_or_a_line_for_each_mistake(given_: dict[str, str]) -> None:
    given_ = {name: value for name, value in given_.items() if not name.startswith("secrets_")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given_.items():
            patch.setenv(f"{PREFIX}{name.upper()}", value)
        try:
            load_settings()
        except SettingsError as error:
            assert all(line.strip() for line in error.lines)


@settings(SEEDED, max_examples=100)
@given(name=st.sampled_from(NAMES), value=JSON)
def test_values_of_any_type_are_refused_in_words(name: str, value: Any) -> None:
    try:
        load_settings(env={name: value})
    except SettingsError as error:
        assert error.lines


@pytest.mark.parametrize("name", secret_names())
def test_what_is_refused_is_not_repeated_where_it_may_be_a_secret(name: str) -> None:
    secret = "visibly-fake-" + "s" * 40
    try:
        found = load_settings(env={name: [secret]})
    except SettingsError as error:
        assert secret not in str(error)
    else:
        assert secret not in repr(found)


@settings(SEEDED, max_examples=200)
@given(at=st.integers(0, len(TEAM)), length=st.integers(0, 30), text=TEXTS)
def test_a_team_file_with_any_part_replaced_is_read_or_refused(
    at: int, length: int, text: str
) -> None:
    changed = TEAM[:at] + text[:2_000] + TEAM[at + length :]
    try:
        team = parse_team(changed)
    except SettingsError as error:
        assert error.lines
    else:
        assert parse_team(team_text(team)) == team


BOMBS = {
    "deep lists": "people = " + "[" * 50_000 + "]" * 50_000,
    "deep tables": "[" + ".".join(["a"] * 20_000) + "]",
    "deep inline tables": "a = " + "{a=" * 20_000 + "1" + "}" * 20_000,
    "a long number": "people = " + "9" * 100_000,
    "many people": '[[people]]\nname = "x"\n' * 5_000,
    "many unknown words": "".join(f"k{n} = 1\n" for n in range(5_000)),
    "a long name": '[[people]]\nname = "' + "x" * 500_000 + '"',
    "an odd date": "[[people]]\nname='a'\naway=[{from=0001-01-01,to=9999-12-31}]",
    "NUL": "name = \0",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_in_a_team_file_are_done_with_soon(name: str) -> None:
    began = time.process_time()
    try:
        parse_team(BOMBS[name])
    except SettingsError as error:
        assert error.lines
    assert time.process_time() - began < 3
