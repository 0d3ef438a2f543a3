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


@settings(max_examples=200)
@given(NEWCOMERS, CANDIDATES, st.integers(0, 3))
def test_every_case_is_decided_once_and_the_same_way(
    newcomers: list[Newcomer], candidates: list[Candidate], seed: int
) -> None:
    decided = assign(newcomers, candidates, seed=seed)
    assert [x.number for x in decided] == [x.number for x in newcomers]
    assert assign(newcomers, list(reversed(candidates)), seed=seed) == decided


@settings(max_examples=200)
@given(NEWCOMERS, CANDIDATES)
def test_people_away_get_none(newcomers: list[Newcomer], candidates: list[Candidate]) -> None:
    away = {c.name for c in candidates if not c.available}
    names = {x.name for x in assign(newcomers, candidates)}
    assert not names & away
    if all(not c.available for c in candidates):
        assert names <= {""}


@settings(max_examples=200)
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


@settings(max_examples=200)
@given(NEWCOMERS, CANDIDATES, st.integers(0, 3))
def test_each_turn_goes_to_whom_the_rules_say(
    newcomers: list[Newcomer], candidates: list[Candidate], seed: int
) -> None:
    """A plain replay: by account the longest match, then whoever has the fewest and least."""
    decided = {x.number: x for x in assign(newcomers, candidates, seed=seed)}
    there = {c.name: c for c in candidates if c.available}
    given_out, load = Counter[str](), {name: c.load for name, c in there.items()}
    owned = [n for n in newcomers if any(match(c, n) for c in there.values())]
    shared = [n for n in newcomers if n not in owned]
    for newcomer in (*owned, *shared):
        row = decided[newcomer.number]
        if not there:
            assert (row.name, row.reason) == ("", "nobody is available")
            continue
        longest = max(match(c, newcomer) for c in there.values())
        may = [name for name, c in there.items() if match(c, newcomer) == longest]
        best = min((given_out[name], load[name]) for name in may)
        assert row.name in may
        assert (given_out[row.name], load[row.name]) == best
        assert row.reason == (BY_ACCOUNT if longest else LEAST_LOADED)
        given_out[row.name] += 1
        load[row.name] += newcomer.weight


def match(candidate: Candidate, newcomer: Newcomer) -> int:
    """How long the longest part is that fits the account."""
    name = newcomer.account.casefold()
    return max((len(p) for p in candidate.accounts if p.casefold() in name), default=0)


def test_a_tie_is_drawn_by_lot_and_the_lot_hangs_on_the_seed() -> None:
    people = [Candidate(name=name) for name in ("ann", "bob", "cid")]
    drawn = {assign([Newcomer(number="00000001")], people, seed=n)[0].name for n in range(30)}
    assert drawn == {"ann", "bob", "cid"}


def test_what_a_case_weighs_decides_the_next_turn() -> None:
    people = [Candidate(name="ann", load=1), Candidate(name="bob", load=3)]
    batch = [Newcomer(number=f"{n:08}", weight=4.0) for n in range(4)]
    assert [x.name for x in assign(batch, people)] == ["ann", "bob", "ann", "bob"]
