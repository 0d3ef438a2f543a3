"""Makes the team's cards in JIRA: one for most cases, in every status of the workflow."""

import random
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.jira.state import JiraIssue
from sandbox.portal.state import SupportCase
from sandbox.scene import (
    CONTRIBUTORS,
    DONE_STATUSES,
    LABEL,
    OPEN_STATUSES,
    PARKED,
    PRIORITY,
    PROJECT,
    World,
    case_page,
)

_WEIGHTS: Final = (14, 14, 22, 22, 10, 8, 10)
_LONGEST_SUMMARY: Final = 255
#: Cards of cases that closed so many days ago were left in the last sprint.
_SPRINT_DAYS: Final = 14


def add_card(world: World, case: SupportCase, place: int, *, escalated: bool) -> JiraIssue:
    """Write the card of a case; `place` is the case's place in the plan."""
    rng = world.rng
    created = min(case.created + timedelta(hours=rng.uniform(0.1, 30)), world.born)
    updated = _updated(rng, case, created, world.born)
    issue = world.jira.create_issue(
        PROJECT,
        card_summary(case, numbered=place % 50 != 7),
        silent=True,
        description=f"Case: {case_page(case.number)}",
        priority=priority_of(case),
        status=_status(rng, case, place),
        assignee=None if place % 9 == 4 else rng.choice(world.engineers).jira,
        labels=_labels(place, escalated=escalated),
        custom=_custom(world),
        created=created,
        updated=updated,
        sprint=_sprint(world, case),
    )
    link_case(world, issue.key, case.number)
    _add_comments(world, issue, updated)
    world.cards[case.number] = issue.key
    return issue


def card_summary(case: SupportCase, *, numbered: bool = True) -> str:
    """`01234567: what the case is about`, on one line and not too long for JIRA."""
    text = f"{case.number}: {case.summary}" if numbered else f"Follow-up of {case.account_name}"
    return " ".join(text.split())[:_LONGEST_SUMMARY]


def priority_of(case: SupportCase) -> str:
    """The priority of the card by the severity of the case."""
    return PRIORITY.get(case.severity if isinstance(case.severity, int) else 3, "Normal")


def link_case(world: World, key: str, number: str) -> None:
    """Link the card to its case in the Portal."""
    world.jira.add_remote_link(
        key, case_page(number), "Support Case", global_id=f"system=portal&case={number}"
    )


def add_chores(world: World) -> None:
    """Cards of the team that belong to no case."""
    for text in ("Renew the lab's certificates", "Retrospective of the last sprint"):
        world.jira.create_issue(
            PROJECT, text, silent=True, labels=(LABEL,), sprint=world.sprint, created=world.born
        )


def _updated(rng: random.Random, case: SupportCase, created: datetime, now: datetime) -> datetime:
    """Around the case's own last change."""
    drift = timedelta(days=rng.uniform(-2, 2))
    return min(max(case.modified + drift, created), now)


def _status(rng: random.Random, case: SupportCase, place: int) -> str:
    if case.is_closed:
        return rng.choices(DONE_STATUSES, (70, 20, 10))[0]
    if place % 90 == 16:
        return PARKED
    if place % 40 == 18:
        return "Done"
    if place < len(OPEN_STATUSES):
        return OPEN_STATUSES[place]
    return rng.choices(OPEN_STATUSES, _WEIGHTS)[0]


def _labels(place: int, *, escalated: bool) -> tuple[str, ...]:
    labels = [LABEL]
    if place % 12 == 1 and not escalated:
        labels.append("PotentialEscalation")
    if place % 10 == 2:
        labels.append("Daily_Telco_OCP")
    if place % 12 == 6:
        labels.append("Trends")
    return tuple(labels)


def _custom(world: World) -> dict[str, Any]:
    count = world.rng.choice((0, 0, 1, 2, 3))
    people = world.rng.sample(world.engineers, count)
    return {CONTRIBUTORS: [one.jira for one in people] or None}


def _sprint(world: World, case: SupportCase) -> int:
    long_gone = case.closed and world.born - case.closed > timedelta(days=_SPRINT_DAYS)
    return world.last_sprint if long_gone else world.sprint


def _add_comments(world: World, issue: JiraIssue, updated: datetime) -> None:
    rng, span = world.rng, updated - issue.created
    for moment in sorted(rng.random() for _ in range(rng.choice((0, 0, 1, 2, 4)))):
        world.jira.add_comment(
            issue.key,
            rng.choice(world.engineers).jira,
            world.words.card_comment(rng),
            created=issue.created + span * moment,
            visibility="Red Hat Employee" if rng.random() < 0.15 else None,
            silent=True,
        )
