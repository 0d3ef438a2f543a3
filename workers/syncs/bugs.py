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


def _links(fields: CaseFields) -> tuple[str, ...]:
    portal: Any = fields.states.get(Source.PORTAL)
    details: Any = fields.states.get(Source.DETAILS)
    ids = list(portal.facts.bug_ids) if portal is not None and portal.facts else []
    if details is not None and details.facts and details.facts.bug_ids is not UNSET:
        ids += details.facts.bug_ids
    return tuple(str(number) for number in dict.fromkeys(ids))


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
