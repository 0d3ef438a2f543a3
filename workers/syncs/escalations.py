"""The open escalations and the cases they name. Few, so each run lists them all."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from t5g.clock import BEHIND
from t5g.jira_payloads import (
    UNREADABLE,
    escalated_cases,
    escalation_of,
    finished,
    labels_of,
    whole,
)
from t5g.jira_projects import Project, read_projects
from t5g.model import Escalation, Source
from t5g.state import EPOCH, Collection, ItemSeen, ListingSeen, Observation, visible
from workers.answers import Json
from workers.context import SyncContext
from workers.marks import Mark
from workers.streams import batched
from workers.syncs.missing import look_for_missing

WRITTEN_AT_ONCE = 500
GRACE = timedelta(minutes=2)

#: Escalations by case and key, or by key and case.
Named = dict[str, dict[str, Escalation]]


async def sync_escalations(ctx: SyncContext) -> None:
    """List the open escalations for every case known."""
    asked = ctx.begun
    named: Named = defaultdict(dict)
    cases, known = await _read_known(ctx)
    keys = {one.id: key for key, cases_of in known.items() for one in cases_of.values() if one.id}
    project = (await read_projects(ctx.redis, ctx.keys, ctx.settings)).escalations
    setting = ctx.settings.jira_escalation_project
    told: Json | None = None
    listed: set[str] = set()
    unread: set[str] = set()
    replaced: set[str] = set()
    async for page in ctx.clients.jira.escalations():
        for issue in page:
            told = told or issue
            unread |= _add(ctx, issue, named)
            key, old = str(issue.get("key")), keys.get(str(issue.get("id")), "")
            listed |= {key, old}  # an issue keeps its id under a new key
            if old and old != key:
                replaced.add(old)
        await ctx.report(len(listed), len(listed), "escalations")
    project = await ctx.learn_project(setting, project, told)
    look_up = ctx.clients.jira.escalations_by_key
    ours = partial(_is_ours, ctx, project)
    still, unseen = await look_for_missing(ctx, known, listed, look_up, ours)
    for issue in still:
        unread |= _add(ctx, issue, named)
    for key, error in unseen.items():
        ctx.tally.fail(key, str(error))
    _keep_as_it_was(known, unread | unseen.keys(), named)
    gone = _gone(known, replaced, asked)
    ctx.tally.seen = len(named)
    if "" in unread:
        # One that can not even be named must not look like one that was closed.
        ctx.tally.incomplete("an escalation has no key, so none was taken as closed")
    if not ctx.tally.complete:
        await ctx.write([*_items(named, asked), *itertools.chain(*gone.values())])
        return
    for batch in batched(sorted(cases | named.keys()), WRITTEN_AT_ONCE):
        await _write_listings(ctx, batch, named, gone, asked)
    ctx.next_mark = Mark(at=asked.timestamp(), full=asked.timestamp(), listed=len(listed))


async def _read_known(ctx: SyncContext) -> tuple[set[str], Named]:
    """Read the numbers of all cases, and the escalations that are known, by key and case."""
    cases: set[str] = set()
    known: Named = defaultdict(dict)
    async for fields in ctx.store.read_all([Source.ESCALATION]):
        cases.add(fields.number)
        state: Any = fields.states.get(Source.ESCALATION) or Collection()
        for key, escalation in visible(state).items():
            known[key][fields.number] = escalation
    return cases, known


def _keep_as_it_was(known: Named, unread: set[str], named: Named) -> None:
    """Put escalations that could not be read to the cases that they had; the next run looks again.

    One of which nothing is known has none.
    """
    for key in unread & known.keys():
        for number, escalation in known[key].items():
            named[number].setdefault(key, escalation)


def _is_ours(ctx: SyncContext, project: Project, issue: Json) -> bool:
    """Say whether the search should have had an escalation."""
    if finished(issue) or not project.has(issue):
        return False
    label = ctx.settings.jira_escalation_label
    return not label or label in labels_of(issue)


def _add(ctx: SyncContext, issue: Json, named: Named) -> set[str]:
    """Put one escalation to each case that it names; return its key if it could not be read."""
    try:
        escalation = escalation_of(whole(issue), ctx.settings)
        numbers = escalated_cases(issue, ctx.settings)
    except UNREADABLE as error:
        key = str(issue.get("key") or "")
        ctx.tally.fail(key, str(error))
        return {key}
    if not numbers:
        ctx.tally.notes.append(f"{escalation.key} names no case")
    for number in () if finished(issue) else numbers:
        named[number][escalation.key] = escalation
    return set()


def _items(named: Named, asked: datetime) -> Iterator[ItemSeen]:
    for number, escalations in named.items():
        for key, escalation in escalations.items():
            yield ItemSeen(
                number=number,
                source=Source.ESCALATION,
                key=key,
                facts=escalation,
                updated=escalation.updated or EPOCH,
                seen=asked,
            )


def _gone(known: Named, replaced: set[str], asked: datetime) -> Mapping[str, list[ItemSeen]]:
    """Return the ends of old keys by case.

    No event tells of them any more; one that just did must not keep them.
    """
    ends: dict[str, list[ItemSeen]] = defaultdict(list)
    for key in replaced:
        for number, escalation in known[key].items():
            ends[number].append(
                ItemSeen(
                    number=number,
                    source=Source.ESCALATION,
                    key=key,
                    facts=None,
                    updated=escalation.updated or EPOCH,
                    seen=asked + BEHIND,
                )
            )
    return ends


async def _write_listings(
    ctx: SyncContext,
    numbers: list[str],
    named: Named,
    gone: Mapping[str, list[ItemSeen]],
    asked: datetime,
) -> None:
    """Write the listing of each case; young escalations may have a webhook on its way."""
    old: list[Observation] = []
    young: list[Observation] = []
    for number in numbers:
        items = named.get(number, {})
        fresh = any(e.updated and asked - e.updated < GRACE for e in items.values())
        (young if fresh else old).extend(
            [
                ListingSeen(number=number, source=Source.ESCALATION, items=items, seen=asked),
                *gone.get(number, ()),
            ]
        )
    await ctx.write(old, hinted=True)
    await ctx.write(young)
