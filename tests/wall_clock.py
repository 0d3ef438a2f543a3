"""The tests' only clock: whatever a test calls "now" comes from here.

Tests that talk to running processes share the machine's wall clock with them; tests of what is
pure take a moment of their own (`tests.making.NOW`). Nothing else in the tests reads a clock of
the wall, so that the suite passes on every day and at every hour: docs/proof.md says how it is
run under a clock that is ahead.
"""

import time
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def seconds() -> float:
    """Return the time now, in seconds since the epoch."""
    return time.time()


class Began:
    """When the test that runs now began, in whole seconds: the same however often it is asked."""

    at = now().replace(microsecond=0)


def ago(**kwargs: float) -> datetime:
    """Return the moment that long before this test began (days=, hours=, …)."""
    return Began.at - timedelta(**kwargs)
