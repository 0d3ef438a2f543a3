"""What goes on all the time: the world lives, people ask, and work is asked for, faster than usual.

Whoever asks gets an answer or is told that there is none now; anything else is kept as odd.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import httpx
from redis import Redis as SyncRedis
from redis.exceptions import RedisError

from sandbox.life import Life
from sandbox.scene import PROJECT, World
from t5g.connection import open_queue_redis
from t5g.model import number_of_summary
from t5g.syncs import Sync
from t5g.work import Again, enqueue, request_sync

if TYPE_CHECKING:
    from bench.chaos.stage import Stage

QUESTIONS = ("cases", "cases severity:urgent", "escalations", "mine", "stale", "status", "sla")
VIEWS = (
    "/", "/cases", "/cases?q=severity%3Aurgent", "/stats", "/updates", "/jobs", "/weekly",
    "/api/v1/cases?limit=50", "/api/v1/stats", "/readyz", "/metrics",
)  # fmt: skip
#: Answers that are no answer: the page says that it can not know now.
NEWEST = 50
EXCUSED = (200, 429, 503, 504)


class Going(Life):
    """A life in which the bot alone makes cards, and what it made is lived with too.

    With `steady` (open and closed cases) the world stays as large: what is one too many is opened
    again, and open ones go to another team.
    """

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._happenings.pop(self.make_card)
        self.steady: tuple[int, int] | None = None

    def step(self) -> str:
        """Let one thing happen."""
        self._meet_cards()
        told = super().step()
        if self.steady:
            self._keep_size(*self.steady)
        return told

    def _meet_cards(self) -> None:
        """Take note of the newest cards, which the bot may have made."""
        issues = self._world.jira.issues
        for issue in islice(reversed(issues.values()), NEWEST):
            number = number_of_summary(issue.summary) if issue.project == PROJECT else None
            if number:
                self._world.cards.setdefault(number, issue.key)

    def _keep_size(self, opened: int, closed: int) -> None:
        cases = self._world.portal.cases.values()
        done = sorted((one for one in cases if one.is_closed), key=lambda one: one.modified)
        for case in done[closed:]:
            self._world.portal.reopen_case(case.number)
        for case in self._world.open_cases()[opened:]:
            self._leave(case.number)

    def _leave(self, number: str) -> None:
        """Let a case go to another team, and its card with it."""
        world = self._world
        world.portal.remove_case(number)
        key = world.cards.pop(number, "")
        if key in world.jira.issues:
            world.jira.delete_issue(key, world.lead.jira)


@dataclass(slots=True)
class Seen:
    """What came of what was asked: counts by kind and answer, and what was odd."""

    counts: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)

    def add(self, kind: str, answer: object, *, fine: bool, more: str = "") -> None:
        """Keep one answer."""
        self.counts[f"{kind} {answer}"] += 1
        if not fine and len(self.odd) < 100:
            self.odd.append(f"{kind}: {answer} {more}".strip())


@dataclass(slots=True, kw_only=True)
class Pace:
    """Seconds between two things of a kind."""

    event: float = 0.1
    question: float = 0.5
    look: float = 0.5
    digest: float = 1.0
    cards: float = 3.0
    full: float = 0.0
    syncs: dict[Sync, float] = field(
        default_factory=lambda: {
            Sync.CASES: 2.0, Sync.CARDS: 4.0, Sync.DETAILS: 5.0, Sync.ISSUES: 6.0, Sync.BUGS: 7.0,
            Sync.ESCALATIONS: 5.0, Sync.STATS: 10.0,
        }
    )  # fmt: skip


async def run(stage: "Stage", pace: Pace, seen: Seen) -> None:
    """Do all of it until cancelled."""
    chance = random.Random(stage.play.seed + 7)
    people = [one.slack_id for one in stage.sandbox.world.engineers]

    async def live() -> None:
        stage.life.step()
        seen.counts["events of the world"] += 1

    async def ask() -> None:
        await _ask(stage, chance, people, seen)

    async def look() -> None:
        await _look(stage, chance, seen)

    tasks = [
        _every(pace.event, live, seen),
        _every(pace.question, ask, seen),
        _every(pace.look, look, seen),
        _every(pace.digest, lambda: wish(stage, "bot.jobs.digest_tick", "digest"), seen),
        _every(pace.cards, lambda: wish(stage, "workers.cards.jobs.create", "cards-create"), seen),
        _every(pace.cards * 3, lambda: wish(stage, "workers.jobs.deadletters", "letters"), seen),
    ]
    tasks.append(_every(pace.full, lambda: wish_sync(stage, Sync.CASES, full=True), seen))
    tasks += [_every(each, _syncing(stage, name), seen) for name, each in pace.syncs.items()]
    await asyncio.gather(*tasks)


async def _every(seconds: float, what: Callable[[], Awaitable[None]], seen: Seen) -> None:
    if not seconds:
        return
    while True:
        begun = time.monotonic()
        await what()
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - begun)))


def _syncing(stage: "Stage", name: Sync) -> Callable[[], Awaitable[None]]:
    async def ask() -> None:
        await wish_sync(stage, name.value)

    return ask


async def _ask(stage: "Stage", chance: random.Random, people: Sequence[str], seen: Seen) -> None:
    """Ask in Slack. `operation_timeout` is what people see when a process is down: excused."""
    server = stage.sandbox.slack
    user = server.state.user(chance.choice(people))
    channel = server.state.channel(next(iter(server.state.channels)))
    outcome = await server.writing.command(user, channel, "/t5g", chance.choice(QUESTIONS))
    fine = outcome.status in (None, *EXCUSED)
    seen.add("Slack", outcome.status or outcome.error, fine=fine, more=str(outcome.body)[:300])


async def _look(stage: "Stage", chance: random.Random, seen: Seen) -> None:
    address = chance.choice(VIEWS)
    try:
        answer = await stage.http.get(stage.page + address)
    except httpx.HTTPError as error:
        seen.add("page", type(error).__name__, fine=True)
        return
    fine = answer.status_code in EXCUSED
    seen.add("page", answer.status_code, fine=fine, more=f"{address} {answer.text[:300]}")


async def wish(stage: "Stage", function: str, job_id: str) -> None:
    """Ask for a job, as the scheduler does; while Redis is away nothing can be asked."""
    await _queued(
        stage,
        lambda redis: enqueue(
            redis, function, keys=stage.keys, queue="high", job_id=job_id, timeout=120
        ),
    )


async def wish_sync(stage: "Stage", name: str, *, full: bool = False) -> None:
    """Ask for a sync."""
    await _queued(stage, lambda redis: request_sync(redis, stage.keys, name, "chaos", full=full))


async def _queued(stage: "Stage", ask: Callable[[SyncRedis], object]) -> None:
    def asked() -> None:
        redis = open_queue_redis(stage.redis.url)
        redis.connection_pool.connection_kwargs["socket_timeout"] = 3
        try:
            ask(redis)
        except (RedisError, OSError, Again):
            pass
        finally:
            redis.close()

    await asyncio.to_thread(asked)
