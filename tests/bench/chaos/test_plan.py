"""Plans of disasters: from a seed, whole, and in time."""

import random

import pytest

from bench.chaos.plan import FAULTS, UPSTREAMS, What, draw
from sandbox.faults import Fault


def test_the_same_seed_draws_the_same_disasters() -> None:
    assert draw(7, 60, 50) == draw(7, 60, 50)
    assert draw(7, 60, 50) != draw(8, 60, 50)


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_comes_before_any_comes_twice(seed: int) -> None:
    plan = draw(seed, 60, 40)
    assert {one.what for one in plan} == set(What)
    assert {one.how["name"] for one in plan if one.what is What.UPSTREAM} >= set(FAULTS)
    assert {one.target for one in plan if one.what is What.UPSTREAM} == set(UPSTREAMS)


def test_disasters_lie_in_their_time_and_in_order() -> None:
    for seed in range(20):
        seconds, count = random.Random(seed).uniform(5, 100), seed
        plan = draw(seed, seconds, count)
        assert len(plan) == count
        assert [one.at for one in plan] == sorted(one.at for one in plan)
        assert all(0 <= one.at <= seconds for one in plan)


def test_every_fault_is_one_that_the_sandbox_knows() -> None:
    for one in draw(1, 60, 80):
        if one.what is What.UPSTREAM:
            how = {name: value for name, value in one.how.items() if name != "name"}
            assert Fault.from_json(how).kind == how["kind"]
