"""Makes support cases: what a case of the world looks like, and how it gets into the Portal.

The first cases cover everything there is (each severity healthy, at risk and over its time), so
that small worlds have it too; the rest is drawn.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.portal.state import (
    CLOSED,
    CUSTOMER,
    WAITING_CUSTOMER,
    WAITING_RED_HAT,
    NotifiedUser,
    SupportCase,
)
from sandbox.scene import CASE_TAG, OPENSHIFT, RHEL, VERSIONS, Account, World
from sandbox.vocabulary import ODD_TITLES

#: Days that a case may be open, by severity, as the program's settings have it.
SLA_DAYS: Final = {1: 14.0, 2: 20.0, 3: 90.0, 4: 180.0}
UNKNOWN_SEVERITY: Final = "3 (Medium)"
UNKNOWN_STATUS: Final = "Waiting on Engineering"
_HEALTHY: Final = (0.01, 0.75)
_AT_RISK: Final = (0.82, 0.97)
_BREACHED: Final = (1.05, 2.2)
_TYPES: Final = ("Defect / Bug", "Defect / Bug", "Usage / Documentation Help", "Account", "")
_OWNERLESS_EVERY: Final = 23


@dataclass(frozen=True, slots=True)
class Shape:
    """What is decided of a case before it is written: `place` is its place in the plan."""

    place: int
    severity: int | str
    status: str
    age: float
    closed_for: float | None = None

    def every(self, count: int, offset: int) -> bool:
        """Whether this case is one of each `count`, beginning with the one at `offset`."""
        return self.place % count == offset


def draw_shapes(rng: random.Random, open_cases: int, closed_cases: int) -> Iterator[Shape]:
    """The cases of a world; ages in days."""
    places = itertools.count()
    combinations = itertools.product((1, 2, 3, 4), (_HEALTHY, _BREACHED, _AT_RISK))
    for severity, span in itertools.islice(combinations, open_cases):
        yield _open_shape(rng, next(places), severity, span)
    for _ in range(open_cases - len(SLA_DAYS) * 3):
        yield _drawn(rng, next(places))
    for _ in range(closed_cases):
        severity = _severity(rng)
        closed_for = rng.random() ** 2 * 120
        worked = _sla(severity) * rng.uniform(0.02, 1.3)
        yield Shape(next(places), severity, CLOSED, closed_for + worked, closed_for)


def _drawn(rng: random.Random, place: int) -> Shape:
    severity = UNKNOWN_SEVERITY if place % 80 == 13 else _severity(rng)
    span = rng.choices((_HEALTHY, _AT_RISK, _BREACHED), (70, 12, 18))[0]
    return _open_shape(rng, place, severity, span)


def _open_shape(
    rng: random.Random, place: int, severity: int | str, span: tuple[float, float]
) -> Shape:
    status = rng.choices((WAITING_RED_HAT, WAITING_CUSTOMER), (53, 47))[0]
    if place % 60 == 14:
        status = UNKNOWN_STATUS
    return Shape(place, severity, status, _sla(severity) * rng.uniform(*span))


def _severity(rng: random.Random) -> int:
    return rng.choices((1, 2, 3, 4), (8, 22, 50, 20))[0]


def _sla(severity: int | str) -> float:
    return SLA_DAYS.get(severity if isinstance(severity, int) else 3, 90.0)


def add_case(world: World, shape: Shape, number: str) -> SupportCase:
    """Write a case of that shape into the Portal, with its comments."""
    created = world.born - timedelta(days=shape.age)
    times = _times(world, shape, created)
    case = world.portal.add_case(
        number,
        severity=shape.severity,
        status=shape.status,
        created=created.replace(microsecond=0),
        **times,
        **case_facts(world, shape),
    )
    _add_comments(world, case)
    return case


def _times(world: World, shape: Shape, created: datetime) -> dict[str, Any]:
    rng, age = world.rng, timedelta(days=shape.age)
    if shape.closed_for is None:
        idle = min(shape.age * rng.random(), _idle_days(rng))
        relief = created + age * rng.uniform(0.1, 0.9) if rng.random() < 0.3 else None
        return {
            "modified": _second(world.born - timedelta(days=idle)),
            "relief_at": _second(relief),
        }
    closed = world.born - timedelta(days=shape.closed_for)
    return {
        "closed": _second(closed),
        "modified": _second(closed),
        "resolved_at": _second(closed),
        "relief_at": _second(created + (closed - created) * rng.uniform(0.05, 0.8)),
    }


def _second(moment: Any) -> Any:
    return moment and moment.replace(microsecond=0)


def _idle_days(rng: random.Random) -> float:
    """Days without an update: mostly few, for one case in three more than a week."""
    return rng.choices((rng.uniform(0, 5), rng.uniform(5, 15), rng.uniform(15, 60)), (62, 26, 12))[
        0
    ]


def case_facts(world: World, shape: Shape) -> dict[str, Any]:
    """All facts of a case but its state and its times."""
    rng, account = world.rng, draw_account(world)
    on_rhel = rng.random() < 0.12
    contact = rng.choice(account.contacts)
    return {
        "account_name": account.name,
        "account_number": account.number,
        "contact": "" if shape.every(40, 6) else contact,
        "contact_sso": f"rhn-{account.number}-{account.contacts.index(contact)}",
        "owner": "" if shape.every(_OWNERLESS_EVERY, 8) else world.words.person(rng),
        "owner_is_group": shape.every(17, 16),
        "case_type": rng.choice(_TYPES),
        "product": RHEL if on_rhel else OPENSHIFT,
        "version": ""
        if shape.every(30, 19)
        else rng.choice(("8.10", "9.4") if on_rhel else VERSIONS),
        "summary": _summary(world, shape),
        "description": _description(world, shape),
        "tags": [
            CASE_TAG,
            *rng.sample(("shift_SR-IOV", "shift_ptp", "shift_ztp"), rng.randint(0, 2)),
        ],
        "group_name": account.group,
        "crit_sit": shape.severity in (1, 2) and (shape.place == 0 or rng.random() < 0.08),
        "notified_users": [
            NotifiedUser(f"rhn-{rng.randrange(10**6)}", world.words.job_title(rng))
            for _ in range(rng.choice((0, 0, 1, 2)))
        ],
    }


def draw_account(world: World) -> Account:
    """One of the customers; the first of them come more often than the last."""
    return world.accounts[int(len(world.accounts) * world.rng.random() ** 1.7)]


def _summary(world: World, shape: Shape) -> str:
    if shape.every(15, 3):
        return ODD_TITLES[shape.place // 15 % len(ODD_TITLES)]
    return world.words.summary(world.rng)


def _description(world: World, shape: Shape) -> str:
    if shape.every(20, 9):
        return ""
    if shape.every(400, 10):
        return world.words.long_description(world.rng)
    return world.words.description(world.rng)


def _add_comments(world: World, case: SupportCase) -> None:
    rng, span = world.rng, case.modified - case.created
    moments = sorted(rng.random() for _ in range(rng.choice((0, 1, 1, 2, 3, 5))))
    for place, moment in enumerate(moments):
        at = case.created + span * moment
        created = at.replace(microsecond=0)
        if place % 2:
            text = world.words.customer_comment(rng)
            author = case.contact or "Customer"
            world.portal.add_comment(case.number, author, text, kind=CUSTOMER, created=created)
        else:
            text, public = world.words.associate_comment(rng), rng.random() < 0.8
            author = rng.choice(world.engineers).name
            world.portal.add_comment(case.number, author, text, public=public, created=created)
