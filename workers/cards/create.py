"""Makes one card, whole, once: claimed before the call, looked for before it is made.

A card is made in steps. Each may be made again, and each is remembered when it is through; so a
kill at any point, a second worker or a lost answer leaves exactly one complete card. What JIRA does
not take is remembered as lacking, and tried again in each run; only the making itself must not
fail, nor JIRA as a whole.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from t5g.audit import Outcome
from t5g.card_reasons import keep_reason
from t5g.clock import believable
from t5g.derived import Entry
from t5g.errors import NotFoundError, UpstreamError
from t5g.jira_payloads import UNREADABLE, card_of
from t5g.jira_projects import read_projects
from workers.cards.desk import Desk
from workers.cards.ledger import Making
from workers.cards.plan import FINISHED, gets_back
from workers.cards.steps import (
    ADOPTED,
    OPTIONAL,
    REOPENED,
    REPAIRS,
    STEPS,
    Step,
    account_of,
)
from workers.cards.text import description_of, priority_of, summary_of, told_reason
from workers.jira.card_writes import LostAnswerError, RefusedWriteError

SHORTENED = "JIRA did not take the text of the case; the description has the facts only"

#: A card that is deleted is made anew once; else one that we may not see were made each hour.
MOST_GONE = 2

Fields = Mapping[str, Any]


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
    record = await _met(desk, record)
    for name, step in STEPS[record.kind]:
        if name not in record.done:
            record = await _through(desk, entry, record, name, step)
    return await desk.ledger.save(record, finished=True)


async def mend(desk: Desk, entry: Entry, record: Making) -> Making:
    """Try again what a finished card lacks; return its record, which may lack less."""
    record = await desk.ledger.hold(record)
    if await gone(desk, record):
        return msgspec.structs.replace(record, lacks={}, unsure=())
    for name in tuple(record.lacks):
        record = await _through(desk, entry, record, name, REPAIRS[name])
    await desk.keep(entry.number, record.key)
    return record


async def _met(desk: Desk, record: Making) -> Making:
    """Look at the card that a record has, and note the status it is met in.

    Raises UpstreamError if it is gone: what becomes of the case is decided anew.
    """
    row = await desk.jira.there(record.key)
    if row is None:
        await _lost(desk, record)
        raise UpstreamError("jira", f"{record.key} was made and is gone, or not shown to us")
    if record.status:
        return record
    return await desk.ledger.save(record, status=card_of(row, desk.settings).status)


async def _lost(desk: Desk, record: Making) -> None:
    what = f"{record.key} is gone from JIRA, or not shown to us"
    await desk.note(f"cards {record.kind}", record.number, what, outcome=Outcome.FAILED)
    await desk.ledger.lose(record)


async def _through(desk: Desk, entry: Entry, record: Making, name: str, step: Step) -> Making:
    """Do a step and remember that it is done, or what JIRA said against it.

    Raises UpstreamError for what concerns all cards.
    """
    desk.lock.check()
    again = name in (record.trying, *record.unsure)
    record = await desk.ledger.save(record, trying=name)
    lacks = {key: why for key, why in record.lacks.items() if key != name}
    unsure = tuple(key for key in record.unsure if key != name)
    try:
        changed = await step(desk, entry, record)
    except (UpstreamError, NotFoundError, *UNREADABLE) as error:
        if isinstance(error, UpstreamError):
            if error.concerns_all:
                raise
            if error.transient:
                unsure = (*unsure, name)
        lacks[name] = str(error)
        if record.lacks.get(name) != str(error):
            detail = f"{record.key} {name}: {error}"
            await desk.note(f"cards {record.kind}", entry.number, detail, outcome=Outcome.FAILED)
    else:
        if changed or (again and name in REPAIRS and name != "keep"):
            done = changed or f"{name}: as it should be (an attempt before was cut off)"
            await desk.note(f"cards {record.kind}", entry.number, f"{record.key} {done}")
    through = tuple(dict.fromkeys((*record.done, name)))
    return await desk.ledger.save(record, done=through, lacks=lacks, unsure=unsure, trying="")


async def _find_or_create(desk: Desk, entry: Entry, record: Making) -> Making:
    found = await desk.jira.find(entry.number)
    if found:
        return await _take_found(desk, entry, record, found)
    if len(record.gone) >= MOST_GONE:
        lost = " and ".join(record.gone)
        why = f"{lost} were made and are gone, or not shown to us; make one by hand, it is found"
        raise UpstreamError("jira", why, transient=False)
    if not believable(record.asked, desk.clock()):
        record = await desk.ledger.save(record, asked=desk.clock())  # waits once more, at most
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
    if record.asked:
        return await _made(desk, record, card.key, " (its answer was lost)")
    if record.kind == REOPENED:
        return await desk.ledger.save(record, key=card.key)
    old = gets_back(entry, desk.settings, desk.clock())
    kind = REOPENED if not going and old else ADOPTED
    await desk.note(f"cards {kind}", entry.number, f"no card on the board → {card.key}, found")
    return await desk.ledger.save(record, key=card.key, kind=kind)


def _finished(desk: Desk, status: str) -> bool:
    return desk.settings.internal_status.get(status, status) == FINISHED


async def _fields(desk: Desk, entry: Entry, record: Making) -> tuple[dict[str, Any], Making]:
    """What the card is made with."""
    settings = desk.settings
    project = (await read_projects(desk.redis, desk.keys, settings)).cards
    fields: dict[str, Any] = {
        # The key may be one that it had before, under which nothing new is made.
        "project": {"id": project.id} if project.id else {"key": settings.jira_project},
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
            account = record.account or await account_of(desk, record.email)
            fields["assignee"] = {"accountId" if desk.jira.cloud else "name": account}
        except (UpstreamError, NotFoundError) as error:
            if isinstance(error, UpstreamError) and error.transient:
                raise
            record = await desk.ledger.save(record, lacks={**record.lacks, "assignee": str(error)})
    return {**fields, **settings.card_fields}, record


async def _create(desk: Desk, entry: Entry, record: Making, fields: Fields) -> Making:
    desk.lock.check()
    await keep_reason(desk.redis, desk.keys, entry.number, told_reason(record))
    record = await desk.ledger.save(record, asked=desk.clock())
    try:
        key = await desk.jira.create(fields)
    except RefusedWriteError as error:
        record = await desk.ledger.save(record, asked=0.0)
        left, record = await _without(desk, entry, record, fields, error)
        return await _create(desk, entry, record, left)
    except LostAnswerError:
        found = await desk.jira.find(entry.number)
        if not found:
            raise PendingError(entry.number, desk.settings.jira_index_seconds) from None
        return await _take_found(desk, entry, record, found)
    return await _made(desk, record, key, "")


async def _without(
    desk: Desk, entry: Entry, record: Making, fields: Fields, error: RefusedWriteError
) -> tuple[Fields, Making]:
    """Return fields without those that JIRA refused. Raises its refusal if they are needed."""
    refused = error.fields.keys() & fields.keys()
    optional = OPTIONAL.keys() & refused
    bare = description_of(entry, desk.settings, whole=False)
    shorter = "description" in refused and fields["description"] != bare
    spared = optional | ({"description"} if shorter else set())
    if not spared or error.fields.keys() - spared:
        raise error
    left = {name: value for name, value in fields.items() if name not in optional}
    notes = record.notes
    if shorter:
        left["description"] = bare
        notes = (*notes, f"{SHORTENED}: {error.fields['description']}")
    lacks = {**record.lacks, **{name: error.fields[name] for name in sorted(optional)}}
    return left, await desk.ledger.save(record, lacks=lacks, notes=notes)


async def _made(desk: Desk, record: Making, key: str, how: str) -> Making:
    whose = f", assigned to {record.assignee}: {record.reason}" if record.assigned else ""
    await desk.note("cards create", record.number, f"no card → {key}{how}{whose}")
    for text in (*(f"{name}: {why}" for name, why in record.lacks.items()), *record.notes):
        detail = f"{key} {text}"
        await desk.note("cards create", record.number, detail, outcome=Outcome.FAILED)
    return await desk.ledger.save(record, key=key)


async def gone(desk: Desk, record: Making) -> bool:
    """Say whether the card of a finished record is gone; if it is there, keep it on the board."""
    if await desk.jira.there(record.key) is None:
        await _lost(desk, record)
        return True
    await desk.keep(record.number, record.key)
    return False
