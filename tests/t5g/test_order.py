"""The order of attention is the same whether it was kept or sorted anew."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.derived import Entry, attention
from t5g.order import FEW, SECONDS, Order
from tests.making import NOW_SECONDS, ago, entry

NUMBERS = [f"{n:08d}" for n in range(30)]
NOW = NOW_SECONDS - NOW_SECONDS % SECONDS


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


def test_nothing_new_gives_the_same_list() -> None:
    order = Order()
    entries = {"00000001": made("00000001", random.Random(1))}
    assert order.of(entries, NOW) is order.of(entries, NOW + SECONDS - 1)
    order.forget()
    assert order.of({}, NOW) == []
