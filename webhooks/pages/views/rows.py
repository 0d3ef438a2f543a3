"""One case as a row of a list: what every table of cases shows, said once."""

from msgspec import Struct
from msgspec.structs import replace

from t5g.derived import Entry
from t5g.figures import engineer_of
from t5g.model import Comment, Status
from webhooks.pages import addresses
from webhooks.pages.addresses import Links
from webhooks.pages.views.words import When, cut, cut_to, in_days, size_of, when

LONGEST_SUMMARY = 180
LONGEST_COMMENT = 110
LONGEST_NAME = 80
#: Bytes that these take of a row at most, and what is left of them in a row that is too large.
SUMMARY_BYTES, COMMENT_BYTES, NAME_BYTES = 240, 150, 120
SHORT_BYTES, SHORT_SUMMARY_BYTES, SHORT_ADDRESS_BYTES = 30, 90, 90
RESTRICTED = "Restricted: read it in JIRA."


#: Whose turn it is, by status.
TURNS: dict[str, str] = {
    Status.WAITING_ON_RED_HAT: "us",
    Status.WAITING_ON_CUSTOMER: "them",
    Status.CLOSED: "closed",
}


class Link(Struct, frozen=True):
    """A text that leads somewhere; `url` "" leads nowhere."""

    text: str
    url: str = ""


class Flag(Struct, frozen=True):
    """Something to know about a case at a glance: `name` styles it, `word` says it."""

    name: str
    word: str
    meaning: str


FLAGS = {
    flag.name: flag
    for flag in (
        Flag("escalated", "Escalated", "An open escalation names this case"),
        Flag("critsit", "Crit sit", "Critical situation"),
        Flag("potential", "Potential escalation", "Marked as a potential escalation"),
        Flag("untracked", "Untracked", "Open, and the team has no card for it"),
        Flag("stale", "Stale", "No update on the case or its card for a week"),
        Flag("watchlist", "Watchlist", "On the daily watch list"),
        Flag("trend", "Trend", "Labelled as part of a trend"),
    )
}


class Sla(Struct, frozen=True):
    """Days open against the SLA; `state`: ok, risk, breached, none (no SLA) or closed."""

    state: str
    open_for: str
    limit: str = ""
    percent: int = 0

    @property
    def filled(self) -> int:
        """How much of the bar is filled, in percent."""
        return min(100, self.percent)

    @property
    def words(self) -> str:
        """The whole of it in words."""
        if not self.limit:
            return f"open for {self.open_for}"
        verdict = {"risk": ", at risk", "breached": ", breaching"}.get(self.state, "")
        return f"{self.open_for} of {self.limit} ({self.percent} %{verdict})"


class Remark(Struct, frozen=True):
    """A comment in a list: who, when, how it begins."""

    author: str
    when: When | None
    text: str


class Row(Struct, frozen=True, kw_only=True):
    """A case in a list."""

    number: str
    url: str
    severity: str
    rank: int
    flags: tuple[Flag, ...]
    summary: str
    product: str
    account: Link
    status: str
    turn: str
    internal: str
    assignee: Link
    card: Link
    comment: Remark | None
    sla: Sla
    updated: When | None
    open: bool


def row(entry: Entry, now: float, links: Links) -> Row:
    """Say one case as a row."""
    portal, card = entry.case.portal, entry.card
    return Row(
        number=entry.number,
        url=addresses.case(entry.number),
        severity=cut(entry.severity, 20) or "Unknown",
        rank=entry.rank,
        flags=flags(entry, now),
        summary=cut_to(portal.summary, LONGEST_SUMMARY, SUMMARY_BYTES) or "(no summary)",
        product=cut_to(f"{portal.product} {portal.version}", LONGEST_NAME, NAME_BYTES),
        account=account(entry),
        status=cut(portal.status, 40) or "unknown",
        turn=TURNS.get(portal.status, "other"),
        internal=cut(entry.internal_status, 40),
        assignee=assignee(entry),
        card=Link(card.key, links.issue(card.key)) if card else Link(""),
        comment=remark(entry.last_comment, now),
        sla=sla(entry, now),
        updated=when(entry.activity, now),
        open=entry.open,
    )


def shortened(row: Row, excess: int) -> Row:
    """Return the row with `excess` bytes less of text, if it has so many to spare.

    What matters least goes first. Badges, numbers and times stay whole; an address goes only with
    a name that is itself longer than most.
    """

    def cut_off(text: str, least: int = SHORT_BYTES) -> str:
        nonlocal excess
        size = size_of(text)
        shown = cut_to(text, len(text), max(least, size - excess)) if excess > 0 else text
        excess -= size - size_of(shown)
        return shown

    def cut_link(link: Link) -> Link:
        nonlocal excess
        text, size = cut_off(link.text), size_of(link.url)
        if excess <= 0 or size <= SHORT_ADDRESS_BYTES:
            return Link(text, link.url)
        excess -= size
        return Link(text)

    said = row.comment
    return replace(
        row,
        comment=said and Remark(cut_off(said.author), said.when, cut_off(said.text, 0)),
        product=cut_off(row.product),
        summary=cut_off(row.summary, SHORT_SUMMARY_BYTES),
        internal=cut_off(row.internal),
        status=cut_off(row.status),
        assignee=cut_link(row.assignee),
        account=cut_link(row.account),
    )


def flags(entry: Entry, now: float) -> tuple[Flag, ...]:
    """Everything to know about the case at a glance, the most pressing first."""
    found = {
        "escalated": entry.escalated,
        "critsit": entry.crit_sit is True,
        "potential": entry.potential_escalation,
        "untracked": entry.untracked,
        "stale": entry.stale(now),
        "watchlist": entry.watchlist,
        "trend": entry.trend,
    }
    return tuple(FLAGS[name] for name, holds in found.items() if holds)


def sla(entry: Entry, now: float) -> Sla:
    """How long the case has been open, against its SLA."""
    used = entry.sla_used(now)
    open_for = in_days(entry.days_open(now))
    if used is None or entry.sla_days is None or not entry.created:
        return Sla("none", open_for if entry.created else "unknown time")
    state = (
        "closed" if not entry.open
        else "breached" if entry.breaching(now)
        else "risk" if entry.at_risk(now)
        else "ok"
    )  # fmt: skip
    return Sla(state, open_for, in_days(entry.sla_days), int(used * 100))


def account(entry: Entry) -> Link:
    """The account and its page."""
    name = entry.case.portal.account
    return (
        Link(cut_to(name, LONGEST_NAME, NAME_BYTES), addresses.account(name)) if name else Link("")
    )


def assignee(entry: Entry) -> Link:
    """Who the card is assigned to; an empty text: nobody."""
    if entry.assignee is None:
        return Link("")
    name = engineer_of(entry)
    return Link(cut_to(name, LONGEST_NAME, NAME_BYTES), addresses.engineer(name))


def remark(comment: Comment | None, now: float) -> Remark | None:
    """A comment in short; what only some may see stays where it is."""
    if comment is None:
        return None
    author = comment.author.name or comment.author.account if comment.author else ""
    text = (
        RESTRICTED if comment.restricted else cut_to(comment.body, LONGEST_COMMENT, COMMENT_BYTES)
    )
    return Remark(cut(author, LONGEST_NAME), when(comment.created, now), text)
