"""Looks after the syncs from outside: runs that died, data that grows old, alerts of it all.

The alert of a sync is one, whoever raises it, and the next success clears it.
"""

import time

import msgspec
from redis.asyncio import Redis

from t5g.alerts import Alerts
from t5g.inbox import Inbox
from t5g.jira_silence import ALERT as SILENCE
from t5g.jira_silence import HINT, silence
from t5g.keys import Keys
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from t5g.work import SYNC_ATTEMPTS

DIED = "its worker died in the middle; what was known is kept, the next run goes on"
#: Runs that may fail one after another before operators are told: the first and its repetitions.
RUNS_MADE = 1 + len(SYNC_ATTEMPTS)


def alert_name(name: Sync) -> str:
    """Return the name of the alert about a sync."""
    return f"sync-{name}"


async def settle_alert(alerts: Alerts, record: SyncRecord, *, transient: bool) -> None:
    """Clear a sync's alert when it works again; raise it at once for what needs a person.

    What may pass is repeated first; whoever repeats it raises the alert in the end.
    """
    name = alert_name(record.name)
    if not record.failures:
        await alerts.clear(name, f"The sync of {record.name} works again.")
    elif record.state is SyncState.PARTIAL or not transient:
        await alerts.raise_(name, f"The sync of {record.name} needs a look: {record.error}")


async def mark_dead(redis: Redis, keys: Keys) -> list[Sync]:
    """Mark runs whose holder died (their lock is gone) as failed; return which."""
    records = SyncRecords(redis, keys)
    dead: list[Sync] = []
    for name, record in (await records.read_all()).items():
        if record.state is not SyncState.RUNNING:
            continue
        if await redis.exists(keys.lock(f"sync:{name}")):
            continue
        if (await records.read(name)).state is not SyncState.RUNNING:
            continue
        dead.append(name)
        failed = buried(record, time.time())
        await records.write(failed)
        await tell_used_up(Alerts(redis, keys), failed)
    return dead


def buried(record: SyncRecord, now: float) -> SyncRecord:
    """Return the record of a run whose holder died."""
    return msgspec.structs.replace(
        record,
        state=SyncState.FAILED,
        error=DIED,
        error_at=now,
        what="",
        failures=record.failures + 1,
    )


async def tell_used_up(alerts: Alerts, record: SyncRecord) -> None:
    """Tell operators of a sync that died once too often: no job is left that could tell."""
    if record.failures >= RUNS_MADE:
        await tell_failed(alerts, record)


async def tell_failed(alerts: Alerts, record: SyncRecord) -> None:
    """Tell operators that a sync fails, whatever was tried."""
    await alerts.raise_(
        alert_name(record.name),
        f"The sync of {record.name} fails: {record.error}",
        hint="What is known is kept and marked as stale; `t5g check` names the part.",
    )


async def tell_stale(redis: Redis, keys: Keys, now: float) -> list[Sync]:
    """Tell operators of syncs that once worked and have not for too long; return which is new."""
    alerts = Alerts(redis, keys)
    told: list[Sync] = []
    for name, record in (await SyncRecords(redis, keys).read_all()).items():
        if not record.last_success or not record.stale(now):
            continue
        text = f"The data of {name} is old: {record.why_stale(now)}"
        hint = "Look at `t5g jobs`: is a worker alive, does the job fail? `t5g check` names parts."
        if await alerts.raise_(alert_name(name), text, hint=hint):
            told.append(name)
    return told


async def tell_silence(redis: Redis, keys: Keys, now: float) -> bool:
    """Tell operators that events of JIRA stopped while syncs see changes; say whether it is new.

    The next event clears it.
    """
    alerts = Alerts(redis, keys)
    arrivals = await Inbox(redis, keys).arrivals()
    text = silence(arrivals, await SyncRecords(redis, keys).read_all(), now)
    if text:
        return await alerts.raise_(SILENCE, f"{text}.", hint=HINT)
    await alerts.clear(SILENCE, "Events of JIRA come again.")
    return False
