"""Fills a store with made cases of a given number: portal, card, comments, issues and bugs each.

Deterministic, quick, and of the size that real cases have; nothing of it comes from the sandbox,
so that a hundred thousand of them take seconds.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from t5g.model import Bug, Card, Comment, Details, Issue, Person, Portal, Source
from t5g.state import CommentsSeen, DetailsSeen, ListingSeen, Observation, PortalSeen
from t5g.store import Store

SEVERITIES = ("1 (Urgent)", "2 (High)", "3 (Normal)", "4 (Low)")
STATUSES = ("New", "To Do", "Open", "In Progress", "Code Review", "QE Review")
CLOSED_EVERY = 5
ISSUE_EVERY, BUG_EVERY = 3, 4
COMMENTS = 2
AT_ONCE = 1_000
TEXT = (
    "After the upgrade of the cluster the node stays NotReady and the pods of the distributed unit "
    "are not scheduled. The journal of the kubelet names a timeout of the container runtime. "
)


async def fill(store: Store, cases: int, now: datetime | None = None) -> None:
    """Write that many cases."""
    now = now or datetime.now(UTC)
    numbers = iter(range(cases))
    while batch := list(islice(numbers, AT_ONCE)):
        await store.write([seen for n in batch for seen in observations(n, now)], now=now)


def number_of(n: int) -> str:
    """The number of the nth case."""
    return f"{n:08d}"


def observations(n: int, now: datetime) -> Iterator[Observation]:
    """Everything that the syncs would see of the nth case."""
    number, created = number_of(n), now - timedelta(days=1 + n * 7919 % 400, seconds=n % 86_400)
    updated = now - timedelta(hours=n % 400, minutes=n % 60)
    closed = n % CLOSED_EVERY == 0
    yield PortalSeen(
        number=number, seen=now, updated=updated, facts=portal(n, created, updated, closed=closed)
    )
    yield DetailsSeen(number=number, seen=now, updated=updated, facts=Details(crit_sit=n % 50 == 1))
    card = _card(n, number, created, updated, done=closed)
    yield ListingSeen(number=number, source=Source.CARD, seen=now, items={card.key: card})
    yield CommentsSeen(number=number, card=card.key, seen=now, comments=_comments(n, created))
    if n % ISSUE_EVERY == 0:
        issue = _issue(n, updated)
        yield ListingSeen(number=number, source=Source.ISSUES, seen=now, items={issue.key: issue})
    if n % BUG_EVERY == 0:
        bug = _bug(n, updated)
        yield ListingSeen(number=number, source=Source.BUGS, seen=now, items={str(bug.id): bug})


def portal(
    n: int, created: datetime, updated: datetime, *, closed: bool, summary: str = ""
) -> Portal:
    """What a listing of the Portal would say."""
    return Portal(
        number=number_of(n),
        status="Closed" if closed else ("Waiting on Red Hat", "Waiting on Customer")[n % 2],
        severity=SEVERITIES[n % 4],
        account=f"Account {n % 300}",
        account_number=str(500_000 + n % 300),
        owner=f"Owner {n % 40}",
        summary=summary or f"Node {n} not ready after the upgrade of the cluster to 4.{n % 20}",
        description=TEXT * 4,
        product="OpenShift Container Platform",
        version=f"4.{n % 20}",
        tags=("shift_telco5g",),
        created=created,
        updated=updated,
        closed=updated if closed else None,
    )


def _card(n: int, number: str, created: datetime, updated: datetime, *, done: bool) -> Card:
    return Card(
        key=f"T5G-{n + 1}",
        id=f"1{number}",
        summary=f"{number}: Node {n} not ready after the upgrade of the cluster",
        status="Done" if done else STATUSES[n % len(STATUSES)],
        priority="Normal",
        assignee=_person(n) if n % 11 else None,
        labels=("field-support",),
        sprint="Sprint 42",
        created=created,
        updated=updated,
    )


def _person(n: int) -> Person:
    return Person(f"acct-{n % 30}", f"Engineer {n % 30}", f"engineer{n % 30}@example.com")


def _comments(n: int, created: datetime) -> tuple[Comment, ...]:
    return tuple(
        Comment(
            id=str(n * COMMENTS + place),
            author=_person(n + place),
            body=TEXT,
            created=created + timedelta(hours=place + 1),
        )
        for place in range(COMMENTS)
    )


def _issue(n: int, updated: datetime) -> Issue:
    return Issue(
        key=f"OCPBUGS-{n % 2_000}",
        id=str(900_000 + n % 2_000),
        url=f"https://jira.example.com/browse/OCPBUGS-{n % 2_000}",
        title=f"Container runtime times out when {n % 2_000} pods start at once",
        status="ON_QA",
        type="Bug",
        fix_versions=("4.16.z",) if n % 2 else (),
        updated=updated,
    )


def _bug(n: int, updated: datetime) -> Bug:
    return Bug(
        id=2_000_000 + n % 1_500,
        url=f"https://bugzilla.example.com/show_bug.cgi?id={2_000_000 + n % 1_500}",
        summary=f"Interface {n % 1_500} goes down under load",
        status="ASSIGNED",
        target_release=("---",),
        updated=updated,
    )
