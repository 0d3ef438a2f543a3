"""What changed in a case: the facts that differ between two states of a source.

The words of the facts are stable: watches, alerts and digests hang on them. `status`, `severity`, …
are the case's own (portal and details); `card.status`, `issue.status`, `bug.status`,
`escalation.status`, … belong to the thing named in `key`; the bare `card`, `comment`, `issue`,
`bug`, `escalation` say that one came (before is None) or went (after is None).
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import astuple

from t5g.model import Source
from t5g.state import CardState, Collection, Register, State, visible

LONGEST = 120
#: Facts by which others are found again; people are told of those.
UNTOLD = frozenset({"sprint_id", "fix_version_ids"})
#: Of the comments on a case only those are told that came, went or were edited.
COMMENTS = "comments"
KINDS = {Source.ISSUES: "issue", Source.BUGS: "bug", Source.ESCALATION: "escalation"}


class Change(Struct, frozen=True, omit_defaults=True):
    """One fact went from `before` to `after` (plain JSON values, long texts cut)."""

    fact: str
    before: Any = None
    after: Any = None
    key: str = ""


def changes_between(source: Source, old: State | None, new: State) -> list[Change]:
    """List what a person could see change between two states of `source` (None: nothing known)."""
    found: list[Change] = []
    match source:
        case Source.PORTAL | Source.DETAILS:
            _of_register(cast("Register[Any] | None", old), cast("Register[Any]", new), found)
        case Source.CARD:
            cards = cast("CardState | None", old) or CardState()
            _of_cards(cards, cast("CardState", new), found)
        case _:
            before = cast("Collection[Any] | None", old) or Collection()
            after = cast("Collection[Any]", new)
            _of_items(KINDS[source], visible(before), visible(after), found)
    return found


# Each of these adds to `found`: every write comes through here.


def _of_register(old: Register[Any] | None, new: Register[Any], found: list[Change]) -> None:
    before, after = old.facts if old else None, new.facts
    if before is not None and after is not None:
        _of_values("", "", before, after, found)
    elif before is not after:
        found.append(Change("case", before and _name(before), after and _name(after)))


def _of_cards(old: CardState, new: CardState, found: list[Change]) -> None:
    before, after = visible(old.cards), visible(new.cards)
    if old.cards is not new.cards:
        _of_items("card", before, after, found)
    if old.comments is new.comments:
        return
    keys = _new_keys(before, after)
    for key in after:
        was = old.comments.get(keys.get(key, key), Collection())
        becomes = new.comments.get(key, Collection())
        if was is not becomes:
            _of_items("comment", visible(was), visible(becomes), found)


def _of_items(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], found: list[Change]
) -> None:
    keys = _new_keys(before, after)
    for key in sorted((before.keys() | after.keys()).difference(keys.values())):
        old, new = before.get(keys.get(key, key)), after.get(key)
        if old is None or new is None:
            found.append(Change(kind, old and _name(old), new and _name(new), key))
        elif old != new:
            _of_values(f"{kind}.", key, old, new, found)


def _new_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the old keys of JIRA's issues that have new ones, by those: the id is the same."""
    if before.keys() == after.keys():
        return {}
    ids = {old.id: key for key, old in before.items() if key not in after and old.id}
    return {key: ids[new.id] for key, new in after.items() if key not in before and new.id in ids}


def _of_values(prefix: str, key: str, before: Struct, after: Struct, found: list[Change]) -> None:
    for name, old, new in zip(
        after.__struct_fields__, astuple(before), astuple(after), strict=True
    ):
        if old == new or name in UNTOLD:
            continue
        was, becomes = old, new
        if name == COMMENTS and UNSET not in (old, new):
            was, becomes = _differing(old, new), _differing(new, old)
        found.append(Change(prefix + name, plain(was), plain(becomes), key))


def _differing(values: tuple[Any, ...], others: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the last values that `others` lacks: a list of comments is long, what came is not."""
    return tuple(value for value in values if value not in others)[-20:]


def plain(value: Any) -> Any:
    """A short JSON value of a fact: names for people, ids of comments, cut texts."""
    if value is UNSET:
        return None
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value[:20]]
    if isinstance(value, Struct):
        return _name(value)
    return _cut(msgspec.to_builtins(value))


def _name(value: Any) -> str:
    for name in ("name", "status", "id", "number", "key", "account"):
        found = getattr(value, name, "")
        if found and found is not UNSET:
            return str(_cut(str(found)))
    return type(value).__name__.lower()


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        return value[: LONGEST - 1] + "…"
    return value
