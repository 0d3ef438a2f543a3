"""Whether JIRA's events still come, judged by what syncs find. Pure.

A quiet JIRA sends nothing, so silence alone is no fault. But a sync that finds changes which an
event should have told, while none came for a while, says that the webhook is lost.
"""

from collections.abc import Mapping

from t5g.clock import believable
from t5g.inbox import Arrivals
from t5g.syncs import Sync, SyncRecord

#: Name of the operators' alert while events do not come.
ALERT = "jira-events"
#: The syncs that count what no event had told (`SyncRecord.missed_events`).
WITNESSES = (Sync.CARDS, Sync.ISSUES)
#: Seconds without an event, before a sync began, after which its findings count.
QUIET = 15 * 60.0
HINT = (
    "Does JIRA reach T5G_PUBLIC_URL, and are the secrets the same? `t5g webhook list` shows what "
    "JIRA has registered, docs/jira-webhooks.md what to look at."
)


def silence(arrivals: Arrivals, records: Mapping[Sync, SyncRecord], now: float) -> str:
    """Return a sentence if events stopped while syncs saw changes, else "".

    Times are seconds since the epoch. An event that came after the sync's run ends the silence.
    """
    last = arrivals.last or 0.0
    if not believable(last, now):
        last = 0.0
    missed = {
        name: record.missed_events
        for name in WITNESSES
        if (record := records.get(name)) is not None
        and record.missed_events
        and believable(record.started, now)
        and last < record.started - QUIET
    }
    if not missed:
        return ""
    found = " and ".join(f"{count} in {name}" for name, count in missed.items())
    return f"{last_told(arrivals, now)}, but the last sync found changes no event had told: {found}"


def last_told(arrivals: Arrivals, now: float) -> str:
    """Say when the last event came, for people."""
    if arrivals.last is None:
        return "No event of JIRA ever came"
    if not believable(arrivals.last, now):
        return "The last event of JIRA came at a time that lies in the future: a clock was wrong"
    return f"The last event of JIRA came {_ago(now - arrivals.last)} ago"


def _ago(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
