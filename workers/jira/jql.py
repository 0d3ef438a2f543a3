"""The JQL that the syncs ask with; whatever comes from settings or people is quoted."""

import re
from collections.abc import Iterable, Sequence

from t5g.settings import Settings

KEY = re.compile(r"(?<![A-Z0-9_])[A-Z][A-Z0-9_]*-\d+", re.ASCII)


def quoted(text: str) -> str:
    """Return `text` as a JQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def project(key: str) -> str:
    """Return the clause of one project."""
    return f"project = {quoted(key)}"


def label(name: str) -> str:
    """Return the clause of one label."""
    return f"labels = {quoted(name)}"


def sprints(ids: Iterable[int]) -> str:
    """Return the clause of some sprints."""
    return f"sprint in ({', '.join(str(i) for i in ids)})"


def keys(found: Sequence[str]) -> str:
    """Return the clause of issues by key."""
    return f"key in ({', '.join(quoted(key) for key in found)})"


def updated_within(minutes: int) -> str:
    """Return the clause of what changed in the last minutes.

    Relative, because JIRA reads absolute times in the time zone of the account.
    """
    return f"updated >= -{minutes}m"


def unfinished() -> str:
    """Return the clause of what is not done."""
    return "statusCategory != Done"


def all_of(*clauses: str) -> str:
    """Return the query that needs each clause, oldest first so that pages shift the least."""
    return " AND ".join(clauses) + " ORDER BY created ASC, key ASC"


def cards(settings: Settings, sprint_ids: Sequence[int] | None) -> str:
    """Return the clauses of the team's cards: of its project or of some sprints, and its label."""
    home = project(settings.jira_project) if sprint_ids is None else sprints(sprint_ids)
    return f"{home} AND {label(settings.jira_label)}" if settings.jira_label else home


def escalations(settings: Settings) -> str:
    """Return the clauses of the open escalations that concern the team."""
    clauses = [project(settings.jira_escalation_project)]
    if settings.jira_escalation_label:
        clauses.append(label(settings.jira_escalation_label))
    return " AND ".join([*clauses, unfinished()])


def keys_in(message: str) -> set[str]:
    """Return the issue keys that an error message of JIRA names."""
    return set(KEY.findall(message))
