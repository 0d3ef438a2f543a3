"""The team's cards and their comments, from JIRA.

One search brings cards with all fields and comments. Between full searches only what changed is
asked for, with a look at a few that would tell of something renamed, which makes it a full one; a
full one, at least once a day, also finds cards that ceased to be ours. What a search
finds changed although webhooks should have told it is counted.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from t5g.clock import BEHIND
from t5g.errors import UpstreamError
from t5g.jira_payloads import (
    UNREADABLE,
    card_of,
    comment_of,
    comments_of,
    finished,
    labels_of,
    number_of_card,
    number_of_remote_links,
    sprints_of,
    whole,
)
from t5g.jira_projects import Project, read_projects
from t5g.model import Card, Comment, Source
from t5g.settings import Settings
from t5g.state import (
    EPOCH,
    CardState,
    Collection,
    CommentsSeen,
    ItemSeen,
    ListingSeen,
    Observation,
    visible,
)
from workers.answers import Json
from workers.context import SyncContext
from workers.items import Breaker
from workers.marks import Mark
from workers.streams import ahead, batched, mapped
from workers.syncs.missing import look_for_missing
from workers.syncs.renames import Named, names_of, renamed

OVERLAP_MINUTES = 10
#: A webhook may still be on its way for so long; a younger change was not missed.
GRACE = timedelta(minutes=2)
WRITTEN_AT_ONCE = 500
LOOKED_UP_AT_ONCE = 6


class Kept(Struct, frozen=True):
    """What is kept of a card: its case, itself, how many comments it has, and all its names."""

    number: str
    card: Card
    comments: int
    named: Named

    @property
    def updated(self) -> datetime:
        """When it changed."""
        return self.card.updated or EPOCH


class Known(Struct, frozen=True):
    """All cards that are known, by key, their keys by id, and the numbers of all cases.

    As this run goes on: `asked`, cards that do not name their case themselves, and `unread`, cards
    that could not be read, which stay as they were. Calls about single cards go through `breaker`.
    """

    cards: dict[str, Kept]
    keys: dict[str, str]
    cases: set[str]
    asked: set[str]
    unread: set[str]
    breaker: Breaker

    def get(self, id: str, key: str) -> Kept | None:
        """Return the card of that key, else of that id: an issue keeps its id under a new key."""
        return self.cards.get(key) or self.cards.get(self.keys.get(id, "") if id else "")


class Read(Struct, frozen=True):
    """A card as it was read: its case ("" if none is known), itself, its comments."""

    number: str
    card: Card
    comments: tuple[Comment, ...]
    complete: bool


Home = dict[str, dict[str, Card]]


async def sync_cards(ctx: SyncContext) -> None:
    """Bring the cards up to date."""
    begun = ctx.begun
    settings = ctx.settings
    known = await _read_known(ctx)
    full = ctx.all_due or await renamed(
        ctx,
        {key: kept.named for key, kept in known.cards.items()},
        ctx.clients.jira.cards_by_key,
        partial(_named, settings),
    )
    project = (await read_projects(ctx.redis, ctx.keys, settings)).cards
    sprints = await _sprints(ctx)
    minutes = None if full else _minutes_since(ctx.mark.at, begun.timestamp())
    home: Home = defaultdict(dict)
    listed: set[str] = set()
    told: Json | None = None
    pages = ctx.clients.jira.cards(sprint_ids=sprints, minutes=minutes)
    async for asked, page in ahead(pages, ctx.now):
        if sprints is None and told is None and page:
            told = page[0]
            project = await ctx.learn_project(settings.jira_project, project, told)
        await _take_page(ctx, page, known, home, asked)
        for issue in page:
            listed |= {str(issue.get("key")), known.keys.get(str(issue.get("id")), "")}
        await ctx.report(len(listed), len(listed), "cards")
    if again := sorted(set(ctx.mark.again) - listed):
        await _take_again(ctx, again, known, home)
    if full:
        if told is None:
            project = await ctx.learn_project(settings.jira_project, project, None)
        await _conclude(ctx, known, home, listed, project)
    ctx.next_mark = Mark(
        at=begun.timestamp(),
        full=begun.timestamp() if full else ctx.mark.full,
        listed=len(listed) if full else ctx.mark.listed,
        again=tuple(sorted(known.unread)),
    )


def _minutes_since(at: float, now: float) -> int:
    """Return how far back to ask, with an overlap (JIRA's index lags behind by seconds)."""
    return math.ceil(max(0.0, now - at) / 60) + OVERLAP_MINUTES


async def _take_again(ctx: SyncContext, keys: Sequence[str], known: Known, home: Home) -> None:
    """Read cards that the run before could not read, and that did not change since."""
    asked = ctx.now()
    async for found in ctx.clients.jira.cards_by_key(keys):
        rows = []
        for key, row in found.items():
            if isinstance(row, UpstreamError):
                _fail(ctx, known, key, str(row))
            elif row is not None:
                rows.append(row)
        await _take_page(ctx, rows, known, home, asked)


def _named(settings: Settings, issue: Json) -> Named:
    """Read a card with all names that it tells."""
    card, (comments, _) = card_of(whole(issue), settings), comments_of(issue)
    sprints = {("sprint", id, name) for id, name in sprints_of(issue, settings).items()}
    return Named(card, names_of(card, (comment.author for comment in comments)) | sprints)


async def _conclude(
    ctx: SyncContext, known: Known, home: Home, listed: set[str], project: Project
) -> None:
    """Let go of cards that a complete listing has not, after a look at each."""
    asked = ctx.now()
    look_up = ctx.clients.jira.cards_by_key
    still, unread = await look_for_missing(
        ctx, known.cards, listed, look_up, partial(_is_ours, ctx, project)
    )
    for key, error in unread.items():
        _fail(ctx, known, key, str(error))
    await _take_page(ctx, still, known, home, asked)
    for key in known.unread & known.cards.keys():
        home[known.cards[key].number].setdefault(key, known.cards[key].card)
    if "" not in known.unread:  # a card that can not even be named must not look like one gone
        await _list(ctx, home, known.cases, ctx.begun)
    await _forget_links(ctx, known.asked)
    if not ctx.tally.complete:
        await ctx.list_again()


def _is_ours(ctx: SyncContext, project: Project, issue: Json) -> bool:
    """Say whether the search should have had a card. Of a sprint one can not tell."""
    settings = ctx.settings
    if settings.jira_cards == "sprint" or not project.has(issue):
        return False
    return not settings.jira_label or settings.jira_label in labels_of(issue)


async def _sprints(ctx: SyncContext) -> list[int] | None:
    """Return the sprints to search, or None to search the whole project."""
    if ctx.settings.jira_cards == "project":
        return None
    board, name = ctx.settings.jira_board, ctx.settings.jira_sprint
    found = await ctx.clients.jira.sprint_ids(board, name)
    if not found:
        ctx.tally.incomplete(
            f"no sprint {name!r} on the board {board!r}"
            if name
            else f"no active sprint on {board!r}"
        )
    return found or None


async def _read_known(ctx: SyncContext) -> Known:
    """Read the cards that are known, and the numbers of all cases."""
    kept: dict[str, Kept] = {}
    cases: set[str] = set()
    async for fields in ctx.store.read_all([Source.CARD]):
        cases.add(fields.number)
        state: Any = fields.states.get(Source.CARD) or CardState()
        for key, card in visible(state.cards).items():
            comments = visible(state.comments.get(key) or Collection())
            authors = {comment.author for comment in comments.values()}
            named = Named(card, names_of(card, authors))
            kept[key] = Kept(fields.number, card, len(comments), named)
    keys = {one.card.id: key for key, one in kept.items() if one.card.id}
    return Known(kept, keys, cases, set(), set(), Breaker())


async def _take_page(
    ctx: SyncContext, page: Sequence[Json], known: Known, home: Home, asked: datetime
) -> None:
    """Read the cards of a page and write them, those that changed just now apart.

    Raises UpstreamError, after that, for what concerns all cards.
    """
    reads = [read async for read in mapped(page, _reader(ctx, known), limit=LOOKED_UP_AT_ONCE)]
    old: list[Observation] = []
    young: list[Observation] = []
    for read in reads:
        if read is None:
            continue
        if read.number:
            home[read.number][read.card.key] = read.card
        fresh = asked - (read.card.updated or EPOCH) < GRACE
        before = known.get(read.card.id, read.card.key)
        untold = fresh or before is None or _rekeyed(read.card, before)
        (young if untold else old).extend(_observations(read, before, asked))
    await ctx.write(old, hinted=True)
    await ctx.write(young)
    if known.breaker.open is not None:
        raise known.breaker.open


def _fail(ctx: SyncContext, known: Known, key: str, why: str) -> None:
    """Say that a card could not be read; it stays as it was, and the next run tries it again."""
    ctx.tally.fail(key, why)
    known.unread.add(key)


def _reader(ctx: SyncContext, known: Known) -> Any:
    async def read(issue: Json) -> Read | None:
        try:
            return await _read(ctx, issue, known)
        except (UpstreamError, *UNREADABLE) as error:
            _fail(ctx, known, str(issue.get("key") or ""), str(error))
            return None

    return read


async def _read(ctx: SyncContext, issue: Json, known: Known) -> Read | None:
    """Read one card; None for one that is not ours, or done with a case that is not known."""
    card = card_of(whole(issue), ctx.settings)
    before = known.get(card.id, card.key)
    label = ctx.settings.jira_label
    if label and label not in labels_of(issue):
        return Read("", card, (), complete=False) if before else None
    ctx.tally.seen += 1
    number = number_of_card(issue)
    if number is None:
        known.asked.add(card.key)
        number = await _linked_number(ctx, card, known.breaker)
    if number is None:
        ctx.tally.notes.append(f"{card.key} names no case")
        return Read("", card, (), complete=False) if before else None
    if number not in known.cases and finished(issue):
        return None
    comments, complete = comments_of(issue, ctx.settings.jira_zone)
    if not complete and _worth_asking(card, before, issue):
        try:
            rows = await known.breaker.call(partial(ctx.clients.jira.comments, card.key))
        except UpstreamError as error:
            _fail(ctx, known, card.key, f"comments: {error}")
        else:
            comments, complete = (
                tuple(comment_of(row, ctx.settings.jira_zone) for row in rows),
                True,
            )
    return Read(number, card, comments, complete=complete)


def _worth_asking(card: Card, before: Kept | None, issue: Json) -> bool:
    """Say whether comments that a search left out may be ones that we do not know."""
    found = issue["fields"].get("comment")
    total = found.get("total") if isinstance(found, dict) else None
    if before is None or total is None or _rekeyed(card, before):
        return True
    return before.comments != total or before.updated != (card.updated or EPOCH)


def _rekeyed(card: Card, before: Kept) -> bool:
    """Return whether a card is known by another key: it moved, or its project was renamed."""
    return card.key != before.card.key


async def _linked_number(ctx: SyncContext, card: Card, breaker: Breaker) -> str | None:
    """Return the case of a card's "Support Case" link; asked for once for each version of it."""
    key = ctx.keys.named("cardlinks")
    version = f"{card.updated or ''} "
    raw = await ctx.redis.hget(key, card.key)
    cached = raw.decode() if isinstance(raw, bytes) else ""
    if cached.startswith(version) and (not ctx.full or len(cached) > len(version)):
        return cached[len(version) :] or None
    rows = await breaker.call(partial(ctx.clients.jira.remote_links, card.key))
    number = number_of_remote_links(rows)
    await ctx.redis.hset(key, card.key, version + (number or ""))
    return number


async def _forget_links(ctx: SyncContext, asked: set[str]) -> None:
    """Forget what was remembered of links of cards that are not asked for any more."""
    if ctx.tally.failed or not ctx.tally.complete:
        return
    key = ctx.keys.named("cardlinks")
    gone = [raw for raw in await ctx.redis.hkeys(key) if _text(raw) not in asked]
    if gone:
        await ctx.redis.hdel(key, *gone)


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


def _observations(read: Read, before: Kept | None, asked: datetime) -> Iterator[Observation]:
    """Say what a card's reading means: for its case, and for the case it was of before."""
    updated = read.card.updated or EPOCH
    # Of an old key no event tells any more; one that just did must not keep it.
    last = asked + BEHIND if before is not None and _rekeyed(read.card, before) else asked
    if before is not None and (before.number != read.number or _rekeyed(read.card, before)):
        yield ItemSeen(
            number=before.number,
            source=Source.CARD,
            key=before.card.key,
            facts=None,
            updated=updated,
            seen=last,
        )
    if not read.number:
        return
    yield ItemSeen(
        number=read.number,
        source=Source.CARD,
        key=read.card.key,
        facts=read.card,
        updated=updated,
        seen=asked,
    )
    yield CommentsSeen(
        number=read.number,
        card=read.card.key,
        comments=read.comments,
        complete=read.complete,
        seen=asked,
    )


async def _list(ctx: SyncContext, home: Home, cases: set[str], asked: datetime) -> None:
    """Write the complete listing of each case, also the empty ones."""
    if not ctx.tally.complete:
        return
    for numbers in batched(sorted(cases | home.keys()), WRITTEN_AT_ONCE):
        await ctx.write(
            [
                ListingSeen(
                    number=number, source=Source.CARD, items=home.get(number, {}), seen=asked
                )
                for number in numbers
            ],
            hinted=True,
        )
