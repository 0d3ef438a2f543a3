"""Histograms for what happens at every request: one observation costs a quarter of the library's.

Each process has one event loop that observes, so no lock is needed; what is shown is the same.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Observed:
    """What was observed under one label. `bounds`: the upper ends of the buckets, ascending."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value; one that equals a bound is within it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def buckets(self) -> Iterator[tuple[str, float]]:
        """Yield each bound with how many values did not exceed it."""
        total = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            yield floatToGoString(bound), float(total)  # type: ignore[no-untyped-call]

    @property
    def sum(self) -> float:
        """All values together."""
        return self._sum


class PlainHistogram(Collector):
    """A histogram with one label."""

    def __init__(
        self,
        name: str,
        meaning: str,
        label: str,
        bounds: Iterable[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name = name
        self._meaning = meaning
        self.label_names = (label,)
        self._bounds = tuple(map(float, bounds))
        self._observed: dict[str, Observed] = {}
        registry.register(self)

    def labels(self, value: str) -> Observed:
        """What is observed under that value of the label."""
        return self._observed.setdefault(value, Observed(self._bounds))

    def collect(self) -> Iterable[Metric]:
        """Yield what was observed."""
        family = HistogramMetricFamily(self._name, self._meaning, labels=self.label_names)
        for value, found in list(self._observed.items()):
            family.add_metric([value], list(found.buckets()), found.sum)
        yield family

    def describe(self) -> Iterable[Metric]:
        """Say name and meaning, without a sample."""
        yield HistogramMetricFamily(self._name, self._meaning, labels=self.label_names)
