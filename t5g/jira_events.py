"""What JIRA's webhooks say: headers and bytes in, a typed event or a typed refusal out. Pure.

Cloud and Data Center differ (who did it, which issue a comment belongs to, which event tells of a
comment at all); the differences end here. What an event means for our cases is decided in
`t5g.jira_decisions`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from keyword import iskeyword
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import asdict

from t5g.clock import BEHIND, latest_believed
from t5g.jira_door import Refusal
from t5g.timestamps import parse_time

DELIVERY = "X-Atlassian-Webhook-Identifier"
RETRY = "X-Atlassian-Webhook-Retry"
SIGNATURE = "X-Hub-Signature"

_ISSUE_OF_COMMENT = re.compile(r"/issue/(\d+)/", re.ASCII)
_FAMILY = re.compile(r"(?:jira:)?([a-z]+)")
_DECODER = msgspec.json.Decoder()


class Kind(StrEnum):
    """The events that mean something to us, and `OTHER`."""

    ISSUE_CREATED = "jira:issue_created"
    ISSUE_UPDATED = "jira:issue_updated"
    ISSUE_DELETED = "jira:issue_deleted"
    COMMENT_CREATED = "comment_created"
    COMMENT_UPDATED = "comment_updated"
    COMMENT_DELETED = "comment_deleted"
    LINK_CREATED = "issuelink_created"
    LINK_DELETED = "issuelink_deleted"
    SPRINT_STARTED = "sprint_started"
    SPRINT_CLOSED = "sprint_closed"
    PROPERTY_SET = "issue_property_set"
    PROPERTY_DELETED = "issue_property_deleted"
    SPRINT_DELETED = "sprint_deleted"
    SPRINT_UPDATED = "sprint_updated"
    VERSION_UPDATED = "jira:version_updated"
    VERSION_RELEASED = "jira:version_released"
    VERSION_UNRELEASED = "jira:version_unreleased"
    VERSION_DELETED = "jira:version_deleted"
    PROJECT_UPDATED = "project_updated"
    USER_UPDATED = "user_updated"
    OTHER = "other"


ISSUE_KINDS = frozenset({Kind.ISSUE_CREATED, Kind.ISSUE_UPDATED, Kind.ISSUE_DELETED})
COMMENT_KINDS = frozenset({Kind.COMMENT_CREATED, Kind.COMMENT_UPDATED, Kind.COMMENT_DELETED})
LINK_KINDS = frozenset({Kind.LINK_CREATED, Kind.LINK_DELETED})
PROPERTY_KINDS = frozenset({Kind.PROPERTY_SET, Kind.PROPERTY_DELETED})
#: Where the bodies of events have what is not an issue, but is named in issues.
NAMED_IN = {
    Kind.SPRINT_UPDATED: "sprint",
    Kind.VERSION_UPDATED: "version",
    Kind.VERSION_RELEASED: "version",
    Kind.VERSION_UNRELEASED: "version",
    Kind.VERSION_DELETED: "version",
    Kind.PROJECT_UPDATED: "project",
    Kind.USER_UPDATED: "user",
}

#: Names of what we ignore that may stand in a metric's label; any other name is `other`.
FAMILIES = frozenset({
    "attachment", "board", "comment", "configuration", "filter", "issue", "issuelink", "option",
    "project", "sprint", "user", "version", "worklog",
})  # fmt: skip

#: Data Center's second event of a comment, by `issue_event_type_name`.
COMMENT_TYPES = frozenset({"issue_commented", "issue_comment_edited", "issue_comment_deleted"})


class ChangedField(Struct, frozen=True, kw_only=True):
    """One item of a changelog: the readable values and the ids behind them ("" for none).

    `field` and `field_id` are casefolded: JIRA writes `Key` here and `summary` there.
    """

    field: str
    field_id: str = ""
    before: str = ""
    after: str = ""
    before_id: str = ""
    after_id: str = ""

    def is_field(self, *names: str) -> bool:
        """Say whether the item is of the field with one of these names or ids."""
        return self.field in names or self.field_id in names


class Event(Struct, frozen=True, kw_only=True):
    """One event. `issue`, `comment` and `named` are JIRA's own JSON, read by `t5g.jira_payloads`.

    `named`: the sprint, version, project or person that the event is about (`NAMED_IN`).

    `delivery` is the same for each repetition of one delivery; `subject` is the issue's numeric
    id, else its key, else "": events with the same subject have an order.
    """

    kind: Kind
    name: str
    at: datetime
    delivery: str
    retry: int = 0
    subject: str = ""
    detail: str = ""
    issue: Mapping[str, Any] | None = None
    comment: Mapping[str, Any] | None = None
    named: Mapping[str, Any] | None = None
    issue_id: str = ""
    changelog: tuple[ChangedField, ...] = ()
    linked: tuple[str, ...] = ()
    #: It says neither what kind of update it is nor what changed, as JIRA before 7 does.
    bare: bool = False

    @property
    def seen(self) -> datetime:
        """The moment at which what it tells was true for sure, by our clock."""
        return self.at + BEHIND

    @property
    def family(self) -> str:
        """A word for metrics, from a short list."""
        if self.kind is not Kind.OTHER:
            return self.kind.value.removeprefix("jira:")
        return family(self.name)


class Unreadable(Struct, frozen=True, kw_only=True):
    """JSON of a known event in an unknown shape: kept whole until somebody looks."""

    name: str
    delivery: str
    reason: str
    at: datetime
    subject: str = ""

    @property
    def family(self) -> str:
        """A word for metrics, from a short list."""
        return family(self.name)


NO_JSON = Refusal(status=400, reason="no_json", message="The body is no JSON object.")


class ShapeError(ValueError):
    """A part of an event is not what it should be."""


class EventReader:
    """Reads deliveries. `fields`: of an issue, only these are read.

    Leaving the rest out (JIRA sends hundreds of fields) saves most of the work. A field that a body
    does not have is not there afterwards either: only null is null. What does not have the usual
    shape is read as whatever it is, and judged by the same rules.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        names = sorted(set(fields))
        #: The names of the struct's attributes; a field's own where that can be one.
        slots = {n if n.isidentifier() and not iskeyword(n) else f"_{i}": n
                 for i, n in enumerate(names)}  # fmt: skip
        self._renamed = {slot: name for slot, name in slots.items() if slot != name}
        shape: Any = msgspec.defstruct(
            "Fields",
            [(slot, Any, UNSET) for slot in slots],
            rename=slots,
            gc=False,
        )
        issue: Any = msgspec.defstruct(
            "Issue", [("id", Any, None), ("key", Any, None), ("fields", shape | None, UNSET)]
        )
        self._decode = msgspec.json.Decoder(
            msgspec.defstruct(
                "Envelope",
                [(name, issue | None if name == "issue" else Any, None) for name in _ENVELOPE],
            )
        ).decode

    def read(
        self, body: bytes, headers: Mapping[str, str], *, received: datetime
    ) -> Event | Unreadable | Refusal:
        """Read one delivery. It never raises, whatever the bytes are."""
        try:
            found = self._dicts(self._decode(body))
        except msgspec.ValidationError:
            return read_event(body, headers, received=received)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return NO_JSON
        return _read(found, body, headers, received)

    def _dicts(self, envelope: Any) -> dict[str, Any]:
        """Turn the structs back into JSON: of an issue's fields only those that it came with."""
        found = asdict(envelope)
        if found["issue"] is not None:
            issue = found["issue"] = asdict(found["issue"])
            if issue["fields"] is UNSET:
                del issue["fields"]
            elif issue["fields"] is not None:
                issue["fields"] = self._fields(issue["fields"])
        return found

    def _fields(self, struct: Any) -> dict[str, Any]:
        fields = {slot: value for slot, value in asdict(struct).items() if value is not UNSET}
        for slot, name in self._renamed.items():
            if slot in fields:
                fields[name] = fields.pop(slot)
        return fields


_ENVELOPE = (
    "webhookEvent", "timestamp", "issue_event_type_name", "issue", "comment", "changelog",
    "property", "issueLink", *sorted(set(NAMED_IN.values())),
)  # fmt: skip


def read_event(
    body: bytes, headers: Mapping[str, str], *, received: datetime
) -> Event | Unreadable | Refusal:
    """Read one delivery with all its fields. It never raises, whatever the bytes are."""
    try:
        found = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NO_JSON
    return _read(found, body, headers, received) if isinstance(found, dict) else NO_JSON


def _read(
    found: dict[str, Any], body: bytes, headers: Mapping[str, str], received: datetime
) -> Event | Unreadable:
    delivery = delivery_of(body)
    name = found.get("webhookEvent")
    try:
        return _event(found, delivery, _retry(headers), received)
    except ShapeError as error:
        return Unreadable(
            name=str(name)[:100],
            delivery=delivery,
            reason=str(error),
            at=received,
            subject=_subject_of_any(found),
        )


def delivery_of(body: bytes) -> str:
    """Return what is the same for each repetition: a hash of the body, which is what was signed.

    JIRA's own identifier of a delivery is not signed. Who repeats a signed body under another one
    would be taken for a new event, and under that of another event would make us lose that one.
    """
    return "body-" + sha256(body).hexdigest()[:40]


def family(name: str) -> str:
    """Return the family of an event's name if it is known, else `other`."""
    found = _FAMILY.match(name)
    return found[1] if found and found[1] in FAMILIES else "other"


def _event(found: Mapping[str, Any], delivery: str, retry: int, received: datetime) -> Event:
    name = found.get("webhookEvent")
    kind = _KINDS.get(name, Kind.OTHER) if isinstance(name, str) else Kind.OTHER
    at = _moment(found.get("timestamp"), received)
    shown = name[:100] if isinstance(name, str) else ""
    if kind is Kind.OTHER:
        return Event(kind=kind, name=shown, at=at, delivery=delivery, retry=retry)
    issue, comment = _issue(found, kind), _comment(found, kind)
    issue_id = _text(issue.get("id")) if issue else _issue_id_of(comment)
    key = _text(issue.get("key")) if issue else ""
    return Event(
        kind=kind,
        name=shown,
        at=at,
        delivery=delivery,
        retry=retry,
        subject=issue_id or key,
        detail=_detail(found, kind),
        issue=issue,
        comment=comment,
        named=_named(found, kind),
        issue_id=issue_id,
        changelog=_changelog(found.get("changelog")),
        linked=_linked(found, kind),
        bare=found.get("issue_event_type_name") is None and found.get("changelog") is None,
    )


_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.OTHER}


def _moment(timestamp: Any, received: datetime) -> datetime:
    """The event's own time. One far ahead of our clock is a mistake that would win for ever."""
    at = parse_time(timestamp)
    return at if at is not None and at + BEHIND <= latest_believed(received) else received


def _issue(found: Mapping[str, Any], kind: Kind) -> Mapping[str, Any] | None:
    issue = found.get("issue")
    if issue is None and kind not in ISSUE_KINDS:
        return None
    if not isinstance(issue, dict):
        raise ShapeError(f"{kind.value} without an issue object")
    if not isinstance(issue.get("key"), str) or not issue["key"]:
        raise ShapeError(f"{kind.value}: the issue has no key")
    if not isinstance(issue.get("fields"), dict | None):
        raise ShapeError(f"{kind.value}: the fields of {issue['key']} are no object")
    return issue


def _comment(found: Mapping[str, Any], kind: Kind) -> Mapping[str, Any] | None:
    comment = found.get("comment")
    if comment is None and kind not in COMMENT_KINDS:
        return None
    if not isinstance(comment, dict):
        raise ShapeError(f"{kind.value} without a comment object")
    if not _text(comment.get("id")):
        raise ShapeError(f"{kind.value}: the comment has no id")
    return comment


def _named(found: Mapping[str, Any], kind: Kind) -> Mapping[str, Any] | None:
    if kind not in NAMED_IN:
        return None
    named = found.get(NAMED_IN[kind])
    if not isinstance(named, dict):
        raise ShapeError(f"{kind.value} without a {NAMED_IN[kind]} object")
    return named


def _issue_id_of(comment: Mapping[str, Any] | None) -> str:
    """Data Center names the issue of a comment only in the comment's address."""
    match = _ISSUE_OF_COMMENT.search(_text(comment.get("self"))) if comment else None
    return match[1] if match else ""


def _detail(found: Mapping[str, Any], kind: Kind) -> str:
    """The event's subtype: Data Center's type of an update, or the key of a property."""
    if kind in PROPERTY_KINDS:
        prop = found.get("property")
        return _text(prop.get("key")) if isinstance(prop, dict) else ""
    return _text(found.get("issue_event_type_name"))


def _changelog(changelog: Any) -> tuple[ChangedField, ...]:
    items = changelog.get("items") if isinstance(changelog, dict) else None
    if not isinstance(items, list):
        return ()
    return tuple(_changed(item) for item in items if isinstance(item, dict))


def _changed(item: Mapping[str, Any]) -> ChangedField:
    return ChangedField(
        field=_text(item.get("field")).casefold(),
        field_id=_text(item.get("fieldId")).casefold(),
        before=_text(item.get("fromString")),
        after=_text(item.get("toString")),
        before_id=_text(item.get("from")),
        after_id=_text(item.get("to")),
    )


def _linked(found: Mapping[str, Any], kind: Kind) -> tuple[str, ...]:
    if kind not in LINK_KINDS:
        return ()
    link = found.get("issueLink")
    if not isinstance(link, dict):
        raise ShapeError(f"{kind.value} without an issueLink object")
    ids = (_text(link.get("sourceIssueId")), _text(link.get("destinationIssueId")))
    return tuple(found for found in ids if found)


def _subject_of_any(found: Mapping[str, Any]) -> str:
    """The issue of an event that can not be read otherwise, if it says so anywhere."""
    issue, comment = found.get("issue"), found.get("comment")
    if isinstance(issue, dict) and (issue.get("id") or issue.get("key")):
        return _text(issue.get("id") or issue.get("key"))[:100]
    return _issue_id_of(comment) if isinstance(comment, dict) else ""


def _retry(headers: Mapping[str, str]) -> int:
    found = headers.get(RETRY, "")
    return int(found) if found.isascii() and found.isdigit() and len(found) < 6 else 0


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
