"""What a case is: the facts of each source as frozen values, in the upstream's own words.

Values only. Clients build them from what upstreams send; nothing here knows where they come from,
where they are kept, or what time it is. Times are aware UTC. A fact that a source can not know is
`UNSET` ("unknown"), which is not the same as None ("known to be none").
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

CASE_NUMBER = re.compile(r"\d{8}", re.ASCII)
SUMMARY_NUMBER = re.compile(r"\s*(\d{8})\s*:", re.ASCII)


class Source(StrEnum):
    """Where a part of a case comes from; the fields of its hash in Redis."""

    PORTAL = "portal"
    DETAILS = "details"
    CARD = "card"
    ISSUES = "issues"
    BUGS = "bugs"
    ESCALATION = "escalation"


class Status(StrEnum):
    """The case statuses that mean something to us; any other text passes through."""

    WAITING_ON_RED_HAT = "Waiting on Red Hat"
    WAITING_ON_CUSTOMER = "Waiting on Customer"
    CLOSED = "Closed"


class Value(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all facts: frozen, and only what differs from the default is written."""


class Portal(Value, frozen=True):
    """What a listing of the Portal says of a case. Unknown facts are UNSET."""

    number: str
    status: str = ""
    upstream_status: str = ""
    severity: str = ""
    account: str = ""
    account_number: str = ""
    owner: str = ""
    contact: str = ""
    summary: str = ""
    description: str = ""
    product: str = ""
    version: str = ""
    case_type: str = ""
    tags: tuple[str, ...] | UnsetType = UNSET
    bug_ids: tuple[int, ...] | UnsetType = UNSET
    created: datetime | None = None
    updated: datetime | None = None
    closed: datetime | None = None


class NotifiedUser(Value, frozen=True):
    """A person who is told of the case's changes."""

    name: str
    title: str = ""
    kind: str = ""


class CaseComment(Value, frozen=True):
    """A comment on the case in the Portal; `public`: it is told that the customer sees it."""

    id: str
    author: str = ""
    body: str = ""
    public: bool = False
    by_customer: bool | UnsetType = UNSET
    created: datetime | None = None


class Details(Value, frozen=True):
    """What only a look at the single case tells. Unknown facts are UNSET."""

    crit_sit: bool | UnsetType = UNSET
    group_name: str | UnsetType | None = UNSET
    notified_users: tuple[NotifiedUser, ...] | UnsetType = UNSET
    relief_at: datetime | UnsetType | None = UNSET
    resolved_at: datetime | UnsetType | None = UNSET
    bug_ids: tuple[int, ...] | UnsetType = UNSET
    issue_keys: tuple[str, ...] | UnsetType = UNSET
    comments: tuple[CaseComment, ...] | UnsetType = UNSET


class Person(Value, frozen=True):
    """A JIRA user: `account` is the accountId (Cloud) or the name (Data Center), "" if none."""

    account: str
    name: str = ""
    email: str = ""


class Comment(Value, frozen=True):
    """A comment on a card; `restricted`: only some may see it."""

    id: str
    author: Person | None = None
    body: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    restricted: bool = False


class Card(Value, frozen=True):
    """The team's JIRA issue for a case, without its comments (they are kept apart).

    `sprint_id`: by which the sprint is found when it is renamed.
    """

    key: str
    id: str = ""
    summary: str = ""
    status: str = ""
    priority: str = ""
    assignee: Person | None = None
    contributors: tuple[Person, ...] = ()
    labels: tuple[str, ...] = ()
    sprint: str = ""
    sprint_id: str = ""
    created: datetime | None = None
    updated: datetime | None = None


class Issue(Value, frozen=True):
    """A JIRA issue (a defect) linked to a case. `restricted`: it exists, we may not read it.

    `fix_version_ids`: by which fix versions are found when they are renamed; none if unknown.
    """

    key: str
    id: str = ""
    url: str = ""
    title: str = ""
    status: str = ""
    type: str = ""
    severity: str = ""
    priority: str = ""
    assignee: Person | None = None
    qa_contact: Person | None = None
    fix_versions: tuple[str, ...] = ()
    fix_version_ids: tuple[str, ...] = ()
    private_keywords: tuple[str, ...] = ()
    restricted: bool = False
    updated: datetime | None = None


class Bug(Value, frozen=True):
    """A Bugzilla bug linked to a case. `restricted`: it exists (or is gone), we may not read it."""

    id: int
    url: str = ""
    summary: str = ""
    status: str = ""
    severity: str = ""
    target_release: tuple[str, ...] = ()
    assignee: str = ""
    qa_contact: str = ""
    whiteboard: str = ""
    restricted: bool = False
    updated: datetime | None = None


class Escalation(Value, frozen=True):
    """An open escalation issue that names the case."""

    key: str
    id: str = ""
    url: str = ""
    title: str = ""
    status: str = ""
    since: datetime | None = None
    updated: datetime | None = None


class Case(Struct, frozen=True, kw_only=True):
    """All that is known of one case. `cards` has the one to work with first."""

    portal: Portal
    details: Details = Details()
    cards: tuple[Card, ...] = ()
    comments: Mapping[str, tuple[Comment, ...]] = msgspec.field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    bugs: tuple[Bug, ...] = ()
    escalations: tuple[Escalation, ...] = ()

    @property
    def number(self) -> str:
        """The 8-digit case number."""
        return self.portal.number

    @property
    def card(self) -> Card | None:
        """The card to work with, if any."""
        return self.cards[0] if self.cards else None

    @property
    def card_comments(self) -> tuple[Comment, ...]:
        """The comments of the card to work with, oldest first."""
        return self.comments.get(self.cards[0].key, ()) if self.cards else ()


def is_case_number(text: str) -> bool:
    """Say whether `text` is exactly eight ASCII digits (escalation records `EN-…` are not)."""
    return CASE_NUMBER.fullmatch(text) is not None


def number_of_summary(summary: str) -> str | None:
    """Return the case number that begins a card's summary (`01234567: …`), if one does."""
    found = SUMMARY_NUMBER.match(summary)
    return found.group(1) if found else None


def to_builtins(value: Any) -> Any:
    """Turn a value into plain JSON types (datetimes as ISO 8601 text in UTC)."""
    return msgspec.to_builtins(value)
