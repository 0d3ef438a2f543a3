"""What of the news of a case the channel for its severity hears."""

from datetime import timedelta
from typing import Any

import pytest

from bot.alarms import Spell, alarms, done_early, unassigned
from bot.alerts import Told
from bot.views.blocks.alerts import alarm_message, own_message, watch_message
from bot.watches import Watch
from t5g.changes import Change
from t5g.derived import Entry, Rules
from t5g.model import Details, Escalation, Person
from t5g.news import News, news_of
from t5g.settings import load_settings
from tests.making import NOW, NOW_SECONDS, ago, card, entry

RULES = Rules()
HOURS = 3600.0


def why(*changes: Change, **facts: Any) -> list[News]:
    return news_of(entry(**facts), changes, RULES.internal)


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


def test_what_phones_and_screen_readers_get_names_the_most_urgent_cases_first() -> None:
    def item(number: str, kind: str, text: str, severity: str) -> Told:
        facts = {"severity": severity, "account": "Acme", "summary": f"Sum {number[-1]}"}
        return Told(entry=entry(number, portal=facts), reasons=(News(kind, text),))

    found = [
        item("00000001", "matches", "matches now", "4 (Low)"),
        item("00000002", "closed", "closed", "1 (Urgent)"),
        item("00000003", "raised", "severity raised", "3 (Normal)"),
        item("00000004", "raised", "severity raised", "2 (High)"),
        item("00000005", "escalated", "escalated (ESC-5)", "4 (Low)"),
    ]
    watch = Watch(id="1", channel="C1", query="status:open")
    settings = load_settings()
    for made in (
        alarm_message(found, NOW_SECONDS, settings),
        watch_message(watch, found, NOW_SECONDS, settings),
        own_message(found, NOW_SECONDS, settings),
    ):
        assert made["text"].split("\n") == [
            "00000005 · 4 (Low) · Acme · Sum 5: escalated (ESC-5)",
            "00000004 · 2 (High) · Acme · Sum 4: severity raised",
            "00000003 · 3 (Normal) · Acme · Sum 3: severity raised",
            "… and 2 cases more",
        ]
        assert "00000005" in str(made["blocks"][0])


# Unassigned for too long

NOBODY = entry("00000001", card=card("T5G-1"))
ADA = Person(account="acct-1", name="Ada")


def test_a_spell_that_began_in_the_future_begins_now() -> None:
    ahead = {"00000001": Spell(NOW_SECONDS + 31 * 24 * HOURS)}
    spells, told = unassigned(ahead, [NOBODY], NOW_SECONDS, 4 * HOURS)
    assert (spells, told) == ({"00000001": Spell(NOW_SECONDS)}, {})
    _, told = unassigned(spells, [NOBODY], NOW_SECONDS + 4 * HOURS, 4 * HOURS)
    assert told


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
