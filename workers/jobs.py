"""The jobs of the workers, as RQ calls them: plain functions of names and numbers.

Each runs one core function and returns a small summary. A job that raises is repeated by RQ; when
its attempts are used up, the operators are told, once.
"""

import asyncio
from contextlib import closing

from t5g.alerts import Alerts
from t5g.connection import open_queue_redis, open_redis, open_syncs
from t5g.current import current_settings
from t5g.errors import T5GError
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.syncs import Sync, SyncRecord, SyncState
from t5g.work import ALL, request_sync
from workers.attempts import last_attempt
from workers.deadletters import drain_due
from workers.runner import run_all, run_sync
from workers.watching import tell_failed

#: So often at most a job runs its sync for wishes that come meanwhile; then others have a turn.
MOST_RUNS = 3

Summary = dict[str, str | int | float]

#: What is asked for after a sync worked: at once, or only if it never worked before.
THEN: dict[Sync, tuple[Sync, ...]] = {
    Sync.CASES: (Sync.DETAILS,),
    Sync.DETAILS: (Sync.ISSUES, Sync.BUGS),
}
THEN_FIRST: dict[Sync, tuple[Sync, ...]] = {
    Sync.CASES: (Sync.CARDS, Sync.ESCALATIONS),
    Sync.BUGS: (Sync.STATS,),
}


class SyncFailedError(T5GError):
    """A sync did not come to its end; RQ runs it again."""

    status = 502


def sync(name: str, full: bool = False) -> list[Summary]:
    """Run one sync, or all; raise if one failed, so that it is repeated."""
    settings = current_settings()
    if name == ALL:
        records = asyncio.run(run_all(settings, full=full))
    else:
        records = [asyncio.run(_serve(settings, Sync(name), full))]
        _ask_for_more(settings, records[0])
    failed = [record for record in records if record.state is SyncState.FAILED]
    if failed:
        if last_attempt():
            asyncio.run(_tell_operators(settings, failed))
        raise SyncFailedError("; ".join(f"{record.name}: {record.error}" for record in failed))
    return [summary_of(record) for record in records]


async def _serve(settings: Settings, name: Sync, full: bool) -> SyncRecord:
    """Run a sync until all wishes for it are answered, but not for ever."""
    redis = open_redis(settings.redis_url)
    try:
        syncs = open_syncs(settings, redis)
        for _ in range(MOST_RUNS):
            record = await run_sync(settings, name, full=full, join=True)
            if record.state is SyncState.FAILED or await syncs.wished(name) <= record.served:
                break
            full = False
        return record
    finally:
        await redis.aclose()


def deadletters() -> Summary:
    """Try the events of JIRA again that could not be applied, and whose time has come."""
    drained = asyncio.run(drain_due(current_settings()))
    return {"applied": drained.applied, "failed": drained.failed, "expired": drained.expired}


def summary_of(record: SyncRecord) -> Summary:
    """Return what is worth keeping of a run."""
    return {
        "sync": record.name.value,
        "state": record.state.value,
        "seen": record.seen,
        "changed": record.changed,
        "seconds": round(record.ended - record.started, 3),
    }


def _ask_for_more(settings: Settings, record: SyncRecord) -> None:
    """Ask for the syncs that depend on this one, now that it worked or left something new."""
    if record.last_success < record.started and not record.changed:
        return
    keys = Keys(settings.redis_prefix)
    names = list(THEN.get(record.name, ()))
    with closing(open_queue_redis(settings.redis_url)) as redis:
        if record.name in THEN_FIRST:
            never = asyncio.run(_never_worked(settings))
            names += [name for name in THEN_FIRST[record.name] if name in never]
        for name in names:
            request_sync(redis, keys, name.value, f"after {record.name}", queue="default")


async def _never_worked(settings: Settings) -> set[Sync]:
    redis = open_redis(settings.redis_url)
    try:
        records = await open_syncs(settings, redis).read_all()
        return {name for name, record in records.items() if not record.last_success}
    finally:
        await redis.aclose()


async def _tell_operators(settings: Settings, failed: list[SyncRecord]) -> None:
    redis = open_redis(settings.redis_url)
    try:
        alerts = Alerts(redis, Keys(settings.redis_prefix))
        for record in failed:
            await tell_failed(alerts, record)
    finally:
        await redis.aclose()
