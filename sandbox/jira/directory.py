"""What a JIRA server has besides issues: people, projects, statuses, fields, boards and sprints."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.jira.fields import SPRINT_CLOUD, SPRINT_DC, Field, catalogue
from sandbox.jira.model import (
    WORKFLOW,
    Board,
    Event,
    JiraProject,
    JiraUser,
    Refusal,
    Sprint,
)

Listener = Callable[[Event], None]
SPRINT_KINDS = {"active": "sprint_started", "closed": "sprint_closed"}
SPRINT_LENGTH = timedelta(days=21)


class Directory:
    """People, projects, boards and sprints of one server; tells listeners what happens."""

    def __init__(
        self,
        cloud: bool = True,
        base_url: str = "http://127.0.0.1",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.cloud = cloud
        #: A Data Center before version 10: it registers webhooks as Cloud does, and can not sign.
        self.old = False
        self.base_url = base_url
        self.clock = clock or (lambda: datetime.now(UTC))
        self.told = 0
        self.users: dict[str, JiraUser] = {}
        self.projects: dict[str, JiraProject] = {}
        self.statuses: dict[str, str] = {}
        self.fields: dict[str, Field] = catalogue(cloud)
        self.boards: dict[int, Board] = {}
        self.sprints: dict[int, Sprint] = {}
        self.listeners: list[Listener] = []
        self.bot = self.add_user("Sandbox Bot", "sandbox-bot@example.com", "712020:sandbox-bot")

    def now(self) -> datetime:
        """Now, to the millisecond, as JIRA keeps times."""
        now = self.clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def add_user(
        self, name: str, email: str, account_id: str | None = None, **facts: Any
    ) -> JiraUser:
        """Add a person; the user name is the part of the e-mail before the @, made unique.

        `facts`: `active`, `kind` and `shown` of `JiraUser`.
        """
        wanted = email.partition("@")[0] or "user"
        taken = {user.username for user in self.users.values()}
        username = next(
            x for n in range(len(taken) + 1) if (x := f"{wanted}{n or ''}") not in taken
        )
        user = JiraUser(account_id or f"712020:{username}", name, email, username, **facts)
        self.users[user.account_id] = user
        return user

    def user(self, who: JiraUser | str | None) -> JiraUser | None:
        """Find a person by account id, user name, e-mail or full name."""
        if who is None or isinstance(who, JiraUser):
            return who
        if who in self.users:
            return self.users[who]
        known = self.users.values()
        return next((u for u in known if who in (u.username, u.email, u.name)), None)

    def person(self, who: JiraUser | str | None, field: str = "assignee") -> JiraUser | None:
        """Find a person; nobody for None. Raises Refusal 400 for somebody unknown."""
        found = self.user(who)
        if who is not None and found is None:
            raise Refusal(400, errors={field: f"User '{who}' does not exist."})
        return found

    def add_project(
        self,
        key: str,
        name: str,
        statuses: Iterable[str] = WORKFLOW,
        components: Iterable[str] = (),
        *,
        versions: Iterable[str] = (),
        required: Iterable[str] = (),
        paths: Mapping[str, Mapping[str, str]] | None = None,
    ) -> JiraProject:
        """Add a project; see `JiraProject` for `required` and `paths`."""
        number = str(10_000 + len(self.projects))
        project = JiraProject(
            number, key, name, tuple(statuses), tuple(components), tuple(versions),
            tuple(required), paths,
        )  # fmt: skip
        for status in project.statuses:
            self.statuses.setdefault(status, str(10_001 + len(self.statuses)))
        self.projects[key] = project
        return project

    def project(self, key_or_id: str) -> JiraProject:
        """Find a project, also by a key that it had before. Raises Refusal 404."""
        for project in self.projects.values():
            if key_or_id in (project.key, project.id, *project.old_keys):
                return project
        raise Refusal(404, f"No project could be found with key '{key_or_id}'.")

    def add_field(self, field_id: str, name: str, kind: str = "raw") -> Field:
        """Add a custom field; for `kind` see `fields.py`."""
        self.fields[field_id] = Field(field_id, name, kind)
        return self.fields[field_id]

    @property
    def sprint_field(self) -> Field:
        """The custom field in which this kind of server keeps sprints."""
        return self.fields[SPRINT_CLOUD if self.cloud else SPRINT_DC]

    def add_board(self, name: str, project: str, kind: str = "scrum") -> int:
        """Add a board, scrum or kanban; return its id."""
        board = Board(len(self.boards) + 1, name, project, kind)
        self.boards[board.id] = board
        return board.id

    def board(self, number: int) -> Board:
        """Find a board. Raises Refusal 404."""
        if number not in self.boards:
            raise Refusal(404, "The requested board cannot be viewed because it either does not "
                          "exist or you do not have permission to view it.")  # fmt: skip
        return self.boards[number]

    def add_sprint(self, board_id: int, name: str, state: str = "active", *, goal: str = "") -> int:
        """Add a sprint, future, active or closed; return its id."""
        sprint = Sprint(100 + len(self.sprints), self.board(board_id).id, name, state, goal)
        if state != "future":
            sprint.start = self.now()
            sprint.end = sprint.start + SPRINT_LENGTH
        if state == "closed":
            sprint.completed = sprint.start
        self.sprints[sprint.id] = sprint
        self.tell(Event("sprint_created", self.now(), sprint=replace(sprint)))
        return sprint.id

    def sprint(self, number: int) -> Sprint:
        """Find a sprint. Raises Refusal 404."""
        if number not in self.sprints:
            raise Refusal(404, "The requested sprint cannot be viewed because it either does not "
                          "exist or you do not have permission to view it.")  # fmt: skip
        return self.sprints[number]

    def set_sprint_state(self, sprint_id: int, state: str) -> None:
        """Start or close a sprint; its issues stay in it."""
        sprint = self.sprint(sprint_id)
        before, now = replace(sprint), self.now()
        sprint.state = state
        if state == "active":
            sprint.start, sprint.end = now, now + SPRINT_LENGTH
        if state == "closed":
            sprint.completed = now
        kind = SPRINT_KINDS.get(state, "sprint_updated")
        self.tell(Event(kind, now, sprint=replace(sprint), sprint_before=before))

    def rename_sprint(self, sprint_id: int, name: str, goal: str | None = None) -> None:
        """Give a sprint another name, or goal."""
        sprint = self.sprint(sprint_id)
        before = replace(sprint)
        sprint.name, sprint.goal = name, sprint.goal if goal is None else goal
        self.tell(Event("sprint_updated", self.now(), sprint=replace(sprint), sprint_before=before))

    def tell(self, event: Event) -> None:
        """Tell the listeners what happened."""
        self.told += 1
        for listener in self.listeners:
            listener(event)
