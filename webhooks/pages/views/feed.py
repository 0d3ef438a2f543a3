"""The change feed in words: which case, which fact, from what to what."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from msgspec import Struct

from t5g.changes import Change
from t5g.model import Source
from t5g.store import FeedEntry
from webhooks.pages import addresses
from webhooks.pages.views.rows import Link
from webhooks.pages.views.words import When, cut, when

#: What is worth a line, by fact; the rest (descriptions, sprints, times) is not.
FACTS: Mapping[str, str] = {
    "status": "Status",
    "severity": "Severity",
    "owner": "Case owner",
    "account": "Account",
    "summary": "Summary",
    "product": "Product",
    "version": "Version",
    "crit_sit": "Crit sit",
    "relief_at": "Relief",
    "resolved_at": "Resolved",
    "card.status": "Card",
    "card.assignee": "Assignee",
    "card.priority": "Priority",
    "card.labels": "Labels",
    "issue.status": "Issue",
    "issue.fix_versions": "Fix versions",
    "bug.status": "Bug",
    "bug.target_release": "Target release",
    "escalation.status": "Escalation",
}
THINGS: Mapping[str, str] = {
    "card": "Card",
    "issue": "Issue",
    "bug": "Bug",
    "escalation": "Escalation",
    "case": "Case",
}
LONGEST = 90


class Told(Struct, frozen=True):
    """One change in words; `before` and `after` "" where there is nothing to say."""

    what: str
    key: str
    before: str
    after: str


class CaseNews(Struct, frozen=True, kw_only=True):
    """What changed in one case at one moment."""

    case: Link
    summary: str
    when: When | None
    told: tuple[Told, ...]


def news(
    feed: Iterable[FeedEntry], summaries: Mapping[str, str], now: float, most: int
) -> tuple[CaseNews, ...]:
    """Say what is worth a line, newest first; what happened to a case in one go is one item."""
    newest = sorted(feed, key=lambda one: -one.sequence)
    found: list[CaseNews] = []
    for number, entries in groupby(newest, key=lambda one: one.number):
        together = list(entries)
        told = tuple(line for entry in together for line in _told(entry))
        if told:
            moment = datetime.fromtimestamp(together[0].at / 1000, UTC)
            link = Link(number, addresses.case(number))
            summary = cut(summaries.get(number, ""), LONGEST)
            found.append(CaseNews(case=link, summary=summary, when=when(moment, now), told=told))
    return tuple(found[:most])


def _told(entry: FeedEntry) -> Iterator[Told]:
    comments = sum(1 for x in entry.changes if x.fact == "comment" and x.before is None)
    for change in entry.changes:
        if change.fact in FACTS:
            before, after = _value(change.before), _value(change.after)
            yield Told(FACTS[change.fact], change.key, before, after or "none")
        elif change.fact in THINGS and _is_news(entry.source, change):
            came = change.before is None
            yield Told(THINGS[change.fact], change.key, "", "added" if came else "gone")
    if comments:
        yield Told("Comments", "", "", f"{comments} new")


def _is_news(source: Source, change: Change) -> bool:
    """The Portal's details come after the case itself: that is no second case."""
    return change.fact != "case" or source is Source.PORTAL


def _value(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return cut(", ".join(map(str, value)), LONGEST)
        case _:
            return cut(str(value), LONGEST)
