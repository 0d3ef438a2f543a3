"""Sums of what all processes counted: kept in Redis, so that none is lost when a process ends.

A process counts in memory (`t5g.metrics`) and adds what is new to the sums every few seconds, at
its end, and before it shows them. Each addition has a number, so that one whose answer got lost on
the way can be made again without counting twice. This module knows no metric by name.
"""

import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.samples import Sample
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from t5g.keys import Keys

#: Kinds of metrics that add up over processes; the others are each process's own.
SUMMED = ("counter", "histogram")
FLUSH_EVERY = 5.0
#: How long an addition is remembered, in seconds: far longer than anybody tries to repeat it.
_REMEMBERED = 3_600

# KEYS: the sums, the last addition of the process. ARGV: its number, seconds, then field and value.
ADD = """
local last = redis.call('GET', KEYS[2])
if last and tonumber(last) >= tonumber(ARGV[1]) then return 0 end
for i = 3, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
return 1
"""

Deltas = dict[str, float]


def sums_key(keys: Keys) -> str:
    """Return the name of the hash of all sums."""
    return keys.named("metrics", "sums")


def field(name: str, labels: Mapping[str, str]) -> str:
    """Return the field of one sample."""
    return msgspec.json.encode([name, dict(labels)]).decode()


class Counted:
    """What this process counted and has not added to the sums yet. A fork begins at nothing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._begin()
        self._added: Deltas = {}
        os.register_at_fork(after_in_child=self._forked)

    def _begin(self) -> None:
        self._process = secrets.token_hex(6)
        self._number = 0
        self._pending: Deltas = {}
        self._flushed = -FLUSH_EVERY

    def _forked(self) -> None:
        self._begin()
        self._added = dict(self._values())

    def _values(self) -> Iterator[tuple[str, float]]:
        for sample in _samples(self._registry.collect()):
            yield field(sample.name, sample.labels), sample.value

    def _addition(self) -> tuple[int, list[str]] | None:
        """Return number and arguments of the next addition (the last again if it may be lost)."""
        if not self._pending:
            values = dict(self._values())
            news = {name: value - self._added.get(name, 0.0) for name, value in values.items()}
            self._pending = {name: value for name, value in news.items() if value}
            if not self._pending:
                return None
            self._number += 1
        return self._number, [str(self._number), str(_REMEMBERED), *flat(self._pending)]

    def _done(self, number: int) -> None:
        if number != self._number:
            return  # somebody else of this process was told before
        for name, value in self._pending.items():
            self._added[name] = self._added.get(name, 0.0) + value
        self._pending = {}

    def _keys(self, keys: Keys) -> tuple[str, str]:
        return sums_key(keys), keys.named("metrics", "from", self._process)

    def _additions(self) -> Iterator[list[str]]:
        """Yield what is to be added, each once the one before it was."""
        again = bool(self._pending)
        while addition := self._addition():
            yield addition[1]
            self._done(addition[0])
            if not again:
                return
            again = False  # what could not be added before went first: the news follow

    async def flush(self, redis: Redis, keys: Keys) -> None:
        """Add what is new; what can not be added now is kept for the next time."""
        self._flushed = time.monotonic()
        for addition in self._additions():
            await redis.eval(ADD, 2, *self._keys(keys), *addition)

    async def flush_if_due(self, redis: Redis, keys: Keys) -> None:
        """Add what is new unless that was done a moment ago: it looks at every metric there is."""
        if time.monotonic() - self._flushed >= FLUSH_EVERY:
            await self.flush(redis, keys)

    def flush_now(self, redis: SyncRedis, keys: Keys) -> None:
        """Do the same from where there is no event loop."""
        for addition in self._additions():
            redis.eval(ADD, 2, *self._keys(keys), *addition)


def observed(name: str, buckets: Sequence[float], value: float, **labels: str) -> Deltas:
    """Return what one observation of a histogram adds to the sums."""
    upper = [*(str(bound) for bound in map(float, buckets) if value <= bound), "+Inf"]
    found = {field(f"{name}_bucket", {**labels, "le": le}): 1.0 for le in upper}
    return {**found, field(f"{name}_sum", labels): value, field(f"{name}_count", labels): 1.0}


def flat(deltas: Deltas) -> list[str]:
    """Return fields and values in turn, as scripts take them."""
    return [text for name, value in deltas.items() for text in (name, repr(value))]


def _samples(metrics: Iterable[Metric]) -> Iterator[Sample]:
    for metric in metrics:
        if metric.type in SUMMED:
            yield from (s for s in metric.samples if not s.name.endswith("_created"))


class Sums:
    """The sums as they stand in Redis, in the form that the registry shows its own."""

    def __init__(self, registry: CollectorRegistry, rows: Mapping[Any, Any]) -> None:
        self._registry = registry
        self._rows: dict[str, list[tuple[dict[str, str], float]]] = {}
        for raw, value in rows.items():
            name, labels = msgspec.json.decode(raw, type=tuple[str, dict[str, str]])
            self._rows.setdefault(name, []).append((labels, float(value)))

    def collect(self) -> Iterator[Metric]:
        """Yield what is the process's own as it is, and what adds up with its sums."""
        for metric in self._registry.collect():
            yield self._summed(metric) if metric.type in SUMMED else metric

    def _summed(self, metric: Metric) -> Metric:
        found = Metric(metric.name, metric.documentation, metric.type)
        found.samples = [
            Sample(name, labels, value)
            for name in _names(metric)
            for labels, value in sorted(self._rows.get(name, ()), key=_order)
        ] or _nothing_yet(metric)
        return found

    def value(self, name: str, **labels: str) -> float:
        """Return one sum (0 if nothing was counted yet)."""
        return sum(value for given, value in self._rows.get(name, ()) if given == labels)

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over all samples of that name whose labels include `labels`."""
        rows = self._rows.get(name, ())
        return sum(value for given, value in rows if given.items() >= labels.items())


def _nothing_yet(metric: Metric) -> list[Sample]:
    """Zero for what has no labels: a first count would not be seen as an increase without it."""
    return [
        Sample(s.name, s.labels, 0.0) for s in _samples([metric]) if not s.labels.keys() - {"le"}
    ]


def _names(metric: Metric) -> Sequence[str]:
    ends = ("_total",) if metric.type == "counter" else ("_bucket", "_sum", "_count")
    return [metric.name + end for end in ends]


def _order(row: tuple[dict[str, str], float]) -> tuple[list[str], float]:
    labels = row[0]
    return [v for k, v in sorted(labels.items()) if k != "le"], float(labels.get("le", 0))


async def read_sums(redis: Redis, keys: Keys, registry: CollectorRegistry) -> Sums:
    """Read all sums."""
    rows: Mapping[Any, Any] = await redis.hgetall(sums_key(keys))
    return Sums(registry, rows)
