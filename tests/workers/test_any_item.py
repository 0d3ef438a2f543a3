"""Whichever items fail for ever: nothing known is lost, all else lands, the records name them."""

import random
from collections.abc import Mapping

import pytest

from sandbox.faults import Kind
from t5g.model import Case
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import Sync, SyncState
from tests.workers.reading import cases_of
from tests.workers.upstreams import Upstreams, ago
from workers.runner import run_all

COUNT = 12
OLD = {"created": ago(days=9), "updated": ago(days=1)}


def build(world: Upstreams) -> list[str]:
    """Cases with a card (every third names no case but by its link), an issue and a bug."""
    numbers = world.add_cases(COUNT)
    for at, number in enumerate(numbers):
        key = world.add_card(number, None if at % 3 else f"card {at}", **OLD)
        if not at % 3:
            link = f"https://access.redhat.com/support/cases/#/case/{number}"
            world.jira.add_remote_link(key, link, "Support Case")
        world.add_issue(number)
        world.add_bug(5000 + at, number)
    return numbers


def change(world: Upstreams, numbers: list[str], word: str) -> None:
    """Let everything say a word."""
    for number in numbers:
        world.portal.update_case(number, group_name=word)
    for issue in list(world.jira.issues.values()):
        if issue.project == "OCPBUGS":
            world.jira.update_issue(issue.key, summary=word)
        else:
            world.jira.update_issue(issue.key, priority="Major" if word == "new" else "Minor")
    for bug in list(world.bugzilla.bugs.values()):
        world.bugzilla.update_bug(bug.id, summary=word)


def words(cases: Mapping[str, Case], hydra: bool) -> dict[str, str]:
    """What is known of each item, by its name."""
    found: dict[str, str] = {}
    for number, case in cases.items():
        found[number] = str(case.details.group_name)
        for card in case.cards:
            found[card.key] = {"Major": "new", "Minor": "old"}[card.priority]
        found |= {issue.key: issue.title for issue in case.issues if not issue.restricted}
        if hydra:
            found |= {str(bug.id): bug.summary for bug in case.bugs if not bug.restricted}
    return found


@pytest.mark.parametrize("seed", range(5))
async def test_whichever_items_fail_the_others_land_and_nothing_is_lost(
    settings: Settings, upstreams: Upstreams, store: Store, seed: int
) -> None:
    chance = random.Random(seed)
    hydra = settings.portal_api == "hydra"
    settings = settings.model_copy(update={"upstream_attempts": 1})
    numbers = build(upstreams)
    change(upstreams, numbers, "old")
    first = await run_all(settings, full=True)
    assert {record.state for record in first} == {SyncState.OK}, first
    known = words(await cases_of(store), hydra)
    assert set(known.values()) == {"old"}
    assert len(known) == COUNT * (4 if hydra else 3)

    change(upstreams, numbers, "new")
    bad = set(chance.sample(sorted(name for name in known if not name.startswith("T5G")), 3))
    for item in bad:
        status = chance.choice((500, 502, 504))
        for faults in (upstreams.portal_faults, upstreams.jira_faults, upstreams.bugzilla_faults):
            faults.add(Kind.STATUS, status=status, item=item)
    records = await run_all(settings, full=True)
    assert {record.state for record in records} <= {SyncState.OK, SyncState.PARTIAL}, records
    assert words(await cases_of(store), hydra) == {
        name: "old" if name in bad else "new" for name in known
    }
    said = " ".join(" ".join(record.notes) for record in records)
    assert all(item in said for item in bad), said
    assert sum(record.failed for record in records if record.name is not Sync.CASES) == len(bad)

    upstreams.clear_faults()
    healed = await run_all(settings)
    assert {record.state for record in healed} == {SyncState.OK}, healed
    assert set(words(await cases_of(store), hydra).values()) == {"new"}
