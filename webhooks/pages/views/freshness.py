"""How fresh what a page shows is: one item a source, late ones named with the reason."""

from collections.abc import Mapping

from msgspec import Struct

from t5g.syncs import Sync, SyncRecord, SyncState
from webhooks.pages.views.words import When, count, cut, when

TITLES = {
    Sync.CASES: "Cases",
    Sync.CARDS: "Cards",
    Sync.DETAILS: "Details",
    Sync.ISSUES: "Issues",
    Sync.BUGS: "Bugs",
    Sync.ESCALATIONS: "Escalations",
    Sync.STATS: "Statistics",
}
LONGEST_REASON = 200


class SourceState(Struct, frozen=True, kw_only=True):
    """One source: `state` is fresh, late or running; `percent` only while that is known."""

    name: str
    title: str
    state: str
    when: When | None
    why: str = ""
    percent: int | None = None
    progress: str = ""


class Freshness(Struct, frozen=True, kw_only=True):
    """The foot of every page. `silent`: what else should speak and does not."""

    at: When | None
    sources: tuple[SourceState, ...] = ()
    silent: tuple[str, ...] = ()

    @property
    def late(self) -> tuple[SourceState, ...]:
        """The sources whose data may be older than people expect."""
        return tuple(source for source in self.sources if source.why)


def freshness(syncs: Mapping[Sync, SyncRecord], parked: int, now: float) -> Freshness:
    """Say how fresh each source is; `parked`: events of JIRA that wait to be applied."""
    silent = (f"{count(parked, 'event')} of JIRA could not be applied yet",) if parked else ()
    return Freshness(
        at=when(now, now),
        sources=tuple(source_state(record, now) for record in syncs.values()),
        silent=silent,
    )


def source_state(record: SyncRecord, now: float) -> SourceState:
    """Say how fresh one source is, and how far its sync is."""
    running = record.state is SyncState.RUNNING
    known = running and record.total > 0
    return SourceState(
        name=record.name.value,
        title=TITLES[record.name],
        state="running" if running else "late" if record.stale(now) else "fresh",
        when=when(record.last_success, now),
        why=cut(record.why_stale(now), LONGEST_REASON),
        percent=min(100, 100 * record.current // record.total) if known else None,
        progress=f"{record.current:,} of {record.total:,}" if known else record.what,
    )
