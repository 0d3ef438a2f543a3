"""The Portal's cases: plain records, and the only way to change them.

Words are neutral (`waiting_red_hat`, severity 1 to 4): each dialect has its own for them. Knows no
HTTP. Changes go through the methods, because answers are kept until `revision` says otherwise.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final

WAITING_RED_HAT: Final = "waiting_red_hat"
WAITING_CUSTOMER: Final = "waiting_customer"
CLOSED: Final = "closed"

CUSTOMER: Final = "Customer"
ASSOCIATE: Final = "Associate"


@dataclass(slots=True)
class PortalComment:
    """A comment on a case; `kind` says who wrote it: Associate or Customer."""

    id: str
    author: str
    body: str
    public: bool
    kind: str
    created: datetime


@dataclass(slots=True)
class NotifiedUser:
    """Somebody who is told of a case's changes."""

    sso_username: str
    title: str = ""
    type: str = "INTERNAL"


@dataclass(slots=True)
class LinkedBug:
    """A bug that is linked to a case."""

    number: int
    url: str
    summary: str = ""
    status: str = "NEW"
    linked: datetime | None = None


@dataclass(slots=True)
class LinkedJira:
    """A JIRA issue that is linked to a case."""

    key: str
    url: str
    title: str = ""
    status: str = "New"
    modified: datetime | None = None


@dataclass(slots=True, kw_only=True)
class SupportCase:
    """A support case. `status` and `severity` that are no known word pass through as they are.

    `odd` replaces rendered fields verbatim, by the dialect's own field names: for malformed cases.
    A `restricted` case is left out of listings and answered with 403. `record` tells two records
    apart that stand for one number.
    """

    number: str
    account_name: str = ""
    account_number: str = ""
    contact: str = ""
    contact_sso: str = ""
    owner: str = ""
    owner_is_group: bool = False
    status: str = WAITING_RED_HAT
    severity: int | str = 3
    case_type: str = "Defect / Bug"
    product: str = "OpenShift Container Platform"
    version: str = ""
    summary: str = ""
    description: str = ""
    created: datetime
    modified: datetime
    closed: datetime | None = None
    tags: list[str] = field(default_factory=list)
    group_name: str = ""
    crit_sit: bool = False
    relief_at: datetime | None = None
    resolved_at: datetime | None = None
    notified_users: list[NotifiedUser] = field(default_factory=list)
    bugzillas: list[LinkedBug] = field(default_factory=list)
    jiras: list[LinkedJira] = field(default_factory=list)
    comments: list[PortalComment] = field(default_factory=list)
    record_type: str = "Technical Support"
    restricted: bool = False
    odd: dict[str, Any] = field(default_factory=dict)
    record: str = ""

    @property
    def id(self) -> str:
        """The record's id, as Salesforce writes one."""
        return f"500Hn0000{(self.record or self.number).replace('-', ''):0>9.9}IAC"

    @property
    def is_closed(self) -> bool:
        """Whether the case is closed."""
        return self.status == CLOSED

    @property
    def is_case(self) -> bool:
        """Whether this is a case, and not an escalation record (`EN-…`)."""
        return self.number.isdigit()


_FIELDS: Final = frozenset(one.name for one in fields(SupportCase))


class PortalState:
    """All cases by number. `clock` tells the time of changes, kept in whole seconds."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.cases: dict[str, SupportCase] = {}
        #: Escalation records, which get into GraphQL's results though they are no cases.
        self.records: dict[str, SupportCase] = {}
        self.revision = 0
        self._clock = clock
        self._comment_ids = itertools.count(1)

    def now(self) -> datetime:
        """The time as the Portal writes it down: whole seconds."""
        return self._clock().replace(microsecond=0)

    def everything(self) -> Iterator[SupportCase]:
        """All cases, then all escalation records."""
        yield from self.cases.values()
        yield from self.records.values()

    def find(self, number: str) -> SupportCase | None:
        """The case or escalation record of that number."""
        return self.cases.get(number) or self.records.get(number)

    # changes

    def add_case(self, number: str, **facts: Any) -> SupportCase:
        """Open a case (or add an escalation record); times not given are now."""
        now = self.now()
        created = facts.pop("created", now)
        modified = facts.pop("modified", created)
        case = SupportCase(number=number, created=created, modified=modified, **facts)
        (self.cases if case.is_case else self.records)[number] = case
        self.revision += 1
        return case

    def update_case(self, number: str, **changes: Any) -> SupportCase:
        """Change facts of a case; it counts as modified now unless `modified` is given.

        Raises KeyError for an unknown case and ValueError for an unknown fact.
        """
        if unknown := sorted(set(changes) - _FIELDS):
            raise ValueError(f"a case has no {', '.join(unknown)}")
        case = self.cases[number]
        for name, value in {"modified": self.now(), **changes}.items():
            setattr(case, name, value)
        self.revision += 1
        return case

    def add_comment(
        self,
        number: str,
        author: str,
        body: str,
        *,
        public: bool = True,
        kind: str = ASSOCIATE,
        created: datetime | None = None,
    ) -> PortalComment:
        """Comment on a case; `created` writes history and leaves the case's own time alone."""
        comment = PortalComment(
            id=f"a0aHn{next(self._comment_ids):010d}IAI",
            author=author,
            body=body,
            public=public,
            kind=kind,
            created=created or self.now(),
        )
        self.cases[number].comments.append(comment)
        self.revision += 1
        if created is None:
            self.update_case(number)
        return comment

    def close_case(self, number: str) -> SupportCase:
        """Close a case now; it is resolved now if it was not before."""
        now = self.now()
        resolved = self.cases[number].resolved_at or now
        return self.update_case(number, status=CLOSED, closed=now, resolved_at=resolved)

    def reopen_case(self, number: str) -> SupportCase:
        """Open a closed case again: our turn."""
        return self.update_case(number, status=WAITING_RED_HAT, closed=None, resolved_at=None)

    def remove_case(self, number: str) -> None:
        """Let a case vanish from the Portal."""
        del self.cases[number]
        self.revision += 1
