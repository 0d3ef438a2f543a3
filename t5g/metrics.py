"""Every metric of the program: names, labels and what they mean, in one place.

All begin with `t5g_`; labels hold only words from short, fixed lists, never addresses, numbers of
cases or names of people. Processes count for themselves; what is kept in Redis is read when the
page is asked for (`Snapshot`), so that worker processes that come and go need no files.
"""

from collections.abc import Iterable
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(namespace="t5g", registry=REGISTRY)

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

HTTP_REQUESTS = Counter(
    "t5g_http_requests_total",
    "HTTP requests answered, by route pattern, method and status",
    ["route", "method", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "t5g_http_request_seconds",
    "Time to answer a request, by route pattern",
    ["route"],
    buckets=_FAST,
    registry=REGISTRY,
)
LOOP_LAG = Gauge(
    "t5g_event_loop_lag_seconds",
    "How late the event loop of the web process was when last measured",
    registry=REGISTRY,
)
JIRA_EVENTS = Counter(
    "t5g_jira_events_total",
    "Events from JIRA, by kind and by what became of them",
    ["kind", "outcome"],
    registry=REGISTRY,
)
JIRA_REFUSALS = Counter(
    "t5g_jira_refusals_total",
    "Requests to the JIRA webhook that were refused, by reason",
    ["reason"],
    registry=REGISTRY,
)
JIRA_EVENT_BATCH = Histogram(
    "t5g_jira_event_batch_size",
    "Events that were written together",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
    registry=REGISTRY,
)
DEADLETTERS_EXPIRED = Counter(
    "t5g_deadletters_expired_total",
    "Dead letters that were dropped because of their age",
    registry=REGISTRY,
)


def observe_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count and time one answered request."""
    counter, histogram = _of_route(route, method if method in METHODS else "other", status)
    counter.inc()
    histogram.observe(seconds)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _of_route(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(route, method, status), HTTP_SECONDS.labels(route)


@cache
def jira_events(kind: str, outcome: str) -> Counter:
    """The counter of one kind of event with one outcome (finding it each time is slow)."""
    return JIRA_EVENTS.labels(kind, outcome)


class Snapshot(Collector):
    """Gauges whose values were read from Redis or the board for one scrape."""

    def __init__(self) -> None:
        self._families: dict[str, GaugeMetricFamily] = {}

    def gauge(self, name: str, meaning: str, value: float, **labels: str) -> None:
        """Add one value; all calls for one name give the same labels."""
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = GaugeMetricFamily(name, meaning, labels=list(labels))
        family.add_metric(list(labels.values()), value)

    def collect(self) -> Iterable[Metric]:
        """Yield what was added."""
        return self._families.values()
