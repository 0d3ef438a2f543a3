"""How observations of one source join into what is kept of it: pure, and indifferent to order.

Each source of a case is kept as a *state*. A state and an *observation* (what a sync or a webhook
saw) are joined; joining is idempotent and commutative, so that observations may come twice, late
and shuffled with the same end state. Two shapes carry that:

- a **register** holds one value, and the greater (upstream's `updated`, when we `seen` it) wins;
  a value of None is a tombstone: it is known to be gone, and what is older can not bring it back;
- a **collection** holds registers by key. A *listing* names all keys there are at a moment: what it
  leaves out, and was not seen after it, goes. An *item* changes one key.

An observation that says nothing new returns the very state it was given: then nothing is written.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct

from t5g.model import Bug, Card, Comment, Details, Escalation, Issue, Portal, Source

T = TypeVar("T")


class Register(Struct, Generic[T], frozen=True, omit_defaults=True):
    """One value with its two times; None: gone."""

    updated: datetime
    seen: datetime
    facts: T | None = None


class Collection(Struct, Generic[T], frozen=True, omit_defaults=True):
    """Registers by key, and when all keys were last listed."""

    listed: datetime | None = None
    items: dict[str, Register[T]] = msgspec.field(default_factory=dict)


class CardState(Struct, frozen=True, omit_defaults=True):
    """The cards of a case (one, if all is well) and the comments of each."""

    cards: Collection[Card] = Collection()
    comments: dict[str, Collection[Comment]] = msgspec.field(default_factory=dict)


State = (
    Register[Portal]
    | Register[Details]
    | CardState
    | Collection[Issue]
    | Collection[Bug]
    | Collection[Escalation]
)

STATE_TYPES: Mapping[Source, Any] = {
    Source.PORTAL: Register[Portal],
    Source.DETAILS: Register[Details],
    Source.CARD: CardState,
    Source.ISSUES: Collection[Issue],
    Source.BUGS: Collection[Bug],
    Source.ESCALATION: Collection[Escalation],
}


class Seen(Struct, frozen=True, kw_only=True):
    """Base of all observations: of which case, and when it was true.

    `seen` is when the request was begun (syncs) or the event's own time (webhooks), never when the
    answer was read: an answer can only be older than that.
    """

    number: str
    seen: datetime


class PortalSeen(Seen, frozen=True, kw_only=True):
    """A listing or a look at the case told these facts; None: it left the query."""

    facts: Portal | None
    updated: datetime


class DetailsSeen(Seen, frozen=True, kw_only=True):
    """A look at the case told these details; UNSET facts leave what is known."""

    facts: Details
    updated: datetime


class ItemSeen(Seen, frozen=True, kw_only=True):
    """One card, issue, bug or escalation of the case; `facts` None: no longer of the case."""

    source: Source
    key: str
    facts: Card | Issue | Bug | Escalation | None
    updated: datetime


class ListingSeen(Seen, frozen=True, kw_only=True):
    """All cards, issues, bugs or escalations of the case, by key."""

    source: Source
    items: Mapping[str, Card | Issue | Bug | Escalation]


class CommentSeen(Seen, frozen=True, kw_only=True):
    """One comment of a card; `facts` None: deleted."""

    card: str
    id: str
    facts: Comment | None
    updated: datetime


class CommentsSeen(Seen, frozen=True, kw_only=True):
    """Comments of a card; `complete`: there are no others."""

    card: str
    comments: tuple[Comment, ...]
    complete: bool = True


Observation = PortalSeen | DetailsSeen | ItemSeen | ListingSeen | CommentSeen | CommentsSeen


def source_of(observation: Observation) -> Source:
    """Name the source whose state `observation` joins."""
    match observation:
        case PortalSeen():
            return Source.PORTAL
        case DetailsSeen():
            return Source.DETAILS
        case CommentSeen() | CommentsSeen():
            return Source.CARD
        case ItemSeen() | ListingSeen():
            return observation.source


def join(state: State | None, observation: Observation) -> State:
    """Join `observation` into `state` (None: nothing known).

    Returns `state` itself if nothing is new.
    """
    match observation:
        case PortalSeen():
            new = Register(observation.updated, observation.seen, observation.facts)
            return join_register(cast("Register[Portal] | None", state), new)
        case DetailsSeen():
            return _join_details(cast("Register[Details] | None", state), observation)
        case CommentSeen() | CommentsSeen():
            return _join_comments(cast("CardState | None", state) or CardState(), observation)
        case ItemSeen() | ListingSeen():
            if observation.source is Source.CARD:
                return _join_cards(cast("CardState | None", state) or CardState(), observation)
            return _join_collection(
                cast("Collection[Any] | None", state) or Collection(), observation
            )


def join_register(old: Register[T] | None, new: Register[T]) -> Register[T]:
    """Return the greater of two registers; `old` itself when `new` says the same or is older."""
    if old is None:
        return new
    if (new.updated, new.facts) == (old.updated, old.facts):
        return old
    rank = (new.updated, new.seen) > (old.updated, old.seen)
    tie = (new.updated, new.seen) == (old.updated, old.seen)
    return new if rank or (tie and _weight(new) > _weight(old)) else old


def join_item(old: Collection[T], key: str, new: Register[T]) -> Collection[T]:
    """Join one register into a collection."""
    present = old.items.get(key)
    if present is None and old.listed is not None and new.seen <= old.listed:
        return old  # a later listing did not have it
    joined = join_register(present, new)
    return old if joined is present else Collection(old.listed, {**old.items, key: joined})


def join_listing(
    old: Collection[T], items: Mapping[str, Register[T]], seen: datetime
) -> Collection[T]:
    """Join a complete listing made at `seen` into a collection."""
    if old.listed is not None and seen < old.listed:
        return _join_late_listing(old, items)
    kept = {k: v for k, v in old.items.items() if k in items or v.seen > seen}
    for key, new in items.items():
        kept[key] = join_register(kept.get(key), new)
    return old if _quiet(old, kept) else Collection(seen, kept)


def believed(state: State, latest: datetime) -> State:
    """Return `state` without stamps after `latest`: a clock that was ahead made them.

    Such a stamp counts as the oldest there is, so that whatever is seen next is newer; what is
    known stays. Of a register that was seen in the future neither stamp is believed. Returns
    `state` itself if all of its stamps are believed.
    """
    if isinstance(state, Register):
        return cast("State", _believed_register(cast("Register[Any]", state), latest))
    if isinstance(state, Collection):
        return cast("State", _believed_collection(cast("Collection[Any]", state), latest))
    cards = _believed_collection(state.cards, latest)
    comments = {key: _believed_collection(found, latest) for key, found in state.comments.items()}
    same = cards is state.cards and all(
        found is state.comments[key] for key, found in comments.items()
    )
    return state if same else CardState(cards, comments)


def _believed_register(register: Register[T], latest: datetime) -> Register[T]:
    if register.seen <= latest:
        return register
    updated = register.updated if register.updated <= latest else EPOCH
    return Register(updated, EPOCH, register.facts)


def _believed_collection(collection: Collection[T], latest: datetime) -> Collection[T]:
    items = {key: _believed_register(item, latest) for key, item in collection.items.items()}
    listed = collection.listed
    if listed is not None and listed > latest:
        return Collection(None, items)
    same = all(item is collection.items[key] for key, item in items.items())
    return collection if same else Collection(listed, items)


def visible(collection: Collection[T]) -> dict[str, T]:
    """The values of a collection that are not gone, by key."""
    return {k: v.facts for k, v in collection.items.items() if v.facts is not None}


def _quiet(old: Collection[T], kept: Mapping[str, Register[T]]) -> bool:
    """Say whether nothing but a few tombstones would go: not worth a write."""
    gone = [register for key, register in old.items.items() if key not in kept]
    return (
        old.listed is not None
        and all(old.items.get(key) is register for key, register in kept.items())
        and all(register.facts is None for register in gone)
        and len(gone) < TOMBSTONES
    )


def _join_late_listing(old: Collection[T], items: Mapping[str, Register[T]]) -> Collection[T]:
    for key, new in items.items():
        if key in old.items:
            old = join_item(old, key, new)
    return old


def _join_details(old: Register[Details] | None, seen: DetailsSeen) -> Register[Details]:
    new = Register(seen.updated, seen.seen, seen.facts)
    if old is None:
        return new
    tie = (new.updated, new.seen) == (old.updated, old.seen)
    newer = (new.updated, new.seen) > (old.updated, old.seen) or (
        tie and _weight(new) >= _weight(old)
    )
    top, below = (new, old) if newer else (old, new)
    filled = fill_unknown(top.facts or Details(), below.facts or Details())
    if filled == old.facts and old.updated >= new.updated:
        return old
    return Register(top.updated, top.seen, filled)


def fill_unknown(top: Details, below: Details) -> Details:
    """Return `top` with each unknown fact taken from `below`."""
    known = {
        name: getattr(below, name)
        for name in Details.__struct_fields__
        if getattr(top, name) is UNSET and getattr(below, name) is not UNSET
    }
    return msgspec.structs.replace(top, **known)


def _join_collection(old: Collection[Any], observation: ItemSeen | ListingSeen) -> Collection[Any]:
    if isinstance(observation, ItemSeen):
        register = Register(observation.updated, observation.seen, observation.facts)
        return join_item(old, observation.key, register)
    registers = {
        key: Register(facts.updated or EPOCH, observation.seen, facts)
        for key, facts in observation.items.items()
    }
    return join_listing(old, registers, observation.seen)


def _join_cards(old: CardState, observation: ItemSeen | ListingSeen) -> CardState:
    cards = _join_collection(old.cards, observation)
    if cards is old.cards:
        return old
    if isinstance(observation, ItemSeen):
        return CardState(cards, old.comments)  # a comment may come before its card
    kept = {
        key: found if key in cards.items else join_listing(found, {}, observation.seen)
        for key, found in old.comments.items()
    }
    return CardState(cards, {key: found for key, found in kept.items() if found.items})


def _join_comments(old: CardState, observation: CommentSeen | CommentsSeen) -> CardState:
    before = old.comments.get(observation.card, Collection())
    after = _joined_comments(before, observation)
    if after is before:
        return old
    return CardState(old.cards, {**old.comments, observation.card: after})


def _joined_comments(
    old: Collection[Comment], observation: CommentSeen | CommentsSeen
) -> Collection[Comment]:
    if isinstance(observation, CommentSeen):
        register = Register(observation.updated, observation.seen, observation.facts)
        return join_item(old, observation.id, register)
    registers = {
        comment.id: Register(comment.updated or comment.created or EPOCH, observation.seen, comment)
        for comment in observation.comments
    }
    if observation.complete:
        return join_listing(old, registers, observation.seen)
    for key, register in registers.items():
        old = join_item(old, key, register)
    return old


def _weight(register: Register[Any]) -> bytes:
    """Break a tie of both times the same way whichever side comes first."""
    return ENCODE(register.facts)


ENCODE: Callable[[Any], bytes] = msgspec.json.Encoder(order="deterministic").encode
TOMBSTONES = 20
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
