"""Which issues are of our projects, before and after a project's key is renamed."""

import pytest
from redis.asyncio import Redis

from t5g.jira_projects import Project, Projects, keep_project, read_projects
from t5g.keys import Keys
from t5g.settings import Settings
from tests.making_jira import issue

SETTINGS = Settings(_env_file=None)
RENAMED = Project(("T5G",)).told("10000", "FLD")


@pytest.mark.parametrize(
    ("known", "key", "told", "expected"),
    [
        (Project(("T5G",)), "T5G-1", None, True),
        (Project(("T5G",)), "T5G-1", {"key": "T5G", "id": "10000"}, True),
        (Project(("T5G",)), "FLD-1", {"key": "FLD", "id": "10000"}, False),
        (RENAMED, "FLD-1", {"key": "FLD", "id": "10000"}, True),
        (RENAMED, "T5G-1", {"key": "T5G", "id": 10000}, True),
        (RENAMED, "T5G-1", {"key": "T5G", "id": "10007"}, False),
        (RENAMED, "XYZ-1", {"key": "XYZ", "id": "10000"}, True),
        (RENAMED, "T5G-1", None, True),
        (RENAMED, "FLD-1", {"key": "FLD"}, True),
        (RENAMED, "OTHER-1", None, False),
        (Project(), "T5G-1", None, False),
    ],
)
def test_an_issue_is_of_a_project_by_its_id_else_by_any_key_it_had(known, key, told, expected):
    assert known.has(issue(key, project=told)) is expected


def test_the_present_key_comes_first_and_none_is_forgotten():
    assert Project(("FLD", "T5G"), "10000") == RENAMED
    assert RENAMED.told("10000", "T5G") == Project(("T5G", "FLD"), "10000")
    assert RENAMED.told("", "X") is RENAMED
    assert RENAMED.is_key_of("T5G-7")
    assert not RENAMED.is_key_of("ESC-7")


async def test_what_jira_told_of_one_project_is_kept_apart_from_the_other(redis: Redis) -> None:
    assert await read_projects(redis, Keys(), SETTINGS) == Projects.of(SETTINGS)
    await keep_project(redis, Keys(), SETTINGS.jira_project, RENAMED)
    found = await read_projects(redis, Keys(), SETTINGS)
    assert found.cards == RENAMED
    assert found.escalations == Project((SETTINGS.jira_escalation_project,))
