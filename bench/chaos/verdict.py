"""Compares the end with the world: what the program believes, what it posted, what it left behind.

Each finding is a sentence; none means that everything held.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bench.chaos.stage import Stage
from sandbox.jira.model import JiraUser
from sandbox.jira.state import JiraIssue
from sandbox.portal.state import SupportCase
from sandbox.portal.words import severity_word
from sandbox.scene import PROJECT
from t5g.board import Board
from t5g.derived import Entry
from t5g.inbox import Inbox
from t5g.jira_text import plain_text
from t5g.key_owners import strangers
from t5g.model import number_of_summary
from t5g.runs import Outcome, Runs

DIGEST = ("Field support digest", "🌿 A quiet day")
#: How a job may fail on such a day: each is an error of ours that says what was away.
EXPLAINED = re.compile(
    r"SyncFailedError|UpstreamError|StoreError|RedisError|ConnectionError|TimeoutError|Again"
    r"|OutOfMemoryError|ReadOnlyError|ResponseError: MISCONF|BusyLoadingError|LockLostError"
    r"|its process was killed|Redis|redis|work-horse|Work-horse|TakenError"
)
#: Errors in a log that are mistakes of the program, whatever the day was like.
MISTAKE = re.compile(
    r"\b(TypeError|KeyError|AttributeError|IndexError|NameError|AssertionError|ValueError"
    r"|UnboundLocalError|RecursionError|ZeroDivisionError|NotImplementedError|ValidationError"
    r"|DecodeError|RuntimeError|InvalidStateError)\b"
)


def cards_by_case(stage: Stage) -> Counter[str]:
    """How many cards each case has in JIRA."""
    issues = (one for one in stage.sandbox.jira.issues.values() if one.project == PROJECT)
    return Counter(n for one in issues if (n := number_of_summary(one.summary)))


async def judge(stage: Stage, cards_before: Mapping[str, int]) -> list[str]:
    """Return everything that is not as it should be."""
    async with stage.board() as (board, redis):
        await board.refresh()
        found = [
            *same_state(stage, board),
            *one_card_each(stage, cards_before),
            *posted_once(stage),
            *[f"key {one.key}: {one.why}" async for one in strangers(redis, stage.keys)],
            *await _letters(Inbox(redis, stage.keys)),
            *await _failed_jobs(stage, redis),
            *await _page(stage, board),
        ]
    return [*found, *mistakes(stage.play.folder / "logs")]


def same_state(stage: Stage, board: Board) -> Iterator[str]:
    """Compare each case with what the upstreams have."""
    world = stage.sandbox.world
    listed = {c.number: c for c in world.open_cases() if not c.restricted and c.is_case}
    ours = {number for number, entry in board.entries.items() if entry.open}
    for number in sorted(listed.keys() - ours):
        yield f"case {number} is open in the Portal and not on the board"
    for number in sorted(ours - listed.keys()):
        yield f"case {number} is open on the board and not in the Portal"
    escalated: dict[str, set[str]] = {}
    for key, numbers in world.escalations.items():
        for number in numbers:
            escalated.setdefault(number, set()).add(key)
    for number in sorted(ours & listed.keys()):
        entry, case = board.entries[number], listed[number]
        yield from _case(entry, case)
        yield from _card(entry, stage.sandbox.jira.issues, cloud=stage.play.cloud)
        yield from _linked(stage, entry, case)
        if (keys := {one.key for one in entry.case.escalations}) != escalated.get(number, set()):
            yield f"case {number}: escalations {keys}, not {escalated.get(number, set())}"


def _case(entry: Entry, case: SupportCase) -> Iterator[str]:
    portal = entry.case.portal
    pairs = {
        "severity": (portal.severity, severity_word(case.severity)),
        "account": (portal.account, case.account_name),
        "summary": (portal.summary, case.summary.strip()),
        "updated": (portal.updated, case.modified),
    }
    for name, (found, wanted) in pairs.items():
        if found != wanted and not case.odd:
            yield f"case {entry.number}: {name} {found!r}, not {wanted!r}"


def _account(user: JiraUser, *, cloud: bool) -> str:
    return user.account_id if cloud else user.username


def _card(entry: Entry, issues: Mapping[str, JiraIssue], *, cloud: bool) -> Iterator[str]:
    card = entry.card
    if card is None:
        yield f"case {entry.number} has no card on the board"
        return
    issue = issues.get(card.key)
    if issue is None:
        yield f"case {entry.number}: card {card.key} is not in JIRA"
        return
    pairs = {
        "status": (card.status, issue.status),
        "priority": (card.priority, issue.priority),
        "labels": (sorted(card.labels), sorted(issue.labels)),
        "assignee": (
            card.assignee.account if card.assignee else None,
            _account(issue.assignee, cloud=cloud) if issue.assignee else None,
        ),
        "comments": (
            [one.body for one in entry.case.card_comments],
            [plain_text(one.body) for one in issue.comments],
        ),
    }
    for name, (found, wanted) in pairs.items():
        if found != wanted:
            yield f"card {card.key} of {entry.number}: {name} {found!r}, not {wanted!r}"


def _linked(stage: Stage, entry: Entry, case: SupportCase) -> Iterator[str]:
    jira, bugzilla = stage.sandbox.jira.issues, stage.sandbox.bugzilla.bugs
    for issue in entry.case.issues:
        there = jira.get(issue.key)
        if not issue.restricted and there is not None and issue.status != there.status:
            yield f"issue {issue.key} of {entry.number}: {issue.status}, not {there.status}"
    keys = {one.key for one in entry.case.issues}
    if keys != {one.key for one in case.jiras}:
        yield f"case {entry.number}: issues {keys}, not {[one.key for one in case.jiras]}"
    for bug in entry.case.bugs:
        known = bugzilla.get(bug.id)
        if not bug.restricted and known is not None and bug.status != known.status:
            yield f"bug {bug.id} of {entry.number}: {bug.status}, not {known.status}"
    if stage.play.dialect == "hydra":
        ids = {one.id for one in entry.case.bugs}
        if ids != {one.number for one in case.bugzillas}:
            yield f"case {entry.number}: bugs {ids}, not {[one.number for one in case.bugzillas]}"


def one_card_each(stage: Stage, before: Mapping[str, int]) -> Iterator[str]:
    """No case may have got a second card."""
    for number, count in sorted(cards_by_case(stage).items()):
        if count > max(1, before.get(number, 0)):
            yield f"case {number} has {count} cards in JIRA"


def posted_once(stage: Stage) -> Iterator[str]:
    """No message twice, each digest that was due once."""
    slack = stage.sandbox.slack.state
    for channel in slack.channels.values():
        messages = slack.messages(channel.id)
        ids = Counter(i for one in messages if (i := _id_of(one.metadata)))
        for name, count in ids.items():
            if count > 1:
                yield f"message {name} stands {count} times in #{channel.name}"
    for channel, zone in stage.digests.items():
        digests = [m for m in slack.messages(channel) if m.text.startswith(DIGEST)]
        if len(digests) != 1:
            yield f"{len(digests)} digests in {channel} ({zone.name}, due {zone.due:%H:%M:%S})"


def _id_of(metadata: Mapping[str, Any] | None) -> str:
    return str(((metadata or {}).get("event_payload") or {}).get("id") or "")


async def _letters(inbox: Inbox) -> list[str]:
    return [f"dead letter {one.id}, {one.name}: {one.error}" for one in await inbox.letters()]


async def _failed_jobs(stage: Stage, redis: Redis) -> list[str]:
    """Jobs that failed for a reason that such a day does not explain."""
    runs = await Runs(redis, stage.keys).ended(0.0)
    failed = [one for one in runs if one.outcome in (Outcome.FAILED, Outcome.REPEATED)]
    return [f"{one.job} failed: {one.error}" for one in failed if not EXPLAINED.search(one.error)]


async def _page(stage: Stage, board: Board) -> list[str]:
    """What the web process, which has lived through all that, shows is what is kept."""
    shown: set[str] = set()
    address = "/api/v1/cases?q=status:any&limit=200"
    while address:
        answer = await stage.http.get(stage.page + address)
        if answer.status_code != 200:
            return [f"the API answers {answer.status_code}: {answer.text[:200]}"]
        found = answer.json()
        shown |= {one["number"] for one in found["items"]}
        address = found.get("next") or ""
    if shown != set(board.entries):
        return [f"the page shows {len(shown)} cases, the store has {len(board.entries)}"]
    return []


def mistakes(folder: Path) -> Iterator[str]:
    """Tell of log lines that are mistakes of the program."""
    told: Counter[str] = Counter()
    for path in sorted(folder.glob("*.log")):
        for line in path.read_text("utf-8", "replace").splitlines():
            if (what := _mistake(line)) and not told[what]:
                yield f"{path.stem} logged {what}"
            told[what] += 1


def _mistake(line: str) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        return line.strip()[:300] if MISTAKE.search(line) else ""
    if not isinstance(record, dict) or record.get("level") not in ("error", "critical"):
        return ""
    text = json.dumps(record, ensure_ascii=False)
    return text[-1_500:] if MISTAKE.search(text) else ""
