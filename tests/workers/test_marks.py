"""How far a sync came, and whose turn it is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from t5g.keys import Keys
from t5g.syncs import Sync
from workers.marks import NEVER, Mark, Marks, Turn, Turns, is_due

HALF_DAY = 12 * 3600.0
NOW = 1_800_000_000.0


async def test_a_mark_is_kept(redis):
    marks = Marks(redis, Keys())
    assert await marks.read(Sync.CASES) == Mark()
    await marks.write(Sync.CASES, Mark(upto=1.5, at=2.5, full=3.5, listed=4))
    assert await marks.read(Sync.CASES) == Mark(upto=1.5, at=2.5, full=3.5, listed=4)
    assert await marks.read(Sync.CARDS) == Mark()


def test_what_was_never_seen_or_changed_is_due():
    assert is_due("01234567", "a", None, NOW, HALF_DAY)
    assert is_due("01234567", "a", Turn(NOW, "b"), NOW + 1, HALF_DAY)
    assert not is_due("01234567", "a", Turn(NOW, "a"), NOW, NEVER)


@given(st.text(min_size=1), st.floats(0, HALF_DAY * 3))
def test_everything_comes_round_within_the_period(name, later):
    assert is_due(name, "", Turn(NOW, ""), NOW + HALF_DAY + later, HALF_DAY)


def test_turns_are_spread_evenly_instead_of_in_one_burst():
    last = {f"{number:08d}": Turn(NOW, "") for number in range(5_000)}
    shares = Counter()
    for step in range(24):  # every half hour
        now = NOW + (step + 1) * HALF_DAY / 24
        for name, turn in last.items():
            if is_due(name, "", turn, now, HALF_DAY):
                shares[step] += 1
                last[name] = Turn(now, "")
    assert sum(shares.values()) == 5_000
    assert max(shares.values()) < 2 * 5_000 / 24


async def test_turns_remember_what_was_looked_at(redis):
    turns = Turns(redis, Keys(), "details", period=HALF_DAY)
    wanted = {"01234567": "x", "07654321": "y"}
    assert await turns.due(wanted, NOW) == ["01234567", "07654321"]
    await turns.done([("01234567", "x"), ("07654321", "y")], NOW)
    assert await turns.due(wanted, NOW) == []
    assert await turns.due({**wanted, "01234567": "z"}, NOW) == ["01234567"]
    assert await turns.due(wanted, NOW + HALF_DAY) == ["01234567", "07654321"]
    assert await turns.due(wanted, NOW, all_=True) == ["01234567", "07654321"]


async def test_what_is_to_be_looked_at_once_is_not_due_again(redis):
    turns = Turns(redis, Keys(), "details", period=HALF_DAY)
    wanted = {"01234567": "closed"}
    assert await turns.due(wanted, NOW, once=wanted.keys()) == ["01234567"]
    await turns.done([("01234567", "closed")], NOW)
    assert await turns.due(wanted, NOW + 100 * HALF_DAY, once=wanted.keys()) == []
    assert await turns.due(wanted, NOW, once=wanted.keys(), all_=True) == []


async def test_what_is_gone_is_forgotten(redis):
    turns = Turns(redis, Keys(), "details", period=HALF_DAY)
    await turns.done([("01234567", "x"), ("07654321", "y")], NOW)
    await turns.due({"07654321": "y"}, NOW)
    assert await redis.hkeys("t5g:turns:details") == [b"07654321"]


def test_a_mark_or_a_turn_of_the_future_is_not_believed():
    ahead = NOW + 31 * 86_400
    assert Mark(upto=ahead, at=ahead, full=ahead, listed=4).healed(NOW) == Mark(at=NOW, listed=4)
    assert Mark(at=NOW).healed(NOW) == Mark(at=NOW)
    assert is_due("01234567", "", Turn(ahead, ""), NOW, HALF_DAY)
