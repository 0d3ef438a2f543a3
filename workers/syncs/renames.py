"""Finds out whether something was renamed in JIRA: that moves no issue's `updated`.

A few issues that together have every name known (of people, sprints and versions, the key of the
project, and the words that administrators may change, as of statuses) are looked at in each run. If
one of them has another name now, or differs though it was not updated, everything is to be listed.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from t5g.errors import UpstreamError
from t5g.jira_payloads import UNREADABLE
from t5g.model import Card, Issue, Person
from workers.answers import Json
from workers.context import SyncContext

#: Facts whose words an administrator of JIRA may change for all issues.
WORDS = ("status", "priority", "type", "severity")
#: A name of something: its kind, its id, and how it is called.
Name = tuple[str, str, str]
LookUp = Callable[[Sequence[str]], AsyncIterator[Mapping[str, Json | UpstreamError | None]]]


class Named(Struct, frozen=True):
    """A card or issue as it is known or read, with all names it is known by or tells."""

    facts: Card | Issue
    names: frozenset[Name]


def names_of(facts: Card | Issue, others: Iterable[Person | None] = ()) -> frozenset[Name]:
    """Return the names in a card or an issue, and of `others` (who commented on it)."""
    found: set[Name] = set()
    people: list[Person | None] = [facts.assignee, *others]
    if isinstance(facts, Card):
        people += facts.contributors
        found.add(("sprint", facts.sprint_id, facts.sprint))
    else:
        people.append(facts.qa_contact)
        if len(facts.fix_version_ids) == len(facts.fix_versions):
            versions = zip(facts.fix_version_ids, facts.fix_versions, strict=True)
            found |= {("version", id, name) for id, name in versions}
    found |= {("person", person.account, person.name) for person in people if person is not None}
    project, _, _ = facts.key.rpartition("-")
    return frozenset({("key", project, project), *(name for name in found if name[1])})


async def renamed(
    ctx: SyncContext, known: Mapping[str, Named], look_up: LookUp, read: Callable[[Json], Named]
) -> bool:
    """Return whether JIRA calls something otherwise than it is known.

    What can not be looked at tells nothing, and stops nothing: the run itself meets what concerns
    all, and says so.
    """
    every = frozenset().union(*(one.names for one in known.values())) if known else frozenset()
    told: dict[tuple[str, str], str] = {}
    try:
        async for rows in look_up(_covering(known)):
            for key, row in rows.items():
                if isinstance(row, UpstreamError):
                    ctx.tally.notes.append(f"could not look at {key} for renames: {row}")
                if row is None or isinstance(row, UpstreamError):
                    continue
                try:
                    now = read(row)
                except UNREADABLE:
                    continue
                before = known[key].facts
                if now.facts.key != key or (
                    now.facts.updated == before.updated and _shown(now.facts) != _shown(before)
                ):
                    return True
                told |= {(kind, id): name for kind, id, name in now.names}
    except UpstreamError as error:
        ctx.tally.notes.append(f"could not look for renames: {error}")
    return any(told.get((kind, id), name) != name for kind, id, name in every)


def _covering(known: Mapping[str, Named]) -> list[str]:
    """Return the keys of some that together have all names, and all words without an id."""
    chosen: list[str] = []
    covered: set[tuple[str, ...]] = set()
    for key, one in sorted(known.items()):
        words = {(name, str(getattr(one.facts, name, ""))) for name in WORDS}
        if not one.names | words <= covered:
            covered |= one.names | words
            chosen.append(key)
    return chosen


def _shown(facts: Card | Issue) -> Any:
    """Return what must not differ while `updated` stays. Who may see an address is not told."""
    return msgspec.json.encode(_without_addresses(msgspec.to_builtins(facts)))


def _without_addresses(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_addresses(v) for name, v in value.items() if name != "email"}
    return [_without_addresses(v) for v in value] if isinstance(value, list) else value
