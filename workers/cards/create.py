"""Makes one card, whole, once: claimed before the call, looked for before it is made.

A card is made in steps. Each may be made again, and each is remembered when it is through; so a
kill at any point, a second worker or a lost answer leaves exactly one complete card. What JIRA
refuses for good is noted and passed over, unless it is the making itself.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any

from t5g.audit import Outcome
from t5g.connection import open_queue_redis
from t5g.derived import Entry
from t5g.errors import NotFoundError, UpstreamError
from t5g.jira_payloads import card_of
from t5g.work import enqueue
from workers.cards.desk import Desk
from workers.cards.ledger import Making
from workers.cards.plan import FINISHED, gets_back
from workers.cards.text import (
    comment_of,
    description_of,
    priority_of,
    reopened_comment,
    summary_of,
)
from workers.cards.watchers import watch
from workers.jira.card_writes import LostAnswerError, RefusedWriteError

ANNOUNCE = "bot.jobs.announce_card"
MAIL = "workers.cards.jobs.mail"
#: Without these a card is still better than none.
OPTIONAL = frozenset({"assignee", "priority", "components"})
CREATED, REOPENED, ADOPTED = "create", "reopen", "adopt"

Step = Callable[[Desk, Entry, Making], Awaitable[str]]


class PendingError(UpstreamError):
    """JIRA was asked, nobody knows what came of it, and its search may not know yet."""

    def __init__(self, number: str, seconds: float) -> None:
        super().__init__(
            "jira",
            f"the answer for case {number} was lost; JIRA is searched again in {seconds:.0f} s",
            transient=True,
        )


async def make(desk: Desk, entry: Entry, wanted: Making) -> Making:
    """Make (or go on making) the card of a case; return its finished record.

    Raises UpstreamError: if it is transient the next run goes on, else JIRA refused it.
    """
    record = await desk.ledger.take(wanted)
    if not record.key:
        record = await _find_or_create(desk, entry, record)
    for name, step in STEPS[record.kind]:
        if name in record.done:
            continue
        desk.lock.check()
        notes = await _passed(step, desk, entry, record)
        record = await desk.ledger.save(
            record, done=(*record.done, name), notes=(*record.notes, *notes)
        )
    return await desk.ledger.save(record, finished=True)


async def _passed(step: Step, desk: Desk, entry: Entry, record: Making) -> list[str]:
    """Do a step; return what could not be done for good."""
    try:
        done = await step(desk, entry, record)
    except UpstreamError as error:
        if error.transient:
            raise
        return [str(error)]
    except NotFoundError as error:
        return [str(error)]
    if done:
        await desk.note(f"cards {record.kind}", entry.number, f"{record.key} {done}")
    return []


async def _find_or_create(desk: Desk, entry: Entry, record: Making) -> Making:
    found = await desk.jira.find(entry.number)
    if found:
        return await _take_found(desk, entry, record, found)
    waited = desk.clock() - record.asked
    if record.asked and waited < desk.settings.jira_index_seconds:
        raise PendingError(entry.number, desk.settings.jira_index_seconds - waited)
    fields, record = await _fields(desk, entry, record)
    return await _create(desk, entry, record, fields)


async def _take_found(
    desk: Desk, entry: Entry, record: Making, found: list[dict[str, Any]]
) -> Making:
    """Take a card that JIRA has: the one made before its answer was lost, or an earlier one."""
    cards = [card_of(row, desk.settings) for row in found]
    going = [card for card in cards if not _finished(desk, card.status)]
    card = (going or cards)[-1]
    if record.asked or record.kind == REOPENED:
        return await desk.ledger.save(record, key=card.key)
    old = gets_back(entry, desk.settings, desk.clock())
    kind = REOPENED if not going and old else ADOPTED
    return await desk.ledger.save(record, key=card.key, kind=kind)


def _finished(desk: Desk, status: str) -> bool:
    return desk.settings.internal_status.get(status, status) == FINISHED


async def _fields(desk: Desk, entry: Entry, record: Making) -> tuple[dict[str, Any], Making]:
    """What the card is made with."""
    settings = desk.settings
    fields: dict[str, Any] = {
        "project": {"key": settings.jira_project},
        "issuetype": {"name": settings.card_type},
        "summary": summary_of(entry),
        "description": description_of(entry, settings),
        "labels": [settings.jira_label] if settings.jira_label else [],
    }
    if priority := priority_of(entry.case.portal.severity, settings):
        fields["priority"] = {"name": priority}
    if settings.card_component:
        fields["components"] = [{"name": settings.card_component}]
    if record.assignee:
        try:
            account = record.account or await desk.jira.account_of(record.email)
            fields["assignee"] = {"accountId" if desk.jira.cloud else "name": account}
        except NotFoundError as error:
            record = await desk.ledger.save(record, notes=(*record.notes, str(error)))
    return {**fields, **settings.card_fields}, record


async def _create(desk: Desk, entry: Entry, record: Making, fields: Mapping[str, Any]) -> Making:
    desk.lock.check()
    record = await desk.ledger.save(record, asked=desk.clock())
    try:
        key = await desk.jira.create(fields)
    except RefusedWriteError as error:
        record = await desk.ledger.save(record, asked=0.0)
        optional = OPTIONAL & error.fields.keys() & fields.keys()
        if not optional or error.fields.keys() - optional:
            raise
        notes = (*record.notes, *(f"{name}: {error.fields[name]}" for name in sorted(optional)))
        record = await desk.ledger.save(record, notes=notes)
        left = {name: value for name, value in fields.items() if name not in optional}
        return await _create(desk, entry, record, left)
    except LostAnswerError:
        found = await desk.jira.find(entry.number)
        if not found:
            raise PendingError(entry.number, desk.settings.jira_index_seconds) from None
        record = await _take_found(desk, entry, record, found)
        key = record.key
    whose = f", assigned to {record.assignee}: {record.reason}" if record.assignee else ""
    await desk.note("cards create", entry.number, f"no card → {key}{whose}")
    return await desk.ledger.save(record, key=key)


# The steps. Each returns what it changed, in words for the audit log, or "".


async def _sprint(desk: Desk, entry: Entry, record: Making) -> str:
    if not desk.settings.jira_board:
        return ""
    sprint = await _sprint_id(desk)
    await desk.jira.to_sprint(record.key, sprint)
    return f"sprint: → {sprint}"


async def _sprint_id(desk: Desk) -> int:
    board, name = desk.settings.jira_board, desk.settings.jira_sprint
    active = await desk.clients.jira.sprint_ids(board, "")
    if name:
        named = await desk.clients.jira.sprint_ids(board, name)
        active = [number for number in active if number in named] or named[-1:]
    if not active:
        raise NotFoundError(f"The board {board!r} has no active sprint; the card is in no sprint.")
    return active[0]


async def _column(desk: Desk, entry: Entry, record: Making) -> str:
    status = desk.settings.card_first_status
    if not status or not await desk.jira.move(record.key, status):
        return ""
    return f"status: → {status}"


async def _links(desk: Desk, entry: Entry, record: Making) -> str:
    """Link the case and its bugs, those that the Portal names included."""
    settings = desk.settings
    links = [(settings.case_url.replace("{number}", entry.number), "Support Case", "Support Case")]
    base = str(settings.bugzilla_url).rstrip("/").removesuffix("/rest")
    for number in _bug_numbers(entry):
        links.append((f"{base}/show_bug.cgi?id={number}", f"Bug {number}", "Bugzilla"))
    added = [t for url, t, kind in links if await desk.jira.remote_link(record.key, url, t, kind)]
    return f"links: + {', '.join(added)}" if added else ""


def _bug_numbers(entry: Entry) -> list[int]:
    known = [bug.id for bug in entry.case.bugs]
    details = entry.case.details.bug_ids
    more = details if isinstance(details, tuple) else ()
    return list(dict.fromkeys((*known, *more, *entry.case.portal.bug_ids)))


async def _comment(desk: Desk, entry: Entry, record: Making) -> str:
    text = (
        reopened_comment(entry.number)
        if record.kind == REOPENED
        else comment_of(entry.number, record.assignee, record.reason)
    )
    if await desk.jira.has_comment(record.key, text):
        return ""
    await desk.jira.comment(record.key, text)
    return "comment: +"


async def _keep(desk: Desk, entry: Entry, record: Making) -> str:
    await desk.keep(entry.number, record.key)
    return ""


async def _watch(desk: Desk, entry: Entry, record: Making) -> str:
    if not desk.settings.portal_watchers or not record.email:
        return ""
    return await watch(desk, entry, record.email)


async def _announce(desk: Desk, entry: Entry, record: Making) -> str:
    _ask(desk, ANNOUNCE, entry.number, record.key, record.reason, what="announce", queue="high")
    return ""


async def _mail(desk: Desk, entry: Entry, record: Making) -> str:
    if desk.settings.smtp_url.get_secret_value():
        who = (record.assignee, record.email, record.reason)
        _ask(desk, MAIL, entry.number, record.key, *who, what="mail", queue="low")
    return ""


def _ask(desk: Desk, job: str, *args: str, what: str, queue: str) -> None:
    with closing(open_queue_redis(desk.settings.redis_url)) as redis:
        enqueue(
            redis, job, *args, keys=desk.keys, queue=queue, job_id=f"{what}-{args[1]}",
            attempts=(30, 300, 1800), timeout=120, description=f"{what} {args[1]}",
        )  # fmt: skip


_END: tuple[tuple[str, Step], ...] = (("links", _links), ("comment", _comment), ("keep", _keep))
_TOLD: tuple[tuple[str, Step], ...] = (("watch", _watch), ("mail", _mail), ("announce", _announce))
STEPS: Mapping[str, tuple[tuple[str, Step], ...]] = {
    CREATED: (("sprint", _sprint), ("column", _column), *_END, *_TOLD),
    REOPENED: (("sprint", _sprint), ("column", _column), *_END, ("announce", _announce)),
    ADOPTED: (("links", _links), ("keep", _keep)),
}


async def gone(desk: Desk, record: Making) -> bool:
    """Say whether the card of a finished record is gone; if it is there, keep it on the board."""
    if await desk.jira.there(record.key) is None:
        await desk.ledger.forget(record.number)
        await desk.note("cards create", record.number, f"{record.key} is gone from JIRA",
                        outcome=Outcome.FAILED)  # fmt: skip
        return True
    await desk.keep(record.number, record.key)
    return False
