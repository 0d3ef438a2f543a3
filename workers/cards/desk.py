"""What a job of cards works with, opened and closed in one place; and the log of its changes."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from t5g.alerts import Alerts
from t5g.audit import Audit, AuditEntry, Outcome
from t5g.board import Board
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.errors import RefusedError
from t5g.jira_payloads import card_of, comments_of
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.model import Card, Source
from t5g.settings import Settings
from t5g.state import EPOCH, CommentsSeen, ItemSeen
from t5g.store import Store
from t5g.syncs import Sync
from t5g.team import Team, load_team
from workers.cards.ledger import Ledger
from workers.clients import Clients, policy_of
from workers.jira.card_writes import CardWriter

#: What must be fresh before anything is decided: else every case would seem to have no card.
NEEDED = (Sync.CASES, Sync.CARDS)


@dataclass(slots=True)
class Desk:
    """The tools of one run. `who`: who or what caused it, for the audit log.

    `on_progress` hears how many of how many are done.
    """

    settings: Settings
    redis: Redis
    keys: Keys
    store: Store
    board: Board
    jira: CardWriter
    clients: Clients
    ledger: Ledger
    alerts: Alerts
    audit: Audit
    lock: Lock
    who: str = "schedule"
    origin: str = "job"
    clock: Callable[[], float] = time.time
    on_progress: Callable[[int, int], None] = lambda done, total: None

    @property
    def team(self) -> Team:
        """The team as its file says now."""
        return load_team(self.settings.team_file) if self.settings.team_file else Team()

    async def fresh(self) -> None:
        """Bring the board up to date. Raises RefusedError if what it shows is too old."""
        await self.board.refresh()
        for name in NEEDED:
            record = self.board.syncs.get(name)
            if record is None or not record.last_success:
                raise RefusedError(f"The sync of {name} never worked; `t5g sync {name}` first.")
            if record.stale(self.clock()):
                why = record.why_stale(self.clock())
                raise RefusedError(f"The data of {name} is too old to decide: {why}")

    def may_change(self) -> None:
        """Raise RefusedError unless upstreams may be changed."""
        if self.settings.read_only:
            raise RefusedError("This installation only reads: T5G_READ_ONLY is true.")

    async def note(
        self, action: str, number: str, detail: str, *, outcome: Outcome = Outcome.DONE
    ) -> None:
        """Write into the audit log what was changed, before → after."""
        entry = AuditEntry(
            who=self.who,
            origin=self.origin,
            action=action,
            case=number,
            outcome=outcome,
            detail=detail,
        )
        await self.audit.record(entry)

    async def keep(self, number: str, key: str) -> Card:
        """Read a card and keep it, so that the next answer shows it."""
        asked = datetime.now(UTC)
        row: dict[str, Any] = await self.jira.issue(key)
        card = card_of(row, self.settings)
        comments, complete = comments_of(row, self.settings.jira_zone)
        item = ItemSeen(
            number=number, source=Source.CARD, key=card.key, facts=card,
            updated=card.updated or EPOCH, seen=asked,
        )  # fmt: skip
        said = CommentsSeen(
            number=number, card=card.key, comments=comments, complete=complete, seen=asked
        )
        await self.store.write([item, said], now=datetime.now(UTC))
        return card


@asynccontextmanager
async def open_desk(
    settings: Settings, *, who: str = "schedule", origin: str = "job"
) -> AsyncIterator[Desk]:
    """Open the tools of one run; nothing is asked of an upstream yet."""
    redis, keys = open_redis(settings.redis_url), Keys(settings.redis_prefix)
    store = open_store(settings, redis)
    jira = CardWriter(settings, policy_of(settings))
    try:
        async with Clients(settings) as clients:
            yield Desk(
                settings=settings, redis=redis, keys=keys, store=store,
                board=Board(store, open_syncs(settings, redis), Rules.of(settings)),
                jira=jira, clients=clients, ledger=Ledger(redis, keys),
                alerts=Alerts(redis, keys),
                audit=Audit(redis, keys, days=settings.audit_days),
                lock=Lock(redis, keys.lock("cards")), who=who, origin=origin,
            )  # fmt: skip
    finally:
        jira.close()
        await redis.aclose()
