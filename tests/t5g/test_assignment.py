"""New cases are shared fairly, by account first, and always the same way."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.assignment import BY_ACCOUNT, LEAST_LOADED, Candidate, Newcomer, assign, load_of
from tests.making import entry

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        name=st.sampled_from([f"p{n}" for n in range(8)]),
        accounts=st.lists(st.sampled_from(["Acme", "Acme Corp", "Böse"]), max_size=2).map(tuple),
        load=st.integers(0, 20).map(float),
        available=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda c: c.name,
)
NEWCOMERS = st.lists(
    st.builds(
        Newcomer,
        number=st.integers(0, 99_999_999).map("{:08}".format),
        account=st.sampled_from(["Acme Corp Ltd", "ACME", "böse gmbh", "Zed", ""]),
    ),
    max_size=20,
    unique_by=lambda n: n.number,
)


@settings(max_examples=200, deadline=None)
@given(NEWCOMERS, CANDIDATES, st.integers(0, 3))
def test_every_case_is_decided_once_and_the_same_way(
    newcomers: list[Newcomer], candidates: list[Candidate], seed: int
) -> None:
    decided = assign(newcomers, candidates, seed=seed)
    assert [x.number for x in decided] == [x.number for x in newcomers]
    assert assign(newcomers, list(reversed(candidates)), seed=seed) == decided


@settings(max_examples=200, deadline=None)
@given(NEWCOMERS, CANDIDATES)
def test_people_away_get_none(newcomers: list[Newcomer], candidates: list[Candidate]) -> None:
    away = {c.name for c in candidates if not c.available}
    names = {x.name for x in assign(newcomers, candidates)}
    assert not names & away
    if all(not c.available for c in candidates):
        assert names <= {""}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40), CANDIDATES)
def test_shared_cases_are_fair_within_one(count: int, candidates: list[Candidate]) -> None:
    newcomers = [Newcomer(number=f"{n:08}", account="Zed") for n in range(count)]
    given_out = Counter(x.name for x in assign(newcomers, candidates) if x.name)
    there = [c.name for c in candidates if c.available]
    if there and count:
        counts = [given_out[name] for name in there]
        assert max(counts) - min(counts) <= 1
        assert sum(counts) == count


def test_longest_match_of_the_account_wins() -> None:
    people = [
        Candidate(name="ann", accounts=("Acme",)),
        Candidate(name="bob", accounts=("Acme Corp",), load=99),
    ]
    (one,) = assign([Newcomer(number="00000001", account="ACME Corp Ltd")], people)
    assert (one.name, one.reason) == ("bob", BY_ACCOUNT)


def test_owner_who_is_away_leaves_the_case_to_the_others() -> None:
    people = [
        Candidate(name="ann", accounts=("Acme",), available=False),
        Candidate(name="bob", load=3),
        Candidate(name="cid", load=1),
    ]
    (one,) = assign([Newcomer(number="00000001", account="Acme")], people)
    assert (one.name, one.reason) == ("cid", LEAST_LOADED)


def test_who_got_one_by_account_waits_for_the_shared_ones() -> None:
    people = [Candidate(name="ann", accounts=("Acme",), load=0), Candidate(name="bob", load=9)]
    batch = [
        Newcomer(number="00000001", account="Zed"),
        Newcomer(number="00000002", account="Acme"),
    ]
    assert [x.name for x in assign(batch, people)] == ["bob", "ann"]


def test_load_weighs_by_severity_and_counts_open_cases() -> None:
    cases = [
        entry("00000001", portal={"severity": "1 (Urgent)"}),
        entry("00000002", portal={"severity": "4 (Low)"}),
        entry("00000003", portal={"severity": "odd"}),
        entry("00000004", portal={"status": "Closed"}),
    ]
    assert load_of(cases) == 7.0
