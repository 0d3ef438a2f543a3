"""What of a case's changes is worth telling, in which words, and of which the channel hears."""

from datetime import timedelta
from typing import Any

import pytest

from bot.alarms import Spell, alarms, done_early, unassigned
from bot.alerts import Reason, reasons
from t5g.changes import Change
from t5g.derived import Entry, Rules
from t5g.model import Details, Escalation, Person
from tests.making import NOW, NOW_SECONDS, ago, card, entry

RULES = Rules()
HOURS = 3600.0


def why(*changes: Change, **facts: Any) -> list[Reason]:
    return reasons(entry(**facts), changes, RULES.internal)


WRH, WC, NORMAL, HIGH, URGENT = (
    "Waiting on Red Hat", "Waiting on Customer", "3 (Normal)", "2 (High)", "1 (Urgent)"
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words", "alarm"),
    [
        (Change("escalation", None, "ESC-1", "ESC-1"), "escalated (ESC-1)", True),
        (Change("escalation", "ESC-1", None, "ESC-1"), "escalation ESC-1 is over", False),
        (Change("crit_sit", None, True), "is a crit sit now", True),
        (Change("severity", NORMAL, URGENT), f"severity raised: {NORMAL} → {URGENT}", True),
        (Change("severity", URGENT, HIGH), f"severity lowered: {URGENT} → {HIGH}", False),
        (Change("status", "Closed", WRH), f"reopened: {WRH}", True),
        (Change("status", WRH, "Closed"), "closed", False),
        (Change("status", WRH, WC), f"{WRH} → {WC}", False),
        (Change("card.status", "Open", "Done"), "card: Debugging → Done", False),
        (Change("card.status", "Open", "In Progress"), "card: Debugging → Eng Working", False),
    ],
)
def test_a_change_is_told_in_words(change: Change, words: str, alarm: bool) -> None:
    (reason,) = why(change)
    assert (reason.text, reason.alarm) == (words, alarm)


def test_a_case_that_comes_as_a_crit_sit_is_an_alarm_unless_it_is_older_than_the_bot() -> None:
    came = Change("case", None, "details")
    facts = {"details": Details(crit_sit=True), "portal": {"created": ago(days=3)}}
    (reason,) = why(came, **facts)
    assert reason.text == "came as a crit sit"
    here = entry("01234567", **facts)
    assert alarms(here, [reason], NOW_SECONDS - 72 * HOURS) == (reason,)
    assert alarms(here, [reason], NOW_SECONDS) == ()
    assert why(came) == why(came, details=Details(crit_sit=False)) == []
    assert why(came, details=Details(crit_sit=True), portal={"status": "Closed"}) == []


@pytest.mark.parametrize(
    "change",
    [
        Change("crit_sit", True, False),
        Change("card.status", "Done", "Closed", "T5G-1"),
        Change("summary", "old", "new"),
        Change("comment", None, "901", "901"),
    ],
)
def test_other_changes_are_not_worth_telling(change: Change) -> None:
    assert why(change) == []


def test_a_closed_case_whose_card_is_done_is_as_it_should_be() -> None:
    (reason,) = why(Change("card.status", "Open", "Done", "T5G-1"), portal={"status": "Closed"})
    assert (reason.text, reason.alarm) == ("card: Debugging → Done", False)


def test_what_went_and_came_back_meanwhile_is_not_told() -> None:
    there = Change("severity", "3 (Normal)", "1 (Urgent)")
    back = Change("severity", "1 (Urgent)", "3 (Normal)")
    assert why(there, back) == []


def test_the_weightiest_comes_first() -> None:
    found = why(
        Change("card.status", "Open", "In Progress", "T5G-1"),
        Change("severity", "3 (Normal)", "1 (Urgent)"),
        Change("escalation", None, "ESC-1", "ESC-1"),
    )
    assert [reason.fact for reason in found] == ["escalation", "severity", "card.status"]


# Alarms


def test_the_channel_hears_alarms_only() -> None:
    found = why(
        Change("severity", "3 (Normal)", "1 (Urgent)"),
        Change("status", "Waiting on Red Hat", "Waiting on Customer"),
    )
    assert [r.fact for r in alarms(entry(), found, NOW_SECONDS)] == ["severity"]


def test_an_escalation_from_before_the_bot_came_is_no_alarm() -> None:
    found = why(Change("escalation", None, "ESC-1", "ESC-1"))
    old = entry(escalations=(Escalation(key="ESC-1", since=ago(days=9)),))
    new = entry(escalations=(Escalation(key="ESC-1", since=NOW + timedelta(hours=1)),))
    assert alarms(old, found, NOW_SECONDS) == ()
    assert len(alarms(new, found, NOW_SECONDS)) == 1
    assert len(alarms(entry(escalations=(Escalation(key="ESC-1"),)), found, NOW_SECONDS)) == 1


# Unassigned for too long

NOBODY = entry("00000001", card=card("T5G-1"))
ADA = Person(account="acct-1", name="Ada")


def test_a_case_that_nobody_has_is_told_once_after_some_hours() -> None:
    spells, told = unassigned({}, [NOBODY], NOW_SECONDS, 4 * HOURS)
    assert (spells, told) == ({"00000001": Spell(NOW_SECONDS)}, {})
    spells, told = unassigned(spells, [NOBODY], NOW_SECONDS + 3.9 * HOURS, 4 * HOURS)
    assert told == {}
    spells, told = unassigned(spells, [NOBODY], NOW_SECONDS + 4 * HOURS, 4 * HOURS)
    assert told["00000001"].text == "nobody has it for 4 hours"
    assert told["00000001"].alarm
    for later in (5, 500):
        spells, told = unassigned(spells, [NOBODY], NOW_SECONDS + later * HOURS, 4 * HOURS)
        assert told == {}


def test_who_gives_it_back_begins_a_new_spell() -> None:
    spells, _ = unassigned({}, [NOBODY], NOW_SECONDS, 4 * HOURS)
    taken = entry("00000001", card=card("T5G-1", assignee=ADA))
    spells, _ = unassigned(spells, [taken], NOW_SECONDS + 2 * HOURS, 4 * HOURS)
    assert spells == {}
    spells, told = unassigned(spells, [NOBODY], NOW_SECONDS + 3 * HOURS, 4 * HOURS)
    assert told == {}
    spells, told = unassigned(spells, [NOBODY], NOW_SECONDS + 7 * HOURS, 4 * HOURS)
    assert set(told) == {"00000001"}


def test_what_was_unassigned_before_anybody_looked_is_no_news() -> None:
    spells, _ = unassigned(None, [NOBODY], NOW_SECONDS, 4 * HOURS)
    assert unassigned(spells, [NOBODY], NOW_SECONDS + 9 * HOURS, 4 * HOURS)[1] == {}


@pytest.mark.parametrize(
    "case",
    [entry(card=None), entry(portal={"status": "Closed"}), entry(card=card(assignee=ADA))],
    ids=["untracked", "closed", "assigned"],
)
def test_other_cases_are_not_unassigned(case: Entry) -> None:
    assert unassigned({}, [case], NOW_SECONDS, 4 * HOURS) == ({}, {})


def test_with_zero_hours_nothing_is_told() -> None:
    spells, _ = unassigned({}, [NOBODY], NOW_SECONDS, 0)
    assert unassigned(spells, [NOBODY], NOW_SECONDS + 99 * HOURS, 0)[1] == {}


# Done too early

FINISHED = entry("00000001", card=card("T5G-1", status="Done"))


def test_a_card_that_is_done_is_told_once_when_the_portal_still_says_open() -> None:
    spells, told = done_early({}, [FINISHED], NOW_SECONDS, NOW_SECONDS - 60)
    assert (spells, told) == ({"00000001": Spell(NOW_SECONDS)}, {})
    spells, told = done_early(spells, [FINISHED], NOW_SECONDS + 60, NOW_SECONDS - 60)
    assert told == {}, "the Portal was not asked again"
    spells, told = done_early(spells, [FINISHED], NOW_SECONDS + 120, NOW_SECONDS + 90)
    assert told["00000001"].text == "card is done, the case is open"
    assert told["00000001"].alarm
    assert done_early(spells, [FINISHED], NOW_SECONDS + 999, NOW_SECONDS + 900)[1] == {}


def test_a_portal_that_can_not_be_asked_holds_it_up_for_an_hour() -> None:
    spells, _ = done_early({}, [FINISHED], NOW_SECONDS, 0.0)
    assert done_early(spells, [FINISHED], NOW_SECONDS + 0.9 * HOURS, 0.0)[1] == {}
    assert set(done_early(spells, [FINISHED], NOW_SECONDS + HOURS, 0.0)[1]) == {"00000001"}


def test_what_was_done_before_anybody_looked_is_no_news() -> None:
    spells, _ = done_early(None, [FINISHED], NOW_SECONDS, 0.0)
    assert done_early(spells, [FINISHED], NOW_SECONDS + 9 * HOURS, NOW_SECONDS + 1)[1] == {}


@pytest.mark.parametrize(
    "case",
    [entry(card=None), entry(card=card(status="Done"), portal={"status": "Closed"}), NOBODY],
    ids=["untracked", "closed", "not done"],
)
def test_other_cards_are_not_done_too_early(case: Entry) -> None:
    assert done_early({}, [case], NOW_SECONDS, NOW_SECONDS + 1) == ({}, {})
