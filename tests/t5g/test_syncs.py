"""How old what a sync brought may be, and what is said of it when it is older."""

from t5g.syncs import GRACE, INTERVAL, Sync, SyncRecord

NOW = 1_795_521_600.0
LIMIT = INTERVAL[Sync.CARDS] * GRACE


def record(**facts: object) -> SyncRecord:
    return SyncRecord(name=Sync.CARDS, **facts)  # type: ignore[arg-type]


def test_a_sync_is_stale_when_it_is_late_beyond_grace() -> None:
    assert not record(last_success=NOW - LIMIT).stale(NOW)
    assert record(last_success=NOW - LIMIT - 1).stale(NOW)
    assert record().stale(NOW)


def test_why_it_is_stale_is_said_in_a_sentence() -> None:
    assert record(last_success=NOW, error="of before").why_stale(NOW) == ""
    assert record().why_stale(NOW) == "has never run to the end"
    assert record(last_success=1.0).why_stale(NOW) == "has not run in time"
    assert record(last_success=1.0, error="JIRA refuses").why_stale(NOW) == "JIRA refuses"
