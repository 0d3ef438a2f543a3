"""Reads what the syncs left in the store, as a person would look at it."""

from typing import Any

from t5g.assembly import assemble
from t5g.derived import Rules
from t5g.model import Case
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncState
from workers.runner import run_sync


async def cases_of(store: Store) -> dict[str, Case]:
    """All cases by number."""
    found = [assemble(fields, Rules()) async for fields in store.read_all()]
    return {case.number: case for case in found if case is not None}


async def one(store: Store, number: str) -> Case:
    """One case."""
    return (await cases_of(store))[number]


async def synced(settings: Settings, *names: Sync, **how: Any) -> SyncRecord:
    """Run syncs, each to a good end; return the last record."""
    for name in names:
        record = await run_sync(settings, name, **how)
        assert record.state is SyncState.OK, f"{name}: {record.error} {record.notes}"
    return record
