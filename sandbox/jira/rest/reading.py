"""Reads the `fields` and `update` of a request into facts, refusing what JIRA refuses. Pure.

What only people with a form could get wrong (a summary that is too long) the state refuses itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.jira.fields import Field, neutral
from sandbox.jira.markup import is_document, to_wiki
from sandbox.jira.model import ISSUE_TYPES, PRIORITIES, JiraIssue, JiraUser, Refusal
from sandbox.jira.rules import check_text
from sandbox.jira.state import JiraState

NO_DOCUMENT: Final = (
    "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
)
NO_TEXT: Final = "Operation value must be a string"
NO_LIST: Final = "data was not an array"
FACTS: Final = {
    "summary": "summary", "description": "description", "issuetype": "type", "priority": "priority",
    "labels": "labels", "components": "components", "fixVersions": "fix_versions",
    "assignee": "assignee", "reporter": "reporter", "security": "security",
}  # fmt: skip


def read_fields(
    state: JiraState, project: str, fields: Mapping[str, Any], version: int
) -> dict[str, Any]:
    """Return facts as `JiraState` takes them. Raises Refusal 400 with all mistakes by field."""
    reader = _Reader(state, project, version)
    facts: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in fields.items():
        if name == "project":
            continue
        try:
            found = reader.read(name, value)
        except _Wrong as wrong:
            errors[name] = str(wrong)
        else:
            target = custom if name.startswith("customfield_") else facts
            target[FACTS.get(name, name)] = found
    if errors:
        raise Refusal(400, errors=errors)
    return facts | ({"custom": custom} if custom else {})


def read_steps(
    state: JiraState, issue: JiraIssue, update: Mapping[str, Any], version: int
) -> dict[str, Any]:
    """Return the facts that the steps of `update` (`set`, `add`, `remove`) lead to."""
    fields: dict[str, Any] = {}
    for name, steps in update.items():
        if name == "comment":
            continue
        if not isinstance(steps, list):
            raise Refusal(400, errors={name: NO_LIST})
        fields[name] = _after(state, issue, name, steps)
    return read_fields(state, issue.project, fields, version)


def read_text(value: Any, version: int, field: str) -> str:
    """Read a text of more than one line: wiki text in v2, a document in v3."""
    try:
        return _long(value, version)
    except _Wrong as wrong:
        message = "Comment body is not valid!" if field == "comment" else str(wrong)
        raise Refusal(400, errors={field: message}) from None


class _Wrong(Exception):
    """A value that its field does not take."""


def _long(value: Any, version: int) -> str:
    if version == 3:
        if not is_document(value):
            raise _Wrong(NO_DOCUMENT)
        return to_wiki(value)
    if not isinstance(value, str):
        raise _Wrong(NO_TEXT)
    return value


@dataclass(frozen=True)
class _Reader:
    state: JiraState
    project: str
    version: int

    def read(self, name: str, value: Any) -> Any:
        field = self.state.fields.get(name)
        if field is None or not field.settable:
            raise _Wrong(
                f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            )
        reader = _READERS.get(field.kind)
        if reader is None:
            return value
        return reader(self, field, value)

    def text(self, field: Field, value: Any) -> Any:
        if value is None:
            return "" if not field.custom else None
        return check_text(_long(value, self.version), field.id)

    def string(self, _: Field, value: Any) -> Any:
        if value is not None and not isinstance(value, str):
            raise _Wrong(NO_TEXT)
        return value or ""

    def user(self, field: Field, value: Any) -> JiraUser | None:
        if value is None:
            return None
        key = "accountId" if self.state.cloud else "name"
        who = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and key in value and who in (None, "", "-1"):
            return None
        if not isinstance(who, str):
            raise _Wrong(f"Specify a valid value for {field.id}: an object with '{key}'")
        found = find_account(self.state, who)
        if found is None:
            raise _Wrong(f"User '{who}' does not exist.")
        return found

    def users(self, field: Field, value: Any) -> list[JiraUser | None]:
        return [self.user(field, one) for one in _list(value)]

    def priority(self, _: Field, value: Any) -> str:
        return _numbered(value, PRIORITIES, "Priority name '{}' is not valid")

    def kind(self, _: Field, value: Any) -> str:
        return _numbered(value, ISSUE_TYPES, "Specify a valid issue type")

    def labels(self, _: Field, value: Any) -> list[Any]:
        return _list(value)

    def members(self, field: Field, value: Any) -> list[str]:
        home = self.state.projects[self.project]
        known = home.components if field.kind == "components" else home.versions
        word = "Component" if field.kind == "components" else "Version"
        names = [_name(one) for one in _list(value)]
        for name in names:
            if name not in known:
                raise _Wrong(f"{word} name '{name}' is not valid")
        return names

    def option(self, _: Field, value: Any) -> Any:
        return None if value is None else _option(value)

    def options(self, _: Field, value: Any) -> list[str]:
        return [_option(one) for one in _list(value)]

    def level(self, _: Field, value: Any) -> str | None:
        return None if value is None else _name(value)


_READERS: Final[Mapping[str, Callable[[_Reader, Field, Any], Any]]] = {
    "string": _Reader.string,
    "text": _Reader.text,
    "user": _Reader.user,
    "users": _Reader.users,
    "priority": _Reader.priority,
    "issuetype": _Reader.kind,
    "labels": _Reader.labels,
    "components": _Reader.members,
    "versions": _Reader.members,
    "option": _Reader.option,
    "options": _Reader.options,
    "security": _Reader.level,
}


def find_account(state: JiraState, who: str) -> JiraUser | None:
    """Find an active person as requests name them: by accountId on Cloud, else by user name."""
    if state.cloud:
        found = state.users.get(who)
    else:
        found = next((user for user in state.users.values() if user.username == who), None)
    return found if found and found.active else None


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Wrong(NO_LIST)
    return value


def _name(value: Any) -> str:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise _Wrong("expected an object containing a 'name' property")
    return str(value["name"])


def _option(value: Any) -> str:
    if not isinstance(value, Mapping) or not isinstance(value.get("value"), str):
        raise _Wrong("expected Object containing a 'value' property")
    return str(value["value"])


def _numbered(value: Any, known: Sequence[str], message: str) -> str:
    """A word of a fixed list, by `name` or by `id`."""
    given = value if isinstance(value, Mapping) else {}
    name, number = given.get("name"), str(given.get("id", ""))
    if name in known:
        return str(name)
    if name is None and number.isdigit() and 1 <= int(number) <= len(known):
        return known[int(number) - 1]
    raise _Wrong(message.format(name if name is not None else number))


def _after(state: JiraState, issue: JiraIssue, name: str, steps: Sequence[Any]) -> Any:
    """The value in request form after the steps."""
    value = _present(state, issue, name)
    for step in steps:
        for verb, given in (step if isinstance(step, Mapping) else {}).items():
            if verb == "set":
                value = given
            elif verb in ("add", "remove") and isinstance(value, list):
                rest = [one for one in value if neutral(one) != neutral(given)]
                value = [*value, given] if verb == "add" and rest == value else value
                value = rest if verb == "remove" else value
            else:
                raise Refusal(400, errors={name: f"Field with id '{name}' does not support "
                                           f"operation '{verb}'."})  # fmt: skip
    return value


def _present(state: JiraState, issue: JiraIssue, name: str) -> Any:
    """The lists that steps add to, in request form; single values are only ever set."""
    match name:
        case "labels":
            return list(issue.labels)
        case "components":
            return [{"name": one} for one in issue.components]
        case "fixVersions":
            return [{"name": one} for one in issue.fix_versions]
    field, value = state.fields.get(name), issue.custom.get(name) or []
    if field is None or field.kind not in ("options", "users", "labels"):
        return None
    if field.kind == "options":
        return [{"value": one} for one in value]
    if field.kind == "labels":
        return list(value)
    key = "accountId" if state.cloud else "name"
    return [{key: one.account_id if state.cloud else one.username} for one in value]
