"""Recent updates: what was said on cards, by account, and what changed."""

from collections.abc import Iterable

from msgspec import Struct

from t5g.derived import DAY, Entry
from webhooks.pages.addresses import Links
from webhooks.pages.views.feed import CaseNews
from webhooks.pages.views.one import Said, card_said
from webhooks.pages.views.rows import Link, Row, account, row

SPANS = ((1, "24 hours"), (3, "3 days"), (7, "7 days"))
DEFAULT_SPAN = 1
MOST_CASES = 60
MOST_COMMENTS = 3
LONGEST_COMMENT = 500
NO_ACCOUNT = "(no account)"


class Discussed(Struct, frozen=True, kw_only=True):
    """A case with its new comments, newest first; `left` older ones are not shown."""

    row: Row
    said: tuple[Said, ...]
    left: int


class OfAccount(Struct, frozen=True):
    """The discussed cases of one account."""

    account: Link
    cases: tuple[Discussed, ...]


class Updates(Struct, frozen=True, kw_only=True):
    """The page of recent updates."""

    spans: tuple[tuple[Link, bool], ...]
    total: int
    left: int
    accounts: tuple[OfAccount, ...]
    news: tuple[CaseNews, ...]
    news_known: bool


def updates(
    entries: Iterable[Entry],
    news: tuple[CaseNews, ...] | None,
    days: int,
    now: float,
    links: Links,
) -> Updates:
    """Say what is new within `days`. `news` None: the feed no longer has it."""
    talked = sorted(
        (entry for entry in entries if _newest(entry) > now - days * DAY),
        key=lambda entry: -_newest(entry),
    )
    return Updates(
        spans=tuple(
            (Link(title, "/updates" if n == DEFAULT_SPAN else f"/updates?days={n}"), n == days)
            for n, title in SPANS
        ),
        total=len(talked),
        left=max(0, len(talked) - MOST_CASES),
        accounts=by_account(talked[:MOST_CASES], days, now, links),
        news=news or (),
        news_known=news is not None,
    )


def by_account(
    entries: Iterable[Entry], days: float, now: float, links: Links
) -> tuple[OfAccount, ...]:
    """Group cases with new comments by account, accounts by name."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.case.portal.account, []).append(entry)
    return tuple(
        OfAccount(
            account(members[0]) if name else Link(NO_ACCOUNT),
            tuple(discussed(entry, days, now, links) for entry in members),
        )
        for name, members in sorted(groups.items(), key=lambda x: x[0].casefold())
    )


def discussed(entry: Entry, days: float, now: float, links: Links) -> Discussed:
    """Say a case with what was said within `days`."""
    since = now - days * DAY
    new = [c for c in entry.case.card_comments if c.created and c.created.timestamp() > since]
    return Discussed(
        row=row(entry, now, links),
        said=tuple(card_said(c, now, LONGEST_COMMENT) for c in new[::-1][:MOST_COMMENTS]),
        left=max(0, len(new) - MOST_COMMENTS),
    )


def _newest(entry: Entry) -> float:
    last = entry.last_comment
    return last.created.timestamp() if last and last.created else 0.0
