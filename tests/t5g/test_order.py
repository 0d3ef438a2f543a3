"""The order of attention is the same whether it was kept or sorted anew."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.derived import LATE, Entry, Rules, attention
from t5g.figures import HEADLINES, Tally
from t5g.order import FEW, SECONDS, Order
from tests.making import NOW_SECONDS, ago, entry

NUMBERS = [f"{n:08d}" for n in range(30)]
NOW = NOW_SECONDS - NOW_SECONDS % SECONDS
NOW_AT = datetime.fromtimestamp(NOW, UTC)


def made(number: str, chance: random.Random) -> Entry:
    return entry(
        number,
        portal={
            "severity": chance.choice(("1 (Urgent)", "2 (High)", "3 (Normal)", "odd")),
            "status": chance.choice(("Waiting on Red Hat", "Closed")),
            "created": chance.choice((None, ago(days=chance.randrange(60)))),
        },
    )


@given(st.integers(), st.lists(st.tuples(st.sampled_from(NUMBERS), st.booleans()), max_size=40))
@settings(max_examples=50)
def test_what_was_kept_is_as_if_sorted_anew(seed: int, changes: list[tuple[str, bool]]) -> None:
    chance, order = random.Random(seed), Order()
    entries = {number: made(number, chance) for number in NUMBERS[:20]}
    order.of(entries, NOW)
    for place, (number, gone) in enumerate(changes):
        entries.pop(number, None)
        if not gone:
            entries[number] = made(number, chance)
        order.changed(number)
        if place % 3 == 0:
            assert order.of(entries, NOW + 30) == sorted(entries.values(), key=attention(NOW))
    assert order.of(entries, NOW + 30) == sorted(entries.values(), key=attention(NOW))


def test_another_minute_and_many_changes_sort_anew() -> None:
    chance, order = random.Random(1), Order()
    entries = {f"{n:08d}": made(f"{n:08d}", chance) for n in range(FEW + 10)}
    order.of(entries, NOW)
    later = NOW + 40 * 86_400  # by then others are breaching
    assert order.of(entries, later) == sorted(entries.values(), key=attention(later))
    for number in entries:
        entries[number] = made(number, chance)
        order.changed(number)
    assert order.of(entries, later) == sorted(entries.values(), key=attention(later))


def test_what_time_has_made_of_each_case_is_said_for_the_minute() -> None:
    def late(entry: Entry) -> set[str]:
        assert entry.kind.minute == NOW // SECONDS
        return {name for place, name in enumerate(LATE) if entry.kind.late >> place & 1}

    def opened(number: str, days: float) -> Entry:
        return entry(number, portal={"created": ago(days=days), "updated": ago(days=8)}, card=None)

    order, rules = Order(), Rules()
    limit = rules.sla[3]
    entries = {e.number: e for e in (opened("00000001", limit + 1), opened("00000002", 1))}
    order.of(entries, NOW)
    assert late(entries["00000001"]) == {"breaching", "stale"}
    assert late(entries["00000002"]) == {"stale"}
    entries["00000002"] = opened("00000002", limit * 0.9)  # changed: said when it is asked for
    order.changed("00000002")
    order.of(entries, NOW + 1)
    assert late(entries["00000002"]) == {"at_risk", "stale"}


def test_a_case_that_turns_within_the_minute_is_looked_at_each_time() -> None:
    turns = entry(portal={"created": NOW_AT - timedelta(days=Rules().sla[3], seconds=-30)})
    order, entries = Order(), {turns.number: turns}
    breaching = next(line for line in HEADLINES if line.name == "breaching")
    for seconds, times in ((29, 0), (31, 1), (29, 0), (SECONDS + 1, 1)):
        found = order.of(entries, NOW + seconds)
        assert Tally(found, NOW + seconds).of(breaching) == times


def test_nothing_new_gives_the_same_list() -> None:
    order = Order()
    entries = {"00000001": made("00000001", random.Random(1))}
    assert order.of(entries, NOW) is order.of(entries, NOW + SECONDS - 1)
    order.forget()
    assert order.of({}, NOW) == []
