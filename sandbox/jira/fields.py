"""The fields of an issue: ids, names and kinds, and neutral values for what JIRA wraps in objects.

A neutral value is what people mean: a `JiraUser`, a word, a list of words; `render` wraps it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.jira.model import JiraUser

SPRINT_CLOUD: Final = "customfield_10020"
SPRINT_DC: Final = "customfield_12310940"


@dataclass(frozen=True)
class Field:
    """A field. `kind`: how its value is shaped; `words`: what JQL calls it besides its id."""

    id: str
    name: str
    kind: str
    words: tuple[str, ...] = ()
    settable: bool = True

    @property
    def custom(self) -> bool:
        """Whether this server's administrators made it."""
        return self.id.startswith("customfield_")

    @property
    def clause_names(self) -> list[str]:
        """What JQL calls it."""
        if not self.custom:
            return [self.id, *self.words]
        return [f"cf[{self.id.removeprefix('customfield_')}]", self.name]


SYSTEM: Final = (
    Field("summary", "Summary", "string"),
    Field("description", "Description", "text"),
    Field("issuetype", "Issue Type", "issuetype", ("type",)),
    Field("project", "Project", "project"),
    Field("status", "Status", "status", settable=False),
    Field("priority", "Priority", "priority"),
    Field("resolution", "Resolution", "resolution", settable=False),
    Field("resolutiondate", "Resolved", "datetime", ("resolved",), settable=False),
    Field("assignee", "Assignee", "user"),
    Field("reporter", "Reporter", "user"),
    Field("creator", "Creator", "user", settable=False),
    Field("labels", "Labels", "labels"),
    Field("components", "Components", "components", ("component",)),
    Field("fixVersions", "Fix versions", "versions", ("fixVersion",)),
    Field("created", "Created", "datetime", ("createdDate",), settable=False),
    Field("updated", "Updated", "datetime", ("updatedDate",), settable=False),
    Field("security", "Security Level", "security", ("level",)),
    Field("issuelinks", "Linked Issues", "issuelinks", settable=False),
    Field("comment", "Comment", "comments", settable=False),
    Field("watches", "Watchers", "watches", ("watchers",), settable=False),
)
CUSTOM: Final = (
    Field("customfield_10466", "Contributors", "users"),
    Field("customfield_10470", "QA Contact", "user"),
    Field("customfield_10783", "Release Note Type", "option"),
    Field("customfield_10840", "Severity", "option"),
    Field("customfield_10979", "SFDC Cases Links", "raw"),
    Field("customfield_11004", "Internal Whiteboard", "text"),
    Field("customfield_11087", "Private Keywords", "options"),
)


def catalogue(cloud: bool) -> dict[str, Field]:
    """Return all fields of a new server by id."""
    sprint = Field(SPRINT_CLOUD if cloud else SPRINT_DC, "Sprint", "sprint", settable=False)
    return {one.id: one for one in (*SYSTEM, *CUSTOM, sprint)}


def neutral(value: Any) -> Any:
    """Take a value out of the objects that JIRA would wrap it in."""
    if isinstance(value, list | tuple | set | frozenset):
        return [neutral(item) for item in value]
    if isinstance(value, Mapping):
        return next((value[name] for name in ("value", "name") if name in value), dict(value))
    return value


def words(value: Any) -> str | None:
    """Return a neutral value as a changelog shows it."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return ", ".join(str(words(item)) for item in value)
    if isinstance(value, JiraUser):
        return value.name
    return str(value)
