"""Makes cases and observations for tests: plain values with sensible defaults."""

from datetime import UTC, datetime, timedelta
from typing import Any

from t5g.derived import Entry, Rules
from t5g.model import Bug, Card, Case, Comment, Details, Escalation, Issue, Person, Portal, Source
from t5g.state import DetailsSeen, ItemSeen, ListingSeen, PortalSeen

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW_SECONDS = NOW.timestamp()


def ago(**kwargs: float) -> datetime:
    """The moment that long before NOW (days=, hours=, …)."""
    return NOW - timedelta(**kwargs)


def portal(number: str = "01234567", **facts: Any) -> Portal:
    """Facts of a listing."""
    defaults: dict[str, Any] = {
        "status": "Waiting on Red Hat",
        "severity": "3 (Normal)",
        "account": "Acme Corp",
        "summary": "Node not ready after upgrade",
        "product": "OpenShift Container Platform",
        "version": "4.16",
        "created": ago(days=10),
        "updated": ago(days=1),
    }
    return Portal(number=number, **{**defaults, **facts})


def portal_seen(number: str = "01234567", seen: datetime = NOW, **facts: Any) -> PortalSeen:
    """An observation of a listing."""
    found = portal(number, **facts)
    return PortalSeen(number=number, seen=seen, facts=found, updated=found.updated or seen)


def card(key: str = "T5G-1", **facts: Any) -> Card:
    """Facts of a card."""
    defaults: dict[str, Any] = {
        "id": key.rsplit("-", 1)[-1],
        "summary": "01234567: Node not ready",
        "status": "Open",
        "priority": "Normal",
        "created": ago(days=9),
        "updated": ago(days=1),
    }
    return Card(key=key, **{**defaults, **facts})


def card_seen(
    number: str = "01234567", key: str = "T5G-1", seen: datetime = NOW, **facts: Any
) -> ItemSeen:
    """An observation of one card."""
    found = card(key, **facts)
    return ItemSeen(
        number=number,
        source=Source.CARD,
        key=key,
        facts=found,
        updated=found.updated or seen,
        seen=seen,
    )


def listing(number: str, source: Source, *items: Any, seen: datetime = NOW) -> ListingSeen:
    """An observation of all items of a source."""
    keyed = {str(getattr(item, "key", "") or item.id): item for item in items}
    return ListingSeen(number=number, source=source, items=keyed, seen=seen)


def details_seen(number: str = "01234567", seen: datetime = NOW, **facts: Any) -> DetailsSeen:
    """An observation of details."""
    return DetailsSeen(number=number, facts=Details(**facts), updated=seen, seen=seen)


def entry(number: str = "01234567", rules: Rules | None = None, **parts: Any) -> Entry:
    """An entry of the board. `parts`: portal=dict, card=Card, and the fields of Case."""
    facts = parts.pop("portal", {})
    if "card" in parts:
        found = parts.pop("card")
        parts["cards"] = (found,) if found else ()
    else:
        parts.setdefault("cards", (card(),))
    return Entry(Case(portal=portal(number, **facts), **parts), rules or Rules())


__all__ = [
    "NOW",
    "NOW_SECONDS",
    "Bug",
    "Comment",
    "Escalation",
    "Issue",
    "Person",
    "ago",
    "card",
    "card_seen",
    "details_seen",
    "entry",
    "listing",
    "portal",
    "portal_seen",
]
