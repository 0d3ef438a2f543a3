"""The numbers are the same whether they were kept through changes or counted anew."""

import random
from bisect import bisect_right
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.census import FEW, Census, KeptCensus, figures
from t5g.derived import DAY, Entry
from t5g.figures import HEADLINES, relief_days, week_of
from t5g.model import Bug, Details, Escalation, Person
from tests.making import NOW_SECONDS, ago, card, entry
from webhooks.pages.views.statistics import BUCKETS, in_buckets

NUMBERS = [f"{n:08d}" for n in range(30)]
#: Moments at which the kept numbers are asked for, in no order.
MOMENTS = (0.0, 3 * DAY, -DAY, 40 * DAY, 0.5)


def made(number: str, chance: random.Random) -> Entry:
    days = chance.choice((0, 1, 3, 6.99, 7, 8, 40))
    closed = chance.random() < 0.4
    return entry(
        number,
        portal={
            "severity": chance.choice(("1 (Urgent)", "2 (High)", "3 (Normal)", "odd", "")),
            "status": "Closed" if closed else chance.choice(("Waiting on Red Hat", "", "Odd")),
            "created": chance.choice((None, ago(days=days), ago(days=days + 9))),
            "updated": ago(days=chance.choice((0, 6, 8))),
            "closed": chance.choice((None, ago(days=days / 2))) if closed else None,
            "account": chance.choice(("", "One", "Two")),
        },
        card=chance.choice((None, card(f"T5G-{number}", assignee=chance.choice((None, ANN))))),
        escalations=chance.choice(((), (Escalation(key=f"ESC-{number}"),))),
        details=Details(
            crit_sit=chance.choice((True, False)),
            relief_at=chance.choice((None, ago(days=days / 3))),
            resolved_at=chance.choice((None, ago(days=days / 4))),
        ),
        bugs=chance.choice(((), (Bug(id=int(number) + 1),))),
    )


ANN = Person(account="ann", name="Ann")


@given(st.integers(), st.lists(st.tuples(st.sampled_from(NUMBERS), st.booleans()), max_size=40))
@settings(max_examples=50)
def test_what_was_kept_is_as_if_counted_anew(seed: int, changes: list[tuple[str, bool]]) -> None:
    chance, kept = random.Random(seed), KeptCensus()
    entries = {number: made(number, chance) for number in NUMBERS[:20]}
    kept.of(entries)
    for place, (number, gone) in enumerate(changes):
        before = entries.pop(number, None)
        if not gone:
            entries[number] = made(number, chance)
        kept.changed(number, before)
        if place % 3 == 0:
            same(kept.of(entries), list(entries.values()), NOW_SECONDS + MOMENTS[place % 5])
    for moment in MOMENTS:
        same(kept.of(entries), list(entries.values()), NOW_SECONDS + moment)


def same(kept: Census, entries: list[Entry], now: float) -> None:
    anew = Census(entries)
    assert kept.figures(now) == anew.figures(now)
    assert kept.figures(now).headlines == {h.name: len(h.of(entries, now)) for h in HEADLINES}
    assert (kept.relief, kept.resolution) == (anew.relief, anew.resolution)
    assert (+kept.opened, +kept.closed) == (+anew.opened, +anew.closed)
    assert +kept.opened == Counter(week_of(e.created) for e in entries if e.created)


def test_numbers_follow_the_clock_though_no_case_changes() -> None:
    kept = KeptCensus()
    entries = {"00000001": entry("00000001", portal={"created": ago(days=0)})}
    today = kept.of(entries).figures(NOW_SECONDS)
    later = kept.of(entries).figures(NOW_SECONDS + 400 * DAY)
    assert (today["opened_1d"], today["breaching"], today["stale"]) == (1, 0, 0)
    assert (later["opened_1d"], later["breaching"], later["stale"]) == (0, 1, 1)


def test_many_changes_and_a_board_read_anew_are_counted_anew() -> None:
    chance, kept = random.Random(1), KeptCensus()
    entries = {f"{n:08d}": made(f"{n:08d}", chance) for n in range(FEW + 2)}
    first = kept.of(entries)
    for number, before in list(entries.items()):
        entries[number] = made(number, chance)
        kept.changed(number, before)
    assert kept.of(entries) is not first
    same(kept.of(entries), list(entries.values()), NOW_SECONDS)
    kept.forget()
    same(kept.of({}), [], NOW_SECONDS)


def test_a_histogram_counts_each_case_once_and_edges_upwards() -> None:
    days = sorted([0.0, 0.5, 1.0, 2.9, 3.0, 180.0, 181.0])
    counted = Counter(bisect_right(BUCKETS, value) for value in days)
    assert in_buckets(days) == [counted[n] for n in range(len(BUCKETS) + 1)]
    assert in_buckets([]) == [0] * (len(BUCKETS) + 1)


def test_of_equally_many_the_first_by_name_comes_first() -> None:
    world = [entry(f"{n:08}", portal={"account": name}) for n, name in enumerate("bacca")]
    assert list(figures(world, NOW_SECONDS).by_account) == ["a", "c", "b"]


def test_days_to_relief_are_those_of_each_case() -> None:
    chance = random.Random(2)
    entries = [made(number, chance) for number in NUMBERS]
    told = sorted(x for e in entries if (x := relief_days(e)) is not None)
    assert sorted(x for values in Census(entries).relief.values() for x in values) == told
