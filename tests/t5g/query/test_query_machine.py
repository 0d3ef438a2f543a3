"""The query language against a plain model: any editing of a query, and what it then finds.

Menus and links edit queries word by word. The model is a list of (negated, key, values) that plain
Python applies to the cases; after every edit the text reads back as the same query and finds what
the model finds, in the same order.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from t5g.derived import DAY, Entry, attention
from t5g.errors import QueryError
from t5g.model import Details, Person, Status
from t5g.query import parse_query
from t5g.team import Me
from tests.making import NOW, NOW_SECONDS, Bug, Escalation, ago, card, entry

ANN, BO = Person(account="ann", name="Ann"), Person(account="bo", name="Bo")
ME = Me(names=frozenset({"ann"}))

CASES: list[Entry] = [
    entry(
        f"000000{n:02}",
        portal={
            "status": ["Waiting on Red Hat", "Waiting on Customer", "Closed"][n % 3],
            "severity": ["1 (Urgent)", "2 (High)", "3 (Normal)", "4 (Low)", "odd"][n % 5],
            "account": ["Acme Corp", "Bolts, Nuts", ""][n % 3],
            "summary": f"Node {n} not ready" if n % 2 else "Überlast im Netz",
            "created": ago(days=n * 3),
            "updated": ago(hours=n * 10),
        },
        card=None if n % 4 == 0 else card(f"T5G-{n}", assignee=[ANN, BO, None][n % 3]),
        bugs=(Bug(id=n),) if n % 2 else (),
        escalations=(Escalation(key=f"E-{n}"),) if n % 7 == 0 else (),
        details=Details(crit_sit=bool(n % 6 == 0)) if n % 2 == 0 else Details(),
    )
    for n in range(24)
]

Test = Callable[[Entry], bool]


def _assigned(word: str) -> Test:
    def test(found: Entry) -> bool:
        if word == "none":
            return found.assignee is None
        name = "ann" if word == "me" else word
        return found.assignee is not None and found.assignee.account == name

    return test


#: What each key and value means, in plain Python.
MEANS: dict[tuple[str, str], Test] = {
    ("status", "open"): lambda e: e.case.portal.status != Status.CLOSED,
    ("status", "closed"): lambda e: e.case.portal.status == Status.CLOSED,
    ("status", "any"): lambda e: True,
    ("status", "Waiting on Customer"): lambda e: e.case.portal.status == "Waiting on Customer",
    ("severity", "urgent"): lambda e: e.case.portal.severity.startswith("1"),
    ("severity", "2"): lambda e: e.case.portal.severity.startswith("2"),
    ("account", "acme"): lambda e: "acme" in e.case.portal.account.casefold(),
    ("account", "Bolts, Nuts"): lambda e: e.case.portal.account == "Bolts, Nuts",
    ("assignee", "me"): _assigned("me"),
    ("assignee", "none"): _assigned("none"),
    ("assignee", "bo"): _assigned("bo"),
    ("card", "none"): lambda e: not e.case.cards,
    ("bug", "3"): lambda e: any(bug.id == 3 for bug in e.case.bugs),
    ("bug", "none"): lambda e: not e.case.bugs,
    ("escalated", "yes"): lambda e: bool(e.case.escalations),
    ("critsit", "yes"): lambda e: e.case.details.crit_sit is True,
    ("critsit", "unknown"): lambda e: e.case.details.crit_sit not in (True, False),
    ("untracked", "yes"): lambda e: not e.case.cards and e.case.portal.status != Status.CLOSED,
}
WORDS: dict[str, Test] = {
    "überlast": lambda e: "überlast" in e.case.portal.summary.casefold(),
    "node 3": lambda e: "node 3" in e.case.portal.summary.casefold(),
    "00000005": lambda e: e.number == "00000005",
    "corp": lambda e: "corp" in e.case.portal.account.casefold(),
}
#: A key to sort by and the same in plain Python; None comes last either way.
ORDERS: dict[str, Callable[[Entry], Any]] = {
    "number": lambda e: e.number,
    "created": lambda e: e.case.portal.created,
    "account": lambda e: e.case.portal.account.casefold() or None,
    "card": lambda e: e.case.cards[0].key if e.case.cards else None,
}
KEYS = sorted({key for key, _ in MEANS})
VALUES = {key: sorted(value for k, value in MEANS if k == key) for key in KEYS}

Term = tuple[bool, str, tuple[str, ...]]
"""Negated, key ("" for a word), values."""


def holds(term: Term, found: Entry) -> bool:
    negated, key, values = term
    tests = [WORDS[v] if not key else MEANS[key, v] for v in values]
    return any(test(found) for test in tests) is not negated


def said(term: Term) -> str:
    negated, key, values = term
    shown = ",".join(f'"{value}"' for value in values)
    return ("-" if negated else "") + (f"{key}:{shown}" if key else shown)


def choose(data: st.DataObject, key: str) -> tuple[str, ...]:
    return tuple(data.draw(st.lists(st.sampled_from(VALUES[key]), min_size=1, unique=True)))


class Editing(RuleBasedStateMachine):
    """A query that is edited, and what it should be."""

    @initialize()
    def begin(self) -> None:
        self.text = ""
        self.terms: list[Term] = []
        self.sorts: list[str] = []

    @rule(data=st.data(), key=st.sampled_from(KEYS), negated=st.booleans())
    def types_a_term(self, data: st.DataObject, key: str, negated: bool) -> None:
        if len(self.terms) < 12:
            self.terms.append((negated, key, choose(data, key)))
            self.text = f"{said(self.terms[-1])} {self.text}" if negated else (
                f"{self.text} {said(self.terms[-1])}"
            )  # fmt: skip
            if negated:
                self.terms.insert(0, self.terms.pop())

    @rule(word=st.sampled_from(sorted(WORDS)), negated=st.booleans())
    def types_a_word(self, word: str, negated: bool) -> None:
        if len(self.terms) < 12:
            self.terms.append((negated, "", (word,)))
            self.text += "  " + said(self.terms[-1])

    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def chooses_from_a_menu(self, data: st.DataObject, key: str) -> None:
        """What was narrowed before by that key is replaced; what was excluded stays."""
        values = choose(data, key)
        self.text = parse_query(self.text).with_term(key, *values)
        self.terms = [term for term in self.terms if term[1] != key or term[0]]
        self.terms.append((False, key, values))

    @rule(key=st.sampled_from(KEYS))
    def takes_a_key_away(self, key: str) -> None:
        self.text = parse_query(self.text).without(key)
        self.terms = [term for term in self.terms if term[1] != key]

    @rule(names=st.lists(st.sampled_from(sorted(ORDERS)), max_size=3, unique=True),
          down=st.booleans())  # fmt: skip
    def sorts_by(self, names: list[str], down: bool) -> None:
        self.sorts = [("-" if down else "") + name for name in names]
        self.text = parse_query(self.text).with_sort(*self.sorts)

    @rule(
        text=st.sampled_from(["nokey:1", "status:", 'open "', "sort:wrong", "severity:9", "age>x"])
    )
    def mistypes(self, text: str) -> None:
        """A mistake is told; it is never taken for a query that finds all or nothing."""
        with pytest.raises(QueryError):
            parse_query(f"{self.text} {text}")

    @invariant()
    def finds_what_the_model_finds(self) -> None:
        if not hasattr(self, "text"):
            return
        query = parse_query(self.text)
        assert parse_query(query.text).text == query.text
        found = [e.number for e in query.select(CASES, NOW_SECONDS, ME)]
        assert found == self.expected(), self.text
        assert parse_query(query.text).select(CASES, NOW_SECONDS, ME) == query.select(
            CASES, NOW_SECONDS, ME
        )

    def expected(self) -> list[str]:
        terms = self.terms
        if not any(key == "status" for _, key, _ in terms):
            terms = [*terms, (False, "status", ("open",))]
        found = [e for e in CASES if all(holds(term, e) for term in terms)]
        found.sort(key=attention(NOW_SECONDS))
        for name in reversed(self.sorts):
            key = ORDERS[name.removeprefix("-")]
            known = [e for e in found if key(e) is not None]
            known.sort(key=key, reverse=name.startswith("-"))
            found = known + [e for e in found if key(e) is None]
        return [e.number for e in found]


def test_any_editing_of_a_query_finds_what_plain_python_finds() -> None:
    machine: Any = Editing.TestCase
    machine.settings = settings(max_examples=60, stateful_step_count=20)
    machine("runTest").runTest()


#: Comparisons with moments: the value as text, and as seconds.
SPANS = {"1d": DAY, "24h": DAY, "30d": 30 * DAY, "2w": 14 * DAY, "90m": 5_400.0}


@pytest.mark.parametrize("text", sorted(SPANS))
@pytest.mark.parametrize("compare", ["<", ">", "<=", ">="])
def test_comparisons_with_a_time_span_mean_what_they_say(text: str, compare: str) -> None:
    edge = NOW - timedelta(seconds=SPANS[text])
    cases = [
        entry("00000001", portal={"created": edge - timedelta(seconds=1)}),
        entry("00000002", portal={"created": edge}),
        entry("00000003", portal={"created": edge + timedelta(seconds=1)}),
    ]
    wanted = {
        "<": ["00000003"],
        "<=": ["00000002", "00000003"],
        ">": ["00000001"],
        ">=": ["00000001", "00000002"],
    }
    found = parse_query(f"age{compare}{text} sort:number").select(cases, NOW_SECONDS)
    assert [e.number for e in found] == wanted[compare]
