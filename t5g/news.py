"""News: what of a case's changes people are told, in one table of kinds and by one reader.

Watches, alarms, direct messages, the home tab and the digest all ask here; each takes the kinds it
is for. What time makes (a breach) is no change: `breached` decides it from the case's moments.
"""

from collections.abc import Callable, Iterable

from msgspec import UNSET, Struct

from t5g.changes import Change
from t5g.derived import Entry, severity_rank
from t5g.model import Status


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of news. Among the news of a case the lowest `weight` comes first.

    `alarm`: it is told in the channel for the case's severity. `personal`: the owner gets it as a
    direct message. `digest`: it brings a case into the digest. `watch`: watches tell it.
    """

    name: str
    sign: str
    title: str
    weight: int
    alarm: bool = False
    personal: bool = False
    digest: bool = False
    watch: bool = True


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="matches", sign="✨", title="Matches now", weight=-1),
        Kind(name="escalated", sign="🚨", title="Escalated", weight=0,
             alarm=True, personal=True, digest=True),
        Kind(name="crit_sit", sign="🔥", title="Crit sit", weight=1,
             alarm=True, personal=True, digest=True),
        Kind(name="breached", sign="⏰", title="SLA breached", weight=2, digest=True, watch=False),
        Kind(name="raised", sign="⬆️", title="Severity raised", weight=3,
             alarm=True, personal=True, digest=True),
        Kind(name="reopened", sign="🔁", title="Reopened", weight=4, alarm=True, digest=True),
        Kind(name="came", sign="🆕", title="New", weight=5, digest=True, watch=False),
        Kind(name="answered", sign="💬", title="Customer answered", weight=6,
             personal=True, digest=True, watch=False),
        Kind(name="breaches_soon", sign="⏳", title="SLA breaches tomorrow", weight=7,
             personal=True, watch=False),
        Kind(name="assigned", sign="👤", title="Assigned", weight=8, personal=True, watch=False),
        Kind(name="closed", sign="✅", title="Closed", weight=9, digest=True),
        Kind(name="status", sign="🔄", title="Status", weight=10),
        Kind(name="lowered", sign="⬇️", title="Severity lowered", weight=11),
        Kind(name="escalation_over", sign="🕊", title="Escalation over", weight=12),
        Kind(name="card_status", sign="🗂", title="Card", weight=13),
        Kind(name="unassigned", sign="🙋", title="Unassigned for long", weight=14, alarm=True),
        Kind(name="done_early", sign="⚠️", title="Card done, case open", weight=15, alarm=True),
    )
}  # fmt: skip


class News(Struct, frozen=True):
    """One piece of news of a case: its kind, words for people (foreign ones included), the fact.

    `fact`: the change it was read from, by which who did it is known.
    """

    kind: str
    text: str
    fact: str = ""
    key: str = ""

    @property
    def sign(self) -> str:
        """The mark of its kind."""
        return KINDS[self.kind].sign

    @property
    def alarm(self) -> bool:
        """Whether it is told in the channel for the case's severity."""
        return KINDS[self.kind].alarm

    @property
    def weight(self) -> int:
        """Its place among the news of a case."""
        return KINDS[self.kind].weight


def merged(changes: Iterable[Change]) -> list[Change]:
    """Return changes of the same fact as one, from first to last state; none if it came back."""
    found: dict[tuple[str, str], Change] = {}
    for change in changes:
        name = change.fact, change.key
        before = found[name].before if name in found else change.before
        found[name] = Change(change.fact, before, change.after, change.key)
    return [change for change in found.values() if change.before != change.after]


def came(changes: Iterable[Change]) -> bool:
    """Return whether the Portal lists the case for the first time (not: its details came)."""
    return any(x.fact == "case" and x.before is None and x.after != "details" for x in changes)


def news_of(entry: Entry, changes: Iterable[Change], internal: Callable[[str], str]) -> list[News]:
    """Return what is worth telling among the changes of a case, the weightiest first.

    A case may be named by an escalation before the Portal lists it: that is told when it comes.
    `internal`: the team's word for a JIRA status.
    """
    each = list(changes)
    whole = merged(each)
    found: list[News] = []
    if came(each) and entry.open:
        found.append(News("came", "new", "case"))
        if not any(change.fact == "escalation" for change in whole):
            whole += [Change("escalation", None, x.key, x.key) for x in entry.case.escalations]
    found += [news for change in whole if (news := _news(entry, change, internal))]
    if _answered(entry, each):
        found.append(News("answered", "the customer answered", "comments"))
    return sorted(found, key=lambda news: news.weight)


def _news(entry: Entry, change: Change, internal: Callable[[str], str]) -> News | None:
    before, after, key = change.before, change.after, change.key

    def told(kind: str, text: str) -> News:
        return News(kind, text, change.fact, key)

    match change.fact:
        case "escalation" if before is None:
            return told("escalated", f"escalated ({key})")
        case "escalation" if after is None:
            return told("escalation_over", f"escalation {key} is over")
        case "crit_sit" if after is True:
            return told("crit_sit", "is a crit sit now")
        case "case" if before is None and entry.open and entry.crit_sit:
            return told("crit_sit", "came as a crit sit")
        case "severity" if before and after:
            raised = severity_rank(str(after)) < severity_rank(str(before))
            kind = "raised" if raised else "lowered"
            return told(kind, f"severity {kind}: {before} → {after}")
        case "status" if before == Status.CLOSED:
            return told("reopened", f"reopened: {after}")
        case "status" if after == Status.CLOSED:
            return told("closed", "closed")
        case "status" if before and after:
            return told("status", f"{before} → {after}")
        case "card.status" if before and after and internal(before) != internal(after):
            return told("card_status", f"card: {internal(before)} → {internal(after)}")
        case "card.assignee" if after and entry.card is not None and key == entry.card.key:
            return told("assigned", f"assigned to {after}")
        case "card" if before is None and entry.card is not None and key == entry.card.key:
            if (owner := entry.assignee) is not None:
                return told("assigned", f"assigned to {owner.name or owner.account}")
    return None


def _answered(entry: Entry, changes: Iterable[Change]) -> bool:
    """Return whether a public comment of the customer came; who is unknown is not the customer.

    What was said before the case's comments were known is no answer.
    """
    ids: set[str] = set()
    for change in changes:
        if change.fact == "comments" and change.before is not None:
            ids |= set(change.after or ()) - set(change.before)
    comments = entry.case.details.comments
    return comments is not UNSET and any(
        x.id in ids and x.public and x.by_customer is True for x in comments
    )


def breached(entry: Entry, news: Iterable[News], since: float, now: float) -> News | None:
    """Return the news that the SLA was breached after `since` (seconds since the epoch), or None.

    The time ran out after it, or the case came, came back or was raised after its time had.
    """
    sudden = {"came", "raised", "reopened"} & {one.kind for one in news}
    if entry.breaching(now) and (entry.breaches_at >= since or sudden):
        return News("breached", "breached its SLA")
    return None
