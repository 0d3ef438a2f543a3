"""What a sync is given to work with, and where it says what it did."""

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from redis.asyncio import Redis

from t5g.errors import UpstreamError
from t5g.jira_payloads import project_of
from t5g.jira_projects import Project, keep_project
from t5g.keys import Keys
from t5g.lock import Lock
from t5g.settings import Settings
from t5g.state import Observation
from t5g.store import Store, Written
from t5g.syncs import Sync
from workers.answers import Json
from workers.clients import Clients
from workers.marks import Mark, Marks, Turns

#: Details, issues and bugs are each looked at once in this time, changed or not.
PERIOD = 12 * 3600.0
#: Everything is listed at least once in this time.
FULL_EVERY = 24 * 3600.0
MOST_NOTES = 20
#: More than this part of what is known is not taken as gone unless a person says so;
MOST_LOST = 0.5
#: but so few may always go: whoever has three escalations may delete two.
FEW = 2

Progress = Callable[[int, int, str], Awaitable[None]]


@dataclass(slots=True)
class Tally:
    """What a run did. `complete`: all that was to be asked was answered."""

    seen: int = 0
    removed: int = 0
    failed: int = 0
    missed_events: int = 0
    complete: bool = True
    saw: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def see(self, numbers: Iterable[str]) -> None:
        """Count cases that came, each once however often it came."""
        self.saw.update(numbers)
        self.seen = len(self.saw)

    def fail(self, number: str, why: str) -> None:
        """Count a case that could not be read, and name it; once, however often it came."""
        said = f"{number or 'an entry without a number'}: {why}"
        if number and said in self.problems:
            return
        self.failed += 1
        self.problems.append(said)

    def incomplete(self, why: str) -> None:
        """Say that the run does not count as a success."""
        self.complete = False
        self.problems.insert(0, why)

    @property
    def error(self) -> str:
        """One sentence on what went wrong, or ""."""
        if not self.problems:
            return ""
        more = len(self.problems) - 1
        return self.problems[0] + (f" (and {more} more)" if more else "")


@dataclass(slots=True)
class SyncContext:
    """One run of one sync."""

    name: Sync
    settings: Settings
    redis: Redis
    keys: Keys
    store: Store
    clients: Clients
    marks: Marks
    lock: Lock
    mark: Mark
    begun: datetime
    now: Callable[[], datetime]
    report: Progress
    full: bool = False
    accept_shrink: bool = False
    tally: Tally = field(default_factory=Tally)
    #: Since when all that came and went is known, if this run learned it (seconds).
    known_since: float = 0.0
    #: The mark to keep if the run succeeds.
    next_mark: Mark | None = None

    @property
    def all_due(self) -> bool:
        """Say whether this run is to list everything: asked for, or not done for a day."""
        asked = self.full or self.accept_shrink or self.first
        return asked or self.begun.timestamp() - self.mark.full >= FULL_EVERY

    @property
    def first(self) -> bool:
        """Say whether this sync never came to its end before."""
        return not self.mark.at

    def believes(self, lost: int, known: int, what: str, *, few: int = FEW) -> bool:
        """Say whether so much of what is known may be gone; `what` it is, in the message.

        If not, the run is incomplete and says how to confirm it: most was kept, to be asked again.
        """
        if lost <= max(few, MOST_LOST * known) or self.accept_shrink:
            return True
        self.tally.incomplete(
            f"suspicious listing: {lost} of {known} {what}; all were kept. If that is right, "
            f"confirm it with `t5g sync {self.name} --accept-shrink`"
        )
        return False

    def turns(self, kind: str) -> Turns:
        """Return whose turn it is among things of a kind."""
        return Turns(self.redis, self.keys, kind, period=PERIOD)

    async def write(
        self, observations: Iterable[Observation], *, hinted: bool = False
    ) -> list[Written]:
        """Write to the store and count the cases that changed.

        `hinted`: a webhook should have told all this already, so each change is a missed event.
        """
        written = await self.store.write(observations, now=self.now())
        visible = [row for row in written if row.sequence]
        self.tally.changed.update(row.number for row in visible)
        if hinted and not self.first:
            self.tally.missed_events += len(visible)
        return written

    async def learn_project(self, setting: str, known: Project, issue: Json | None) -> Project:
        """Return the project that a setting names by its key, as JIRA tells it now; keep that.

        It is told by an `issue` that a search for it found; else JIRA is asked, once.
        """
        if not setting:
            return known
        if issue is None and known.id:
            return known
        if issue is None:
            try:
                found = await self.clients.jira.project(setting)
            except UpstreamError as error:
                if error.concerns_all or error.transient:
                    raise
                return known  # what else is wrong then, the search itself says
            issue = {"fields": {"project": found}}
        told = known.told(*project_of(issue))
        if told != known:
            await keep_project(self.redis, self.keys, setting, told)
        return told

    async def list_again(self) -> None:
        """Let the next run list everything: this listing was not to be trusted."""
        await self.marks.write(self.name, msgspec.structs.replace(self.mark, full=0.0))

    async def remove(self, number: str) -> None:
        """Forget a case that left the query; only while the lock is ours for sure."""
        self.lock.check()
        if await self.store.remove(number, now=self.now()):
            self.tally.removed += 1


class Throttled:
    """Passes progress on at most so often, and always the last of a kind."""

    def __init__(self, report: Progress, *, every: float = 0.25) -> None:
        self._report = report
        self._every = every
        self._last = 0.0
        self._what = ""

    async def __call__(self, current: int, total: int, what: str) -> None:
        """Report unless the last report is too fresh and nothing but the number changed."""
        now = time.monotonic()
        if what == self._what and current < total and now - self._last < self._every:
            return
        self._last, self._what = now, what
        await self._report(current, total, what)
