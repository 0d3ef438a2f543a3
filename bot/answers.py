"""What a command answers: frozen values, which views render for Slack, a terminal or as data."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from bot.plans import Plan
from bot.watches import Watch
from t5g.alerts import Alert
from t5g.derived import Entry
from t5g.digest import Digest
from t5g.figures import Figures
from t5g.query import Query
from t5g.statistics import DayRow
from t5g.syncs import Sync, SyncRecord
from t5g.team import Role

PAGE_SIZE = 8


class Freshness(Struct, frozen=True, kw_only=True):
    """How old the data is: when cases last synced, and (name, why) of each stale source."""

    synced: float
    stale: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, syncs: Mapping[Sync, SyncRecord], now: float) -> "Freshness":
        """Take it from the records of the syncs (statistics are no data of cases)."""
        shown = [record for name, record in syncs.items() if name is not Sync.STATS]
        cases = syncs.get(Sync.CASES)
        return cls(
            synced=cases.last_success if cases else 0.0,
            stale=tuple((r.name.value, r.why_stale(now)) for r in shown if r.stale(now)),
        )


class Option(Struct, frozen=True):
    """Something to ask instead: words for people, and the command without `/t5g`."""

    label: str
    command: str


class CaseList(Struct, frozen=True, kw_only=True):
    """One page of the cases that match a query. `page` counts from 1."""

    title: str
    query: Query
    total: int
    page: int
    entries: tuple[Entry, ...]
    now: float
    freshness: Freshness

    @property
    def pages(self) -> int:
        """How many pages there are (at least one)."""
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        """The place of the first case of the page among all, from 1."""
        return (self.page - 1) * PAGE_SIZE + 1


class CaseView(Struct, frozen=True, kw_only=True):
    """Everything known of one case. `may_act`: the asker may change it; `may_refresh`: sync it.

    `said`: what just happened. `shared`: it stands in a channel, for everybody there; `by`: the
    Slack id of who shared it. `discreet`: restricted bugs and issues are not named. `own`:
    the card is the asker's.
    """

    entry: Entry
    now: float
    freshness: Freshness
    may_act: bool = False
    may_refresh: bool = False
    shared: bool = False
    said: str = ""
    by: str = ""
    discreet: bool = False
    own: bool = False


class CommandHelp(Struct, frozen=True, kw_only=True):
    """How one command is used. `acts`: it changes something in an upstream."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...] = ()
    role: Role = Role.VIEWER
    acts: bool = False


class Help(Struct, frozen=True, kw_only=True):
    """Commands and their use; `keys` are the query language's (key, meaning, example)."""

    commands: tuple[CommandHelp, ...]
    keys: tuple[tuple[str, str, str], ...] = ()
    role: Role = Role.VIEWER
    read_only: bool = False


class DigestAnswer(Struct, frozen=True, kw_only=True):
    """A digest (or a weekly report). `mentions`: Slack ids by JIRA account, for who is mentioned.

    `personal`: it is of one person's own cases. `trend`: the number of open cases on the last days,
    oldest first.
    """

    digest: Digest
    freshness: Freshness
    weekly: bool = False
    personal: bool = False
    zone: str = "UTC"
    trend: tuple[int, ...] = ()
    mentions: Mapping[str, str] = msgspec.field(default_factory=dict)


class Process(Struct, frozen=True):
    """How many processes of a kind gave a sign of life lately."""

    kind: str
    count: int


class SyncStatus(Struct, frozen=True, kw_only=True):
    """How everything is: each sync, the queues, the processes, what is wrong."""

    records: tuple[SyncRecord, ...]
    now: float
    version: str
    cases: int = 0
    queues: Mapping[str, int] = msgspec.field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    alerts: tuple[Alert, ...] = ()
    outbox: int = 0
    parked: int = 0
    read_only: bool = False


class StatsRow(Struct, frozen=True, kw_only=True):
    """One account or engineer: open cases, and those of them that need attention."""

    name: str
    open: int
    urgent: int
    escalated: int
    breaching: int
    stale: int


class Stats(Struct, frozen=True, kw_only=True):
    """Headline numbers, or a table by account or engineer. `by` "": the numbers."""

    figures: Figures
    freshness: Freshness
    before: DayRow | None = None
    by: str = ""
    rows: tuple[StatsRow, ...] = ()
    total: int = 0


class WatchList(Struct, frozen=True, kw_only=True):
    """The watches of a channel, each with how many cases match now. `said`: what just happened."""

    watches: tuple[tuple[Watch, int], ...]
    personal: bool
    said: str = ""


class PlanList(Struct, frozen=True, kw_only=True):
    """Digests and weekly reports, each with the next time (seconds since the epoch, or 0)."""

    plans: tuple[tuple[Plan, float], ...]


class Export(Struct, frozen=True, kw_only=True):
    """A file to hand over."""

    name: str
    content: str
    count: int
    query: str = ""


class Note(Struct, frozen=True, kw_only=True):
    """A sentence. `failed`: it was not possible; `id` names the lines about it in the log.

    `options`: what may have been meant. `waiting`: work was asked for, its result follows.
    `typed`: what the person wrote, to be copied, because nothing came of it.
    """

    text: str
    failed: bool = False
    id: str = ""
    options: tuple[Option, ...] = ()
    waiting: bool = False
    typed: str = ""


class Progress(Struct, frozen=True, kw_only=True):
    """Syncs that were asked for: how far they are.

    `wishes`: for each record the wish that its run must have counted when it began. `joined`: a run
    was under way already.
    """

    what: str
    records: tuple[SyncRecord, ...]
    wishes: tuple[int, ...]
    now: float
    joined: bool = False
    over: bool = False

    def waits(self, record: SyncRecord) -> bool:
        """Whether the run that was asked for has not begun."""
        return record.served < self.wishes[self.records.index(record)]


Answer = (
    CaseList
    | CaseView
    | Help
    | DigestAnswer
    | SyncStatus
    | Stats
    | WatchList
    | PlanList
    | Export
    | Note
    | Progress
)
