"""Statuses and the ways between them: what a project's workflow allows. Pure."""

from typing import Any, Final

from sandbox.jira.model import FINISHED, WAITING, JiraProject, Transition

NEW: Final[dict[str, Any]] = {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"}
MOVING: Final[dict[str, Any]] = {
    "id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress",
}  # fmt: skip
DONE: Final[dict[str, Any]] = {"id": 3, "key": "done", "colorName": "green", "name": "Done"}


def category(status: str) -> dict[str, Any]:
    """Return the category of a status as JIRA writes it."""
    if status in FINISHED:
        return DONE
    return NEW if status in WAITING else MOVING


def transitions(project: JiraProject, status: str) -> list[Transition]:
    """Return the ways that lead out of a status."""
    if project.paths is None:
        return [_way(project, name, name) for name in project.statuses if name != status]
    ways = project.paths.get(status, {})
    return [_way(project, name, to) for name, to in ways.items()]


def way_to(project: JiraProject, status: str, to: str) -> Transition | None:
    """Return the way from one status to another, if there is one."""
    return next((way for way in transitions(project, status) if way.to == to), None)


def _way(project: JiraProject, name: str, to: str) -> Transition:
    # Ids in JIRA's own manner (11, 21, 31, …); a name keeps its id from whichever status it leads.
    names = list(project.statuses)
    if project.paths is not None:
        names = sorted({name for ways in project.paths.values() for name in ways})
    return Transition(str(names.index(name) * 10 + 11), name, to)
