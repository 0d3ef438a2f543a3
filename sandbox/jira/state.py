"""What JIRA believes: projects, users, issues, comments, links, sprints; every change is an event.

Times are aware UTC. It knows neither HTTP nor JSON; listeners are told of each change.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

WORKFLOW = (
    "New", "To Do", "Open", "In Progress", "Code Review", "QE Review", "Blocked", "Done", "Closed",
    "Won't Fix / Obsolete",
)  # fmt: skip
FINISHED = frozenset({"Done", "Closed", "Won't Fix / Obsolete", "Verified", "Resolved"})
PRIORITIES = ("Blocker", "Critical", "Major", "Normal", "Minor", "Undefined")
ISSUE_TYPES = ("Task", "Bug", "Story", "Epic", "Escalation")


class Refusal(Exception):
    """JIRA does not do what was asked. `errors`: by field; `messages`: in general."""

    def __init__(self, status: int, *messages: str, errors: dict[str, str] | None = None) -> None:
        self.status = status
        self.messages = list(messages)
        self.errors = errors or {}
        super().__init__(status, messages, errors)


@dataclass(frozen=True)
class JiraUser:
    """A person with an account."""

    account_id: str
    name: str
    email: str
    username: str


@dataclass
class JiraComment:
    """A comment; `visibility` names the role or group that alone may see it."""

    id: str
    author: JiraUser
    body: str
    created: datetime
    updated: datetime
    visibility: str | None = None


@dataclass
class JiraProject:
    """A project with its workflow and components."""

    id: str
    key: str
    name: str
    statuses: tuple[str, ...] = WORKFLOW
    components: tuple[str, ...] = ()
    serial: int = 0


@dataclass
class Sprint:
    """A sprint of a board."""

    id: int
    board: int
    name: str
    state: str = "active"


@dataclass
class Board:
    """A scrum or kanban board of a project."""

    id: int
    name: str
    project: str
    kind: str = "scrum"


@dataclass
class RemoteLink:
    """A link from an issue to a page elsewhere."""

    id: int
    url: str
    title: str
    global_id: str | None = None
    relationship: str | None = None


@dataclass
class IssueLink:
    """A link between two issues."""

    id: str
    source: str
    target: str
    type: str


@dataclass
class JiraIssue:
    """An issue. `custom` holds fields by id; `security`: a level that hides it from the bot."""

    id: str
    key: str
    project: str
    summary: str
    type: str = "Task"
    description: str = ""
    priority: str = "Normal"
    status: str = "New"
    assignee: JiraUser | None = None
    reporter: JiraUser | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    fix_versions: tuple[str, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    sprint: int | None = None
    security: str | None = None
    comments: list[JiraComment] = field(default_factory=list)
    remote_links: list[RemoteLink] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    watchers: set[str] = field(default_factory=set)

    @property
    def resolution(self) -> str | None:
        """How it was resolved."""
        return "Done" if self.status in FINISHED else None


@dataclass(frozen=True)
class Item:
    """A line of a changelog: ids in `was` and `now`, words in `was_text` and `now_text`."""

    field: str
    was: str | None
    was_text: str | None
    now: str | None
    now_text: str | None
    field_id: str = ""


@dataclass(frozen=True)
class Event:
    """Something that happened. `kind` is the webhook's name of it (`jira:issue_updated`, …)."""

    kind: str
    at: datetime
    issue: JiraIssue | None = None
    user: JiraUser | None = None
    items: tuple[Item, ...] = ()
    comment: JiraComment | None = None
    link: IssueLink | None = None
    sprint: Sprint | None = None


Listener = Callable[[Event], None]
_TEXT_FIELDS = {"summary", "description", "priority", "labels", "components", "fix_versions"}
_FIELD_NAMES = {"fix_versions": "Fix Version", "components": "Component"}


class JiraState:
    """All that one JIRA server knows."""

    def __init__(
        self,
        *,
        cloud: bool = True,
        base_url: str = "http://127.0.0.1",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.cloud = cloud
        self.base_url = base_url
        self._clock = clock or (lambda: datetime.now(UTC))
        self._last = datetime.min.replace(tzinfo=UTC)
        self.users: dict[str, JiraUser] = {}
        self.projects: dict[str, JiraProject] = {}
        self.issues: dict[str, JiraIssue] = {}
        self.old_keys: dict[str, str] = {}
        self.boards: dict[int, Board] = {}
        self.sprints: dict[int, Sprint] = {}
        self.links: dict[str, IssueLink] = {}
        self.listeners: list[Listener] = []
        self._ids = itertools.count(10_001)
        self.bot = self.add_user("Sandbox Bot", "bot@example.com", account_id="712020:bot")

    def clock(self) -> datetime:
        """Now, to the millisecond, and never the same moment twice."""
        now = self._clock()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if now <= self._last:
            now = self._last + timedelta(milliseconds=1)
        self._last = now
        return now

    # People, projects, boards

    def add_user(self, name: str, email: str, account_id: str | None = None) -> JiraUser:
        """Add a person."""
        username = email.partition("@")[0]
        user = JiraUser(account_id or f"712020:{username}", name, email, username)
        self.users[user.account_id] = user
        return user

    def add_project(
        self,
        key: str,
        name: str,
        statuses: Iterable[str] = WORKFLOW,
        components: Iterable[str] = (),
    ) -> JiraProject:
        """Add a project."""
        project = JiraProject(
            str(10_000 + len(self.projects)), key, name, tuple(statuses), tuple(components)
        )
        self.projects[key] = project
        return project

    def add_board(self, name: str, project: str, kind: str = "scrum") -> int:
        """Add a board; return its id."""
        board = Board(len(self.boards) + 1, name, project, kind)
        self.boards[board.id] = board
        return board.id

    def add_sprint(self, board_id: int, name: str, state: str = "active") -> int:
        """Add a sprint; return its id."""
        sprint = Sprint(100 + len(self.sprints), board_id, name, state)
        self.sprints[sprint.id] = sprint
        return sprint.id

    def set_sprint_state(self, sprint_id: int, state: str) -> None:
        """Start or close a sprint."""
        sprint = self.sprints[sprint_id]
        sprint.state = state
        kind = {"active": "sprint_started", "closed": "sprint_closed"}.get(state, "sprint_updated")
        self._tell(Event(kind, self.clock(), sprint=sprint))

    def user(self, who: str | None) -> JiraUser | None:
        """Find a person by account id, user name or e-mail."""
        if who is None:
            return None
        return self.users.get(who) or next(
            (u for u in self.users.values() if who in (u.username, u.email)), None
        )

    # Issues

    def issue(self, key_or_id: str) -> JiraIssue:
        """Find an issue by key (also one it had before) or id. Raises Refusal 404."""
        key = self.old_keys.get(key_or_id, key_or_id)
        found = self.issues.get(key)
        if found is None and key_or_id.isdigit():
            found = next((i for i in self.issues.values() if i.id == key_or_id), None)
        if found is None:
            raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
        return found

    def create_issue(
        self, project: str, summary: str, *, silent: bool = False, **facts: Any
    ) -> JiraIssue:
        """Create an issue. Raises Refusal 400 for what JIRA refuses."""
        self._check({"summary": summary, "project": project, **facts})
        home = self.projects[project]
        home.serial += 1
        now = self.clock()
        created = facts.pop("created", None) or now
        facts = {name: value for name, value in facts.items() if value is not None}
        issue = JiraIssue(
            id=str(next(self._ids)),
            key=f"{project}-{home.serial}",
            project=project,
            summary=summary,
            status=facts.pop("status", home.statuses[0]),
            created=created,
            updated=facts.pop("updated", None) or created,
            labels=tuple(facts.pop("labels", ())),
            custom=dict(facts.pop("custom", {})),
            **facts,
        )
        self.issues[issue.key] = issue
        if not silent:
            self._tell(
                Event("jira:issue_created", issue.created, issue, issue.reporter or self.bot)
            )
        return issue

    def update_issue(self, key: str, actor: JiraUser | None = None, **changes: Any) -> JiraIssue:
        """Change fields (and `custom={id: value}`); makes a changelog."""
        issue = self.issue(key)
        self._check({**changes, "project": issue.project}, of=issue)
        items = [
            item for name, value in changes.items() for item in self._change(issue, name, value)
        ]
        if items:
            self._updated(issue, actor, items)
        return issue

    def transition(self, key: str, status: str, actor: JiraUser | None = None) -> JiraIssue:
        """Move an issue to a status. Raises Refusal 400 if its workflow has no such status."""
        issue = self.issue(key)
        statuses = self.projects[issue.project].statuses
        if status not in statuses:
            raise Refusal(400, f"It is not possible to move the issue to {status}.")
        if status != issue.status:
            ids = {name: str(n + 1) for n, name in enumerate(statuses)}
            item = Item(
                "status", ids.get(issue.status), issue.status, ids[status], status, "status"
            )
            issue.status = status
            self._updated(issue, actor, [item])
        return issue

    def delete_issue(self, key: str, actor: JiraUser | None = None) -> None:
        """Delete an issue."""
        issue = self.issue(key)
        del self.issues[issue.key]
        self._tell(Event("jira:issue_deleted", self.clock(), issue, actor or self.bot))

    def move_issue(self, key: str, project: str, actor: JiraUser | None = None) -> str:
        """Move an issue to another project; return its new key."""
        issue = self.issue(key)
        old, home = issue.key, self.projects[project]
        home.serial += 1
        del self.issues[old]
        before = issue.project
        issue.key, issue.project = f"{project}-{home.serial}", project
        self.issues[issue.key] = issue
        self.old_keys[old] = issue.key
        items = [
            Item("project", self.projects[before].id, before, home.id, project, "project"),
            Item("Key", None, old, None, issue.key),
        ]
        self._updated(issue, actor, items)
        return issue.key

    def move_to_sprint(
        self, key: str, sprint_id: int | None, actor: JiraUser | None = None
    ) -> None:
        """Put an issue into a sprint, or with None into the backlog."""
        issue = self.issue(key)
        if issue.sprint == sprint_id:
            return
        names = {None: "", **{s.id: s.name for s in self.sprints.values()}}
        item = Item(
            "Sprint",
            str(issue.sprint or ""),
            names[issue.sprint],
            str(sprint_id or ""),
            names[sprint_id],
            "customfield_10020",
        )
        issue.sprint = sprint_id
        self._updated(issue, actor, [item])

    # Comments, links, properties

    def add_comment(
        self,
        key: str,
        author: JiraUser | None,
        body: str,
        created: datetime | None = None,
        visibility: str | None = None,
        *,
        silent: bool = False,
    ) -> JiraComment:
        """Comment on an issue."""
        issue = self.issue(key)
        now = created or self.clock()
        comment = JiraComment(str(next(self._ids)), author or self.bot, body, now, now, visibility)
        issue.comments.append(comment)
        issue.updated = max(issue.updated, now)
        if not silent:
            self._tell(Event("comment_created", now, issue, comment.author, comment=comment))
        return comment

    def comment(self, key: str, comment_id: str) -> JiraComment:
        """Find a comment. Raises Refusal 404."""
        for comment in self.issue(key).comments:
            if comment.id == comment_id:
                return comment
        raise Refusal(404, f"Can not find a comment for the id: {comment_id}.")

    def edit_comment(self, key: str, comment_id: str, body: str) -> JiraComment:
        """Change the text of a comment."""
        issue, comment = self.issue(key), self.comment(key, comment_id)
        comment.body, comment.updated = body, self.clock()
        issue.updated = comment.updated
        self._tell(
            Event("comment_updated", comment.updated, issue, comment.author, comment=comment)
        )
        return comment

    def delete_comment(self, key: str, comment_id: str) -> None:
        """Delete a comment."""
        issue, comment = self.issue(key), self.comment(key, comment_id)
        issue.comments.remove(comment)
        issue.updated = self.clock()
        self._tell(Event("comment_deleted", issue.updated, issue, comment.author, comment=comment))

    def link(self, source: str, target: str, kind: str = "Relates") -> IssueLink:
        """Link two issues."""
        made = IssueLink(str(next(self._ids)), self.issue(source).key, self.issue(target).key, kind)
        self.links[made.id] = made
        self._tell(Event("issuelink_created", self.clock(), link=made))
        return made

    def unlink(self, link_id: str) -> None:
        """Take a link between issues away."""
        gone = self.links.pop(link_id, None)
        if gone is None:
            raise Refusal(404, f"No issue link with id '{link_id}' exists.")
        self._tell(Event("issuelink_deleted", self.clock(), link=gone))

    def add_remote_link(
        self,
        key: str,
        url: str,
        title: str,
        global_id: str | None = None,
        relationship: str | None = None,
    ) -> tuple[RemoteLink, bool]:
        """Link a page; with a known `global_id` the link is replaced. Says whether it is new."""
        issue = self.issue(key)
        for link in issue.remote_links:
            if global_id and link.global_id == global_id:
                link.url, link.title, link.relationship = url, title, relationship
                return link, False
        link = RemoteLink(int(next(self._ids)), url, title, global_id, relationship)
        issue.remote_links.append(link)
        return link, True

    def set_property(self, key: str, name: str, value: Any) -> None:
        """Set an entity property of an issue."""
        self.issue(key).properties[name] = value

    # Within

    def _updated(self, issue: JiraIssue, actor: JiraUser | None, items: Iterable[Item]) -> None:
        issue.updated = self.clock()
        event = Event("jira:issue_updated", issue.updated, issue, actor or self.bot, tuple(items))
        self._tell(event)

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    def _change(self, issue: JiraIssue, name: str, value: Any) -> list[Item]:
        if name == "custom":
            return [
                item for key, new in value.items() for item in self._change_custom(issue, key, new)
            ]
        if name == "assignee":
            was, issue.assignee = issue.assignee, value
            return [] if was == value else [_person_item("assignee", was, value)]
        before = getattr(issue, name)
        after = tuple(value) if isinstance(before, tuple) else value
        if before == after:
            return []
        setattr(issue, name, after)
        return [Item(_FIELD_NAMES.get(name, name), None, _words(before), None, _words(after), name)]

    def _change_custom(self, issue: JiraIssue, key: str, value: Any) -> list[Item]:
        before = issue.custom.get(key)
        issue.custom[key] = value
        if before == value:
            return []
        return [Item(key, None, _words(before), None, _words(value), key)]

    def _check(self, facts: dict[str, Any], of: JiraIssue | None = None) -> None:
        errors: dict[str, str] = {}
        summary = facts.get("summary", "x" if of else "")
        if facts.get("project") not in self.projects:
            errors["project"] = "Specify a valid project ID or key"
        if not str(summary).strip():
            errors["summary"] = "You must specify a summary of the issue."
        elif len(str(summary)) > 255:
            errors["summary"] = "Summary must be less than 255 characters."
        elif "\n" in str(summary) or "\r" in str(summary):
            errors["summary"] = "The summary is invalid because it contains newline characters."
        if (priority := facts.get("priority")) and priority not in PRIORITIES:
            errors["priority"] = f"Priority name '{priority}' is not valid"
        if (kind := facts.get("type")) and kind not in ISSUE_TYPES:
            errors["issuetype"] = "Specify an issue type"
        home = self.projects.get(str(facts.get("project")))
        for component in facts.get("components") or ():
            if home and component not in home.components:
                errors["components"] = f"Component name '{component}' is not valid"
        for label in facts.get("labels") or ():
            if " " in label:
                errors["labels"] = f"The label '{label}' contains spaces which is invalid."
        if len(str(facts.get("description") or "")) > 32_767:
            errors["description"] = "The entered text is too long. It exceeds the allowed limit."
        if errors:
            raise Refusal(400, errors=errors)


def _words(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return " ".join(str(_words(item)) for item in value)
    return value.name if isinstance(value, JiraUser) else str(value)


def _person_item(field_name: str, was: JiraUser | None, now: JiraUser | None) -> Item:
    return Item(
        field_name,
        was.account_id if was else None,
        was.name if was else None,
        now.account_id if now else None,
        now.name if now else None,
        field_name,
    )
