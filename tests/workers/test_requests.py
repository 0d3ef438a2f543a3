"""What the syncs ask of the upstreams: all once, and then next to nothing."""

import pytest

from t5g.syncs import Sync, SyncState
from tests.workers.upstreams import ago
from workers.runner import run_all

COUNT = 200


@pytest.fixture
def world(upstreams):
    """Cases each with a card, every third with a defect and a bug, a few escalated."""
    numbers = upstreams.add_cases(COUNT, modified=ago(days=1))
    old = {"created": ago(days=9), "updated": ago(days=1)}
    for number in numbers:
        upstreams.add_card(number, **old)
    for number in numbers[::3]:
        upstreams.add_issue(number, **old)
        upstreams.add_bug(int(number), number)
    for number in numbers[:3]:
        upstreams.add_escalation(number, **old)
    return numbers


async def asked(settings, **how):
    records = await run_all(settings, **how)
    assert {record.state for record in records} == {SyncState.OK}, records
    return {record.name: record.requests for record in records}


async def test_what_did_not_change_is_not_asked_for(settings, upstreams, world):
    """At most ten requests if nothing changed, a twentieth of all if one case in a hundred did.

    Among both are two looks, at a few cards and at a few issues, for what was renamed.
    """
    full = await asked(settings, full=True)
    assert full[Sync.DETAILS] >= COUNT  # the dear part, in either dialect
    upstreams.reset_requests()
    idle = await asked(settings)
    assert sum(idle.values()) == upstreams.requests()
    assert upstreams.requests() <= 10, idle
    for number in world[: COUNT // 100]:
        upstreams.portal.update_case(number, severity=1)
    small = await asked(settings)
    assert sum(small.values()) <= sum(full.values()) / 20 + 2, small
