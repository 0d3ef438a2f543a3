"""Issues and bugs as what they have in common: something behind a case, with a link and a state."""

from collections.abc import Iterable

from msgspec import Struct

from t5g.derived import Entry
from t5g.model import Bug, Issue
from webhooks.pages import addresses
from webhooks.pages.addresses import Links, safe
from webhooks.pages.views.rows import Link
from webhooks.pages.views.words import cut

MOST_DEFECTS = 40
MOST_CASES = 20


class Defect(Struct, frozen=True, kw_only=True):
    """An issue or a bug, and the cases it is behind. Restricted: only that it exists."""

    link: Link
    title: str
    status: str
    missing: bool
    cases: tuple[Link, ...]


def defects_of(entry: Entry) -> tuple[Issue | Bug, ...]:
    """The issues and the bugs behind a case."""
    return (*entry.case.issues, *entry.case.bugs)


def defect_link(found: Issue | Bug, links: Links) -> Link:
    """Where a defect is."""
    if isinstance(found, Issue):
        return Link(found.key, safe(found.url) or links.issue(found.key))
    return Link(f"Bug {found.id}", safe(found.url))


def defect_status(found: Issue | Bug) -> str:
    """How it stands; nothing if we may not know."""
    return "" if found.restricted else cut(found.status, 40)


def defects(entries: Iterable[Entry], links: Links) -> tuple[Defect, ...]:
    """The defects behind `entries`, those behind most cases first."""
    behind: dict[str, list[Entry]] = {}
    found: dict[str, Issue | Bug] = {}
    for entry in entries:
        for thing in defects_of(entry):
            key = defect_link(thing, links).text
            behind.setdefault(key, []).append(entry)
            found[key] = thing
    order = sorted(behind, key=lambda key: (-len(behind[key]), key))
    return tuple(_defect(found[key], behind[key], links) for key in order[:MOST_DEFECTS])


def _defect(thing: Issue | Bug, entries: list[Entry], links: Links) -> Defect:
    title = thing.title if isinstance(thing, Issue) else thing.summary
    return Defect(
        link=defect_link(thing, links),
        title="Restricted" if thing.restricted else cut(title, 160),
        status=defect_status(thing),
        missing=any(thing in entry.missing_target for entry in entries),
        cases=tuple(Link(e.number, addresses.case(e.number)) for e in entries[:MOST_CASES]),
    )
