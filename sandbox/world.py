"""Generates a world from a seed: a team, its customers, their cases, and all that hangs on them."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.bugzilla.state import BugzillaState
from sandbox.cardmaking import add_card, add_chores
from sandbox.casemaking import Shape, add_case, draw_shapes
from sandbox.jira.state import WORKFLOW, JiraState
from sandbox.people import engage_team, find_customers, team_file
from sandbox.portal.state import PortalState, SupportCase
from sandbox.scene import (
    BOARD,
    DEFECT_STATUSES,
    ESCALATION_PROJECT,
    ESCALATION_STATUSES,
    LAST_SPRINT,
    PARKED,
    PROJECT,
    SPRINT,
    World,
)
from sandbox.trackers import add_bugs, add_defects, add_escalations, link_bugs, link_defects
from sandbox.vocabulary import Vocabulary

__all__ = ["World", "WorldPlan", "make_world", "team_file"]

_FIRST_NUMBER: Final = 3_100_000
#: Links between issues are few: the stand-in looks at all of them for each issue.
_MOST_ISSUE_LINKS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlan:
    """How large a world is. `closed` None: a third of the open ones."""

    cases: int = 300
    closed: int | None = None
    seed: int = 1
    cloud: bool = True
    jira_url: str = "http://127.0.0.1:8091"
    bugzilla_url: str = "http://127.0.0.1:8092"

    @property
    def closed_cases(self) -> int:
        """Closed cases to make."""
        return self.cases // 3 if self.closed is None else self.closed


class _Calendar:
    """The servers' clock. While the world is made it stands an hour back.

    JIRA never gives the same moment twice: making thousands of issues would push it ahead of time.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.born: datetime | None = clock()

    def __call__(self) -> datetime:
        return self.clock() if self.born is None else self.born - timedelta(hours=1)


def make_world(
    plan: WorldPlan, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> World:
    """Make the world of a plan. The same plan at the same time gives the same world."""
    calendar = _Calendar(clock)
    world = _empty(plan, calendar)
    shapes = list(draw_shapes(world.rng, plan.cases, plan.closed_cases))
    add_defects(world, max(6, len(shapes) // 6))
    add_bugs(world, max(5, len(shapes) // 12))
    escalated = _add_cases(world, shapes)
    add_escalations(world, escalated)
    add_chores(world)
    _link_issues(world)
    _add_records(world)
    calendar.born = None
    return world


def _empty(plan: WorldPlan, calendar: _Calendar) -> World:
    assert calendar.born is not None
    rng, words = random.Random(plan.seed), Vocabulary(plan.seed)
    jira = JiraState(cloud=plan.cloud, base_url=plan.jira_url, clock=calendar)
    world = World(
        seed=plan.seed,
        born=calendar.born,
        rng=rng,
        words=words,
        portal=PortalState(calendar),
        jira=jira,
        bugzilla=BugzillaState(calendar),
        bugzilla_url=plan.bugzilla_url,
        last_number=_FIRST_NUMBER + rng.randrange(100_000),
    )
    jira.add_project(PROJECT, "Telco 5G field support", statuses=(*WORKFLOW, PARKED))
    jira.add_project("OCPBUGS", "OpenShift bugs", statuses=DEFECT_STATUSES)
    jira.add_project("RHEL", "Red Hat Enterprise Linux", statuses=DEFECT_STATUSES)
    jira.add_project(ESCALATION_PROJECT, "Escalations", statuses=ESCALATION_STATUSES)
    board = jira.add_board(BOARD, PROJECT)
    world.last_sprint = jira.add_sprint(board, LAST_SPRINT, "closed")
    world.sprint = jira.add_sprint(board, SPRINT, "active")
    jira.add_sprint(board, "T5G Sprint 13", "future")
    world.engineers = engage_team(jira, words, rng)
    world.accounts = find_customers(words, rng)
    return world


def _add_cases(world: World, shapes: list[Shape]) -> list[SupportCase]:
    """Add all cases, the oldest with the lowest number; return those that are escalated."""
    escalated: list[SupportCase] = []
    for shape in sorted(shapes, key=lambda shape: -shape.age):
        case = add_case(world, shape, world.next_number())
        _link_trackers(world, case, shape)
        is_escalated = shape.every(18, 0) and not case.is_closed
        if is_escalated:
            escalated.append(case)
        if not shape.every(12, 5):
            add_card(world, case, shape.place, escalated=is_escalated)
    return escalated


def _link_trackers(world: World, case: SupportCase, shape: Shape) -> None:
    if shape.every(3, 0):
        link_defects(world, case, world.rng.choice((1, 1, 2)))
    if shape.every(8, 2):
        link_bugs(world, case, world.rng.choice((1, 1, 2, 3)), missing=shape.place == 2)


def _link_issues(world: World) -> None:
    """Let some cards be blocked by the defects of their cases."""
    linked = (case for case in world.open_cases() if case.jiras and case.number in world.cards)
    for _, case in zip(range(_MOST_ISSUE_LINKS), linked, strict=False):
        world.jira.link(world.cards[case.number], case.jiras[0].key, "Blocks", silent=True)


def _add_records(world: World) -> None:
    """Escalation records, which the Portal's GraphQL lists among the cases."""
    for place in range(3):
        world.portal.add_case(
            f"EN-{place + 120:05d}",
            record_type="Technical Support" if place else "Escalation",
            summary="Escalation record",
            account_name=world.accounts[place].name,
            created=(world.born - timedelta(days=3 * place)).replace(microsecond=0),
        )
