"""Our projects in JIRA: which issues are theirs, also after their keys were renamed.

JIRA answers the old key of a renamed project, and gives its issues new keys at once without
touching their `updated`. So a project is known by its id as soon as JIRA has told it. The syncs
keep what JIRA tells in Redis; the process that takes events reads it with each of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.jira_payloads import project_of
from t5g.keys import Keys
from t5g.settings import Settings


class Project(Struct, frozen=True, omit_defaults=True):
    """A project: all keys that it is known to have had, the present one first.

    `id` is "" until JIRA tells it.
    """

    keys: tuple[str, ...] = ()
    id: str = ""

    def has(self, issue: Mapping[str, Any]) -> bool:
        """Return whether an issue is of this project: by the id if both are told, else by key."""
        id, key = project_of(issue)
        return id == self.id if id and self.id else key in self.keys

    def is_key_of(self, issue_key: str) -> bool:
        """Return whether an issue with this key is, or was, of this project."""
        return issue_key.rpartition("-")[0] in self.keys

    def told(self, id: str, key: str) -> "Project":
        """Return the project with the id and the present key that JIRA told."""
        if not id or not key:
            return self
        return Project((key, *(known for known in self.keys if known != key)), id)


class Projects(Struct, frozen=True):
    """The projects of the settings: of the team's cards, and of the escalations."""

    cards: Project
    escalations: Project

    @classmethod
    def of(cls, settings: Settings, told: Sequence[bytes | None] = (None, None)) -> "Projects":
        """Return the projects; `told`: the values of `names_kept`."""
        return cls(*(
            _decoded(raw) if raw else Project((key,) if key else ())
            for key, raw in zip(_settings_keys(settings), told, strict=True)
        ))  # fmt: skip


def names_kept(keys: Keys, settings: Settings) -> list[str]:
    """Return the names in Redis of what JIRA told of the projects of the settings."""
    return [keys.named("jira", "project", key) for key in _settings_keys(settings)]


async def read_projects(redis: Redis, keys: Keys, settings: Settings) -> Projects:
    """Return the projects as they are known now."""
    told: Any = await redis.mget(names_kept(keys, settings))
    return Projects.of(settings, told)


async def keep_project(redis: Redis, keys: Keys, setting: str, project: Project) -> None:
    """Keep what JIRA told of the project that a setting names by this key."""
    await redis.set(keys.named("jira", "project", setting), msgspec.json.encode(project))


def _settings_keys(settings: Settings) -> tuple[str, str]:
    return settings.jira_project, settings.jira_escalation_project


_decoded = msgspec.json.Decoder(Project).decode
