"""The quick histogram shows what the library's would, and adds up over processes like it."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from t5g.histograms import PlainHistogram

BOUNDS = (0.001, 0.25, 1.0, 10_000)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from((0.0, 0.001, 0.3, 1.0, 1e9)))))
def test_it_shows_what_the_librarys_shows(observed: list[tuple[str, float]]) -> None:
    quick, plain = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    ours = PlainHistogram("t5g_time", "A time", "route", BOUNDS, quick)
    theirs = Histogram("t5g_time", "A time", ["route"], buckets=BOUNDS, registry=plain)
    for route, value in observed:
        ours.labels(route).observe(value)
        theirs.labels(route).observe(value)
    assert shown(quick) == shown(plain)


def shown(registry: CollectorRegistry) -> list[str]:
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if "_created" not in line]
