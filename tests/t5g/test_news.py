"""What of a case's changes is news, of which kind and in which words."""

from typing import Any

import pytest

from t5g.changes import Change
from t5g.derived import Rules
from t5g.model import CaseComment, Details, Escalation, Person
from t5g.news import KINDS, News, breached, news_of
from tests.making import NOW_SECONDS, ago, card, entry

RULES = Rules()
DAY = 86_400.0


def why(*changes: Change, **facts: Any) -> list[News]:
    return news_of(entry(**facts), changes, RULES.internal)


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
    assert [news.kind for news in found] == ["escalated", "raised", "card_status"]


# What came, what the customer said, who got it


CAME = Change("case", None, "Waiting on Red Hat")


def test_a_case_that_comes_is_new_also_when_its_details_come_with_it() -> None:
    found = why(CAME, Change("case", None, "details"), escalations=(Escalation(key="ESC-1"),))
    assert [news.kind for news in found] == ["escalated", "came"]
    assert why(CAME, portal={"status": "Closed"}) == []
    assert why(Change("case", None, "details")) == []


def said(id_: str, **facts: Any) -> CaseComment:
    return CaseComment(id=id_, **{"public": True, "by_customer": True, **facts})


@pytest.mark.parametrize(
    ("before", "after", "comments", "kinds"),
    [
        ([], ["c2"], [said("c1"), said("c2")], ["answered"]),
        (None, ["c1"], [said("c1")], []),  # known for the first time
        (["c1"], ["c1"], [said("c1")], []),  # edited
        (["c1"], [], [], []),  # gone
        ([], ["c2"], [said("c2", by_customer=False)], []),
        ([], ["c2"], [CaseComment(id="c2", public=True)], []),  # who said it is not known
        ([], ["c2"], [said("c2", public=False)], []),
    ],
)
def test_the_customer_answers_by_a_new_public_comment(
    before: list[str] | None, after: list[str], comments: list[CaseComment], kinds: list[str]
) -> None:
    change = Change("comments", before, after)
    found = why(change, details=Details(comments=tuple(comments)))
    assert [news.kind for news in found] == kinds


def test_answers_of_several_looks_are_one_piece_of_news() -> None:
    comments = Details(comments=(said("c1"), said("c2", by_customer=False)))
    changes = Change("comments", [], ["c1"]), Change("comments", [], ["c2"])
    assert [news.kind for news in why(*changes, details=comments)] == ["answered"]


def test_who_gets_the_card_to_work_with_is_news() -> None:
    ada = Person(account="a", name="Ada")
    (news,) = why(Change("card.assignee", None, "Ada", "T5G-1"), card=card(assignee=ada))
    assert (news.kind, news.text) == ("assigned", "assigned to Ada")
    assert KINDS[news.kind].personal
    (came,) = why(Change("card", None, "Open", "T5G-1"), card=card(assignee=ada))
    assert came.kind == "assigned"
    assert why(Change("card.assignee", None, "Ada", "T5G-9"), card=card(assignee=ada)) == []
    assert why(Change("card.assignee", "Ada", None, "T5G-1"), card=card()) == []


@pytest.mark.parametrize(
    ("days", "kinds", "told"),
    [
        (90.5, (), True),  # within the window of a day
        (92, (), False),  # before it
        (89, (), False),  # not yet
        (92, ("raised",), True),
        (92, ("came",), True),
        (92, ("closed",), False),
    ],
)
def test_a_breach_is_news_once(days: float, kinds: tuple[str, ...], told: bool) -> None:
    case = entry(portal={"created": ago(days=days)})
    others = [News(kind, "") for kind in kinds]
    found = breached(case, others, NOW_SECONDS - DAY, NOW_SECONDS)
    assert (found is not None) is told


def test_every_kind_has_its_own_weight() -> None:
    assert len({kind.weight for kind in KINDS.values()}) == len(KINDS)
