"""What commands at a terminal share: an open Redis, the audit line, tables, and words for times."""

import asyncio
import getpass
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from redis.asyncio import Redis
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from t5g.audit import Audit, AuditEntry, Outcome
from t5g.cli.processes import ready
from t5g.connection import open_redis
from t5g.keys import Keys
from t5g.settings import Part, Settings

T = TypeVar("T")

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def run(work: Callable[[Settings, Redis], Awaitable[T]], *needs: Part) -> T:
    """Do `work` with the settings and an open client, and close it."""
    settings = ready(*needs)

    async def opened() -> T:
        redis = open_redis(settings.redis_url)
        try:
            return await work(settings, redis)
        finally:
            await redis.aclose()

    return asyncio.run(opened())


async def record(
    settings: Settings, redis: Redis, action: str, detail: str, outcome: Outcome = Outcome.DONE
) -> None:
    """Note in the audit log what was done at the terminal, and by whom."""
    entry = AuditEntry(who=who(), action=action, outcome=outcome, origin="cli", detail=detail)
    await Audit(redis, Keys(settings.redis_prefix), days=settings.audit_days).record(entry)


def who() -> str:
    """Return the id that the audit log has for whoever types."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


class PlainTable(Table):
    """A table whose cells are shown as they are: foreign text is neither markup nor steers."""

    def add_row(self, *cells: RenderableType | None, **more: Any) -> None:
        """Add a row."""
        super().add_row(*(plain(x) if isinstance(x, str) else x for x in cells), **more)


def plain(text: str) -> Text:
    """Return foreign text for a terminal, with what could steer it made visible."""
    return Text(_CONTROL.sub(lambda found: repr(found[0])[1:-1], text))


def new_table(title: str, *columns: str) -> Table:
    """Return a table without lines, whose cells fold."""
    made = PlainTable(
        title=title, title_justify="left", box=None, pad_edge=False, header_style="dim"
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def seconds(amount: float) -> str:
    """Say how long: seconds, then minutes, then hours."""
    if amount < 60:
        return f"{max(0.0, amount):.1f} s"
    minutes = int(amount // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def ago(at: float | None, now: float) -> str:
    """Say how long ago a moment was, a dash for none."""
    return f"{seconds(now - at)} ago" if at else "–"


def moment(at: float, empty: str = "") -> str:
    """Return a moment in UTC, to the second; `empty` for none."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC" if at else empty
