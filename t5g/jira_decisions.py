"""What an event of JIRA means for our cases: the observations to write. Pure.

An issue may be a team card, a defect linked to cases and an escalation at once; each view decides
for itself. Every event also says what it ended (a number that left a summary, a label, a key), so
that a history ends in the same state in whatever order its events arrive. What an event can not
tell is left to a sync, which the decision asks for.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from msgspec import Struct

from t5g.derived import Entry
from t5g.jira_events import (
    COMMENT_KINDS,
    COMMENT_TYPES,
    ISSUE_KINDS,
    LINK_KINDS,
    NAMED_IN,
    Event,
    Kind,
)
from t5g.jira_payloads import (
    CASE_LINKS_PROPERTY,
    card_of,
    comment_of,
    comments_of,
    escalated_cases,
    escalation_of,
    finished,
    issue_of,
    labels_of,
    number_of_card,
    numbers_in,
    parse_time,
)
from t5g.jira_projects import Project, Projects
from t5g.jira_renames import fixed_in, of_project, of_sprint, of_user, of_version
from t5g.model import Card, Escalation, Issue, Source, number_of_summary
from t5g.settings import Settings
from t5g.state import EPOCH, CommentSeen, CommentsSeen, ItemSeen, Observation
from t5g.syncs import Sync


class Outcome(StrEnum):
    """What became of an event; words of the metric `t5g_jira_events_total`."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    NOT_OURS = "not_ours"
    IGNORED = "ignored"
    LATER = "later"
    DUPLICATE = "duplicate"
    PARKED = "parked"


class Decision(Struct, frozen=True, kw_only=True):
    """What to write, and which syncs must look because the event does not say enough."""

    outcome: Outcome
    observations: tuple[Observation, ...] = ()
    resyncs: tuple[Sync, ...] = ()


class Lookup(Protocol):
    """What a decision may ask of the board."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All cases by number."""
        ...

    def get(self, number: str) -> Entry | None:
        """Return the case of that number."""
        ...

    def by_card(self, key: str) -> Set[str]:
        """Numbers of the cases that the card belongs to."""
        ...

    def by_issue(self, key: str) -> Set[str]:
        """Numbers of the cases that the issue is linked to."""
        ...

    def by_escalation(self, key: str) -> Set[str]:
        """Numbers of the cases that the escalation names."""
        ...

    def by_jira_id(self, issue_id: str) -> Set[str]:
        """Numbers of the cases with a card, issue or escalation of that numeric id."""
        ...


Part = Observation | Sync
Facts = Card | Issue | Escalation
F = TypeVar("F", Card, Issue, Escalation)

#: Of an issue without one of these nothing is written but what its comments say.
NEEDED = ("summary", "status", "updated")
#: JIRA always has these of an issue, empty or not: null tells no more than no field at all.
NEVER_NULL = frozenset({*NEEDED, "created", "fixVersions", "issuetype", "labels"})
#: Fields that each whole issue has, whatever fields an installation has made.
COMMON = NEVER_NULL | {"assignee", "priority"}


def decide(event: Event, lookup: Lookup, settings: Settings, projects: Projects) -> Decision:
    """Decide what `event` means; `PayloadError` if a part of it can not be read."""
    if event.kind in ISSUE_KINDS:
        return _decision(_of_issue(_Seen(event, lookup, settings, projects)))
    if event.kind in COMMENT_KINDS:
        return _of_comment_event(event, lookup, settings, projects)
    if event.kind in LINK_KINDS:
        known = any(lookup.by_jira_id(issue_id) for issue_id in event.linked)
        return _decision([Sync.ISSUES] if known else [])
    if event.kind in NAMED_IN:
        return _decision(_of_named(event, lookup, settings, projects))
    if event.kind in (Kind.SPRINT_STARTED, Kind.SPRINT_CLOSED, Kind.SPRINT_DELETED):
        return _decision([Sync.CARDS])
    if event.kind is not Kind.OTHER and event.detail == CASE_LINKS_PROPERTY:
        return _decision([Sync.ESCALATIONS])
    return Decision(outcome=Outcome.IGNORED)


def looks_back(event: Event) -> bool:
    """Say whether deciding needs all that was written just before: a card moves, or hides."""
    if event.issue is None:
        return event.kind in COMMENT_KINDS | LINK_KINDS | NAMED_IN.keys()
    if event.kind in ISSUE_KINDS and not (event.issue.get("fields") or {}).keys() >= COMMON:
        return True  # what its body leaves out stays as it is known
    return any(item.is_field("key", "summary") for item in event.changelog)


def _decision(parts: Iterable[Part]) -> Decision:
    observations, resyncs = list[Observation](), list[Sync]()
    for part in parts:
        if isinstance(part, Sync):
            resyncs.append(part)
        else:
            observations.append(part)
    return Decision(
        outcome=Outcome.APPLIED if observations or resyncs else Outcome.NOT_OURS,
        observations=tuple(observations),
        resyncs=tuple(dict.fromkeys(resyncs)),
    )


def _of_named(
    event: Event, lookup: Lookup, settings: Settings, projects: Projects
) -> Iterator[Part]:
    """See what a sprint, a version, a project or a person is called now, in all that names it.

    No event tells of the issues that do, and their `updated` stays.
    """
    named, at = event.named or {}, event.seen
    cases = [entry.case for entry in lookup.entries.values()]
    match event.kind:
        case Kind.SPRINT_UPDATED:
            parts = list(of_sprint(named, cases, at))
            yield from parts
            if parts and settings.jira_cards == "sprint":
                yield Sync.CARDS  # which sprints count may go by their names
        case Kind.PROJECT_UPDATED:
            yield from of_project(named, cases, projects, settings, at)
        case Kind.USER_UPDATED:
            yield from of_user(named, cases, at)
        case Kind.VERSION_DELETED:
            if fixed_in(named, cases):
                yield Sync.ISSUES  # what they are fixed in instead, the event does not tell
        case _:
            yield from of_version(named, cases, at)


def _of_issue(seen: "_Seen") -> Iterator[Part]:
    yield from _of_card(seen)
    yield from _of_defect(seen)
    yield from _of_escalation(seen)


class _Seen:
    """An event of an issue, with what each view of it asks."""

    def __init__(
        self, event: Event, lookup: Lookup, settings: Settings, projects: Projects
    ) -> None:
        self.event, self.lookup, self.settings = event, lookup, settings
        self.projects = projects
        self.issue: Mapping[str, Any] = event.issue or {}
        fields: Any = self.issue.get("fields")
        self.fields: Mapping[str, Any] = fields if isinstance(fields, dict) else {}
        self.key = str(self.issue.get("key") or "")
        self.deleted = event.kind is Kind.ISSUE_DELETED
        #: None: the event does not tell them.
        self.labels = labels_of(self.issue) if self.told("labels") else None
        self.updated = parse_time(self.fields.get("updated"), settings.jira_zone) or event.at
        #: A deletion does not touch `updated`; it is the last thing that happens.
        self.gone_at = max(self.updated, event.at) if self.deleted else self.updated
        #: Keys that the issue had until this event.
        self.old_keys = {text for text in self.before("key") if text != self.key and "-" in text}

    def told(self, field: str) -> bool:
        """Say whether the event tells what the issue has in a field."""
        found = self.fields.get(field)
        return found is not None or (field in self.fields and field not in NEVER_NULL)

    def tells_enough(self, label: str = "") -> bool:
        """Say whether the event tells what a view must know; `label`: whether it asks for one."""
        if self.deleted:
            return True
        return all(map(self.told, NEEDED)) and not (label and self.labels is None)

    def with_known(self, facts: F, before: F | None, fields: Mapping[str, str]) -> F:
        """Return facts with what the event does not tell as it was; `fields` by fact."""
        untold = {
            name: getattr(before, name)
            for name, field in fields.items()
            if before is not None and not self.told(field)
        }
        return msgspec.structs.replace(facts, **untold)

    def touches(self, *fields: str) -> bool:
        """Say whether the event changed one of these fields."""
        return any(item.is_field(*fields) for item in self.event.changelog)

    def before(self, field: str) -> list[str]:
        """What a field said before, in both forms of the changelog."""
        return [
            text
            for item in self.event.changelog
            if item.is_field(field)
            for text in (item.before, item.before_id)
            if text
        ]

    def replaced_keys(self, kind: Literal["cards", "escalations"]) -> set[str]:
        """Return other keys under which the issue is known: it was moved, or its project renamed.

        JIRA tells of a renamed project's issues nothing; each has its new key from then on.
        """
        id, found = self.event.issue_id, set[str]()
        for number in self.lookup.by_jira_id(id) if id else ():
            entry = self.lookup.get(number)
            items: Iterable[Card | Escalation] = getattr(entry.case, kind) if entry else ()
            found |= {
                item.key
                for item in items
                if item.id == id and (item.updated or EPOCH) <= self.updated
            }
        return found - {self.key}

    def marked(self, project: Project, label: str) -> bool:
        """Say whether the issue is in the project and has the label (empty: any)."""
        return project.has(self.issue) and (not label or label in (self.labels or ()))

    def could_be_marked(self, project: Project, label: str) -> bool:
        """Say whether the issue is marked, or was until this event, as far as it tells."""
        if not project.has(self.issue) and not any(map(project.is_key_of, self.old_keys)):
            return False
        labelled = not label or self.labels is None or label in self.labels
        return labelled or any(label in text.split() for text in self.before("labels"))

    def item(self, number: str, source: Source, facts: Facts) -> ItemSeen:
        """The case has this item now."""
        return ItemSeen(
            number=number,
            source=source,
            key=facts.key,
            facts=facts,
            updated=self.updated,
            seen=self.event.seen,
        )

    def gone(self, number: str, source: Source, key: str) -> ItemSeen:
        """The case has this item no longer."""
        return ItemSeen(
            number=number,
            source=source,
            key=key,
            facts=None,
            updated=self.gone_at,
            seen=self.event.seen,
        )


def _of_card(seen: _Seen) -> Iterator[Part]:
    """See the issue as a team card: of the case whose number begins its summary."""
    settings, lookup = seen.settings, seen.lookup
    project, label = seen.projects.cards, settings.jira_label
    seen.old_keys |= seen.replaced_keys("cards")
    known = lookup.by_card(seen.key) or {
        number for key in seen.old_keys for number in lookup.by_card(key)
    }
    candidate = bool(known) or seen.could_be_marked(project, label)
    if not candidate and not any(lookup.by_card(key) for key in seen.old_keys):
        return
    before = _known_card(seen, known)
    if before is not None and seen.labels is None and not seen.touches("labels"):
        seen.labels = before.labels
    if not seen.tells_enough(label):
        yield from _comments(seen, known)
        yield Sync.CARDS
        return
    now = set[str]()
    number = number_of_card(seen.issue)
    if seen.marked(project, label) and not seen.deleted:
        now = {number} if number else set(known)
        if not now:
            yield Sync.CARDS  # whose it is may stand in a remote link
    if settings.jira_cards == "sprint" and (now - known or seen.touches("sprint")):
        # Which sprints count is known to the sync alone; it brings what belongs there.
        yield Sync.CARDS
        now, number = now & known, None
    card = card_of(seen.issue, settings)
    whole = seen.with_known(card, before, _card_fields(settings))
    if now and whole != card:
        yield Sync.CARDS  # what the event did not tell may have changed too
    yield from (seen.item(n, Source.CARD, whole) for n in sorted(now))
    yield from _cards_left(seen, now, known, number)
    if now:
        yield from _comments(seen, now)
        yield from _carried_comments(seen, now, known)
        if now - known and seen.touches("labels", "key", "summary"):
            yield Sync.CARDS  # it became ours, and we may not know its comments


def _known_card(seen: _Seen, numbers: Set[str]) -> Card | None:
    """What is known of the card."""
    for number in sorted(numbers):
        entry = seen.lookup.get(number)
        for card in entry.case.cards if entry else ():
            if card.key == seen.key or (card.id and card.id == seen.event.issue_id):
                return card
    return None


def _card_fields(settings: Settings) -> Mapping[str, str]:
    ids = settings.jira_fields
    return {
        "priority": "priority", "assignee": "assignee", "contributors": ids.contributors,
        "labels": "labels", "sprint": ids.sprint, "sprint_id": ids.sprint, "created": "created",
    }  # fmt: skip


def _defect_fields(settings: Settings) -> Mapping[str, str]:
    ids = settings.jira_fields
    return {
        "type": "issuetype", "severity": ids.severity, "priority": "priority",
        "assignee": "assignee", "qa_contact": ids.qa_contact, "fix_versions": "fixVersions",
        "fix_version_ids": "fixVersions", "private_keywords": ids.private_keywords,
    }  # fmt: skip


def _cards_left(
    seen: _Seen, now: Set[str], known: Set[str], number: str | None
) -> Iterator[ItemSeen]:
    """The cases that the card left, by this event or by one that we missed."""
    numbers = {n for text in seen.before("summary") if (n := number_of_summary(text))}
    if number:
        numbers.add(number)
    yield from (seen.gone(n, Source.CARD, seen.key) for n in sorted((numbers | known) - now))
    for key in sorted(seen.old_keys):
        left = numbers | now | seen.lookup.by_card(key)
        yield from (seen.gone(n, Source.CARD, key) for n in sorted(left))


def _carried_comments(seen: _Seen, now: Set[str], known: Set[str]) -> Iterator[CommentSeen]:
    """Comments go with a card that changes its case or its key."""
    if not seen.old_keys and not seen.touches("summary"):
        return
    keys = {seen.key, *seen.old_keys}
    numbers = {n for text in seen.before("summary") if (n := number_of_summary(text))}
    homes = numbers | known | now
    for home in sorted(homes):
        entry = seen.lookup.get(home)
        comments = entry.case.comments if entry else {}
        carried = [c for key in sorted(keys) for c in comments.get(key, ())]
        for number in sorted(now):
            for comment in carried:
                yield CommentSeen(
                    number=number,
                    card=seen.key,
                    id=comment.id,
                    facts=comment,
                    updated=comment.updated or comment.created or seen.updated,
                    seen=seen.event.seen,
                )


def _comments(seen: _Seen, numbers: Set[str]) -> Iterator[CommentSeen | CommentsSeen]:
    """Data Center tells of comments in an update of the issue, with all comments it has."""
    event = seen.event
    if event.kind is not Kind.ISSUE_UPDATED:
        return
    if event.comment is not None:
        yield from _one_comment(
            event, seen.key, numbers, seen.settings.jira_zone, deleted=_deletes_comment(event)
        )
    found, complete = comments_of(seen.issue, seen.settings.jira_zone)
    # Other events of JIRA 7 and later may come with an empty list, whatever the issue has.
    complete = complete and (event.detail in COMMENT_TYPES or event.bare)
    if found or complete:
        for number in sorted(numbers):
            yield CommentsSeen(
                number=number, card=seen.key, comments=found, complete=complete, seen=event.seen
            )


def _of_comment_event(
    event: Event, lookup: Lookup, settings: Settings, projects: Projects
) -> Decision:
    """Cloud says which issue, Data Center only its id; its second event says the rest."""
    if event.issue is None:
        places = list(_cards_with_id(lookup, event.issue_id))
        if not places:
            return Decision(outcome=Outcome.LATER)
    else:
        places = list(_places(_Seen(event, lookup, settings, projects)))
    deleted = event.kind is Kind.COMMENT_DELETED
    return _decision(
        part
        for number, key in places
        for part in _one_comment(event, key, {number}, settings.jira_zone, deleted=deleted)
    )


def _places(seen: _Seen) -> Iterator[tuple[str, str]]:
    """Where the comments of the issue are kept: its cards by number and key."""
    lookup, issue_id = seen.lookup, seen.event.issue_id
    numbers = set(lookup.by_card(seen.key))
    label = seen.settings.jira_label if seen.labels is not None else ""
    number = number_of_card(seen.issue)
    if number and seen.marked(seen.projects.cards, label):
        numbers.add(number)
    yield from ((found, seen.key) for found in sorted(numbers))
    yield from (place for place in _cards_with_id(lookup, issue_id) if place[1] != seen.key)


def _cards_with_id(lookup: Lookup, issue_id: str) -> Iterator[tuple[str, str]]:
    if not issue_id:
        return
    for number in sorted(lookup.by_jira_id(issue_id)):
        entry = lookup.get(number)
        cards = entry.case.cards if entry else ()
        yield from ((number, card.key) for card in cards if card.id == issue_id)


def _one_comment(
    event: Event, key: str, numbers: Set[str], zone: tzinfo, *, deleted: bool
) -> Iterator[CommentSeen]:
    comment = comment_of(event.comment or {}, zone)
    for number in sorted(numbers):
        yield CommentSeen(
            number=number,
            card=key,
            id=comment.id,
            facts=None if deleted else comment,
            updated=_later(event.at, comment.updated) if deleted else comment.updated or event.at,
            seen=event.seen,
        )


def _deletes_comment(event: Event) -> bool:
    return event.detail == "issue_comment_deleted"


def _later(at: datetime, other: datetime | None) -> datetime:
    return at if other is None else max(at, other)


def _of_defect(seen: _Seen) -> Iterator[Part]:
    """See the issue as a defect that cases are linked to; a link itself is the Portal's to tell."""
    places = dict(_defects(seen))
    if not places:
        return
    if not seen.tells_enough():
        yield Sync.ISSUES
        return
    facts = issue_of(seen.issue, seen.settings)
    for number, known in sorted(places.items()):
        if known.restricted:
            yield Sync.ISSUES  # it alone knows what may be shown
            continue
        if seen.deleted:
            yield seen.gone(number, Source.ISSUES, seen.key)
        else:
            whole = seen.with_known(facts, known, _defect_fields(seen.settings))
            if whole != facts:
                yield Sync.ISSUES  # what the event did not tell may have changed too
            yield seen.item(number, Source.ISSUES, whole)
        yield from (seen.gone(number, Source.ISSUES, key) for key in _stale_keys(seen, known))


def _defects(seen: _Seen) -> Iterator[tuple[str, Issue]]:
    """The cases linked to the issue, by its key, by an old key or by its id."""
    lookup = seen.lookup
    keys = {seen.key, *seen.old_keys}
    numbers = set().union(*(lookup.by_issue(key) for key in keys))
    for number in numbers | lookup.by_jira_id(seen.event.issue_id):
        entry = lookup.get(number)
        for issue in entry.case.issues if entry else ():
            if issue.key in keys or (issue.id and issue.id == seen.event.issue_id):
                yield number, issue


def _stale_keys(seen: _Seen, known: Issue) -> set[str]:
    """Keys under which the issue is no longer known: it was moved."""
    if known.key != seen.key and (known.updated or seen.updated) < seen.updated:
        return seen.old_keys | {known.key}
    return seen.old_keys


def _of_escalation(seen: _Seen) -> Iterator[Part]:
    """See the issue as an escalation, which names its cases in a field."""
    settings, lookup = seen.settings, seen.lookup
    project, label = seen.projects.escalations, settings.jira_escalation_label
    seen.old_keys |= seen.replaced_keys("escalations")
    known = set().union(*(lookup.by_escalation(key) for key in (seen.key, *seen.old_keys)))
    if not known and not seen.could_be_marked(project, label):
        return
    if not seen.tells_enough(label):
        yield Sync.ESCALATIONS
        return
    named = set(escalated_cases(seen.issue, settings))
    before = set(numbers_in(seen.before(settings.jira_fields.escalated_cases.casefold())))
    now = set[str]()
    if seen.marked(project, label) and not seen.deleted and not finished(seen.issue):
        # An empty field is not "no cases": they may stand in a property, which events leave out.
        now = named or known - before
        if not now:
            yield Sync.ESCALATIONS
    facts = escalation_of(seen.issue, settings)
    for number in sorted(now):
        before_it = _known_escalation(seen, number)
        whole = seen.with_known(facts, before_it, {"since": "created"})
        yield seen.item(number, Source.ESCALATION, whole)
    left = (known | before | named) - now
    yield from (seen.gone(n, Source.ESCALATION, seen.key) for n in sorted(left))
    for key in sorted(seen.old_keys):
        numbers = known | before | named
        yield from (seen.gone(n, Source.ESCALATION, key) for n in sorted(numbers))


def _known_escalation(seen: _Seen, number: str) -> Escalation | None:
    entry = seen.lookup.get(number)
    found = entry.case.escalations if entry else ()
    keys = {seen.key, *seen.old_keys}
    return next((escalation for escalation in found if escalation.key in keys), None)
