"""Silence of JIRA is a fault only when a sync saw what an event should have told."""

import pytest

from t5g.inbox import Arrivals
from t5g.jira_silence import QUIET, last_told, silence
from t5g.syncs import Sync, SyncRecord

NOW = 1_795_521_600.0


def records(sync: Sync = Sync.CARDS, missed: int = 2, ago: float = 60) -> dict[Sync, SyncRecord]:
    return {sync: SyncRecord(name=sync, started=NOW - ago, missed_events=missed)}


def test_a_quiet_jira_is_no_fault() -> None:
    assert silence(Arrivals(last=NOW - 90_000, total=1), records(missed=0), NOW) == ""
    assert silence(Arrivals(), {}, NOW) == ""


def test_changes_that_no_event_told_are_one() -> None:
    text = silence(Arrivals(last=NOW - 3 * 3600, total=9), records(), NOW)
    assert text == (
        "The last event of JIRA came 3 h ago, but the last sync found changes no event had told: "
        "2 in cards"
    )


def test_all_that_was_found_is_told_in_a_sentence() -> None:
    both = {**records(Sync.CARDS, missed=2), **records(Sync.ISSUES, missed=1)}
    assert silence(Arrivals(), both, NOW).endswith(": 2 in cards and 1 in issues")


def test_a_webhook_that_never_worked_is_told_as_such() -> None:
    assert silence(Arrivals(), records(Sync.ISSUES), NOW).startswith("No event of JIRA ever came")


@pytest.mark.parametrize("last", [60.0, 59.0, 60 + QUIET, 0.0])
def test_a_few_missed_ones_beside_others_that_came_are_none(last: float) -> None:
    assert silence(Arrivals(last=NOW - last, total=1), records(ago=60), NOW) == ""


def test_an_event_after_the_sync_ends_the_silence() -> None:
    assert silence(Arrivals(last=NOW, total=1), records(ago=7 * 3600), NOW) == ""


def test_other_syncs_are_no_witnesses() -> None:
    assert silence(Arrivals(), records(Sync.CASES), NOW) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 min"), (-5, "0 min"), (3600, "60 min"), (7200, "2 h"), (2 * 86400, "2 days")],
)
def test_times_are_said_for_people(seconds: float, said: str) -> None:
    assert last_told(Arrivals(last=NOW - seconds, total=1), NOW) == (
        f"The last event of JIRA came {said} ago"
    )


def test_an_event_from_the_future_does_not_hide_a_silence() -> None:
    text = silence(Arrivals(last=NOW + 31 * 86_400, total=1), records(), NOW)
    assert text.startswith("The last event of JIRA came at a time that lies in the future")
    assert silence(Arrivals(last=NOW - 3_600, total=1), records(ago=-31 * 86_400), NOW) == ""
