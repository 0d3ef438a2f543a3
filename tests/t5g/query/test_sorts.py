"""The orders of lists: each way, and what has no value last."""

from typing import Any

import pytest

from t5g.derived import Entry
from t5g.model import Comment, Escalation, Person
from t5g.query import SORTS, parse_query
from tests.making import NOW_SECONDS, ago, card, entry

ANN, BO = Person(account="z", name="Ann"), Person(account="Bo")


def case(digit: int, **parts: Any) -> Entry:
    return entry(f"0000000{digit}", **parts)


CASES: dict[str, list[Entry]] = {
    "severity": [case(3, portal={"severity": "1"}), case(2, portal={"severity": "3"})],
    "age": [case(3, portal={"created": ago(days=1)}), case(2, portal={"created": ago(days=5)})],
    "updated": [
        case(3, portal={"updated": ago(days=5)}, card=None),
        case(2, portal={"updated": ago(days=1)}, card=None),
    ],
    "created": [
        case(3, portal={"created": ago(days=5)}),
        case(2, portal={"created": ago(days=1)}),
    ],
    "closed": [
        case(3, portal={"status": "Closed", "closed": ago(days=5)}),
        case(2, portal={"status": "Closed", "closed": ago(days=1)}),
    ],
    "sla": [case(3, portal={"severity": "4"}), case(2, portal={"severity": "1"})],
    "number": [case(2), case(3)],
    "account": [case(3, portal={"account": "acme"}), case(2, portal={"account": "Bolts"})],
    "product": [case(3, portal={"product": "a"}), case(2, portal={"product": "B"})],
    "status": [case(3, portal={"status": "alive"}), case(2, portal={"status": "Busy"})],
    "internal": [case(3, card=card(status="Blocked")), case(2, card=card(status="In Progress"))],
    "assignee": [case(3, card=card(assignee=ANN)), case(2, card=card(assignee=BO))],
    "summary": [case(3, portal={"summary": "air"}), case(2, portal={"summary": "Bee"})],
    "card": [case(3, card=card("T5G-1")), case(2, card=card("T5G-2"))],
    "comment": [
        case(3, comments={"T5G-1": (Comment(id="1", created=ago(days=5)),)}),
        case(2, comments={"T5G-1": (Comment(id="1", created=ago(days=1)),)}),
    ],
    "escalated": [case(3, escalations=(Escalation(key="ESC-1"),)), case(2)],
}
#: A case that has no value to sort by.
WITHOUT: dict[str, Entry] = {
    "age": case(1, portal={"created": None}),
    "updated": case(1, portal={"updated": None}, card=None),
    "created": case(1, portal={"created": None}),
    "closed": case(1, portal={"status": "Closed", "updated": None}, card=None),
    "sla": case(1, portal={"severity": "odd"}),
    "account": case(1, portal={"account": ""}),
    "product": case(1, portal={"product": "", "version": ""}),
    "status": case(1, portal={"status": ""}),
    "internal": case(1, card=None),
    "assignee": case(1),
    "summary": case(1, portal={"summary": ""}),
    "card": case(1, card=None),
    "comment": case(1),
}


def order(text: str, cases: list[Entry]) -> str:
    query = parse_query(f"status:any sort:{text}")
    return "".join(e.number[-1] for e in query.select(cases, NOW_SECONDS))


@pytest.mark.parametrize("name", sorted(SORTS))
def test_each_order_goes_both_ways(name: str) -> None:
    cases = CASES[name]
    wanted = "".join(e.number[-1] for e in cases)
    for given in (cases, cases[::-1]):
        assert order(name, given) == wanted
        assert order(f"-{name}", given) == wanted[::-1]


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_what_has_no_value_comes_last_either_way(name: str) -> None:
    cases = [WITHOUT[name], *CASES[name]]
    assert order(name, cases)[-1] == order(f"-{name}", cases)[-1] == "1"


def test_a_comment_without_a_time_is_no_comment_to_sort_by() -> None:
    silent = case(1, comments={"T5G-1": (Comment(id="1"),)})
    assert order("comment", [silent, *CASES["comment"]]) == "321"
    assert order("-comment", [silent, *CASES["comment"]]) == "231"


def test_of_several_orders_the_first_counts_most() -> None:
    cases = [
        case(1, portal={"account": "b", "severity": "1"}),
        case(2, portal={"account": "a", "severity": "3"}),
        case(3, portal={"account": "a", "severity": "1"}),
    ]
    assert order("account,severity", cases) == "321"
    assert order("account,-severity", cases) == "231"
    assert order("severity,account", cases) == "312"


def test_cases_of_one_value_keep_what_needs_attention_first() -> None:
    cases = [
        case(1, portal={"account": "a", "severity": "3"}),
        case(2, portal={"account": "a", "severity": "1"}),
    ]
    assert order("account", cases) == order("-account", cases) == "21"
