"""Modals: a search, a comment, an assignment, and any answer that is shown in one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.views.blocks.lists import ALL, FILTERS
from bot.views.blocks.parts import Block, Payload, mrkdwn, plain, section, without_share
from bot.views.words import fitting, safe
from t5g.derived import Entry
from t5g.team import Member

SEARCH: Final = "search"
COMMENT_VIEW: Final = "comment"
ASSIGN_VIEW: Final = "assign"
LONGEST_TEXT: Final = 3_000
LONGEST_METADATA: Final = 3_000
MOST_OPTIONS: Final = 100
LONGEST_OPTION: Final = 150

#: Inputs by block and action id alike.
QUERY, SEVERITY, ONLY, NUMBER, TEXT, PERSON = (
    "query",
    "severity",
    "only",
    "number",
    "text",
    "person",
)


def modal(
    title: str, blocks: Sequence[Block], *, callback: str = "", submit: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Payload:  # fmt: skip
    """A modal. `metadata` comes back with its submission."""
    view: Payload = {
        "type": "modal",
        "title": plain(fitting(title, 24)),
        "close": plain("Close" if not submit else "Cancel"),
        "blocks": list(blocks)[:100],
    }
    if callback:
        view["callback_id"] = callback
    if submit:
        view["submit"] = plain(submit)
    if metadata:
        view["private_metadata"] = json.dumps(metadata, ensure_ascii=False)[:LONGEST_METADATA]
    return view


def answer_modal(title: str, payload: Payload) -> Payload:
    """An answer in a modal: without what needs a channel."""
    return modal(title, without_share(payload["blocks"]))


def search_modal(query: str = "", severities: Sequence[str] = (), only: str = "") -> Payload:
    """What to search for."""
    blocks = [
        _input(
            QUERY,
            "Words, or keys like account:acme",
            _text_field(QUERY, query, "severity:urgent account:acme", longest=1_000),
            optional=True,
            hint="Everything that the command cases understands.",
        ),
        _input(
            SEVERITY,
            "Severity",
            _many(SEVERITY, FILTERS["severity"][1:], severities),
            optional=True,
        ),
        _input(ONLY, "Only", _one(ONLY, FILTERS["only"][1:], only), optional=True),
    ]
    return modal("Search cases", blocks, callback=SEARCH, submit="Search")


def comment_modal(
    entry: Entry | None, text: str = "", metadata: Mapping[str, Any] | None = None
) -> Payload:
    """A comment on a case; without an entry it asks for the number, too."""
    blocks: list[Block] = []
    if entry is not None:
        blocks.append(section(f"*{entry.number}* {safe(entry.case.portal.summary, 200)}"))
    else:
        blocks.append(_input(NUMBER, "Case", _text_field(NUMBER, "", "01234567", longest=40)))
    field = _text_field(TEXT, text, "What should the card say?", longest=LONGEST_TEXT, lines=True)
    blocks.append(
        _input(TEXT, "Comment", field, hint="It goes to the card in JIRA, with your name.")
    )
    return modal(
        "Comment on case", blocks, callback=COMMENT_VIEW, submit="Comment", metadata=metadata
    )


def assign_modal(
    entry: Entry, members: Sequence[tuple[Member, str]], metadata: Mapping[str, Any] | None = None
) -> Payload:
    """Who shall have the case: one of the team (with a note each), or anybody in Slack."""
    if 0 < len(members) <= MOST_OPTIONS:
        options = []
        for member, note in members:
            # Whom it means stands in the value: the team may change while the modal is open.
            value = (member.email or member.name)[:LONGEST_OPTION]
            option: Block = {"text": plain(fitting(member.name, 70)), "value": value}
            options.append({**option, "description": plain(fitting(note, 70))} if note else option)
        field: Block = {"type": "static_select", "action_id": PERSON, "options": options}
    else:
        field = {"type": "users_select", "action_id": PERSON}
    field["placeholder"] = plain("Somebody")
    blocks = [
        section(f"*{entry.number}* {safe(entry.case.portal.summary, 200)}"),
        _input(PERSON, "Assign to", field),
    ]
    return modal("Assign case", blocks, callback=ASSIGN_VIEW, submit="Assign", metadata=metadata)


def waiting_modal(text: str) -> Payload:
    """A sentence in a modal."""
    return modal("T5G", [{"type": "section", "text": mrkdwn(text)}])


def _input(
    block_id: str, label: str, element: Block, *, optional: bool = False, hint: str = ""
) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": plain(hint)} if hint else block


def _text_field(
    action: str, value: str, placeholder: str, *, longest: int, lines: bool = False
) -> Block:
    field: Block = {
        "type": "plain_text_input",
        "action_id": action,
        "multiline": lines,
        "max_length": longest,
        "placeholder": plain(placeholder),
    }
    return {**field, "initial_value": fitting(value, longest)} if value else field


def _many(action: str, options: Sequence[tuple[str, str]], chosen: Sequence[str]) -> Block:
    made = [{"text": plain(text), "value": value} for text, value in options]
    initial = [option for option in made if option["value"] in chosen]
    field: Block = {"type": "multi_static_select", "action_id": action, "options": made,
                    "placeholder": plain("Any")}  # fmt: skip
    return {**field, "initial_options": initial} if initial else field


def _one(action: str, options: Sequence[tuple[str, str]], chosen: str) -> Block:
    made = [{"text": plain(text), "value": value} for text, value in options if value != ALL]
    initial = [option for option in made if option["value"] == chosen]
    field: Block = {"type": "static_select", "action_id": action, "options": made,
                    "placeholder": plain("No filter")}  # fmt: skip
    return {**field, "initial_option": initial[0]} if initial else field
