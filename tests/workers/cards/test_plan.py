"""Who would get which card, decided over the board, the team file and the day."""

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from t5g.derived import Entry
from t5g.model import Person
from t5g.settings import load_settings
from t5g.team import Away, Member, Role, Team
from tests.making import card, entry
from workers.cards.plan import NO_TEAM, Action, plan_cards

DAY = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
SETTINGS = load_settings(env={})


def new(number: int, **portal: Any) -> Entry:
    """An open case without a card."""
    return entry(f"{number:08}", portal=portal, card=None)


def owned(number: int, by: Person, severity: str = "3 (Normal)") -> Entry:
    """A case with a card of somebody."""
    key = f"T5G-{number}"
    return entry(f"{number:08}", portal={"severity": severity}, cards=(card(key, assignee=by),))


def whose(entries: list[Entry], *members: Member, now: float = DAY) -> dict[str, str]:
    """The assignee of each planned card."""
    plan = plan_cards(entries, Team(members=members), SETTINGS, now)
    return {row.number: row.assignee for row in plan.rows}


def member(name: str, **facts: Any) -> Member:
    """Somebody with an address."""
    return Member(name=name, **{"email": f"{name.casefold()}@example.com", **facts})


@pytest.mark.parametrize(
    ("facts", "gets"),
    [
        ({}, True),
        ({"active": False}, False),
        ({"role": Role.VIEWER}, False),
        ({"role": Role.ADMIN}, True),
        ({"email": ""}, False),
        ({"email": "", "jira": "557058:a"}, True),
        ({"away": (Away(date(2026, 11, 24), date(2026, 11, 24)),)}, False),
        ({"away": (Away(date(2026, 11, 20), date(2026, 11, 23)),)}, True),
        ({"away": (Away(date(2026, 11, 25), date(2026, 12, 1)),)}, True),
    ],
    ids=["there", "not active", "viewer", "admin", "unknown to JIRA", "account only", "away today",
         "back today", "away from tomorrow"],
)  # fmt: skip
def test_who_may_get_a_card(facts: dict[str, Any], gets: bool) -> None:
    assert whose([new(1)], member("Ann", **facts)) == {"00000001": "Ann" if gets else ""}


def test_the_owner_of_an_account_who_is_away_leaves_it_to_the_others() -> None:
    away = (Away(date(2026, 11, 1), date(2026, 11, 30)),)
    people = (member("Ann", accounts=("Acme",), away=away), member("Bob"))
    assert whose([new(1, account="Acme")], *people) == {"00000001": "Bob"}
    later = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    assert whose([new(1, account="Acme")], *people, now=later) == {"00000001": "Ann"}


@pytest.mark.parametrize(
    "who",
    [Person(account="557058:ann"), Person(account="x", email="ANN@example.com"),
     Person(account="557058:ann", email="other@example.com")],
)  # fmt: skip
def test_the_load_is_found_by_account_or_by_address(who: Person) -> None:
    people = (member("Ann", jira="557058:ann"), member("Bob"))
    board = [owned(9, who, "1 (Urgent)"), new(1)]
    assert whose(board, *people) == {"00000001": "Bob"}


def test_closed_cases_are_no_load() -> None:
    ann = Person(account="x", email="ann@example.com")
    done = entry("00000009", portal={"status": "Closed"}, cards=(card(assignee=ann),))
    board = [done, owned(8, Person(account="y", email="bob@example.com"), "4 (Low)"), new(1)]
    assert whose(board, member("Ann"), member("Bob")) == {"00000001": "Ann"}


@examples(max_examples=100)
@given(st.integers(1, 30), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_plan_is_fair_and_does_not_hang_on_the_order_of_the_board(
    cases: int, people: int, chance: random.Random
) -> None:
    board = [new(n, severity=f"{chance.randint(1, 4)} (X)") for n in range(1, cases + 1)]
    team = [member(f"P{n}") for n in range(people)]
    plan = plan_cards(board, Team(members=tuple(team)), SETTINGS, DAY)
    chance.shuffle(board)
    assert plan_cards(board, Team(members=tuple(team)), SETTINGS, DAY) == plan
    counts = [sum(row.assignee == one.name for row in plan.rows) for one in team]
    assert max(counts) - min(counts) <= 1
    assert sum(counts) == cases


def test_urgent_cases_come_first_and_each_row_says_why() -> None:
    board = [new(1, severity="4 (Low)"), new(2, severity="1 (Urgent)", account="Acme")]
    rows = plan_cards(board, Team(members=(member("Ann"),)), SETTINGS, DAY).rows
    assert [(row.number, row.action, row.about[:6]) for row in rows] == [
        ("00000002", Action.CREATE, "Urgent"), ("00000001", Action.CREATE, "Low · "),
    ]  # fmt: skip
    assert {(row.reason, row.why) for row in rows} == {("least loaded", "open, without a card")}


def test_without_a_team_file_cards_are_nobodys_and_say_so() -> None:
    (row,) = plan_cards([new(1)], Team(), SETTINGS, DAY).rows
    assert (row.assignee, row.reason) == ("", NO_TEAM)
