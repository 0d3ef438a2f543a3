"""The values of JIRA's world: people, projects, issues, what happened to them, and refusals.

Plain data. It knows neither HTTP nor JSON, and no rule but which word stands for which.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, Self
from zlib import crc32

WORKFLOW: Final = (
    "New", "To Do", "Open", "In Progress", "Code Review", "QE Review", "Blocked", "Done", "Closed",
    "Won't Fix / Obsolete",
)  # fmt: skip
WAITING: Final = frozenset({"New", "To Do", "Backlog", "NEW"})
FINISHED: Final = frozenset({"Done", "Closed", "Won't Fix / Obsolete", "Verified", "Resolved"})
PRIORITIES: Final = ("Blocker", "Critical", "Major", "Normal", "Minor", "Undefined")
ISSUE_TYPES: Final = ("Task", "Bug", "Story", "Epic", "Escalation", "Sub-task")
RESOLUTIONS: Final = ("Done", "Won't Do", "Duplicate", "Cannot Reproduce", "Not a Bug")


class LinkType(NamedTuple):
    """How two issues may be linked, and how that reads from each end."""

    id: str
    name: str
    inward: str
    outward: str


LINK_TYPES: Final = (
    LinkType("10000", "Blocks", "is blocked by", "blocks"),
    LinkType("10001", "Cloners", "is cloned by", "clones"),
    LinkType("10002", "Duplicate", "is duplicated by", "duplicates"),
    LinkType("10003", "Relates", "relates to", "relates to"),
    LinkType("10004", "Causality", "is caused by", "causes"),
)


class Refusal(Exception):
    """JIRA does not do what was asked. `errors`: by field; `messages`: in general."""

    def __init__(self, status: int, *messages: str, errors: dict[str, str] | None = None) -> None:
        self.status = status
        self.messages = list(messages)
        self.errors = errors or {}
        super().__init__(status, messages, errors)


NO_ISSUE: Final = "Issue does not exist or you do not have permission to see it."


@dataclass(frozen=True)
class JiraUser:
    """A person with an account. Cloud knows them by `account_id`, Data Center by `username`.

    `kind`: what Cloud calls the account's type; apps have accounts too. `shown`: whether they let
    others see their address, which is rare on Cloud.
    """

    account_id: str
    name: str
    email: str
    username: str
    active: bool = True
    kind: str = "atlassian"
    shown: bool = False


@dataclass(frozen=True)
class JiraComment:
    """A comment. `visibility` names the role that alone may see it; `public`: customers may."""

    id: str
    author: JiraUser
    body: str
    created: datetime
    updated: datetime
    visibility: str | None = None
    editor: JiraUser | None = None
    public: bool = True


@dataclass(frozen=True)
class Transition:
    """A way from one status to another."""

    id: str
    name: str
    to: str


@dataclass
class JiraProject:
    """A project. Without `paths` (status → name of the transition → status) all ways are open.

    `required`: fields without which an issue of this project can not be created. `old_keys`: those
    it had before, which still lead to it. `first_names`: what renamed versions were called first.
    """

    id: str
    key: str
    name: str
    statuses: tuple[str, ...] = WORKFLOW
    components: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    paths: Mapping[str, Mapping[str, str]] | None = None
    serial: int = 0
    old_keys: tuple[str, ...] = ()
    first_names: dict[str, str] = field(default_factory=dict)

    def member_id(self, name: str) -> str:
        """The id of a component or version: the same on every run, and after it was renamed."""
        text = f"{self.id} {self.first_names.get(name, name)}"
        return str(10_000 + crc32(text.encode()) % 1_000_000)


@dataclass
class Sprint:
    """A sprint of a board."""

    id: int
    board: int
    name: str
    state: str = "active"
    goal: str = ""
    start: datetime | None = None
    end: datetime | None = None
    completed: datetime | None = None


@dataclass(frozen=True)
class Board:
    """A scrum or kanban board of a project."""

    id: int
    name: str
    project: str
    kind: str = "scrum"


@dataclass(frozen=True)
class RemoteLink:
    """A link from an issue to a page elsewhere."""

    id: int
    url: str
    title: str
    global_id: str | None = None
    relationship: str | None = None
    summary: str | None = None


@dataclass(frozen=True)
class IssueLink:
    """A link between two issues, by their ids; `type` is the name of a `LinkType`."""

    id: str
    source: str
    target: str
    type: str


@dataclass(frozen=True)
class Item:
    """A line of a changelog: ids in `was` and `now`, words in `was_text` and `now_text`."""

    field: str
    was: str | None
    was_text: str | None
    now: str | None
    now_text: str | None
    field_id: str = ""
    person: bool = False


@dataclass(frozen=True)
class History:
    """One entry of an issue's changelog."""

    id: str
    at: datetime
    author: JiraUser
    items: tuple[Item, ...]


@dataclass
class JiraIssue:
    """An issue. `JiraState` changes it with all that follows: a changelog, an event.

    A test may also set an attribute behind JIRA's back: then the search knows, and nobody is told.
    `custom` holds neutral values by field id (`fields.py`); `security`: a level that hides it.
    """

    id: str
    key: str
    project: str
    summary: str
    created: datetime
    updated: datetime
    reporter: JiraUser
    type: str = "Task"
    description: str = ""
    priority: str = "Normal"
    status: str = "New"
    resolution: str | None = None
    resolved: datetime | None = None
    assignee: JiraUser | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    fix_versions: tuple[str, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)
    sprint: int | None = None
    past_sprints: tuple[int, ...] = ()
    security: str | None = None
    comments: list[JiraComment] = field(default_factory=list)
    remote_links: list[RemoteLink] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    watchers: dict[str, JiraUser] = field(default_factory=dict)
    history: list[History] = field(default_factory=list)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if told := self.__dict__.get("_told"):
            told(self, name)

    def watched_by(self, told: Callable[["JiraIssue", str], None]) -> None:
        """Have `told` called with the name of each attribute that is set from now on."""
        self.__dict__["_told"] = told

    @property
    def number(self) -> int:
        """The number in its key."""
        return int(self.key.rpartition("-")[2])

    def snapshot(self) -> Self:
        """The issue as it is now, untouched by what happens to it later."""
        return replace(
            self,
            custom=dict(self.custom),
            comments=list(self.comments),
            remote_links=list(self.remote_links),
            properties=dict(self.properties),
            watchers=dict(self.watchers),
            history=list(self.history),
        )


@dataclass(frozen=True)
class Event:
    """Something that happened. `kind` is the webhook's name of it (`jira:issue_updated`, …).

    `issue` is a snapshot. `history`: the changelog entry's id. `version`: a name in `project`;
    `person`: whom it is about.
    """

    kind: str
    at: datetime
    issue: JiraIssue | None = None
    user: JiraUser | None = None
    items: tuple[Item, ...] = ()
    history: str = ""
    comment: JiraComment | None = None
    link: IssueLink | None = None
    sprint: Sprint | None = None
    sprint_before: Sprint | None = None
    project: JiraProject | None = None
    version: str = ""
    person: JiraUser | None = None


def resolution_of(status: str) -> str | None:
    """How an issue counts as resolved in a status."""
    if status not in FINISHED:
        return None
    return "Won't Do" if status.startswith("Won't") else "Done"


def one_of(kind: str, known: Iterable[str], name: str) -> str:
    """Return `name` if it is known. Raises Refusal 400."""
    if name in known:
        return name
    raise Refusal(400, f"There is no {kind} '{name}'; known: {', '.join(known)}.")
