"""What people are told of their own cases by direct message, and what they wish of it.

Everybody chooses the kinds of news, and quiet hours of their own zone: what comes within them is
held back and told as one message when they are over. So is what comes while Slack does not say who
the owner is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from t5g.keys import Keys
from t5g.news import KINDS, News

#: The kinds that the owner of a case may be told of, the weightiest first.
PERSONAL = {name: kind for name, kind in KINDS.items() if kind.personal}


class Wishes(Struct, frozen=True, kw_only=True):
    """What one person wishes. `off`: kinds they are not told of.

    `quiet`: from when to when (`20:00`, `08:00`) nothing comes, () if never; in `zone`.
    """

    off: frozenset[str] = frozenset()
    quiet: tuple[str, ...] = ()
    zone: str = "UTC"

    def quiet_at(self, now: float) -> bool:
        """Return whether a moment (seconds since the epoch) is in the quiet hours."""
        if not self.quiet:
            return False
        begin, end = self.quiet
        moment = datetime.fromtimestamp(now, ZoneInfo(self.zone)).strftime("%H:%M")
        return begin <= moment < end if begin <= end else moment >= begin or moment < end


#: For whom news is held of whose owner Slack did not say who it is.
UNKNOWN = ""
#: News by the number of the case.
Held = Mapping[str, Sequence[News]]


def own_news(
    why: Sequence[News], wishes: Wishes, deeds: Mapping[str, str], person: str
) -> list[News]:
    """Return what the owner of a case is told. `deeds`: who changed which facts by the bot."""

    def done_by(news: News) -> str | None:
        # A claim may make the card: then the assignment is read from the card's coming.
        return deeds.get("card.assignee" if news.kind == "assigned" else news.fact)

    return [
        x for x in why
        if x.kind in PERSONAL and x.kind not in wishes.off and done_by(x) != person
    ]  # fmt: skip


class Notify:
    """The wishes of people, and what is held back for them."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._wishes = keys.named("slack", "notify")
        self._held = keys.named("slack", "held")

    async def of(self, person: str) -> Wishes:
        """Return what somebody wishes."""
        raw = await self._redis.hget(self._wishes, person)
        return msgspec.json.decode(raw, type=Wishes) if raw else Wishes()

    async def keep(self, person: str, wishes: Wishes) -> None:
        """Keep what somebody wishes."""
        await self._redis.hset(self._wishes, person, msgspec.json.encode(wishes))

    async def held(self) -> dict[str, dict[str, list[News]]]:
        """Return what is held back, by person and case."""
        rows: Mapping[Any, Any] = await self._redis.hgetall(self._held)
        return {
            person.decode(): msgspec.json.decode(raw, type=dict[str, list[News]])
            for person, raw in rows.items()
        }

    def stage(self, pipe: Pipeline, person: str, held: Held) -> None:
        """Let what is held back for somebody be this, in the caller's own transaction."""
        if held:
            pipe.hset(self._held, person, msgspec.json.encode(held))
        else:
            pipe.hdel(self._held, person)
