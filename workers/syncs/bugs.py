"""The Bugzilla bugs behind the cases: their numbers come with the listing and the details."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from t5g.errors import UpstreamError
from t5g.model import Source
from t5g.store import CaseFields
from workers.context import SyncContext
from workers.syncs.linked import Kind, Thing, sync_linked


async def sync_bugs(ctx: SyncContext) -> None:
    """Bring the linked bugs up to date."""
    await sync_linked(ctx, BUGS)


def _links(fields: CaseFields) -> tuple[str, ...] | None:
    states: list[Any] = [fields.states.get(source) for source in (Source.PORTAL, Source.DETAILS)]
    told = [state.facts.bug_ids for state in states if state is not None and state.facts]
    known = [ids for ids in told if ids is not UNSET]
    return tuple(dict.fromkeys(str(i) for ids in known for i in ids)) if known else None


async def _fetch(ctx: SyncContext, names: Sequence[str]) -> AsyncIterator[Mapping[str, Thing]]:
    async for answer in ctx.clients.bugzilla.bugs([int(name) for name in names]):
        found: dict[str, Thing] = {}
        for number, bug in answer.items():
            if isinstance(bug, UpstreamError):
                ctx.tally.fail(f"bug {number}", str(bug))
            else:
                found[str(number)] = bug
        yield found


BUGS = Kind(
    source=Source.BUGS,
    name="bugs",
    reads=(Source.PORTAL, Source.DETAILS, Source.BUGS),
    links=_links,
    fetch=_fetch,
    hinted=False,
)
