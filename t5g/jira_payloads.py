"""Reads JIRA's JSON, from REST v2, REST v3 and webhooks alike, into the values of the model.

Pure: it never asks JIRA for what is missing. Odd shapes that were met (bare strings for objects,
lists for pages, users of Cloud and of Data Center) are read without complaint; what can not be
an issue at all raises `PayloadError`. JSON's objects are dicts here (asking for any `Mapping` is
slow, and events are read by the thousand).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any

from t5g.jira_text import adf_text, links_of, plain_text
from t5g.model import (
    Card,
    Comment,
    Escalation,
    Issue,
    Person,
    is_case_number,
    number_of_summary,
)
from t5g.settings import Settings
from t5g.timestamps import parse_time

__all__ = [
    "PayloadError",
    "browse_url",
    "card_of",
    "comment_of",
    "comments_of",
    "escalated_cases",
    "escalation_of",
    "fields_read",
    "finished",
    "issue_of",
    "labels_of",
    "number_of_card",
    "number_of_remote_links",
    "numbers_in",
    "parse_time",
    "person_of",
    "plain_text",
    "project_of",
    "sprints_of",
    "whole",
]

SUPPORT_CASE = "support case"
#: Issue property in which Red Hat's JIRA Cloud keeps the numbers of linked cases.
CASE_LINKS_PROPERTY = "sfdc-cases-links"
DONE_WORDS = frozenset({"done", "closed", "resolved", "won't fix / obsolete"})
LARGEST_NUMBER = 99_999_999

#: What every issue has, whatever its project's settings are.
ALWAYS = ("summary", "status", "issuetype", "project", "created", "updated")
_FIELDS = (
    "assignee", "comment", "created", "fixVersions", "issuetype", "labels", "priority", "project",
    "resolution", "status", "summary", "updated",
)  # fmt: skip
_ADDRESS = re.compile(r"https?://[^\s<>\"'|\]\\)]+")
_PORTAL_CASE = re.compile(r"(?:cases?/|case_?number=)(\d{8})(?!\d)", re.ASCII | re.IGNORECASE)
_LONE_NUMBER = re.compile(r"(?<![A-Za-z0-9_])(?<![A-Za-z]-)(\d{8})(?![A-Za-z0-9_])", re.ASCII)
_SPRINT_COMMA = re.compile(r",(?=\w+=)")


class PayloadError(ValueError):
    """This JSON is not what it should be; the text says what is missing."""


#: What reading an issue raises when JIRA says something odd.
UNREADABLE = (PayloadError, TypeError, ValueError, AttributeError)


def fields_read(settings: Settings) -> frozenset[str]:
    """Return the names of all fields that anything here reads of an issue."""
    ids = settings.jira_fields
    custom = (
        ids.contributors, ids.severity, ids.qa_contact, ids.private_keywords, ids.escalated_cases,
        ids.sprint,
    )  # fmt: skip
    return frozenset({*_FIELDS, *custom})


def whole(issue: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an issue as JIRA answers it. Raises PayloadError if it lacks what each issue has.

    Any other field JIRA leaves out where a project does not have it, or hides it (events leave out
    more): then it is empty.
    """
    lacking = [name for name in ALWAYS if not _fields(issue).get(name)]
    if lacking:
        raise PayloadError(f"JIRA issue without {', '.join(lacking)}")
    return issue


def card_of(issue: Mapping[str, Any], settings: Settings) -> Card:
    """Read a card of the team's project. Its comments are read by `comments_of`."""
    fields = _fields(issue)
    ids = settings.jira_fields
    sprint = _sprint(fields.get(ids.sprint))
    return Card(
        key=_key(issue),
        id=_text(issue.get("id")),
        summary=_text(fields.get("summary")),
        status=_name(fields.get("status")),
        priority=_name(fields.get("priority")),
        assignee=person_of(fields.get("assignee")),
        contributors=_people(fields.get(ids.contributors)),
        labels=labels_of(issue),
        sprint=sprint["name"],
        sprint_id=sprint["id"],
        created=parse_time(fields.get("created"), settings.jira_zone),
        updated=parse_time(fields.get("updated"), settings.jira_zone),
    )


def issue_of(issue: Mapping[str, Any], settings: Settings) -> Issue:
    """Read a linked issue (a defect)."""
    fields = _fields(issue)
    ids = settings.jira_fields
    return Issue(
        key=_key(issue),
        id=_text(issue.get("id")),
        url=browse_url(_key(issue), settings),
        title=_text(fields.get("summary")),
        status=_name(fields.get("status")),
        type=_name(fields.get("issuetype")),
        severity=_name(fields.get(ids.severity)),
        priority=_name(fields.get("priority")),
        assignee=person_of(fields.get("assignee")),
        qa_contact=next(iter(_people(fields.get(ids.qa_contact))), None),
        fix_versions=_names(fields.get("fixVersions")),
        fix_version_ids=_ids(fields.get("fixVersions")),
        private_keywords=_names(fields.get(ids.private_keywords)),
        updated=parse_time(fields.get("updated"), settings.jira_zone),
    )


def escalation_of(issue: Mapping[str, Any], settings: Settings) -> Escalation:
    """Read an escalation issue; `escalated_cases` tells which cases it names."""
    fields = _fields(issue)
    return Escalation(
        key=_key(issue),
        id=_text(issue.get("id")),
        url=browse_url(_key(issue), settings),
        title=_text(fields.get("summary")),
        status=_name(fields.get("status")),
        since=parse_time(fields.get("created"), settings.jira_zone),
        updated=parse_time(fields.get("updated"), settings.jira_zone),
    )


def escalated_cases(issue: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    """Return the numbers of the cases that an escalation names.

    They stand in a custom field (whose readable form may only be in `renderedFields`) or in an
    issue property, as numbers, several numbers, or links into the Portal.
    """
    field = settings.jira_fields.escalated_cases
    rendered = issue.get("renderedFields")
    properties = issue.get("properties")
    return numbers_in([
        _fields(issue).get(field),
        rendered.get(field) if isinstance(rendered, dict) else None,
        properties.get(CASE_LINKS_PROPERTY) if isinstance(properties, dict) else None,
    ])  # fmt: skip


def comment_of(comment: Mapping[str, Any], zone: tzinfo = UTC) -> Comment:
    """Read a comment. `restricted`: it has a visibility, or is not said to be for customers too.

    Data Center never says the latter, Cloud of each comment.
    """
    if not isinstance(comment, dict) or comment.get("id") in (None, ""):
        raise PayloadError("JIRA comment without an id")
    return Comment(
        id=_text(comment["id"]),
        author=person_of(comment.get("author")) or person_of(comment.get("updateAuthor")),
        body=plain_text(comment.get("body")),
        created=parse_time(comment.get("created"), zone),
        updated=parse_time(comment.get("updated"), zone)
        or parse_time(comment.get("created"), zone),
        restricted=bool(comment.get("visibility")) or comment.get("jsdPublic", True) is not True,
    )


def comments_of(issue: Mapping[str, Any], zone: tzinfo = UTC) -> tuple[tuple[Comment, ...], bool]:
    """Return the comments that came with an issue, and whether these are all of them.

    Without a comment field (many webhooks) that is no comments and False; a page of comments that
    does not say how many there are is never all of them.
    """
    found = _fields(issue).get("comment")
    rows = found.get("comments") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        return (), False
    comments = tuple(comment_of(row, zone) for row in rows)
    total = found.get("total") if isinstance(found, dict) else len(rows)
    return comments, type(total) is int and len(comments) >= total


def person_of(user: Any) -> Person | None:
    """Read a JIRA user: `accountId` on Cloud, `name` or `key` on Data Center, or a bare name.

    Whoever wrote a comment from outside may have a display name and an e-mail address alone: that
    is somebody without an account.
    """
    if isinstance(user, str):
        return Person(account=user) if user else None
    if not isinstance(user, dict):
        return None
    person = Person(
        account=_text(user.get("accountId") or user.get("name") or user.get("key")),
        name=_text(user.get("displayName")),
        email=_text(user.get("emailAddress")),
    )
    return person if person.account or person.name or person.email else None


def numbers_in(value: Any) -> tuple[str, ...]:
    """Return the case numbers in a field, in every spelling met, each once, in their order.

    Texts, lists, options (`{"value": …}`), ADF documents, HTML, and links into the Portal. A JSON
    number has lost its leading zeros and gets them back; a text must have all eight digits.
    Escalation records (`EN-01234567`) and numbers in other links are not case numbers.
    """
    return tuple(dict.fromkeys(_numbers(value)))


def number_of_card(issue: Mapping[str, Any]) -> str | None:
    """Return the case number that begins the card's summary; else ask its remote links."""
    return number_of_summary(_text(_fields(issue).get("summary")))


def number_of_remote_links(links: Iterable[Any]) -> str | None:
    """Return the case number of the "Support Case" link among an issue's remote links."""
    for link in links:
        if not isinstance(link, dict):
            continue
        target = link.get("object")
        target = target if isinstance(target, dict) else {}
        names = (_text(target.get("title")), _text(link.get("relationship")))
        if any(name.strip().casefold().startswith(SUPPORT_CASE) for name in names):
            numbers = numbers_in([target.get("url"), *names])
            if numbers:
                return numbers[0]
    return None


def finished(issue: Mapping[str, Any]) -> bool:
    """Say whether an issue is done, by its status category, else by its status and resolution."""
    fields = _fields(issue)
    status = fields.get("status")
    category = status.get("statusCategory") if isinstance(status, dict) else None
    key = category.get("key") if isinstance(category, dict) else None
    if isinstance(key, str) and key not in ("", "undefined"):
        return key == "done"
    return bool(fields.get("resolution")) or _name(status).casefold() in DONE_WORDS


def sprints_of(issue: Mapping[str, Any], settings: Settings) -> Mapping[str, str]:
    """Return the names of all sprints that an issue is or was in, by id."""
    value = _fields(issue).get(settings.jira_fields.sprint)
    rows = value if isinstance(value, list) else [value]
    found = (_sprint_parts(row) for row in rows if row)
    return {sprint["id"]: sprint["name"] for sprint in found if sprint["id"]}


def labels_of(issue: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels of an issue."""
    return _names(_fields(issue).get("labels"))


def project_of(issue: Mapping[str, Any]) -> tuple[str, str]:
    """Return the project's id ("" if it is not told) and key, else the one in the issue's key."""
    found = _fields(issue).get("project")
    project = found if isinstance(found, dict) else {}
    key = _text(project.get("key")) or _text(issue.get("key")).rpartition("-")[0]
    return _text(project.get("id")), key


def browse_url(key: str, settings: Settings) -> str:
    """Return the address of an issue for people."""
    return f"{str(settings.jira_url).rstrip('/')}/browse/{key}"


def _numbers(value: Any) -> Iterable[str]:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield from _padded(value)
    elif isinstance(value, str):
        yield from _numbers_of_text(value)
    elif isinstance(value, dict):
        if value.get("type") == "doc":
            yield from _numbers_of_text(adf_text(value))
            yield from _numbers_of_text("\n".join(links_of(value)))
        else:
            for name in ("value", "name", "url", "title", "object", "numbers", "child"):
                yield from _numbers(value.get(name))
    elif isinstance(value, Sequence):
        for item in value:
            yield from _numbers(item)


def _padded(number: float) -> Iterable[str]:
    if 0 < number <= LARGEST_NUMBER and number == int(number):
        yield f"{int(number):08d}"


def _numbers_of_text(text: str) -> Iterable[str]:
    """Yield the numbers of a text in their order: lone ones, and those of links into the Portal."""
    end = 0
    for address in _ADDRESS.finditer(text):
        yield from _LONE_NUMBER.findall(text[end : address.start()])
        yield from _PORTAL_CASE.findall(address[0])
        end = address.end()
    yield from (number for number in _LONE_NUMBER.findall(text[end:]) if is_case_number(number))


def _fields(issue: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = issue.get("fields") if isinstance(issue, dict) else None
    return fields if isinstance(fields, dict) else {}


def _key(issue: Mapping[str, Any]) -> str:
    key = issue.get("key") if isinstance(issue, dict) else None
    if not isinstance(key, str) or not key:
        raise PayloadError("JIRA issue without a key")
    return key


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def _name(value: Any) -> str:
    """The word of a status, priority, option or version, which may also be a bare string."""
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("value") or value.get("key"))
    if isinstance(value, list):
        return _name(value[0]) if value else ""
    return _text(value)


def _names(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    rows = value if isinstance(value, list) else [value]
    return tuple(name for row in rows if (name := _name(row)))


def _people(value: Any) -> tuple[Person, ...]:
    if not value:
        return ()
    rows = value if isinstance(value, list) else [value]
    return tuple(person for row in rows if (person := person_of(row)))


def _ids(value: Any) -> tuple[str, ...]:
    """Return the ids behind `_names`, or none if one of them has none."""
    rows = value if isinstance(value, list) else [value]
    ids = tuple(_text(row.get("id")) for row in rows if isinstance(row, dict) and _name(row))
    return ids if all(ids) and len(ids) == len(_names(value)) else ()


def _sprint(value: Any) -> Mapping[str, str]:
    """The sprint that an issue is in now: the active one, else a coming one, else the last."""
    rows = value if isinstance(value, list) else [value]
    sprints = [sprint for row in rows if row and (sprint := _sprint_parts(row))["name"]]
    for state in ("active", "future"):
        for sprint in sprints:
            if sprint["state"] == state:
                return sprint
    return sprints[-1] if sprints else {"id": "", "name": ""}


def _sprint_parts(row: Any) -> dict[str, str]:
    """Read a sprint: an object on Cloud, Java's `Sprint@1f[id=1,state=ACTIVE,name=…]` elsewhere."""
    if isinstance(row, dict):
        found = {name: _text(row.get(name)) for name in ("id", "name", "state")}
    else:
        text = _text(row)
        told = text.partition("[")[2].removesuffix("]")
        pairs = (part.partition("=") for part in _SPRINT_COMMA.split(told))
        parts = {key: value for key, _, value in pairs if key in ("id", "state", "name")}
        found = {"id": "", "name": "" if parts else text, "state": "", **parts}
    return {**found, "state": found["state"].casefold()}
