"""Writes the audit log without making people wait for it.

What only reads is written a moment later, in batches; what acts is written before it happens. While
Redis is away entries wait here (bounded), and the log lines have them at once.
"""

import asyncio
from collections import deque

from redis.exceptions import RedisError

from bot.asker import Asker
from bot.tasks import Tasks
from t5g.audit import Audit, AuditEntry, Outcome
from t5g.logs import logger

log = logger(__name__)

SOON = 0.1
#: Each entry is a log line too; so many are written before others get their turn.
BATCH = 20
MOST = 10_000


def line(
    asker: Asker, action: str, outcome: Outcome, *, case: str = "", detail: str = ""
) -> AuditEntry:
    """Make an entry about what a person asked for."""
    return AuditEntry(
        who=asker.id,
        name=asker.name,
        origin="cli" if asker.origin == "terminal" else "slack",
        place=asker.channel,
        action=action,
        outcome=outcome,
        case=case,
        detail=detail,
    )


class Trail:
    """The audit log as the bot writes it."""

    def __init__(self, audit: Audit, tasks: Tasks) -> None:
        self._audit = audit
        self._tasks = tasks
        self._waiting: deque[AuditEntry] = deque(maxlen=MOST)
        self._flushing = False

    def note(self, entry: AuditEntry) -> None:
        """Write an entry soon."""
        self._waiting.append(entry)
        if not self._flushing:
            self._flushing = True
            self._tasks.start(self._flush(), "audit")

    async def record(self, entry: AuditEntry) -> None:
        """Write an entry now; raises if that is not possible."""
        await self._audit.record(entry)

    async def _flush(self) -> None:
        await asyncio.sleep(SOON)
        self._flushing = False
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await self._audit.record(*batch)
            except (RedisError, OSError) as error:
                self._waiting.extendleft(reversed(batch))
                log.warning("audit_waits", entries=len(self._waiting), error=type(error).__name__)
                return
