"""One case with all that is known of it, and what is not known said as such."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, Struct, UnsetType

from t5g.derived import Entry, no_target
from t5g.model import Bug, Card, CaseComment, Comment, Escalation, Issue, Person
from webhooks.pages import addresses
from webhooks.pages.addresses import Links, safe
from webhooks.pages.views.rows import RESTRICTED, Flag, Link, Row, row
from webhooks.pages.views.words import When, body, cut, size_of, when

UNKNOWN = "unknown"
NONE = "none"
LONGEST_BODY = 20_000
LONGEST_COMMENT = 8_000
MOST_COMMENTS = 100
LONGEST_TITLE = 300
#: Links of one fact (tags, labels, people).
MOST_LINKS = 20
#: Bytes of the page for the description, for all comments of one kind and for all linked things of
#: one kind: it stays under 200 KB whatever people paste.
DESCRIPTION_BYTES, COMMENTS_BYTES, ITEMS_BYTES = 30_000, 42_000, 12_000
#: What a comment or a linked thing takes beside its text.
FRAME_BYTES = 250

T = TypeVar("T", CaseComment, Comment)
E = TypeVar("E")


class Fact(Struct, frozen=True):
    """A line of the list of facts: words, links, or a moment. Nothing of these: `–`."""

    title: str
    text: str = ""
    links: tuple[Link, ...] = ()
    when: When | None = None


class Item(Struct, frozen=True, kw_only=True):
    """Something linked to the case: a card, an issue, a bug, an escalation."""

    link: Link
    title: str
    status: str = ""
    facts: tuple[Fact, ...] = ()
    missing: str = ""
    updated: When | None = None


class Said(Struct, frozen=True, kw_only=True):
    """A comment in full. `side` is customer, us or inside (the customer does not see it)."""

    author: str
    when: When | None
    body: str
    side: str


class Group(Struct, frozen=True):
    """Linked things of one kind; `empty` is said when there are none."""

    name: str
    title: str
    items: tuple[Item, ...]
    empty: str
    left: int = 0


class OneCase(Struct, frozen=True, kw_only=True):
    """The page of one case."""

    row: Row
    title: str
    portal: Link
    flags: tuple[Flag, ...]
    facts: tuple[Fact, ...]
    description: str
    groups: tuple[Group, ...]
    said: tuple[Said, ...]
    said_left: int
    card_said: tuple[Said, ...]
    card_said_left: int
    comments_known: bool


def one_case(entry: Entry, now: float, links: Links) -> OneCase:
    """Say all of one case."""
    case, shown = entry.case, row(entry, now, links)
    comments = () if case.details.comments is UNSET else case.details.comments
    said, on_card = newest(comments), newest(case.card_comments)
    return OneCase(
        row=shown,
        title=cut(case.portal.summary, LONGEST_TITLE) or "(no summary)",
        portal=Link("Customer Portal", links.portal(entry.number)),
        flags=shown.flags,
        facts=tuple(_facts(entry, shown, now)),
        description=_description(case.portal.description),
        groups=_groups(entry, now, links),
        said=tuple(_said(c, now) for c in said),
        said_left=len(comments) - len(said),
        card_said=tuple(card_said(c, now) for c in on_card),
        card_said_left=len(case.card_comments) - len(on_card),
        comments_known=case.details.comments is not UNSET,
    )


def newest(comments: Iterable[T]) -> list[T]:
    """The newest comments first, cut to what a page takes."""
    found = sorted(comments, key=lambda c: c.created.timestamp() if c.created else 0.0)
    return within(found[::-1][:MOST_COMMENTS], lambda c: c.body[:LONGEST_COMMENT], COMMENTS_BYTES)


def within(found: Iterable[E], text: Callable[[E], str], most: int) -> list[E]:
    """The first of `found`, one at least, whose texts take so many bytes of a page together."""
    shown, size = list[E](), 0
    for one in found:
        size += FRAME_BYTES + size_of(text(one))
        if shown and size > most:
            break
        shown.append(one)
    return shown


def _description(text: str) -> str:
    """As much of it as a page takes."""
    limit = LONGEST_BODY
    while size_of(shown := body(text, limit)) > DESCRIPTION_BYTES:
        limit = limit * 2 // 3
    return shown


def _facts(entry: Entry, shown: Row, now: float) -> Iterable[Fact]:
    portal, details, card = entry.case.portal, entry.case.details, entry.card
    yield Fact("Account", links=(shown.account,) if shown.account.text else ())
    yield Fact("Product", shown.product)
    yield Fact("Case owner", cut(portal.owner, 80))
    yield Fact("Contact", cut(portal.contact, 80))
    yield Fact("Assignee", links=(shown.assignee,) if shown.assignee.text else ())
    contributors = card.contributors if card else ()
    yield Fact("Contributors", links=tuple(map(_person, contributors[:MOST_LINKS])))
    yield Fact("Priority", card.priority if card else "")
    yield Fact("Sprint", cut(card.sprint, 80) if card else "")
    yield Fact("Opened", when=when(portal.created, now))
    yield Fact("Case updated", when=when(portal.updated, now))
    if portal.closed or not entry.open:
        yield Fact("Closed", when=when(portal.closed, now))
    yield _moment("Relief", details.relief_at, now)
    yield _moment("Resolved", details.resolved_at, now)
    yield Fact("Crit sit", _yes_no(details.crit_sit))
    yield Fact("Group", _known(details.group_name))
    yield Fact("Notified", _notified(entry))
    yield Fact("Case type", cut(portal.case_type, 80))
    tags, labels = portal.tags, sorted(entry.labels)[:MOST_LINKS]
    if tags is UNSET:
        yield Fact("Tags", UNKNOWN)
    else:
        yield Fact("Tags", links=tuple(_narrowed("tag", tag) for tag in tags[:MOST_LINKS]))
    yield Fact("Labels", links=tuple(_narrowed("label", label) for label in labels))


def _narrowed(key: str, value: str) -> Link:
    return Link(cut(value, 60), addresses.cases(addresses.term(key, value)))


def _person(person: Person) -> Link:
    name = person.name or person.account
    return Link(cut(name, 80), addresses.engineer(name))


def _known(value: str | UnsetType | None) -> str:
    return UNKNOWN if value is UNSET else cut(str(value), 120) if value else NONE


def _yes_no(value: bool | UnsetType) -> str:
    return UNKNOWN if value is UNSET else "yes" if value else "no"


def _moment(title: str, value: datetime | UnsetType | None, now: float) -> Fact:
    if value is UNSET or value is None:
        return Fact(title, UNKNOWN if value is UNSET else "not yet")
    return Fact(title, when=when(value, now))


def _notified(entry: Entry) -> str:
    users = entry.case.details.notified_users
    if users is UNSET:
        return UNKNOWN
    names = (f"{x.name} ({x.title})" if x.title else x.name for x in users)
    return cut(", ".join(names), 600) or NONE


def _groups(entry: Entry, now: float, links: Links) -> tuple[Group, ...]:
    case = entry.case
    escalations = tuple(_escalation(x, now, links) for x in case.escalations)
    cards = tuple(_card(x, entry, now, links) for x in case.cards)
    issues = tuple(_issue(x, now, links) for x in case.issues)
    bugs = tuple(_bug(x, now) for x in case.bugs)
    none_behind = "No issue and no bug is linked." if not (issues or bugs) else ""
    return (
        _group("escalations", "Escalations", escalations, ""),
        _group("cards", "Card" if len(cards) == 1 else "Cards", cards, "The team has no card yet."),
        _group("issues", "Issues", issues, none_behind),
        _group("bugs", "Bugs", bugs, ""),
    )


def _group(name: str, title: str, items: Sequence[Item], empty: str) -> Group:
    shown = within(items, _words, ITEMS_BYTES)
    return Group(name, title, tuple(shown), empty, len(items) - len(shown))


def _words(item: Item) -> str:
    """The texts of a linked thing; of its address and each fact as long as their frames."""
    facts = (f"{fact.title} {fact.text} {'.' * 50}" for fact in item.facts)
    return " ".join((item.title, item.link.text, item.link.url, item.status, *facts))


def _escalation(found: Escalation, now: float, links: Links) -> Item:
    return Item(
        link=Link(found.key, safe(found.url) or links.issue(found.key)),
        title=cut(found.title, LONGEST_TITLE),
        status=cut(found.status, 60),
        facts=(Fact("Since", when=when(found.since, now)),),
        updated=when(found.updated, now),
    )


def _card(found: Card, entry: Entry, now: float, links: Links) -> Item:
    main = found is entry.card
    return Item(
        link=Link(found.key, links.issue(found.key)),
        title=cut(found.summary, LONGEST_TITLE),
        status=cut(found.status, 60),
        facts=(Fact("Internal", cut(entry.internal_status, 60)),) if main else (),
        updated=when(found.updated, now),
    )


def _issue(found: Issue, now: float, links: Links) -> Item:
    link = Link(found.key, safe(found.url) or links.issue(found.key))
    if found.restricted:
        return Item(link=link, title="Restricted: it exists, the bot may not read it.")
    facts = (
        Fact("Type", found.type),
        Fact("Severity", found.severity),
        Fact("Priority", found.priority),
        Fact("Assignee", _name(found.assignee)),
        Fact("QA contact", _name(found.qa_contact)),
        Fact("Fix versions", cut(", ".join(found.fix_versions), 200)),
        Fact("Private keywords", cut(", ".join(found.private_keywords), 200)),
    )
    return Item(
        link=link,
        title=cut(found.title, LONGEST_TITLE),
        status=cut(found.status, 60),
        facts=_told(facts),
        missing="" if found.fix_versions else "No fix version",
        updated=when(found.updated, now),
    )


def _bug(found: Bug, now: float) -> Item:
    link = Link(str(found.id), safe(found.url))
    if found.restricted:
        return Item(link=link, title="Restricted: it exists, the bot may not read it.")
    facts = (
        Fact("Severity", found.severity),
        Fact("Assignee", found.assignee),
        Fact("QA contact", found.qa_contact),
        Fact(
            "Target release", "" if no_target(found) else cut(", ".join(found.target_release), 200)
        ),
        Fact("Whiteboard", cut(found.whiteboard, 200)),
    )
    return Item(
        link=link,
        title=cut(found.summary, LONGEST_TITLE),
        status=cut(found.status, 60),
        facts=_told(facts),
        missing="No target release" if no_target(found) else "",
        updated=when(found.updated, now),
    )


def _told(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.text)


def _name(person: Person | None) -> str:
    return (person.name or person.account) if person else ""


#: Whose a public comment is: the customer's, ours, or nobody told.
_SIDES: Mapping[bool | UnsetType, str] = {True: "customer", False: "us", UNSET: UNKNOWN}


def _said(comment: CaseComment, now: float) -> Said:
    side = _SIDES[comment.by_customer] if comment.public else "inside"
    return Said(
        author=cut(comment.author, 80) or "unknown",
        when=when(comment.created, now),
        body=body(comment.body, LONGEST_COMMENT),
        side=side,
    )


def card_said(comment: Comment, now: float, limit: int = LONGEST_COMMENT) -> Said:
    """Say a comment on a card; what only some may see stays where it is."""
    text = RESTRICTED if comment.restricted else body(comment.body, limit)
    return Said(
        author=cut(_name(comment.author), 80) or "unknown",
        when=when(comment.created, now),
        body=text,
        side="us",
    )
