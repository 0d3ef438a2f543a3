"""The digest as data: what changed since the last one, each case once, and what is merely still so.

What changed is read from the feed, as what we learned: an upstream's clock says when something
happened, not when anybody could know. Where the feed does not reach back, the cases' own times
stand in, and `whole` is False. It decides what is in a digest and in what order, not how it looks.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from msgspec import Struct

from t5g.census import figures
from t5g.changes import Change
from t5g.derived import DAY, Entry, attention
from t5g.figures import HEADLINES, Figures
from t5g.model import Status
from t5g.news import KINDS, News, breached, news_of
from t5g.query import parse_query
from t5g.statistics import DayRow
from t5g.syncs import Sync
from t5g.team import Me

#: So many numbers of cases fit a query (2,000 characters), and its link.
NUMBERS = 200
#: What is told of as numbers, each with its list.
STATE = ("escalated", "crit_sit", "potential", "breaching", "at_risk", "stale", "untracked",
         "unassigned")  # fmt: skip
WORKING_DAYS = 2
SATURDAY = 5
#: What two sections are called, in `t5g ask --json` too, where a headline has the kind's own name.
NAMES = {"escalated": "newly_escalated", "came": "opened"}


class Place(Struct, frozen=True, kw_only=True):
    """Up to where somebody was told: a place in the feed, and when that was (seconds since epoch).

    `epoch` "": only the time counts, as the cases were not listed then. `known`: the syncs that had
    succeeded in that history.
    """

    epoch: str
    sequence: int
    at: float
    known: tuple[str, ...] = ()

    def told_of(self, change: Change) -> bool:
        """Return whether a change after this place is news of what had been looked at before.

        What the first sync of a kind finds was there all along.
        """
        if change.before is not None:
            return True
        match change.fact:
            case "escalation":
                return Sync.ESCALATIONS.value in self.known
            case "crit_sit":
                return Sync.DETAILS.value in self.known
        return True


class Item(Struct, frozen=True, kw_only=True):
    """A case to speak about, with what changed, the weightiest first."""

    entry: Entry
    news: tuple[News, ...]


class Section(Struct, frozen=True, kw_only=True):
    """Cases that share a reason: a query at a moment. Its rows, count and link all come from it."""

    name: str
    title: str
    query: str
    entries: tuple[Entry, ...]


class Digest(Struct, frozen=True, kw_only=True):
    """A digest. `changes` has, for each headline number, the difference to the row of `compared`.

    `compared` is the day (`2026-11-23`) that the numbers are compared with, or "". `whole`: what
    changed was read from the feed. `sections`: what changed by kind; of a personal digest also what
    will breach and who waits. `state`: what is so now, whenever it became so.
    """

    at: float
    since: float
    figures: Figures
    compared: str
    changes: Mapping[str, int]
    items: tuple[Item, ...]
    sections: tuple[Section, ...]
    state: tuple[Section, ...] = ()
    whole: bool = True

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to speak about."""
        return not any(section.entries for section in self.sections)


def escalated_since(entry: Entry) -> float:
    """Since when the case is escalated (seconds since the epoch); 0 if that is not known."""
    moments = [x.since.timestamp() for x in entry.case.escalations if x.since]
    return min(moments, default=0.0)


def build_digest(
    entries: Iterable[Entry],
    now: float,
    *,
    since: float | None = None,
    feed: Mapping[str, Sequence[Change]] | None = None,
    before: DayRow | None = None,
) -> Digest:
    """Return the digest over all cases.

    `since` is when the previous digest was made (default: a day ago); `feed` what changed after it,
    by case, None if that is not known; `before` the row of numbers to compare with.
    """
    start = now - DAY if since is None else since
    everyone = list(entries)
    numbers = figures(everyone, now)
    items = changed(everyone, now, start, feed)
    return Digest(
        at=now,
        since=start,
        figures=numbers,
        compared=before.day if before else "",
        changes=differences(numbers, before),
        items=items,
        sections=by_kind(items),
        state=tuple(
            Section(
                name=line.name,
                title=line.title,
                query=line.query,
                entries=tuple(parse_query(line.query).select(everyone, now)),
            )
            for line in HEADLINES
            if line.name in STATE
        ),
        whole=feed is not None,
    )


def changed(
    entries: Iterable[Entry],
    now: float,
    since: float,
    feed: Mapping[str, Sequence[Change]] | None,
    worth: Callable[[Entry, News], bool] = lambda _, news: KINDS[news.kind].digest,
) -> tuple[Item, ...]:
    """Return the cases of which there is news that is `worth` telling, the most urgent first."""
    found: list[Item] = []
    for entry in entries:
        if feed is None:
            news = _by_times(entry, since, now)
        else:
            news = news_of(entry, feed.get(entry.number, ()), str)
        late = breached(entry, news, since, now)
        kept = [one for one in [*news, *([late] if late else [])] if worth(entry, one)]
        if not entry.open:  # what happened before is over with it
            kept = [one for one in kept if one.kind == "closed"]
        if kept:
            kept.sort(key=lambda one: one.weight)
            found.append(Item(entry=entry, news=tuple(kept)))
    order = attention(now)
    return tuple(sorted(found, key=lambda item: (item.news[0].weight, order(item.entry))))


def _by_times(entry: Entry, since: float, now: float) -> list[News]:
    """Return the news of a case as far as the upstreams' times tell it."""
    found: list[News] = []
    if entry.open and any(x.since and since < x.since.timestamp() for x in entry.case.escalations):
        keys = ", ".join(x.key for x in entry.case.escalations)
        found.append(News("escalated", f"escalated ({keys})"))
    if entry.open and since < entry.created <= now:
        found.append(News("came", "new"))
    if not entry.open and since < entry.closed <= now:
        found.append(News("closed", "closed"))
    return found


def by_kind(items: Sequence[Item]) -> tuple[Section, ...]:
    """Return what changed by kind, the weightiest first; a case may be in several."""
    return tuple(
        exactly(
            NAMES.get(kind.name, kind.name),
            kind.title,
            (item.entry for item in items if any(news.kind == kind.name for news in item.news)),
        )
        for kind in KINDS.values()
        if kind.digest
    )


def exactly(name: str, title: str, entries: Iterable[Entry]) -> Section:
    """Return a section of exactly these cases; its query names as many as one can."""
    found = tuple(entries)
    queries = numbered(found)
    return Section(name=name, title=title, query=queries[0] if queries else "", entries=found)


def numbered(entries: Sequence[Entry]) -> list[str]:
    """Return queries that find exactly these cases together, each as many as fit one."""
    numbers = [entry.number for entry in entries]
    parts = (numbers[at : at + NUMBERS] for at in range(0, len(numbers), NUMBERS))
    return [f"status:any number:{','.join(part)}" for part in parts]


def personal(
    digest: Digest,
    entries: Iterable[Entry],
    me: Me,
    *,
    feed: Mapping[str, Sequence[Change]] | None,
    deeds: Mapping[str, Collection[str]],
    zone: tzinfo = UTC,
) -> Digest:
    """Return the digest of one person: what changed in their cases, what they are to do.

    Two sections say what breaches within two working days and who waits for them. `deeds`: the
    facts that they changed themselves, by case: nobody is told of their own.
    """

    def worth(entry: Entry, news: News) -> bool:
        return news.kind != "card_status" and news.fact not in deeds.get(entry.number, ())

    mine = [entry for entry in entries if entry.assignee and me.is_person(entry.assignee)]
    items = changed(mine, digest.at, digest.since, feed, worth)
    mine.sort(key=attention(digest.at))
    end = working_days_after(digest.at, WORKING_DAYS, zone)
    soon = [entry for entry in mine if digest.at < entry.breaches_at <= end]
    soon.sort(key=lambda entry: entry.breaches_at)
    waiting = [entry for entry in mine if entry.status == Status.WAITING_ON_RED_HAT]
    sections = (
        exactly("changed", "Changed", (item.entry for item in items)),
        exactly("breaches_soon", "SLA breaches within two working days", soon),
        exactly("waiting", "Waiting for you", waiting),
    )
    return Digest(
        at=digest.at,
        since=digest.since,
        figures=figures(mine, digest.at),
        compared="",
        changes={},
        items=items,
        sections=sections,
        whole=digest.whole,
    )


def working_days_after(now: float, count: int, zone: tzinfo) -> float:
    """Return the end of the `count`-th working day after today (seconds since the epoch)."""
    day = datetime.fromtimestamp(now, zone).date()
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone).timestamp()


def differences(numbers: Figures, before: DayRow | None) -> dict[str, int]:
    """Return, for each headline number, by how much it grew since the row of `before`."""
    if before is None:
        return {}
    return {
        name: value - before.headlines[name]
        for name, value in numbers.headlines.items()
        if name in before.headlines
    }
