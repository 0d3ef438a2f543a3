"""What JIRA refuses in the facts of an issue, in JIRA's words. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sandbox.jira.model import ISSUE_TYPES, PRIORITIES, JiraProject, Refusal

SUMMARY_LIMIT: Final = 255
LABEL_LIMIT: Final = 255
TEXT_LIMIT: Final = 32_767
TOO_LONG: Final = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
REQUIRED_NAMES: Final = {"components": "Component/s", "fix_versions": "Fix Version/s"}
FIELD_IDS: Final = {"type": "issuetype", "fix_versions": "fixVersions"}


def check_facts(facts: Mapping[str, Any]) -> None:
    """Check the facts that are there. Raises Refusal 400 with all mistakes, by field."""
    found = {
        FIELD_IDS.get(name, name): wrong
        for name, check in _CHECKS.items()
        if name in facts and (wrong := check(facts[name]))
    }
    if found:
        raise Refusal(400, errors=found)


def check_complete(project: JiraProject, facts: Mapping[str, Any]) -> None:
    """Check that nothing is missing that the project requires. Raises Refusal 400."""
    custom = facts.get("custom") or {}
    missing = [name for name in project.required if not (facts.get(name) or custom.get(name))]
    if missing:
        errors = {
            FIELD_IDS.get(name, name): f"{REQUIRED_NAMES.get(name, name.title())} is required."
            for name in missing
        }
        raise Refusal(400, errors=errors)


def check_text(text: str, field: str) -> str:
    """Return a long text. Raises Refusal 400 if it is too long."""
    if len(text) > TEXT_LIMIT:
        raise Refusal(400, errors={field: TOO_LONG})
    return text


def _summary(summary: Any) -> str:
    if not isinstance(summary, str):
        return "Operation value must be a string"
    if not summary.strip():
        return "You must specify a summary of the issue."
    if len(summary) > SUMMARY_LIMIT:
        return f"Summary must be less than {SUMMARY_LIMIT} characters."
    if "\n" in summary or "\r" in summary:
        return "The summary is invalid because it contains newline characters."
    return ""


def _description(text: Any) -> str:
    return TOO_LONG if len(text or "") > TEXT_LIMIT else ""


def _priority(name: Any) -> str:
    return "" if name in PRIORITIES else f"Priority name '{name}' is not valid"


def _type(name: Any) -> str:
    return "" if name in ISSUE_TYPES else "Specify a valid issue type"


def _labels(labels: Iterable[Any]) -> str:
    for label in labels:
        if not isinstance(label, str) or not label:
            return "Labels must be strings."
        if any(letter.isspace() for letter in label):
            return f"The label '{label}' contains spaces which is invalid."
        if len(label) > LABEL_LIMIT:
            return f"The label '{label}' exceeds the maximum length of {LABEL_LIMIT} characters."
    return ""


_CHECKS: Final[Mapping[str, Callable[[Any], str]]] = {
    "summary": _summary,
    "description": _description,
    "priority": _priority,
    "type": _type,
    "labels": _labels,
}
