"""What is linked to cases and lives elsewhere: JIRA issues and Bugzilla bugs, by the same rules.

Everything is fetched once however many cases link to it, in batches: at once when a case gets a
new link, and in its turn within twelve hours. A case always gets a whole listing, so that a link
that went takes its issue along. What may not be read stays, marked as restricted, and loses what
was known of it. Where most went or was hidden at once, it stays unless a person says so.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from t5g.clock import latest_believed
from t5g.errors import UpstreamError
from t5g.model import Bug, Issue, Source, Status
from t5g.state import EPOCH, Collection, ItemSeen, ListingSeen, Observation, visible
from t5g.store import CaseFields
from workers.context import SyncContext
from workers.marks import Mark
from workers.streams import batched

#: So many that what they link to fills the calls that are allowed at once.
CASES_AT_ONCE = 2_000
#: A webhook may still be on its way for so long; a younger change was not missed.
GRACE = timedelta(minutes=2)
_A_MOMENT = timedelta(microseconds=1)

Thing = Issue | Bug
Fetch = Callable[[SyncContext, Sequence[str]], AsyncIterator[Mapping[str, Thing]]]
Links = Callable[[CaseFields], tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of linked things. `links`: names of those of a case, None if that is not known."""

    source: Source
    name: str
    reads: tuple[Source, ...]
    links: Links
    fetch: Fetch
    hinted: bool


async def sync_linked(ctx: SyncContext, kind: Kind) -> None:
    """Fetch the linked things whose turn it is, and list them for each case they concern."""
    begun = ctx.begun.timestamp()
    links, closed, unlisted = await _read_links(ctx, kind)
    users = _users(links)
    turns = ctx.turns(kind.name)
    inputs = {name: " ".join(sorted(cases)) for name, cases in users.items()}
    once = {name for name, cases in users.items() if cases <= closed}
    due = set(await turns.due(inputs, begun, once=once, all_=ctx.full))
    concerned = sorted(unlisted | {case for name in due for case in users[name]})
    ctx.tally.seen = len(links)
    done = 0
    shared: dict[str, Thing] = {}
    for cases in batched(concerned, CASES_AT_ONCE):
        things, broken = await _refresh(
            ctx, kind, {case: links[case] for case in cases}, due, shared
        )
        shared |= {name: thing for name, thing in things.items() if len(users[name]) > 1}
        looked_at = sorted(due & things.keys())
        await turns.done(((name, inputs[name]) for name in looked_at), begun)
        tried = {name for case in cases for name in links[case]}
        await turns.again((tried & due) - things.keys())
        if broken is not None:
            raise broken
        due -= things.keys()
        done += len(cases)
        await ctx.report(done, len(concerned), kind.name)
    ctx.next_mark = Mark(at=begun, full=begun if ctx.full or ctx.first else ctx.mark.full)


async def _read_links(
    ctx: SyncContext, kind: Kind
) -> tuple[dict[str, tuple[str, ...]], set[str], set[str]]:
    """Return the links of each case, which cases are closed, and whose listing is out of step.

    If most cases lost most of their links at once, these are left out, to stay as they are.
    """
    links: dict[str, tuple[str, ...]] = {}
    closed: set[str] = set()
    unlisted: set[str] = set()
    shrunk: set[str] = set()
    had = 0
    async for fields in ctx.store.read_all(kind.reads):
        state: Any = fields.states.get(Source.PORTAL)
        found = kind.links(fields)
        if found is None or state is None or state.facts is None:
            continue
        links[fields.number] = found
        if state.facts.status == Status.CLOSED:
            closed.add(fields.number)
        kept: Any = fields.states.get(kind.source)
        old = kept is None or kept.listed is None or kept.listed > latest_believed(ctx.begun)
        if old or len(visible(kept)) != len(found):
            unlisted.add(fields.number)
        if kept is not None and (count := len(visible(kept))):
            had += 1
            if len(found) < count / 2:
                shrunk.add(fields.number)
    if not ctx.believes(len(shrunk), had, f"cases lost most of their linked {kind.name}"):
        links = {number: found for number, found in links.items() if number not in shrunk}
        unlisted -= shrunk
    return links, closed, unlisted


def _users(links: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Turn links of cases into cases by link."""
    users: dict[str, set[str]] = {}
    for number, names in links.items():
        for name in names:
            users.setdefault(name, set()).add(number)
    return users


async def _refresh(
    ctx: SyncContext,
    kind: Kind,
    links: Mapping[str, tuple[str, ...]],
    due: set[str],
    shared: Mapping[str, Thing],
) -> tuple[dict[str, Thing], UpstreamError | None]:
    """Fetch what some cases link to, and list it for each of them; return what was fetched, and
    what ended that before its end.

    `shared`: what was fetched for other cases before. A case with something that could not be
    fetched and is not known either gets no listing: that would say that it is not there.
    """
    asked = ctx.now()
    kept = await _read_kept(ctx, kind, list(links))
    wanted = {
        name
        for number, names in links.items()
        for name in names
        if name not in shared and (name in due or name not in kept[number])
    }
    fetched: dict[str, Thing] = {}
    broken: UpstreamError | None = None
    try:
        async for found in kind.fetch(ctx, sorted(wanted)):
            fetched.update(found)
    except UpstreamError as error:
        broken = error
    for name in _doubted(ctx, kind, kept, fetched):
        del fetched[name]
    things = {**shared, **fetched}
    told: list[Observation] = []
    untold: list[Observation] = []
    for number, names in links.items():
        before = kept[number]
        now = [thing for name in names if (thing := things.get(name) or before.get(name))]
        if any(name not in things and name not in before for name in names):
            untold.extend(_items(number, kind.source, now, asked))
            continue
        known = {_key(thing) for thing in now} <= before.keys()
        old = all(_age(thing, asked) > GRACE for thing in now)
        (told if kind.hinted and known and old else untold).extend(
            listings(number, kind.source, before, now, asked)
        )
    await ctx.write(told, hinted=True)
    await ctx.write(untold)
    return fetched, broken


def listings(
    number: str,
    source: Source,
    before: Mapping[str, Thing],
    now: Sequence[Thing],
    asked: datetime,
) -> list[ListingSeen]:
    """Return what to write so that the things of a case are those in `now`.

    Something that became restricted has no time of its own that could win over what was known of
    it; it is first left out and then listed again.
    """
    items = {_key(thing): thing for thing in now}
    hidden = {
        key
        for key, thing in items.items()
        if thing.restricted and key in before and not before[key].restricted
    }
    last = ListingSeen(number=number, source=source, items=items, seen=asked)
    if not hidden:
        return [last]
    rest = {key: thing for key, thing in items.items() if key not in hidden}
    first = ListingSeen(number=number, source=source, items=rest, seen=asked - _A_MOMENT)
    return [first, last]


def _doubted(
    ctx: SyncContext,
    kind: Kind,
    kept: Mapping[str, Mapping[str, Thing]],
    fetched: Mapping[str, Thing],
) -> set[str]:
    """Return what is said to be hidden from us now, if that is most of what we could read."""
    readable = {
        name
        for before in kept.values()
        for name, thing in before.items()
        if name in fetched and not thing.restricted
    }
    hidden = {name for name in readable if fetched[name].restricted}
    why = f"known {kind.name} are not there or not shown to us any more"
    return set() if ctx.believes(len(hidden), len(readable), why) else hidden


def _items(
    number: str, source: Source, things: Sequence[Thing], asked: datetime
) -> Iterator[ItemSeen]:
    for thing in things:
        yield ItemSeen(
            number=number, source=source, key=_key(thing), facts=thing,
            updated=thing.updated or EPOCH, seen=asked,
        )  # fmt: skip


async def _read_kept(
    ctx: SyncContext, kind: Kind, numbers: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return what is kept of the linked things of some cases."""
    kept: dict[str, dict[str, Any]] = {}
    for number, fields in zip(
        numbers, await ctx.store.read_many(numbers, [kind.source]), strict=True
    ):
        state: Any = fields.states.get(kind.source) if fields else None
        kept[number] = visible(state or Collection())
    return kept


def _key(thing: Thing) -> str:
    return thing.key if isinstance(thing, Issue) else str(thing.id)


def _age(thing: Thing, now: datetime) -> timedelta:
    return now - thing.updated if thing.updated else timedelta.max
