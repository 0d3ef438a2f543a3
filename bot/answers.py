"""What a command answers: frozen values, which the views render for Slack or a terminal."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from t5g.derived import Entry
from t5g.digest import Digest
from t5g.query import Query
from t5g.syncs import Sync, SyncRecord

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


class CaseView(Struct, frozen=True, kw_only=True):
    """Everything known of one case."""

    entry: Entry
    now: float
    freshness: Freshness


class CommandHelp(Struct, frozen=True, kw_only=True):
    """How one command is used."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...] = ()


class Help(Struct, frozen=True, kw_only=True):
    """Commands and their use; `keys` are the query language's (key, meaning, example)."""

    commands: tuple[CommandHelp, ...]
    keys: tuple[tuple[str, str, str], ...] = ()


class DigestAnswer(Struct, frozen=True, kw_only=True):
    """A digest to look at."""

    digest: Digest
    freshness: Freshness


class SyncStatus(Struct, frozen=True, kw_only=True):
    """The record of each sync."""

    records: tuple[SyncRecord, ...]
    now: float
    version: str


class Note(Struct, frozen=True, kw_only=True):
    """A sentence. `failed`: it was not possible; `id` names the lines about it in the log."""

    text: str
    failed: bool = False
    id: str = ""


Answer = CaseList | CaseView | Help | DigestAnswer | SyncStatus | Note


def data_of(answer: Answer) -> Any:
    """An answer as plain data, for `t5g ask --json`."""
    match answer:
        case CaseList():
            return {
                "query": answer.query.text,
                "total": answer.total,
                "page": answer.page,
                "pages": answer.pages,
                "cases": [entry.number for entry in answer.entries],
                "stale": dict(answer.freshness.stale),
            }
        case CaseView():
            return {"case": answer.entry.number, "stale": dict(answer.freshness.stale)}
        case Help():
            return {"commands": [command.usage for command in answer.commands]}
        case DigestAnswer():
            return {
                section.name: [entry.number for entry in section.entries]
                for section in answer.digest.sections
            }
        case SyncStatus():
            return {record.name.value: record.state.value for record in answer.records}
        case Note():
            return {"text": answer.text, "failed": answer.failed}
