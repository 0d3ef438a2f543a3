"""What JQL may ask about an issue: the fields, what they hold, and which values exist. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sandbox.jira.fields import Field
from sandbox.jira.jql.syntax import wrong
from sandbox.jira.model import ISSUE_TYPES, PRIORITIES, RESOLUTIONS, JiraIssue, JiraUser
from sandbox.jira.state import JiraState
from sandbox.jira.workflow import DONE, MOVING, NEW, category

Words = Callable[[JiraState, JiraIssue], Iterable[str]]
Known = Callable[[JiraState], Iterable[str]]
SortKey = Callable[[JiraState, JiraIssue], list[Any]]


@dataclass(frozen=True)
class Askable:
    """A field of queries. `kind`: words, text or date; `known`: the values that exist, if not all.

    `words` gives what the issue has there: nothing is EMPTY. Values compare without regard to case.
    """

    name: str
    kind: str
    words: Words
    known: Known | None = None
    at: Callable[[JiraIssue], datetime | None] | None = None


def askable(state: JiraState, name: str) -> Askable:
    """Find a field by any of its names. Raises Refusal 400."""
    folded = name.casefold()
    if found := _FIELDS.get(_ALIASES.get(folded, folded)):
        return found
    for field in state.fields.values():
        named = (field.id, *field.clause_names)
        if field.custom and field.kind != "sprint" and folded in [n.casefold() for n in named]:
            return _of_custom(field)
    raise wrong(f"Field '{name}' does not exist or you do not have permission to view it.")


def sort_key(state: JiraState, name: str) -> SortKey:
    """Return how to sort by a field; its values go into page tokens. Raises Refusal 400."""
    folded = name.casefold()
    folded = _ALIASES.get(folded, folded)
    if folded in _SORTS:
        return _SORTS[folded]
    field = askable(state, name)
    return lambda s, i: _absent_last(" ".join(field.words(s, i)).casefold())


def people(user: JiraUser | None) -> list[str]:
    """All that a person may be called in a query."""
    return [user.account_id, user.username, user.name, user.email] if user else []


def _of_custom(field: Field) -> Askable:
    kind = "text" if field.kind in ("text", "raw", "string") else "words"
    return Askable(field.name, kind, lambda s, i: list(_texts(i.custom.get(field.id))))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, JiraUser):
        yield from people(value)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif value not in (None, ""):
        yield str(value)


def _projects(state: JiraState) -> Iterable[str]:
    return [word for p in state.projects.values() for word in (p.key, p.name, p.id, *p.old_keys)]


def _project(state: JiraState, issue: JiraIssue) -> list[str]:
    home = state.projects[issue.project]
    return [home.key, home.name, home.id, *home.old_keys]


def _sprint_words(state: JiraState, issue: JiraIssue) -> list[str]:
    return [word for sprint in state.sprints_of(issue) for word in (str(sprint.id), sprint.name)]


def _category_words(status: str) -> list[str]:
    group = category(status)
    return [str(group["id"]), group["key"], group["name"]]


def _number_and_name(names: Iterable[str]) -> list[str]:
    return [word for n, name in enumerate(names, 1) for word in (name, str(n))]


def _all_texts(state: JiraState, issue: JiraIssue) -> list[str]:
    custom = [text for value in issue.custom.values() for text in _texts(value)]
    comments = [comment.body for comment in issue.comments]
    return [issue.summary, issue.description, *comments, *custom]


def _user_words(state: JiraState) -> list[str]:
    return [word for user in state.users.values() for word in people(user)]


_ALIASES: Final = {
    "type": "issuetype",
    "issue": "key",
    "issuekey": "key",
    "id": "key",
    "createddate": "created",
    "updateddate": "updated",
    "resolutiondate": "resolved",
    "level": "security",
    "fixversions": "fixversion",
    "components": "component",
    "label": "labels",
}
_FIELDS: Final = {
    field.name.casefold(): field
    for field in (
        Askable("project", "words", _project, _projects),
        Askable("key", "key", lambda s, i: [i.key, i.id]),
        Askable("labels", "words", lambda s, i: i.labels),
        Askable("status", "words", lambda s, i: [i.status, s.statuses[i.status]],
                lambda s: [*s.statuses, *s.statuses.values()]),
        Askable("statusCategory", "words", lambda s, i: _category_words(i.status),
                lambda s: [str(g[k]) for g in (NEW, MOVING, DONE) for k in ("id", "key", "name")]),
        Askable("issuetype", "words", lambda s, i: [i.type],
                lambda s: _number_and_name(ISSUE_TYPES)),
        Askable("priority", "words", lambda s, i: [i.priority],
                lambda s: _number_and_name(PRIORITIES)),
        Askable("resolution", "words", lambda s, i: [i.resolution] if i.resolution else [],
                lambda s: RESOLUTIONS),
        Askable("assignee", "words", lambda s, i: people(i.assignee), _user_words),
        Askable("reporter", "words", lambda s, i: people(i.reporter), _user_words),
        Askable("watcher", "words", lambda s, i: [w for u in i.watchers.values()
                                                  for w in people(u)], _user_words),
        Askable("component", "words", lambda s, i: i.components,
                lambda s: [x for p in s.projects.values() for x in p.components]),
        Askable("fixVersion", "words", lambda s, i: i.fix_versions,
                lambda s: [x for p in s.projects.values() for x in p.versions]),
        Askable("sprint", "words", _sprint_words,
                lambda s: [w for x in s.sprints.values() for w in (str(x.id), x.name)]),
        Askable("security", "words", lambda s, i: [i.security] if i.security else []),
        Askable("summary", "text", lambda s, i: [i.summary]),
        Askable("description", "text", lambda s, i: [i.description] if i.description else []),
        Askable("comment", "text", lambda s, i: [c.body for c in i.comments]),
        Askable("text", "text", _all_texts),
        Askable("created", "date", lambda s, i: ["set"], at=lambda i: i.created),
        Askable("updated", "date", lambda s, i: ["set"], at=lambda i: i.updated),
        Askable("resolved", "date", lambda s, i: ["set"] if i.resolved else [],
                at=lambda i: i.resolved),
    )
}  # fmt: skip


def _absent_last(text: str) -> list[Any]:
    return [0 if text else 1, text]


def _milliseconds(at: datetime | None) -> list[Any]:
    return [0, int(at.timestamp() * 1000)] if at else [1, 0]


_SORTS: Final[dict[str, SortKey]] = {
    "key": lambda s, i: [i.project, i.number],
    "rank": lambda s, i: [int(i.id)],
    "created": lambda s, i: _milliseconds(i.created),
    "updated": lambda s, i: _milliseconds(i.updated),
    "resolved": lambda s, i: _milliseconds(i.resolved),
    # The highest priority is the greatest: DESC puts it first.
    "priority": lambda s, i: [-PRIORITIES.index(i.priority)],
    "status": lambda s, i: [int(s.statuses[i.status])],
    "issuetype": lambda s, i: [ISSUE_TYPES.index(i.type)],
    "assignee": lambda s, i: _absent_last(i.assignee.name.casefold() if i.assignee else ""),
    "reporter": lambda s, i: _absent_last(i.reporter.name.casefold()),
}
