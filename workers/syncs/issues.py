"""The JIRA issues behind the cases: their keys come with the details."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from t5g.errors import UpstreamError
from t5g.jira_payloads import UNREADABLE, browse_url, issue_of, whole
from t5g.model import Issue, Source, Status
from t5g.state import Collection, visible
from t5g.store import CaseFields
from workers.answers import Json
from workers.context import SyncContext
from workers.syncs.linked import Kind, Thing, sync_linked
from workers.syncs.renames import Named, names_of, renamed


async def sync_issues(ctx: SyncContext) -> None:
    """Bring the linked issues up to date: all of them, if something was renamed."""
    if not ctx.full and await _renamed(ctx):
        ctx.full = True
    await sync_linked(ctx, ISSUES)


async def _renamed(ctx: SyncContext) -> bool:
    known: dict[str, Named] = {}
    async for fields in ctx.store.read_all([Source.PORTAL, Source.ISSUES]):
        state: Any = fields.states.get(Source.PORTAL)
        if state is None or state.facts is None or state.facts.status == Status.CLOSED:
            continue  # what closed cases link to is not looked at again
        kept: Any = fields.states.get(Source.ISSUES) or Collection()
        for key, issue in visible(kept).items():
            if not issue.restricted:
                known[key] = Named(issue, names_of(issue))

    def read(row: Json) -> Named:
        issue = issue_of(whole(row), ctx.settings)
        return Named(issue, names_of(issue))

    return await renamed(ctx, known, ctx.clients.jira.issues, read)


def _links(fields: CaseFields) -> tuple[str, ...] | None:
    state: Any = fields.states.get(Source.DETAILS)
    keys = state.facts.issue_keys if state is not None and state.facts else UNSET
    return None if keys is UNSET else tuple(dict.fromkeys(keys))


async def _fetch(ctx: SyncContext, keys: Sequence[str]) -> AsyncIterator[Mapping[str, Thing]]:
    async for rows in ctx.clients.jira.issues(keys):
        found: dict[str, Thing] = {}
        for key, row in rows.items():
            if isinstance(row, UpstreamError):
                ctx.tally.fail(key, str(row))
                continue
            if row is None:
                found[key] = Issue(key=key, url=browse_url(key, ctx.settings), restricted=True)
                continue
            try:
                found[key] = issue_of(whole(row), ctx.settings)
            except UNREADABLE as error:
                ctx.tally.fail(key, str(error))
        yield found


ISSUES = Kind(
    source=Source.ISSUES,
    name="issues",
    reads=(Source.PORTAL, Source.DETAILS, Source.ISSUES),
    links=_links,
    fetch=_fetch,
    hinted=True,
)
