"""What a change of an issue looks like in its changelog. Pure: before and after in, items out."""

from collections.abc import Iterable
from typing import Any

from sandbox.jira.fields import Field, words
from sandbox.jira.model import (
    ISSUE_TYPES,
    PRIORITIES,
    RESOLUTIONS,
    Item,
    JiraProject,
    JiraUser,
    Sprint,
)


def items_of(name: str, before: Any, after: Any, home: JiraProject, *, cloud: bool) -> list[Item]:
    """Return the items for one fact (as `JiraIssue` names it) that was set."""
    if before == after:
        return []
    match name:
        case "assignee" | "reporter":
            return [_person(name, name, before, after, cloud=cloud)]
        case "labels":
            return [Item("labels", "", " ".join(before), "", " ".join(after), "labels")]
        case "components":
            return _members("Component", "components", before, after, home)
        case "fix_versions":
            return _members("Fix Version", "fixVersions", before, after, home)
        case "priority":
            return [_numbered("priority", PRIORITIES, before, after)]
        case "type":
            return [_numbered("issuetype", ISSUE_TYPES, before, after)]
        case _:
            return [Item(name, None, words(before), None, words(after), name)]


def custom_item(field: Field, before: Any, after: Any, *, cloud: bool) -> Item:
    """Return the item for a custom field."""
    if isinstance(before, JiraUser) or isinstance(after, JiraUser):
        return _person(field.name, field.id, before, after, cloud=cloud)
    return Item(field.name, None, words(before), None, words(after), field.id)


def status_items(before: str, after: str, ids: dict[str, str]) -> list[Item]:
    """Return the items for a status."""
    return [Item("status", ids.get(before), before, ids.get(after), after, "status")]


def resolution_items(before: str | None, after: str | None) -> list[Item]:
    """Return the items for a resolution that came or went."""
    return [] if before == after else [_numbered("resolution", RESOLUTIONS, before, after)]


def sprint_item(field_id: str, before: Iterable[Sprint], after: Iterable[Sprint]) -> Item:
    """Return the item for a changed sprint: all sprints the issue was in, ids with commas."""
    old, new = list(before), list(after)
    return Item("Sprint", _ids(old), _names(old), _ids(new), _names(new), field_id)


def created_items(facts: dict[str, Any], home: JiraProject, *, cloud: bool) -> list[Item]:
    """Return the items of an issue that was just made (Cloud sends them)."""
    empty: dict[str, Any] = {"labels": (), "components": (), "fix_versions": ()}
    return [
        item
        for name, value in facts.items()
        if value not in (None, "", ())
        for item in items_of(name, empty.get(name), value, home, cloud=cloud)
    ]


def _person(
    name: str, field_id: str, before: JiraUser | None, after: JiraUser | None, *, cloud: bool
) -> Item:
    def account(user: JiraUser | None) -> str | None:
        if user is None:
            return None
        return user.account_id if cloud else user.username

    return Item(
        name, account(before), words(before), account(after), words(after), field_id, person=True
    )


def _members(
    word: str, field_id: str, before: Iterable[str], after: Iterable[str], home: JiraProject
) -> list[Item]:
    id_of = home.member_id
    gone = [
        Item(word, id_of(name), name, None, None, field_id) for name in before if name not in after
    ]
    come = [
        Item(word, None, None, id_of(name), name, field_id) for name in after if name not in before
    ]
    return gone + come


def _numbered(word: str, known: tuple[str, ...], before: str | None, after: str | None) -> Item:
    def number(name: str | None) -> str | None:
        return str(known.index(name) + 1) if name in known else None

    return Item(word, number(before), before, number(after), after, word)


def _ids(sprints: Iterable[Sprint]) -> str:
    return ", ".join(str(sprint.id) for sprint in sprints)


def _names(sprints: Iterable[Sprint]) -> str:
    return ", ".join(sprint.name for sprint in sprints)
