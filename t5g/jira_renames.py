"""What is renamed in JIRA without any issue being updated: sprints, versions, projects, people.

Pure: an event's JSON and the cases in, observations out. Each says the same facts with the new
name, as old as they were and seen when the event happened: so the later of two renames wins.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from t5g.jira_payloads import PayloadError, browse_url, person_of
from t5g.jira_projects import Project, Projects
from t5g.model import Card, Case, Comment, Escalation, Issue, Person, Source
from t5g.settings import Settings
from t5g.state import EPOCH, CommentSeen, ItemSeen
from t5g.syncs import Sync

Named = Mapping[str, Any]
K = TypeVar("K", Card, Escalation)


def of_sprint(sprint: Named, cases: Iterable[Case], at: datetime) -> Iterator[ItemSeen]:
    """Yield the cards of a sprint, with the name that it has now. Raises PayloadError."""
    id, name = _told(sprint, "id"), _told(sprint, "name")
    for case in cases:
        for card in case.cards:
            if card.sprint_id == id and card.sprint != name:
                yield _item(case, Source.CARD, replace(card, sprint=name), at)


def fixed_in(version: Named, cases: Iterable[Case]) -> bool:
    """Return whether a linked issue is fixed in a version. Raises PayloadError."""
    id = _told(version, "id")
    return any(id in issue.fix_version_ids for case in cases for issue in case.issues)


def of_version(version: Named, cases: Iterable[Case], at: datetime) -> Iterator[ItemSeen]:
    """Yield the linked issues that are fixed in a version, with its name. Raises PayloadError."""
    id, name = _told(version, "id"), _told(version, "name")
    for case in cases:
        for issue in case.issues:
            if id not in issue.fix_version_ids:
                continue
            known = zip(issue.fix_version_ids, issue.fix_versions, strict=True)
            names = tuple(name if one == id else was for one, was in known)
            if names != issue.fix_versions:
                yield _item(case, Source.ISSUES, replace(issue, fix_versions=names), at)


def of_user(user: Named, cases: Iterable[Case], at: datetime) -> Iterator[ItemSeen | CommentSeen]:
    """Yield what names a person, by account, with what they are called now. Raises PayloadError.

    An e-mail address that is not shown (Cloud leaves it out) stays as it is known.
    """
    told = person_of(user)
    if told is None or not told.account:
        raise PayloadError("JIRA user without an account")

    def now(person: Person | None) -> Person | None:
        if person is None or person.account != told.account:
            return person
        return replace(told, name=told.name or person.name, email=told.email or person.email)

    for case in cases:
        for card in case.cards:
            people = tuple(found for one in card.contributors if (found := now(one)))
            yield from _changed(
                case, Source.CARD, card,
                replace(card, assignee=now(card.assignee), contributors=people), at,
            )  # fmt: skip
        for issue in case.issues:
            named = replace(issue, assignee=now(issue.assignee), qa_contact=now(issue.qa_contact))
            yield from _changed(case, Source.ISSUES, issue, named, at)
        for key, comments in case.comments.items():
            for comment in comments:
                if (author := now(comment.author)) != comment.author:
                    yield _comment(case, key, replace(comment, author=author), at)


def of_project(
    project: Named, cases: Iterable[Case], projects: Projects, settings: Settings, at: datetime
) -> Iterator[ItemSeen | CommentSeen | Sync]:
    """Yield the cards and escalations of a project under the keys that they have now.

    Their numbers stay. The syncs look too: they keep the project's new key. Of the projects of
    linked issues the old key is not told; their sync looks. Raises PayloadError.
    """
    id, key = _told(project, "id"), _told(project, "key")
    cases = list(cases)

    def ours(known: Project) -> bool:
        return id == known.id if known.id else key in known.keys

    def under(item: K) -> K | None:
        prefix, _, number = item.key.rpartition("-")
        return None if prefix == key else replace(item, key=f"{key}-{number}")

    if ours(projects.cards):
        yield Sync.CARDS
        keys = projects.cards.is_key_of
        for case in cases:
            for card in case.cards:
                if keys(card.key) and (now := under(card)):
                    yield from _moved(case, Source.CARD, card, now, at)
                    for comment in case.comments.get(card.key, ()):
                        yield _comment(case, now.key, comment, at)
    if ours(projects.escalations):
        yield Sync.ESCALATIONS
        keys = projects.escalations.is_key_of
        for case in cases:
            for known in case.escalations:
                if keys(known.key) and (new := under(known)):
                    new = replace(new, url=browse_url(new.key, settings))
                    yield from _moved(case, Source.ESCALATION, known, new, at)
    linked = {issue.key.rpartition("-")[0] for case in cases for issue in case.issues}
    if linked and key not in linked and not ours(projects.cards):
        yield Sync.ISSUES


def _told(named: Named, name: str) -> str:
    value = named.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise PayloadError(f"JIRA tells no {name} of what was renamed")
    return str(value)


Facts = Card | Issue | Escalation


def _changed(
    case: Case, source: Source, before: Facts, now: Facts, at: datetime
) -> Iterator[ItemSeen]:
    if now != before:
        yield _item(case, source, now, at)


def _item(case: Case, source: Source, facts: Facts, at: datetime) -> ItemSeen:
    return ItemSeen(
        number=case.number, source=source, key=facts.key, facts=facts,
        updated=facts.updated or EPOCH, seen=at,
    )  # fmt: skip


def _moved(
    case: Case, source: Source, before: Facts, now: Facts, at: datetime
) -> Iterator[ItemSeen]:
    yield replace(_item(case, source, before, at), facts=None)
    yield _item(case, source, now, at)


def _comment(case: Case, key: str, comment: Comment, at: datetime) -> CommentSeen:
    return CommentSeen(
        number=case.number, card=key, id=comment.id, facts=comment,
        updated=comment.updated or comment.created or EPOCH, seen=at,
    )  # fmt: skip
