"""Decides which stamps are believed: one that lies in the future was made by a wrong clock.

A clock that was once ahead leaves stamps behind that win over everything until their time comes.
Whoever compares a stored stamp with the time now asks here first.
"""

from datetime import datetime, timedelta

#: By how many seconds two clocks may differ before the stamps of one are no more believed.
BOUND = 300.0
_BOUND = timedelta(seconds=BOUND)
#: By how much JIRA's clock, or the index that its searches read, may be behind ours. A search that
#: we began just after an event may not show what the event tells, and an event is stamped by JIRA's
#: clock, a search by ours: so an event counts as so much later than it says.
BEHIND = timedelta(seconds=60)


def believable(stamp: float, now: float) -> bool:
    """Return whether a stamp (seconds since the epoch) may be true at `now`."""
    return stamp <= now + BOUND


def latest_believed(now: datetime) -> datetime:
    """Return the last moment that is believed at `now`."""
    return now + _BOUND
