"""What processes count adds up, whatever happens on the way."""

import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from redis.asyncio import Redis

from t5g.connection import open_redis
from t5g.keys import Keys
from t5g.sums import Counted, Sums, field, observed, read_sums

KEYS = Keys()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_redis(redis_url)
    yield client
    await client.aclose()


class Process:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter("t5g_calls_total", "x", ["of"], registry=self.registry)
        self.sizes = Histogram("t5g_sizes", "x", buckets=(1, 5), registry=self.registry)
        self.own = Gauge("t5g_own", "x", registry=self.registry)
        self.counted = Counted(self.registry)


async def test_counts_of_several_processes_add_up(redis: Redis) -> None:
    one, two = Process(), Process()
    one.calls.labels("a").inc(2)
    two.calls.labels("a").inc(3)
    two.calls.labels("b").inc()
    for process in (one, two, one):
        await process.counted.flush(redis, KEYS)
    sums = await read_sums(redis, KEYS, one.registry)
    assert sums.value("t5g_calls_total", of="a") == 5
    assert sums.total("t5g_calls_total") == 6


async def test_an_addition_whose_answer_was_lost_is_not_counted_twice(redis: Redis) -> None:
    process = Process()
    process.calls.labels("a").inc(4)
    addition = process.counted._addition()
    assert addition is not None
    from t5g.sums import ADD

    # It reached Redis, but the process never heard so: it makes the same addition again.
    await redis.eval(ADD, 2, *process.counted._keys(KEYS), *addition[1])
    process.calls.labels("a").inc(1)
    await process.counted.flush(redis, KEYS)
    sums = await read_sums(redis, KEYS, process.registry)
    assert sums.value("t5g_calls_total", of="a") == 5


async def test_a_fork_begins_at_nothing(redis: Redis, redis_url: str) -> None:
    process = Process()
    process.calls.labels("a").inc(10)  # not added yet: that is the parent's to do
    child = os.fork()
    if child == 0:
        from redis import Redis as SyncRedis

        try:
            process.calls.labels("a").inc(1)
            with SyncRedis.from_url(redis_url) as raw:
                process.counted.flush_now(raw, KEYS)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    sums = await read_sums(redis, KEYS, process.registry)
    assert sums.value("t5g_calls_total", of="a") == 1
    await process.counted.flush(redis, KEYS)
    sums = await read_sums(redis, KEYS, process.registry)
    assert sums.value("t5g_calls_total", of="a") == 11


async def test_gauges_stay_each_process_s_own(redis: Redis) -> None:
    process = Process()
    process.own.set(7)
    process.calls.labels("a").inc()
    await process.counted.flush(redis, KEYS)
    assert set(await redis.hkeys("t5g:metrics:sums")) >= {
        field("t5g_calls_total", {"of": "a"}).encode()
    }
    assert not any(b"t5g_own" in name for name in await redis.hkeys("t5g:metrics:sums"))
    shown = {m.name: m for m in Sums(process.registry, {}).collect()}
    assert shown["t5g_own"].samples[0].value == 7


async def test_a_histogram_is_shown_with_its_buckets_in_order(redis: Redis) -> None:
    process = Process()
    for value in (0.5, 3, 3, 50):
        process.sizes.observe(value)
    await process.counted.flush(redis, KEYS)
    sums = await read_sums(redis, KEYS, process.registry)
    (sizes,) = [m for m in sums.collect() if m.name == "t5g_sizes"]
    buckets = [(s.labels["le"], s.value) for s in sizes.samples if s.name.endswith("_bucket")]
    assert buckets == [("1.0", 1), ("5.0", 3), ("+Inf", 4)]


@given(values=st.lists(st.floats(0, 10), min_size=1, max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_observation_adds_what_the_package_would_count(values: list[float]) -> None:
    process = Process()
    sums: dict[str, float] = {}
    for value in values:
        process.sizes.observe(value)
        for name, delta in observed("t5g_sizes", (1, 5), value).items():
            sums[name] = sums.get(name, 0.0) + delta
    mine = dict(process.counted._values())
    assert {k: v for k, v in mine.items() if v and "sizes" in k} == pytest.approx(
        {k: v for k, v in sums.items() if v}
    )
