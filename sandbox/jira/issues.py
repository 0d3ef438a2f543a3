"""Issues and how they change: fields, status, sprint, project; each change has its changelog.

The part of `JiraState` that is about single issues. It knows neither HTTP nor JSON.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.jira.changes import (
    created_items,
    custom_item,
    items_of,
    resolution_items,
    sprint_item,
    status_items,
)
from sandbox.jira.directory import Directory
from sandbox.jira.fields import Field, neutral
from sandbox.jira.index import IssueIndex
from sandbox.jira.model import (
    NO_ISSUE,
    Event,
    History,
    Item,
    JiraIssue,
    JiraProject,
    JiraUser,
    Refusal,
    Sprint,
    resolution_of,
)
from sandbox.jira.rules import check_complete, check_facts
from sandbox.jira.workflow import way_to

Who = JiraUser | str | None
CHANGEABLE: Final = frozenset({
    "summary", "description", "type", "priority", "assignee", "reporter", "labels", "components",
    "fix_versions", "security",
})  # fmt: skip
_MOMENT: Final = timedelta(milliseconds=1)


class Issues(Directory):
    """The issues of one server."""

    def __init__(
        self,
        cloud: bool = True,
        base_url: str = "http://127.0.0.1",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(cloud, base_url, clock)
        self.index = IssueIndex()
        self.old_keys: dict[str, str] = {}
        #: How long the search does not find a new issue yet; a GET always does.
        self.index_lag = timedelta()
        #: How many comments an issue carries in answers of the search; None: all it has.
        self.comments_in_search: int | None = None
        self._ids = itertools.count(10_001)

    @property
    def revision(self) -> int:
        """Counts writes: what was read at the same revision is still true."""
        return self.index.revision + self.told

    @property
    def issues(self) -> dict[str, JiraIssue]:
        """All issues by their present key."""
        return self.index.by_key

    def issue(self, key_or_id: str) -> JiraIssue:
        """Find an issue by key (also one it had before) or id. Raises Refusal 404."""
        key = key_or_id.upper()
        found = self.index.by_key.get(key) or self.index.by_id.get(key_or_id)
        found = found or self.index.by_id.get(self.old_keys.get(key, ""))
        if found is None:
            raise Refusal(404, NO_ISSUE)
        return found

    # Issues

    def create_issue(
        self,
        project: str,
        summary: str,
        *,
        type: str = "Task",
        description: str = "",
        priority: str = "Normal",
        status: str | None = None,
        assignee: Who = None,
        reporter: Who = None,
        labels: Iterable[str] = (),
        components: Iterable[str] = (),
        fix_versions: Iterable[str] = (),
        custom: Mapping[str, Any] | None = None,
        created: datetime | None = None,
        updated: datetime | None = None,
        sprint: int | None = None,
        security: str | None = None,
        silent: bool = False,
    ) -> JiraIssue:
        """Create an issue. Raises Refusal 400 for what JIRA refuses, with all mistakes by field."""
        home = self._home(project)
        facts: dict[str, Any] = {
            "summary": summary, "type": type, "priority": priority, "description": description,
            "labels": tuple(dict.fromkeys(labels)), "components": tuple(components),
            "fix_versions": tuple(fix_versions), "assignee": self.person(assignee),
        }  # fmt: skip
        check_facts(facts)
        check_complete(home, {**facts, "custom": custom})
        status = self._status_of(home, status)
        born = created or self.now()
        resolution = resolution_of(status)
        issue = JiraIssue(
            **facts,
            id=self._next_id(),
            key=self._next_key(home),
            project=project,
            status=status,
            resolution=resolution,
            resolved=(updated or born) if resolution else None,
            reporter=self.person(reporter, "reporter") or self.bot,
            custom={name: self._custom(name, value)[1] for name, value in (custom or {}).items()},
            created=born,
            updated=updated or born,
            sprint=None if sprint is None else self.sprint(sprint).id,
            security=security,
        )
        self._keep_names(home, issue)
        self.index.put(issue)
        if not silent:
            told = {**facts, "reporter": issue.reporter}
            items = created_items(told, home, cloud=self.cloud)
            self.tell(
                Event(
                    "jira:issue_created", issue.created, issue.snapshot(), issue.reporter,
                    tuple(items), self._next_id(),
                )
            )  # fmt: skip
        return issue

    def update_issue(
        self, key: str, actor: Who = None, *, silent: bool = False, **changes: Any
    ) -> JiraIssue:
        """Change fields, and `custom={id: value}`; what really changes makes a changelog."""
        issue = self.issue(key)
        custom = changes.pop("custom", None) or {}
        if unknown := sorted(changes.keys() - CHANGEABLE):
            raise TypeError(f"{unknown} cannot be changed; known: custom, {sorted(CHANGEABLE)}")
        facts = {name: self._fact(name, value) for name, value in changes.items()}
        check_facts(facts)
        values = [self._custom(name, value) for name, value in custom.items()]
        items: list[Item] = []
        home = self.projects[issue.project]
        for name, value in facts.items():
            items += items_of(name, getattr(issue, name), value, home, cloud=self.cloud)
            setattr(issue, name, value)
        for field, value in values:
            items += self._set_custom(issue, field, value)
        self._keep_names(home, issue)
        self._changed(issue, actor, items, silent=silent)
        return issue

    def transition(
        self, key: str, status: str, actor: Who = None, *, resolution: str | None = None
    ) -> JiraIssue:
        """Move an issue to a status. Raises Refusal 400 if no way of its workflow leads there."""
        issue = self.issue(key)
        if status == issue.status:
            return issue
        if way_to(self.projects[issue.project], issue.status, status) is None:
            raise Refusal(
                400,
                "It seems that you have tried to perform an illegal workflow operation. No "
                f"transition leads from '{issue.status}' to '{status}' for the issue {issue.key}.",
            )
        self._changed(issue, actor, self._set_status(issue, status, resolution))
        return issue

    def move_issue(self, key: str, project: str, actor: Who = None) -> str:
        """Move an issue to another project; return its new key. The old one still leads to it."""
        issue, home = self.issue(key), self._home(project)
        old, before = issue.key, self.projects[issue.project]
        issue.key, issue.project = self._next_key(home), project
        self.old_keys[old] = issue.id
        items = [
            Item("project", before.id, before.name, home.id, home.name, "project"),
            Item("Key", None, old, None, issue.key),
        ]
        if issue.status not in home.statuses:
            items += self._set_status(issue, home.statuses[0], None)
        self._changed(issue, actor, items)
        return issue.key

    def move_to_sprint(self, key: str, sprint_id: int | None, actor: Who = None) -> None:
        """Put an issue into a sprint, or with None into the backlog."""
        issue = self.issue(key)
        if issue.sprint == sprint_id:
            return
        before = self.sprints_of(issue)
        if issue.sprint is not None and self.sprint(issue.sprint).state == "closed":
            issue.past_sprints += (issue.sprint,)
        issue.sprint = None if sprint_id is None else self.sprint(sprint_id).id
        item = sprint_item(self.sprint_field.id, before, self.sprints_of(issue))
        self._changed(issue, actor, [item])

    def sprints_of(self, issue: JiraIssue) -> list[Sprint]:
        """The sprints an issue was and is in, in their order."""
        numbers = [*issue.past_sprints, *([] if issue.sprint is None else [issue.sprint])]
        return [self.sprints[number] for number in numbers]

    # Renames: none moves the `updated` of an issue, and no event tells of single issues

    def rename_project(self, key: str, new: str) -> None:
        """Give a project another key, and with it all its issues; the old keys still lead there."""
        home = self.project(key)
        old, home.key, home.old_keys = home.key, new, (*home.old_keys, home.key)
        self.projects = {one.key: one for one in self.projects.values()}
        self.boards = {
            board.id: replace(board, project=new) if board.project == old else board
            for board in self.boards.values()
        }
        for issue in list(self.index.projects[old].values()):
            self.old_keys[issue.key] = issue.id
            issue.project = new
            issue.key = f"{new}-{issue.number}"
        self.tell(Event("project_updated", self.now(), project=replace(home)))

    def rename_version(self, project: str, name: str, new: str) -> None:
        """Give a version of a project another name, at all issues that are fixed in it."""
        home = self.project(project)

        def renamed(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(new if one == name else one for one in names)

        home.first_names[new] = home.first_names.pop(name, name)
        home.versions = renamed(home.versions)
        for issue in list(self.index.projects[home.key].values()):
            if name in issue.fix_versions:
                issue.fix_versions = renamed(issue.fix_versions)
        self.tell(Event("jira:version_updated", self.now(), project=replace(home), version=new))

    def rename_user(self, who: JiraUser, **names: str) -> JiraUser:
        """Give a person another `name`, `email` or (Data Center) `username`, wherever they are."""
        person = replace(who, **names)

        def renamed(value: Any) -> Any:
            if isinstance(value, JiraUser):
                return person if value.account_id == who.account_id else value
            return [renamed(one) for one in value] if isinstance(value, list) else value

        self.users[person.account_id] = person
        self.bot = renamed(self.bot)
        for issue in list(self.issues.values()):
            issue.assignee, issue.reporter = renamed(issue.assignee), renamed(issue.reporter)
            issue.custom = {name: renamed(value) for name, value in issue.custom.items()}
            issue.watchers = {name: renamed(one) for name, one in issue.watchers.items()}
            issue.comments = [
                replace(one, author=renamed(one.author), editor=renamed(one.editor))
                for one in issue.comments
            ]
        self.tell(Event("user_updated", self.now(), person=person))
        return person

    # Within

    def _next_id(self) -> str:
        return str(next(self._ids))

    def _next_key(self, home: JiraProject) -> str:
        home.serial += 1
        return f"{home.key}-{home.serial}"

    def _later(self, issue: JiraIssue, at: datetime | None = None) -> datetime:
        """A moment for a change: later than the last one, if only by a millisecond."""
        return max(at or self.now(), issue.updated + _MOMENT)

    def _home(self, key: str) -> JiraProject:
        if key not in self.projects:
            raise Refusal(400, errors={"project": "Specify a valid project ID or key"})
        return self.projects[key]

    @staticmethod
    def _status_of(home: JiraProject, status: str | None) -> str:
        if status is None:
            return home.statuses[0]
        if status not in home.statuses:
            raise Refusal(400, f"{home.key} has no status '{status}': {', '.join(home.statuses)}.")
        return status

    @staticmethod
    def _keep_names(home: JiraProject, issue: JiraIssue) -> None:
        """Let the project know the components and versions that an issue has."""
        home.components = tuple(dict.fromkeys((*home.components, *issue.components)))
        home.versions = tuple(dict.fromkeys((*home.versions, *issue.fix_versions)))

    def _fact(self, name: str, value: Any) -> Any:
        if name in ("assignee", "reporter"):
            return self.person(value, name)
        if name in ("labels", "components", "fix_versions"):
            return tuple(dict.fromkeys(value or ()))
        return "" if name == "description" and value is None else value

    def _custom(self, name: str, value: Any) -> tuple[Field, Any]:
        """The field and the neutral form of a custom value."""
        field = self.fields.get(name) or self.add_field(name, name)
        if field.kind == "raw" or value is None:
            return field, value
        if field.kind == "user":
            return field, self._account(name, value)
        if field.kind == "users":
            return field, [self._account(name, one) for one in value]
        return field, neutral(value)

    def _account(self, name: str, who: Any) -> Any:
        """Whom a text means. What is neither a text nor a person is kept as odd as it is."""
        return self.person(who, name) if isinstance(who, str) else who

    def _set_custom(self, issue: JiraIssue, field: Field, after: Any) -> list[Item]:
        before = issue.custom.get(field.id)
        issue.custom[field.id] = after
        if before == after:
            return []
        return [custom_item(field, before, after, cloud=self.cloud)]

    def _set_status(self, issue: JiraIssue, status: str, resolution: str | None) -> list[Item]:
        before = issue.status, issue.resolution
        finished = resolution_of(status)
        issue.status, issue.resolution = status, finished and (resolution or finished)
        issue.resolved = self._later(issue) if finished else None
        items = resolution_items(before[1], issue.resolution)
        return [*items, *status_items(before[0], status, self.statuses)]

    def _changed(
        self, issue: JiraIssue, actor: Who, items: list[Item], *, silent: bool = False
    ) -> None:
        if not items:
            return
        who = self.user(actor) or self.bot
        issue.updated = self._later(issue)
        entry = History(self._next_id(), issue.updated, who, tuple(items))
        issue.history.append(entry)
        if not silent:
            self.tell(
                Event("jira:issue_updated", entry.at, issue.snapshot(), who, entry.items, entry.id)
            )
