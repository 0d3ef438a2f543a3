"""Who gets a new case: a pure decision over one batch, with its reason.

By account first (the longest match wins); the rest is shared: no one gets a second case of the
batch before everyone has a first, and among those with the fewest the least loaded is next. People
who are away get none. The same batch, people and seed give the same answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from msgspec import Struct

from t5g.derived import Entry

#: How much an open case of a severity rank weighs in somebody's load.
WEIGHTS = {1: 4.0, 2: 3.0, 3: 2.0, 4: 1.0}
BY_ACCOUNT = "by account"
LEAST_LOADED = "least loaded"


class Candidate(Struct, frozen=True, kw_only=True):
    """Somebody who may get cases. `accounts`: parts of account names that are theirs."""

    name: str
    accounts: tuple[str, ...] = ()
    load: float = 0.0
    available: bool = True


class Newcomer(Struct, frozen=True, kw_only=True):
    """A case that needs somebody; `weight` is what it adds to the load."""

    number: str
    account: str = ""
    weight: float = 2.0


class Assignment(Struct, frozen=True, kw_only=True):
    """Who gets a case and why, in words for the announcement; `name` "": nobody is there."""

    number: str
    name: str
    reason: str


def load_of(entries: Iterable[Entry]) -> float:
    """The load of somebody's open cases, weighted by severity."""
    return sum(WEIGHTS.get(entry.rank, 2.0) for entry in entries if entry.open)


def assign(
    newcomers: Sequence[Newcomer], candidates: Sequence[Candidate], *, seed: int = 0
) -> list[Assignment]:
    """Decide a whole batch. Returns one assignment for each newcomer, in their order."""
    batch = _Batch([c for c in candidates if c.available], Random(seed))
    decided: dict[str, Assignment] = {}
    for newcomer in newcomers:
        owners = owners_of(newcomer.account, batch.candidates)
        if owners:
            decided[newcomer.number] = batch.give(newcomer, owners, BY_ACCOUNT)
    for newcomer in newcomers:
        if newcomer.number not in decided:
            decided[newcomer.number] = batch.give(newcomer, batch.candidates, LEAST_LOADED)
    return [decided[newcomer.number] for newcomer in newcomers]


def owners_of(account: str, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return those whose part of the account's name is the longest that matches."""
    name = account.casefold()
    longest = 0
    owners: list[Candidate] = []
    for candidate in candidates:
        parts = (p.casefold().strip() for p in candidate.accounts)
        match = max((len(p) for p in parts if p and p in name), default=0)
        if match > longest:
            longest, owners = match, [candidate]
        elif match and match == longest:
            owners.append(candidate)
    return owners


class _Batch:
    """What each candidate has, and got in this batch so far."""

    def __init__(self, candidates: Sequence[Candidate], random: Random) -> None:
        self.candidates = sorted(candidates, key=lambda c: c.name)
        self._given: dict[str, int] = dict.fromkeys((c.name for c in candidates), 0)
        self._load: dict[str, float] = {c.name: c.load for c in candidates}
        self._lot: Mapping[str, float] = {c.name: random.random() for c in self.candidates}

    def give(self, newcomer: Newcomer, among: Sequence[Candidate], reason: str) -> Assignment:
        if not among:
            return Assignment(number=newcomer.number, name="", reason="nobody is available")
        name = min((c.name for c in among), key=self._turn)
        self._given[name] += 1
        self._load[name] += newcomer.weight
        return Assignment(number=newcomer.number, name=name, reason=reason)

    def _turn(self, name: str) -> tuple[int, float, float]:
        return self._given[name], self._load[name], self._lot[name]
