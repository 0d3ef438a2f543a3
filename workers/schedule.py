"""What runs when: the one table of the schedule, as data, and the next time of each entry.

Pure: nothing here fires anything. Times of day are in a named zone and mean the clock on the wall
there, also over changes of daylight saving time: a time that is skipped fires right after the gap,
one that comes twice fires at its first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from t5g.settings import Settings
from t5g.syncs import Sync
from t5g.work import SYNC_ATTEMPTS, SYNC_TIMEOUT, sync_job_id

MINUTE = 60
HOUR = 3600
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Every:
    """At every `seconds`, `offset` seconds after the round times (of UTC)."""

    seconds: int
    offset: int = 0

    def after(self, now: datetime) -> datetime:
        """Return the first time after `now`."""
        rounds = (int(now.timestamp()) - self.offset) // self.seconds + 1
        return datetime.fromtimestamp(rounds * self.seconds + self.offset, UTC)

    def __str__(self) -> str:
        return f"every {self.seconds // MINUTE} min"


@dataclass(frozen=True, slots=True)
class Daily:
    """At a time of day in a zone; `days`: on these days of the week only (Monday is 0)."""

    at: time
    zone: ZoneInfo = UTC_ZONE
    days: frozenset[int] = field(default=frozenset(range(7)))

    def after(self, now: datetime) -> datetime:
        """Return the first time after `now`."""
        today = now.astimezone(self.zone).date()
        candidates = (self._on(today + timedelta(days=ahead)) for ahead in range(-1, 9))
        return next(moment for moment in candidates if moment is not None and moment > now)

    def _on(self, day: date) -> datetime | None:
        if day.weekday() not in self.days:
            return None
        # Of an hour that comes twice fold=0 is the first; of one that is skipped it lies after it.
        return datetime.combine(day, self.at, self.zone).astimezone(UTC)

    def __str__(self) -> str:
        return f"daily {self.at:%H:%M} {self.zone.key}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the schedule: when to ask for which job. `job_id`: at most one at a time."""

    name: str
    when: Every | Daily
    function: str
    args: tuple[str, ...] = ()
    queue: str = "default"
    job_id: str = ""
    attempts: Sequence[int] = ()
    timeout: int = 1_800
    #: The sync whose record tells whether a run was missed.
    sync: Sync | None = None
    #: Whether it fires at the first start of all (else others ask for it, or it has time).
    at_start: bool = False

    @property
    def definition(self) -> str:
        """Text that changes when the entry does."""
        return f"{self.when}|{self.function}|{self.args}|{self.queue}|{self.job_id}|{self.timeout}"


def schedule(settings: Settings) -> tuple[Entry, ...]:
    """Return the schedule of an installation.

    Details, issues and bugs are each looked at every twelve hours; their runs come more often, each
    for the share whose turn it is (and for what changed).
    """
    cards = () if settings.read_only else _cards()
    return (
        *cards,
        _sync(Sync.CASES, Every(15 * MINUTE)),
        _sync(Sync.CARDS, Every(HOUR, 5 * MINUTE)),
        _sync(Sync.ESCALATIONS, Every(2 * HOUR, 8 * MINUTE)),
        _sync(Sync.DETAILS, Every(30 * MINUTE, 3 * MINUTE)),
        _sync(Sync.ISSUES, Every(30 * MINUTE, 12 * MINUTE)),
        _sync(Sync.BUGS, Every(30 * MINUTE, 14 * MINUTE)),
        _sync(Sync.STATS, Daily(time(4, 40))),
        # It decides by itself whether the digest of the day is due, in its own time zone.
        Entry(
            name="digest",
            when=Every(5 * MINUTE),
            function="bot.jobs.digest_tick",
            queue="high",
            job_id="digest",
            timeout=120,
        ),
    )


def _cards() -> tuple[Entry, ...]:
    """What changes upstreams; not in an installation that only reads."""
    return (
        _card_job("create", Every(HOUR, 10 * MINUTE)),
        _card_job("priorities", Daily(time(3, 12))),
        _card_job("close", Daily(time(3, 22))),
        _card_job("tag", Daily(time(3, 32))),
    )


def _card_job(name: str, when: Every | Daily) -> Entry:
    return Entry(
        name=f"cards-{name}",
        when=when,
        function=f"workers.cards.jobs.{name}",
        job_id=f"cards-{name}",
        attempts=(90, 300, 900),
        timeout=1_800,
    )


def _sync(name: Sync, when: Every | Daily) -> Entry:
    return Entry(
        name=f"sync-{name}",
        when=when,
        function="workers.jobs.sync",
        args=(name.value,),
        job_id=sync_job_id(name.value),
        attempts=SYNC_ATTEMPTS,
        timeout=SYNC_TIMEOUT,
        sync=name,
        at_start=name is Sync.CASES,
    )
