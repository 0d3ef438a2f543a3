"""The settings of a job are the worker's own, or those of the environment."""

import pytest

from t5g.current import SETTINGS, current_settings
from t5g.settings import load_settings


def test_a_job_works_with_the_settings_of_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T5G_JIRA_PROJECT", "ELSE")
    assert current_settings().jira_project == "ELSE"
    token = SETTINGS.set(load_settings(env={"jira_project": "MINE"}))
    try:
        assert current_settings().jira_project == "MINE"
    finally:
        SETTINGS.reset(token)
