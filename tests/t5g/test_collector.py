"""The garbage collector rests while a process starts, and works afterwards."""

import gc

import pytest

from t5g.collector import resting


def test_it_rests_within_and_works_after() -> None:
    with resting():
        assert not gc.isenabled()
        with resting():
            assert not gc.isenabled()
        assert not gc.isenabled()  # who rested before is not woken
    assert gc.isenabled()


def test_a_failure_wakes_it_too() -> None:
    with pytest.raises(ValueError, match="no"), resting():
        raise ValueError("no")
    assert gc.isenabled()
