"""Calls out are repeated with patience, within bounds, and counted."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5g import metrics
from t5g.errors import UpstreamError
from workers.calls import METER, Caller, Meter, Policy, Traffic, Transient, retry_after

QUICK = Policy(attempts=4, first_wait=0.001)


def failing(*errors):
    """A call that raises each of `errors` in turn, then answers."""
    left = list(errors)

    async def attempt():
        if left:
            raise left.pop(0)
        return "answer"

    return attempt


async def test_what_may_pass_is_repeated():
    traffic = Traffic()
    caller = Caller("portal", limit=2, policy=QUICK, traffic=traffic)
    assert await caller.insist(failing(Transient("a"), Transient("b"))) == "answer"
    assert traffic.requests == {"portal": 3}
    assert traffic.retries == {"portal": 2}


async def test_it_gives_up_after_the_attempts_and_says_why():
    caller = Caller("portal", limit=2, policy=QUICK)
    with pytest.raises(UpstreamError, match="portal: the last") as caught:
        await caller.insist(failing(*[Transient("x")] * 3, Transient("the last"), Transient("y")))
    assert caught.value.transient
    assert caller.traffic.total == 4


async def test_what_lasts_is_not_repeated():
    caller = Caller("portal", limit=2, policy=QUICK)
    with pytest.raises(UpstreamError):
        await caller.insist(failing(UpstreamError("portal", "no", transient=False)))
    assert caller.traffic.total == 1


async def test_no_more_than_the_limit_at_once():
    running = peak = 0

    async def attempt():
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.005)
        running -= 1

    caller = Caller("portal", limit=3)
    await asyncio.gather(*(caller.insist(attempt) for _ in range(12)))
    assert peak == 3


async def test_when_one_is_told_to_wait_all_wait():
    caller = Caller("portal", limit=4, policy=QUICK)
    begun = time.monotonic()
    first = asyncio.ensure_future(caller.insist(failing(Transient("429", after=0.2))))
    await asyncio.sleep(0.02)
    await caller.insist(failing())
    assert time.monotonic() - begun >= 0.2
    assert await first == "answer"


async def test_outcomes_are_observed():
    caller = Caller("observed", limit=1, policy=QUICK)
    await caller.insist(failing(Transient("HTTP 503"), Transient("no answer in time", after=0.01)))
    gone = UpstreamError("observed", "HTTP 404: not there", transient=False)
    with pytest.raises(UpstreamError):
        await caller.insist(failing(gone))
    found = {
        sample.labels["status"]: sample.value
        for family in metrics.UPSTREAM_CALLS.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels["service"] == "observed"
    }
    assert found == {"503": 1, "no_answer": 1, "ok": 1, "404": 1}
    assert metrics.UPSTREAM_RETRIES.labels("observed")._value.get() == 2
    assert metrics.UPSTREAM_THROTTLED.labels("observed")._value.get() == 1
    assert metrics.UPSTREAM_WAITED.labels("observed")._value.get() > 0


async def test_runs_that_share_clients_count_their_own():
    caller = Caller("portal", limit=4)

    async def run(calls):
        meter = Meter()
        METER.set(meter)
        await asyncio.gather(*(caller.insist(failing()) for _ in range(calls)))
        return meter.requests

    assert await asyncio.gather(run(2), run(5)) == [2, 5]
    assert caller.traffic.total == 7


@given(st.integers(0, 30), st.floats(0, 1), st.one_of(st.none(), st.floats(0, 1e6)))
def test_waits_are_bounded_and_honour_what_was_asked(attempt, chance, asked):
    policy = Policy()
    wait = policy.wait(attempt, asked, chance)
    assert 0 <= wait <= policy.longest_asked + policy.longest_wait
    if asked is not None:
        assert wait >= min(asked, policy.longest_asked)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert retry_after({"Retry-After": text}, now) == seconds
    assert retry_after({"retry-after": text}, now) == seconds
