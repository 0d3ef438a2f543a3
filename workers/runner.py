"""Runs one sync: its lock, its record, its progress, and what its end means.

There is one run of a sync at a time in the whole installation; whoever asks for another one
follows the one in progress. A run that fails or is killed leaves whole states behind, keeps what
was known, and says so in the record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from t5g import metrics
from t5g.alerts import Alerts
from t5g.connection import open_redis, open_store, open_syncs
from t5g.errors import StoreError, T5GError, UpstreamError
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.logs import bind, logger
from t5g.model import Source
from t5g.redis_errors import what_redis_did
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from workers.calls import METER, Meter
from workers.clients import Clients
from workers.context import MOST_NOTES, Progress, SyncContext, Tally, Throttled
from workers.deadletters import drain_before
from workers.marks import Marks
from workers.syncs.bugs import sync_bugs
from workers.syncs.cards import sync_cards
from workers.syncs.cases import sync_cases
from workers.syncs.details import sync_details
from workers.syncs.escalations import sync_escalations
from workers.syncs.issues import sync_issues
from workers.syncs.stats import sync_stats
from workers.watching import DIED, buried, settle_alert, tell_used_up

log = logger(__name__)

RUNS: Mapping[Sync, Callable[[SyncContext], Awaitable[None]]] = {
    Sync.CASES: sync_cases,
    Sync.CARDS: sync_cards,
    Sync.DETAILS: sync_details,
    Sync.ISSUES: sync_issues,
    Sync.BUGS: sync_bugs,
    Sync.ESCALATIONS: sync_escalations,
    Sync.STATS: sync_stats,
}
#: Whose data a sync works with: it waits for the first of it, not for a run without a fault.
NEEDS: Mapping[Sync, Sync] = {
    Sync.CARDS: Sync.CASES,
    Sync.DETAILS: Sync.CASES,
    Sync.ESCALATIONS: Sync.CASES,
    Sync.ISSUES: Sync.DETAILS,
    Sync.BUGS: Sync.DETAILS,
}
FOLLOW_EVERY = 0.25
LONGEST_RUN = 3_000.0
REDIS_TRIES = 10
STOPPED = "it was stopped in the middle; what was known is kept, the next run goes on"

OnProgress = Callable[[SyncRecord], Awaitable[None] | None]
Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


async def run_sync(
    settings: Settings,
    name: Sync | str,
    *,
    full: bool = False,
    accept_shrink: bool = False,
    join: bool = False,
    on_progress: OnProgress | None = None,
    clients: Clients | None = None,
    now: Now = utc_now,
) -> SyncRecord:
    """Run a sync, or follow the run in progress, and return how it ended.

    `full`: ask for everything, not for changes. `accept_shrink`: a person says that it is right
    that most cases are gone. `join`: a run in progress will do, unless somebody wished for one
    after it began; else only a run that begins from now on does, the same for all who wish.
    `on_progress` gets the record as it grows. `clients`: those to share with other runs (else
    opened and closed here). Raises StoreError when Redis is gone; every other failure is in the
    record.
    """
    async with AsyncExitStack() as stack:
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        if clients is None:
            clients = await stack.enter_async_context(Clients(settings, now=now))
        runner = Runner(settings, redis, clients, on_progress, now)
        with bind(sync=str(name)):
            try:
                await redis.ping()
                be_patient(redis)
                return await runner.run(
                    Sync(name), full=full, accept_shrink=accept_shrink, join=join
                )
            except (RedisError, OSError) as error:
                raise StoreError(
                    f"{what_redis_did(error)}; nothing that was known is lost."
                ) from error


def be_patient(redis: Redis) -> None:
    """Let a client that did connect sit out a Redis that restarts (about ten seconds).

    Repeating a command is safe: every write of a sync may be made twice.
    """
    backoff = ExponentialWithJitterBackoff(base=0.1, cap=2.0)
    redis.set_retry(Retry(backoff, REDIS_TRIES))


async def run_all(
    settings: Settings, *, full: bool = False, on_progress: OnProgress | None = None
) -> list[SyncRecord]:
    """Run all syncs but the statistics, side by side as far as one does not need the other."""

    async def one(name: Sync) -> SyncRecord:
        return await run_sync(settings, name, full=full, on_progress=on_progress, clients=clients)

    async def details_first() -> list[SyncRecord]:
        details = await one(Sync.DETAILS)
        return [details, *await asyncio.gather(one(Sync.ISSUES), one(Sync.BUGS))]

    async with Clients(settings) as clients:
        cases = await one(Sync.CASES)
        cards, escalations, rest = await asyncio.gather(
            one(Sync.CARDS), one(Sync.ESCALATIONS), details_first()
        )
    return [cases, cards, escalations, *rest]


class Runner:
    """Runs syncs of one installation on open connections."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        clients: Clients,
        on_progress: OnProgress | None,
        now: Now,
    ) -> None:
        self._settings = settings
        self._redis = redis
        self._keys = Keys(settings.redis_prefix)
        self._store: Store = open_store(settings, redis)
        self._records: SyncRecords = open_syncs(settings, redis)
        self._clients = clients
        self._on_progress = on_progress
        self._now = now

    async def run(
        self, name: Sync, *, full: bool, accept_shrink: bool, join: bool = False
    ) -> SyncRecord:
        """Run a sync, or follow a run that answers the wish to its end."""
        wish = await (self._records.wished(name) if join else self._records.wish(name))
        while True:
            lock = Lock(self._redis, self._keys.lock(f"sync:{name}"))
            async with lock:
                if await lock.acquire():
                    return await self._run_locked(name, lock, full, accept_shrink)
            followed = await self._follow(name)
            if (
                followed is not None
                and followed.served >= wish
                and _is_enough(followed, full or accept_shrink)
            ):
                return followed

    async def _follow(self, name: Sync) -> SyncRecord | None:
        """Watch the run in progress; None if its holder died without an end."""
        lock = self._keys.lock(f"sync:{name}")
        while await self._redis.exists(lock):
            record = await self._records.read(name)
            if record.state is SyncState.RUNNING:
                await self._tell(record)
            await asyncio.sleep(FOLLOW_EVERY)
        record = await self._records.read(name)
        unfinished = record.state in (SyncState.RUNNING, SyncState.NEVER) or record.error == DIED
        return None if unfinished else record

    async def _run_locked(
        self, name: Sync, lock: Lock, full: bool, accept_shrink: bool
    ) -> SyncRecord:
        before = await self._bury(await self._records.read(name))
        marks = Marks(self._redis, self._keys)
        epoch = (await self._store.position()).epoch
        begun = self._now()
        mark = await marks.read(name)
        healed = mark.healed(begun.timestamp())
        # Before anything is fetched: who wishes from here on may wish for something newer.
        before = msgspec.structs.replace(before, served=await self._records.wished(name))
        record = await self._begin(before, begun.timestamp())
        ctx = SyncContext(
            name=name,
            settings=self._settings,
            redis=self._redis,
            keys=self._keys,
            store=self._store,
            clients=self._clients,
            marks=marks,
            lock=lock,
            mark=healed,
            begun=begun,
            now=self._now,
            report=Throttled(self._reporter(record)),
            full=full,
            accept_shrink=accept_shrink,
        )
        if name in (Sync.CASES, Sync.STATS):
            # What all others begin with, and what is kept for ever.
            await _mend_index(ctx)
        if healed is not mark:
            log.warning("mark_not_believed", at=mark.at, full=mark.full, upto=mark.upto)
            ctx.tally.notes.append("a clock was ahead: its stamps are not believed, all is listed")
        meter = Meter()
        METER.set(meter)
        try:
            error, transient = await self._try(ctx, name)
        except asyncio.CancelledError:
            await self._finish(_ended(record, ctx, STOPPED, self._now().timestamp()), True)
            raise
        if not error and (await self._store.position()).epoch != epoch:
            error, transient = "Redis lost its data in the middle of the run", True
        record = _ended(record, ctx, error, self._now().timestamp())
        record = msgspec.structs.replace(record, requests=meter.requests)
        if record.state is not SyncState.FAILED and ctx.tally.complete and ctx.next_mark:
            await marks.write(name, ctx.next_mark)
        _count(record)
        await self._finish(record, transient)
        await metrics.COUNTED.flush(self._redis, self._keys)
        return record

    async def _try(self, ctx: SyncContext, name: Sync) -> tuple[str, bool]:
        """Run the sync; return what went wrong ("" if nothing), and whether it may pass."""
        need = NEEDS.get(name)
        if need is not None and not await self._has_data(need):
            return f"waits for the first `t5g sync {need}`", True
        try:
            async with asyncio.timeout(LONGEST_RUN):
                await drain_before(name, self._settings, self._redis, ctx.begun)
                await RUNS[name](ctx)
        except TimeoutError:
            return f"stopped after {LONGEST_RUN:.0f} seconds", True
        except UpstreamError as error:
            return str(error), error.transient
        except T5GError as error:
            return str(error), True
        except (RedisError, OSError) as broken:
            return what_redis_did(broken), True
        except Exception as error:
            log.exception("sync_broke")
            return f"a mistake of ours ({type(error).__name__}); the log has it", False
        return "", True

    async def _has_data(self, need: Sync) -> bool:
        """Say whether a sync worked once, or failed once and left some of its data all the same."""
        record = await self._records.read(need)
        if record.last_success or not (record.ended or record.failures):
            return bool(record.last_success)
        source = Source.PORTAL if need is Sync.CASES else Source.DETAILS
        async for fields in self._store.read_all([source]):
            if source in fields.states:
                return True
        return False

    async def _bury(self, before: SyncRecord) -> SyncRecord:
        """Take note that the run before died, if it did: the lock would not be ours else."""
        if before.state is not SyncState.RUNNING:
            return before
        dead = buried(before, self._now().timestamp())
        await tell_used_up(Alerts(self._redis, self._keys), dead)
        return dead

    async def _begin(self, before: SyncRecord, started: float) -> SyncRecord:
        record = msgspec.structs.replace(
            before,
            state=SyncState.RUNNING,
            started=started,
            seen=0, changed=0, removed=0, failed=0, requests=0, missed_events=0,
            current=0, total=0, what="starting", notes=(),
        )  # fmt: skip
        await self._records.write(record)
        await self._tell(record)
        return record

    def _reporter(self, record: SyncRecord) -> Progress:
        async def report(current: int, total: int, what: str) -> None:
            grown = msgspec.structs.replace(record, current=current, total=total, what=what)
            await self._records.write(grown)
            await metrics.COUNTED.flush_if_due(self._redis, self._keys)
            await self._tell(grown)

        return report

    async def _finish(self, record: SyncRecord, transient: bool) -> None:
        await self._records.write(record)
        await self._tell(record)
        log.info(
            "sync_ended",
            state=record.state.value,
            seen=record.seen,
            changed=record.changed,
            removed=record.removed,
            failed=record.failed,
            requests=record.requests,
            seconds=round(record.ended - record.started, 2),
            error=record.error,
            transient=transient,
        )
        await settle_alert(Alerts(self._redis, self._keys), record, transient=transient)

    async def _tell(self, record: SyncRecord) -> None:
        if self._on_progress is not None:
            told = self._on_progress(record)
            if told is not None:
                await told


async def _mend_index(ctx: SyncContext) -> None:
    lacked = await ctx.store.mend_index(now=ctx.begun)
    if lacked:
        log.error("index_mended", cases=lacked)
        ctx.tally.notes.append(
            f"the list of cases in Redis lacked {lacked} that are kept; they are back: was a key "
            "of ours deleted?"
        )


def _is_enough(followed: SyncRecord, everything: bool) -> bool:
    """Say whether a run that was followed answers the question, also one for `everything`."""
    listed = followed.last_full == followed.started
    return not everything or listed or followed.state is SyncState.FAILED


def _ended(record: SyncRecord, ctx: SyncContext, error: str, now: float) -> SyncRecord:
    """Return the record of a run that ended."""
    tally = ctx.tally
    good = not error and tally.complete
    said = error or tally.error
    return msgspec.structs.replace(
        record,
        state=_state(error, tally),
        ended=now,
        last_success=record.started if good else record.last_success,
        last_full=ctx.next_mark.full if good and ctx.next_mark else record.last_full,
        error=said,
        error_at=now if said else record.error_at,
        failures=0 if good else record.failures + 1,
        seen=tally.seen,
        changed=len(tally.changed),
        removed=tally.removed,
        failed=tally.failed,
        missed_events=tally.missed_events,
        known_since=ctx.known_since or record.known_since,
        what="",
        notes=tuple((*tally.problems, *tally.notes)[:MOST_NOTES]),
    )


def _count(record: SyncRecord) -> None:
    name = record.name.value
    metrics.SYNC_RUNS.labels(name, record.state.value).inc()
    metrics.SYNC_SECONDS.labels(name).observe(max(0.0, record.ended - record.started))
    metrics.SYNC_REQUESTS.labels(name).inc(record.requests)
    metrics.SYNC_CHANGES.labels(name).inc(record.changed)


def _state(error: str, tally: Tally) -> SyncState:
    if error:
        return SyncState.FAILED
    return SyncState.OK if tally.complete and not tally.failed else SyncState.PARTIAL
