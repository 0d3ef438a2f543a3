"""Puts the team's keywords on the bugs and JIRA issues behind open cases, beside what is there.

What is written is worked out from what the upstream has at that moment, not from what we remember.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from t5g.derived import Entry
from t5g.errors import UpstreamError
from workers.cards.desk import Desk
from workers.cards.outcomes import Outcomes, change_all
from workers.cards.plan import Change
from workers.jira.card_writes import RefusedWriteError
from workers.whiteboards import lacking, with_words

ACTION = "cards tag"
RESTRICTED = "it is restricted: we may not read it"


def plan_tagging(entries: Iterable[Entry], words: Sequence[str]) -> list[Change]:
    """Decide which bugs (`bug 123`) and issues lack keywords, each once; restricted ones too."""
    found: dict[str, Change] = {}
    for entry in entries:
        if not entry.open:
            continue
        rows = [(i.key, " ".join(i.private_keywords), i.restricted) for i in entry.case.issues]
        rows += [(f"bug {b.id}", b.whiteboard, b.restricted) for b in entry.case.bugs]
        for name, has, restricted in rows:
            lacks = lacking(has, words)
            if lacks and name not in found:
                found[name] = Change(
                    number=entry.number, card=name, before=has, after=with_words(has, lacks),
                    why=RESTRICTED if restricted else f"linked to case {entry.number}",
                )  # fmt: skip
    return list(found.values())


async def tag_linked(desk: Desk, *, dry: bool = False) -> Outcomes:
    """Tag what lacks keywords; `dry`: only say what. What we may not read is left alone."""
    await desk.fresh()
    words = desk.settings.tag_keywords.split()
    changes = tuple(plan_tagging(desk.board.entries.values(), words))
    spared = tuple((one.card, one.why) for one in changes if one.why == RESTRICTED)
    if dry:
        return Outcomes(planned=changes, spared=spared, dry=True)
    desk.may_change()

    async def tag(change: Change) -> bool:
        return await _tag(desk, change, words)

    open_ones = [one for one in changes if one.why != RESTRICTED]
    found = await change_all(desk, ACTION, open_ones, tag)
    return msgspec.structs.replace(found, planned=changes, spared=spared)


async def _tag(desk: Desk, change: Change, words: Sequence[str]) -> bool:
    name = change.card
    if name.startswith("bug "):
        field = desk.settings.tag_bugzilla_field
        before, after = await desk.clients.bugzilla.add_words(int(name[4:]), field, words)
        where = field.replace("_", " ")
    else:
        where, before, after = await _tag_issue(desk, name, words)
    if before == after:
        return False
    await desk.note(ACTION, change.number, f"{name} {where}: {before or 'empty'} → {after}")
    return True


async def _tag_issue(desk: Desk, key: str, words: Sequence[str]) -> tuple[str, str, str]:
    """Add private keywords or, where the project has no such field, to the internal whiteboard."""
    ids = desk.settings.jira_fields
    fields = await desk.jira.fields_of(key, [ids.private_keywords, ids.internal_whiteboard])
    values = fields.get(ids.private_keywords) or ()
    has = [_word(value) for value in values]
    text = fields.get(ids.internal_whiteboard)
    lacks = lacking(text if isinstance(text, str) else "", words)
    lacks = [word for word in lacks if word not in has]
    if not lacks:
        return "keywords", "", ""
    # Options are objects; in a field of labels the values are plain texts.
    plain = any(isinstance(value, str) for value in values)
    added = lacks if plain else [{"value": word} for word in lacks]
    try:
        await desk.jira.add_values(key, ids.private_keywords, added)
    except RefusedWriteError as error:
        if error.status_code != 400:
            raise
    else:
        return "private keywords", " ".join(has), " ".join((*has, *lacks))
    # Where a field is hidden it is not in the answer, and null only where it is known to be empty.
    if ids.internal_whiteboard not in fields or not isinstance(text, str | None):
        told = "it did not tell the internal whiteboard; nothing was written"
        raise UpstreamError("jira", told, transient=False)
    after = with_words(text or "", lacks)
    await desk.jira.set_fields(key, {ids.internal_whiteboard: after}, quiet=True)
    return "internal whiteboard", text or "", after


def _word(value: Any) -> str:
    found = value.get("value") or value.get("name") if isinstance(value, dict) else value
    return str(found or "")
