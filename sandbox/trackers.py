"""Makes what stands behind and above the cases: defects in JIRA, bugs in Bugzilla, escalations."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from sandbox.bugzilla.state import STATUSES
from sandbox.jira.state import JiraIssue
from sandbox.portal.state import LinkedBug, LinkedJira, SupportCase
from sandbox.scene import (
    CASES_PROPERTY,
    DEFECT_STATUSES,
    ESCALATED_CASES,
    ESCALATION_LABEL,
    ESCALATION_PROJECT,
    PRIVATE_KEYWORDS,
    QA_CONTACT,
    SEVERITY,
    VERSIONS,
    World,
    case_page,
)

FIRST_BUG: Final = 2_200_000
MISSING_BUG: Final = 2_199_999
_SEVERITIES: Final = ("Critical", "Important", "Moderate", "Low")
_BUG_SEVERITIES: Final = ("urgent", "high", "medium", "low", "unspecified")
_SPELLINGS: Final = 5


def add_defects(world: World, count: int) -> None:
    """Fill the defect projects; some have no fix version, some may not be seen."""
    for place in range(count):
        world.defects.append(_defect(world, place).key)


def _defect(world: World, place: int) -> JiraIssue:
    rng = world.rng
    age = rng.uniform(2, 200)
    created = world.born - timedelta(days=age)
    custom: dict[str, Any] = {
        SEVERITY: {"value": rng.choice(_SEVERITIES)},
        QA_CONTACT: None if place % 4 == 1 else rng.choice(world.engineers).jira,
        PRIVATE_KEYWORDS: ["Telco:Case", "Customer"] if place % 3 == 0 else None,
    }
    return world.jira.create_issue(
        "RHEL" if place % 7 == 3 else "OCPBUGS",
        world.words.defect_title(rng),
        silent=True,
        type="Bug",
        priority=rng.choice(("Critical", "Major", "Normal", "Minor")),
        status=rng.choices(DEFECT_STATUSES, (14, 22, 16, 12, 14, 10, 12))[0],
        assignee=None if place % 6 == 2 else rng.choice(world.engineers).jira,
        fix_versions=() if place % 5 in (1, 3) else (f"{rng.choice(VERSIONS)}.z",),
        security="Red Hat Employee" if place % 16 == 4 else None,
        custom=custom,
        created=created,
        updated=world.born - timedelta(days=age * rng.random()),
    )


def link_defects(world: World, case: SupportCase, count: int) -> None:
    """Link some defects to a case, as the Portal shows them."""
    keys = world.rng.sample(world.defects, min(count, len(world.defects)))
    case.jiras = [linked_jira(world, world.jira.issues[key]) for key in keys]


def linked_jira(world: World, issue: JiraIssue) -> LinkedJira:
    """A defect as the Portal links it."""
    url = f"{world.jira.base_url}/browse/{issue.key}"
    return LinkedJira(issue.key, url, issue.summary, issue.status, issue.updated)


def add_bugs(world: World, count: int) -> None:
    """Fill Bugzilla; some bugs have no target release, some are restricted."""
    rng = world.rng
    for place in range(count):
        bug_id = FIRST_BUG + place * 37 + rng.randrange(37)
        age = rng.uniform(5, 300)
        world.bugzilla.add_bug(
            bug_id,
            summary=world.words.defect_title(rng),
            status=rng.choice(STATUSES),
            severity=rng.choice(_BUG_SEVERITIES),
            target_release=["---"] if place % 5 in (0, 2) else [f"{rng.choice(VERSIONS)}.z"],
            assigned_to=rng.choice(world.engineers).email,
            qa_contact="" if place % 4 == 3 else rng.choice(world.engineers).email,
            creator=rng.choice(world.engineers).email,
            internal_whiteboard="telco" if place % 3 == 0 else "",
            keywords=["Telco"] if place % 2 else [],
            comments=[world.words.description(rng)],
            created=_whole(world, age),
            changed=_whole(world, age * rng.random()),
            restricted=place % 9 == 3,
        )
        world.bugs.append(bug_id)


def _whole(world: World, days: float) -> Any:
    return (world.born - timedelta(days=days)).replace(microsecond=0)


def link_bugs(world: World, case: SupportCase, count: int, *, missing: bool = False) -> None:
    """Link some bugs to a case; `missing` adds one that Bugzilla does not have."""
    ids = world.rng.sample(world.bugs, min(count, len(world.bugs)))
    case.bugzillas = [linked_bug(world, bug_id) for bug_id in ids]
    if missing:
        case.bugzillas.append(LinkedBug(MISSING_BUG, _bug_page(world, MISSING_BUG)))


def linked_bug(world: World, bug_id: int) -> LinkedBug:
    """A bug as the Portal links it."""
    bug = world.bugzilla.bugs[bug_id]
    return LinkedBug(bug_id, _bug_page(world, bug_id), bug.summary, bug.status)


def _bug_page(world: World, bug_id: int) -> str:
    return f"{world.bugzilla_url}/show_bug.cgi?id={bug_id}"


def add_escalations(world: World, cases: Sequence[SupportCase]) -> None:
    """Escalate these cases, now and then several at once, in every spelling met."""
    for place, named in enumerate(_grouped(cases)):
        days = min((world.born - case.created).days for case in named) * world.rng.random()
        file_escalation(world, named, place, days=days)
    if cases:
        issue = file_escalation(world, [cases[-1]], 0, days=0.5, title="Done and closed")
        del world.escalations[issue.key]
        issue.status = "Closed"


def _grouped(cases: Sequence[SupportCase]) -> Iterator[list[SupportCase]]:
    """One case each, but two for each third escalation."""
    left = list(cases)
    for place in range(len(cases)):
        size = 2 if place % 3 == 1 else 1
        named, left = left[:size], left[size:]
        if named:
            yield named


def file_escalation(
    world: World,
    cases: Sequence[SupportCase],
    place: int,
    *,
    days: float = 0.0,
    title: str = "",
    silent: bool = True,
) -> JiraIssue:
    """File an escalation that names some cases; `place` chooses the spelling."""
    numbers = tuple(case.number for case in cases)
    created = world.born - timedelta(days=days) if silent else None
    issue = world.jira.create_issue(
        ESCALATION_PROJECT,
        title or f"Escalation of {cases[0].account_name}",
        silent=silent,
        type="Escalation",
        priority="Critical",
        status="New" if place % 2 else "In Progress",
        reporter=world.lead.jira,
        labels=(ESCALATION_LABEL,),
        custom=_naming(numbers, place),
        created=created,
    )
    if place % _SPELLINGS == _SPELLINGS - 1:
        world.jira.set_property(issue.key, CASES_PROPERTY, {"value": ",".join(numbers)})
    world.escalations[issue.key] = numbers
    return issue


def _naming(numbers: Sequence[str], place: int) -> dict[str, Any]:
    """The custom field with the cases, in one of its spellings (or none: the property has it)."""
    spelled = (
        ", ".join(numbers),
        "\n".join(case_page(number) for number in numbers),
        " ".join(f"https://access.redhat.com/support/cases/{number}" for number in numbers),
        " and ".join(f"Case #{number}" for number in numbers),
        None,
    )
    return {ESCALATED_CASES: spelled[place % _SPELLINGS]}
