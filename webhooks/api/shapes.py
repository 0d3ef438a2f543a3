"""What the API answers, as frozen values: stable names, ISO times in UTC, null for unknown.

What only some may see (restricted comments, issues and bugs) is named, not told.
"""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from t5g.derived import Entry
from t5g.model import Bug, Card, CaseComment, Comment, Escalation, Issue, Person
from webhooks.pages.views.rows import sla


class Shape(Struct, frozen=True, kw_only=True):
    """Base of everything that is answered."""


class PersonShape(Shape, frozen=True):
    """A JIRA user."""

    name: str
    account: str


class SlaShape(Shape, frozen=True):
    """Days open against the SLA; `state`: ok, risk, breached, closed or none (no SLA)."""

    state: str
    days_open: float
    limit_days: float | None
    used: float | None


class CommentShape(Shape, frozen=True):
    """A comment; `body` is null if only some may see it.

    `public`: the Portal says that the customer sees it; `by_customer` null: unknown. Comments on
    cards have neither.
    """

    id: str
    author: str
    created: datetime | None
    body: str | None
    restricted: bool = False
    public: bool | None = None
    by_customer: bool | None = None


class CaseShape(Shape, frozen=True):
    """A case in a list. `crit_sit` and `tags` null: unknown. `updated`: of the case or its card."""

    number: str
    url: str
    summary: str
    status: str
    open: bool
    severity: str
    severity_rank: int | None
    account: str
    product: str
    version: str
    owner: str
    assignee: PersonShape | None
    card: str | None
    internal_status: str | None
    escalated: bool
    crit_sit: bool | None
    potential_escalation: bool
    watchlist: bool
    trend: bool
    untracked: bool
    stale: bool
    no_bugs: bool
    missing_target: bool
    sla: SlaShape
    tags: tuple[str, ...] | None
    labels: tuple[str, ...]
    created: datetime | None
    updated: datetime | None
    closed: datetime | None
    last_comment: CommentShape | None


class CardShape(Shape, frozen=True):
    """A card of the team."""

    key: str
    summary: str
    status: str
    priority: str
    assignee: PersonShape | None
    contributors: tuple[PersonShape, ...]
    labels: tuple[str, ...]
    sprint: str
    created: datetime | None
    updated: datetime | None


class IssueShape(Shape, frozen=True):
    """A linked JIRA issue; restricted: only its key is told."""

    key: str
    restricted: bool
    url: str | None = None
    title: str | None = None
    status: str | None = None
    type: str | None = None
    severity: str | None = None
    priority: str | None = None
    assignee: PersonShape | None = None
    qa_contact: PersonShape | None = None
    fix_versions: tuple[str, ...] | None = None
    private_keywords: tuple[str, ...] | None = None
    updated: datetime | None = None


class BugShape(Shape, frozen=True):
    """A linked bug; restricted: only its number is told."""

    id: int
    restricted: bool
    url: str | None = None
    summary: str | None = None
    status: str | None = None
    severity: str | None = None
    target_release: tuple[str, ...] | None = None
    assignee: str | None = None
    qa_contact: str | None = None
    whiteboard: str | None = None
    updated: datetime | None = None


class EscalationShape(Shape, frozen=True):
    """An escalation that names the case."""

    key: str
    url: str
    title: str
    status: str
    since: datetime | None
    updated: datetime | None


class NotifiedShape(Shape, frozen=True):
    """A person who is told of the case's changes."""

    name: str
    title: str
    kind: str


class FullCaseShape(CaseShape, frozen=True, kw_only=True):
    """All of one case. Null where the Portal did not tell."""

    description: str
    contact: str
    account_number: str
    case_type: str
    upstream_status: str
    group_name: str | None
    notified_users: tuple[NotifiedShape, ...] | None
    relief_at: datetime | None
    resolved_at: datetime | None
    cards: tuple[CardShape, ...]
    issues: tuple[IssueShape, ...]
    bugs: tuple[BugShape, ...]
    escalations: tuple[EscalationShape, ...]
    comments: tuple[CommentShape, ...] | None
    card_comments: tuple[CommentShape, ...]


def case(entry: Entry, now: float, base: str) -> CaseShape:
    """Say a case in short; `base`: the address of the pages."""
    return CaseShape(**_short(entry, now, base))


def full_case(entry: Entry, now: float, base: str) -> FullCaseShape:
    """Say all of one case."""
    found, portal, details = entry.case, entry.case.portal, entry.case.details
    notified, comments = known(details.notified_users), known(details.comments)
    return FullCaseShape(
        **_short(entry, now, base),
        description=portal.description,
        contact=portal.contact,
        account_number=portal.account_number,
        case_type=portal.case_type,
        upstream_status=portal.upstream_status,
        group_name=known(details.group_name),
        notified_users=None
        if notified is None
        else tuple(NotifiedShape(name=x.name, title=x.title, kind=x.kind) for x in notified),
        relief_at=known(details.relief_at),
        resolved_at=known(details.resolved_at),
        cards=tuple(_card(x) for x in found.cards),
        issues=tuple(_issue(x) for x in found.issues),
        bugs=tuple(_bug(x) for x in found.bugs),
        escalations=tuple(_escalation(x) for x in found.escalations),
        comments=None if comments is None else tuple(_case_comment(x) for x in comments),
        card_comments=tuple(_comment(x) for x in found.card_comments),
    )


def _short(entry: Entry, now: float, base: str) -> dict[str, Any]:
    portal, card, last = entry.case.portal, entry.card, entry.last_comment
    return {
        "number": entry.number,
        "url": f"{base}/cases/{entry.number}",
        "summary": portal.summary,
        "status": portal.status,
        "open": entry.open,
        "severity": entry.severity,
        "severity_rank": entry.rank if entry.rank < 9 else None,
        "account": portal.account,
        "product": portal.product,
        "version": portal.version,
        "owner": portal.owner,
        "assignee": person(entry.assignee),
        "card": card.key if card else None,
        "internal_status": entry.internal_status or None,
        "escalated": entry.escalated,
        "crit_sit": entry.crit_sit,
        "potential_escalation": entry.potential_escalation,
        "watchlist": entry.watchlist,
        "trend": entry.trend,
        "untracked": entry.untracked,
        "stale": entry.stale(now),
        "no_bugs": entry.no_bugs,
        "missing_target": bool(entry.missing_target),
        "sla": _sla(entry, now),
        "tags": known(portal.tags),
        "labels": tuple(sorted(entry.labels)),
        "created": portal.created,
        "updated": _latest(portal.updated, card.updated if card else None),
        "closed": portal.closed,
        "last_comment": _comment(last) if last else None,
    }


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _sla(entry: Entry, now: float) -> SlaShape:
    used = entry.sla_used(now) if entry.created else None
    return SlaShape(
        state=sla(entry, now).state,
        days_open=round(entry.days_open(now), 1),
        limit_days=entry.sla_days,
        used=None if used is None else round(used, 2),
    )


def person(found: Person | None) -> PersonShape | None:
    """Say a person; mail addresses stay inside."""
    return PersonShape(name=found.name or found.account, account=found.account) if found else None


def _comment(found: Comment) -> CommentShape:
    author = (found.author.name or found.author.account) if found.author else ""
    body = None if found.restricted else found.body
    return CommentShape(
        id=found.id, author=author, created=found.created, body=body, restricted=found.restricted
    )


def _case_comment(found: CaseComment) -> CommentShape:
    return CommentShape(
        id=found.id,
        author=found.author,
        created=found.created,
        body=found.body,
        public=found.public,
        by_customer=known(found.by_customer),
    )


def _card(found: Card) -> CardShape:
    return CardShape(
        key=found.key,
        summary=found.summary,
        status=found.status,
        priority=found.priority,
        assignee=person(found.assignee),
        contributors=tuple(p for p in map(person, found.contributors) if p),
        labels=found.labels,
        sprint=found.sprint,
        created=found.created,
        updated=found.updated,
    )


def _issue(found: Issue) -> IssueShape:
    if found.restricted:
        return IssueShape(key=found.key, restricted=True)
    return IssueShape(
        key=found.key,
        restricted=False,
        url=found.url,
        title=found.title,
        status=found.status,
        type=found.type,
        severity=found.severity,
        priority=found.priority,
        assignee=person(found.assignee),
        qa_contact=person(found.qa_contact),
        fix_versions=found.fix_versions,
        private_keywords=found.private_keywords,
        updated=found.updated,
    )


def _bug(found: Bug) -> BugShape:
    if found.restricted:
        return BugShape(id=found.id, restricted=True)
    return BugShape(
        id=found.id,
        restricted=False,
        url=found.url,
        summary=found.summary,
        status=found.status,
        severity=found.severity,
        target_release=found.target_release,
        assignee=found.assignee,
        qa_contact=found.qa_contact,
        whiteboard=found.whiteboard,
        updated=found.updated,
    )


def _escalation(found: Escalation) -> EscalationShape:
    return EscalationShape(
        key=found.key,
        url=found.url,
        title=found.title,
        status=found.status,
        since=found.since,
        updated=found.updated,
    )


def known(value: Any | UnsetType) -> Any:
    """Null stands for unknown."""
    return None if value is UNSET else value
