"""Every metric of the program: names, labels and what they mean, in one place.

All begin with `t5g_`; labels hold only words from short, fixed lists, never addresses, numbers of
cases or names of people. What processes count here is added to sums in Redis (`t5g.sums`), what is
kept in Redis is read when the page is asked for (`Snapshot`): worker processes that come and go
need no files, and nothing is counted twice or forgotten.
"""

import platform
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

import t5g
from t5g.histograms import Observed, PlainHistogram
from t5g.sums import Counted

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(namespace="t5g", registry=REGISTRY)

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

LONG = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
_BYTES = (1_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000)

HTTP_REQUESTS = Counter(
    "t5g_http_requests_total",
    "HTTP requests answered, by route pattern, method and status",
    ["route", "method", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS = PlainHistogram(
    "t5g_http_request_seconds",
    "Time to answer a request, by route pattern",
    "route", _FAST, REGISTRY,
)  # fmt: skip
HTTP_BYTES = PlainHistogram(
    "t5g_http_response_bytes",
    "Size of answers as they were made, by route pattern",
    "route", _BYTES, REGISTRY,
)  # fmt: skip
LOOP_LAG = Gauge(
    "t5g_event_loop_lag_seconds",
    "How late the event loop of this process was when last measured",
    ["process"],
    registry=REGISTRY,
)
BUILD = Gauge(
    "t5g_build_info",
    "1; what runs in the process that answered the scrape",
    ["process", "version", "python"],
    registry=REGISTRY,
)
BOARD_RELOADS = Counter(
    "t5g_board_reloads_total", "Boards that were read anew as a whole", registry=REGISTRY
)
SLACK_COMMANDS = Counter(
    "t5g_slack_commands_total",
    "Questions asked in Slack, by command and by how they were answered",
    ["command", "outcome"],
    registry=REGISTRY,
)
SLACK_ACK = Histogram(
    "t5g_slack_ack_seconds",
    "Time until Slack got its answer to a request, by kind of request",
    ["kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 10.0),
    registry=REGISTRY,
)
SYNC_RUNS = Counter(
    "t5g_sync_runs_total", "Runs of syncs, by how they ended", ["sync", "state"], registry=REGISTRY
)
SYNC_SECONDS = Histogram(
    "t5g_sync_run_seconds", "Time that runs of a sync took", ["sync"],
    buckets=LONG, registry=REGISTRY,
)  # fmt: skip
SYNC_REQUESTS = Counter(
    "t5g_sync_requests_total", "Requests that the runs of a sync made", ["sync"], registry=REGISTRY
)
SYNC_CHANGES = Counter(
    "t5g_sync_changes_total", "Cases that the runs of a sync changed", ["sync"], registry=REGISTRY
)
UPSTREAM_CALLS = Counter(
    "t5g_upstream_calls_total",
    "Calls to upstreams, each repetition too; status: ok, an HTTP status, no_answer, error",
    ["service", "status"],
    registry=REGISTRY,
)
UPSTREAM_SECONDS = Histogram(
    "t5g_upstream_call_seconds",
    "Time until an upstream answered",
    ["service"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    registry=REGISTRY,
)
UPSTREAM_RETRIES = Counter(
    "t5g_upstream_retries_total", "Calls to upstreams that were repeated", ["service"],
    registry=REGISTRY,
)  # fmt: skip
UPSTREAM_WAITED = Counter(
    "t5g_upstream_wait_seconds_total",
    "Time waited before repeating calls, or because a service asked for patience",
    ["service"],
    registry=REGISTRY,
)
UPSTREAM_THROTTLED = Counter(
    "t5g_upstream_throttled_total", "Answers that asked for patience", ["service"],
    registry=REGISTRY,
)  # fmt: skip
JOBS_STARTED = Counter(
    "t5g_jobs_started_total", "Attempts of jobs that began", ["job"], registry=REGISTRY
)
JOBS = Counter(
    "t5g_jobs_total", "Attempts of jobs that ended: done, repeated, failed, died, stopped",
    ["job", "outcome"], registry=REGISTRY,
)  # fmt: skip
JOB_SECONDS = Histogram(
    "t5g_job_seconds", "Time that attempts of a job took", ["job"], buckets=LONG, registry=REGISTRY
)
JOB_WAIT = Histogram(
    "t5g_job_wait_seconds", "Time that jobs waited for a worker", ["queue"],
    buckets=LONG, registry=REGISTRY,
)  # fmt: skip
JIRA_EVENTS = Counter(
    "t5g_jira_events_total",
    "Events from JIRA, by kind and by what became of them",
    ["kind", "outcome"],
    registry=REGISTRY,
)
JIRA_LAG = Histogram(
    "t5g_jira_event_lag_seconds",
    "Time from when something happened in JIRA until its event was written here",
    buckets=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0),
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


#: What the processes of this kind count, and add to the installation's sums.
COUNTED = Counted(REGISTRY)


def observe_request(
    route: str, method: str, status: int, seconds: float, size: int | None = None
) -> None:
    """Count, time and measure one answered request; `size` in bytes if it is known."""
    known = method if method in METHODS else "other"
    counter, histogram, sizes = _of_route(route, known, status)
    counter.inc()
    histogram.observe(seconds)
    if size is not None:
        sizes.observe(size)


def introduce(process: str) -> None:
    """Say what runs in this process: `web`, `bot`, `worker` or `scheduler`."""
    BUILD.labels(process, t5g.__version__, platform.python_version()).set(1)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _of_route(route: str, method: str, status: int) -> tuple[Counter, Observed, Observed]:
    return (
        HTTP_REQUESTS.labels(route, method, status),
        HTTP_SECONDS.labels(route),
        HTTP_BYTES.labels(route),
    )


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
