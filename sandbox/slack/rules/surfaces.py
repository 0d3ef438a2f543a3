"""Whole messages, views and unfurls held to Slack's rules: the front door of this package.

The numbers are Slack's documented ones and, where it documents none, what others measured; each
constant says which. Knows no channel, no person and no transport.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sandbox.slack.rules.blocks import Surface, check_blocks
from sandbox.slack.rules.mrkdwn import Kind, Sequence, sequences, slack_length
from sandbox.slack.rules.objects import check_mrkdwn, plain
from sandbox.slack.rules.rich_text import text_length
from sandbox.slack.rules.shape import Spec, boolean, is_web_address, listed, string
from sandbox.slack.rules.violation import Findings, Violation

#: Slack cuts a message's `text` here; it recommends 4,000 and `chat.update` refuses more bytes.
TEXT_CUT: Final = 40_000
TEXT_UPDATE_BYTES: Final = 4_000
#: Not documented: `msg_blocks_too_long` came at 13,297 characters in one markdown block and at
#: 13,172 with one divider beside it (slackapi/bolt-js issue 2509), so each block costs about 125.
MESSAGE_CEILING: Final = 13_200
BLOCK_COST: Final = 125
MARKDOWN_TOTAL: Final = 12_000
ATTACHMENTS: Final = 100
METADATA_BYTES: Final = 16_384
VIEW_BYTES: Final = 250_000


def validate_message(payload: Mapping[str, Any]) -> list[Violation]:
    """Every rule a message breaks: `text`, `blocks`, `attachments`, `metadata`, and the whole.

    Takes what chat.postMessage or a response_url takes; other keys (channel, ts, ...) are ignored.
    An empty list means Slack shows it as meant; `Violation.refused` tells refusal from bad looks.
    """
    found = Findings()
    blocks = payload.get("blocks") or []
    _check_text(found, payload)
    check_blocks(found, "/blocks", blocks, Surface.MESSAGE)
    _check_whole(found, blocks)
    _check_attachments(found, payload.get("attachments") or [])
    _check_metadata(found, payload.get("metadata"))
    return found.violations


def validate_update(payload: Mapping[str, Any]) -> list[Violation]:
    """As `validate_message`, for chat.update, which refuses a `text` over 4,000 bytes."""
    found = validate_message(payload)
    text = payload.get("text")
    if isinstance(text, str) and (size := len(text.encode())) > TEXT_UPDATE_BYTES:
        message = f"chat.update takes a text of {TEXT_UPDATE_BYTES} bytes, not {size}"
        found.append(Violation("msg_too_long", "/text", message))
    return found


def validate_view(view: Mapping[str, Any]) -> list[Violation]:
    """Every rule a modal or a home tab breaks."""
    found = Findings("invalid_arguments")
    kind = view.get("type")
    if not isinstance(kind, str) or kind not in _VIEWS:
        found.add("/view/type", f"must be modal or home, not {kind!r}")
        return found.violations
    _VIEWS[kind].check(found, "/view", {k: v for k, v in view.items() if k != "blocks"})
    check_blocks(found, "/view/blocks", view.get("blocks"), Surface(kind))
    _check_submit(found, view)
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES:
        found.add("/view", f"a view may have {VIEW_BYTES} bytes", "view_too_large")
    return found.violations


def validate_unfurls(unfurls: Mapping[str, Any]) -> list[Violation]:
    """Every rule that link previews break, each value being an attachment by its URL."""
    found = Findings("cannot_parse_attachment")
    for address, attachment in unfurls.items():
        path = f"/unfurls/{_pointer(address)}"
        if not is_web_address(address):
            found.add(path, "the key must be the URL of the event")
        _check_attachment(found, path, attachment)
    return found.violations


def message_weight(blocks: list[Any]) -> int:
    """What a message's blocks weigh against `MESSAGE_CEILING`."""
    return sum(map(_weight, blocks)) + BLOCK_COST * max(0, len(blocks) - 1)


def active_markup(payload: Any) -> list[Sequence]:
    """Every link, mention, broadcast and date that a payload's mrkdwn makes Slack act on.

    For tests: text from outside must add nothing to this list.
    """
    return [one for text in _mrkdwn_texts(payload) for one in sequences(text) if _active(one)]


def _active(sequence: Sequence) -> bool:
    return sequence.kind is not Kind.UNKNOWN


def _mrkdwn_texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _mrkdwn_texts(item)
    elif isinstance(value, Mapping):
        text = value.get("text")
        if isinstance(text, str) and value.get("type", "mrkdwn") == "mrkdwn":
            yield text
        for item in value.values():
            yield from _mrkdwn_texts(item)


def _check_text(found: Findings, payload: Mapping[str, Any]) -> None:
    text = payload.get("text")
    if text is not None and not isinstance(text, str):
        found.add("/text", "must be a string", "invalid_arguments")
    elif text:
        if len(text) > TEXT_CUT:
            found.add("/text", f"Slack cuts a text at {TEXT_CUT} characters", "text_cut")
        check_mrkdwn(found, "/text", text)
    if not (isinstance(text, str) and text.strip()) and not _has_content(payload):
        found.add("/text", "a message needs text, blocks or attachments", "no_text")


def _has_content(payload: Mapping[str, Any]) -> bool:
    return bool(payload.get("blocks") or payload.get("attachments"))


def _check_whole(found: Findings, blocks: Any) -> None:
    if not isinstance(blocks, list):
        return
    known = [block for block in blocks if isinstance(block, Mapping)]
    if (weight := message_weight(known)) > MESSAGE_CEILING:
        message = f"all blocks together weigh {weight}, over {MESSAGE_CEILING}"
        found.add("/blocks", message, "msg_blocks_too_long")
    tables = sum(block.get("type") == "table" for block in known)
    if tables > 1:
        found.add("/blocks", "only_one_table_allowed", "invalid_attachments")
    markdown = [str(block.get("text") or "") for block in known if block.get("type") == "markdown"]
    if len(markdown) > 1 and (total := sum(map(slack_length, markdown))) > MARKDOWN_TOTAL:
        message = f"markdown blocks together hold {MARKDOWN_TOTAL} characters, not {total}"
        found.add("/blocks", message, "msg_blocks_too_long")


def _weight(block: Mapping[str, Any]) -> int:
    if block.get("type") == "markdown":
        return slack_length(str(block.get("text") or ""))
    if block.get("type") in ("rich_text", "table"):
        return text_length(block)
    return sum(map(slack_length, _texts(block)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key in {"text", "alt_text"} and isinstance(item, str):
                yield item
            else:
                yield from _texts(item)


def _check_attachments(found: Findings, attachments: Any) -> None:
    with found.coded("invalid_attachments"):
        if not isinstance(attachments, list):
            found.add("/attachments", "must be an array")
            return
        if len(attachments) > ATTACHMENTS:
            message = f"no more than {ATTACHMENTS} attachments (counted {len(attachments)})"
            found.add("/attachments", message, "too_many_attachments")
        for index, attachment in enumerate(attachments):
            _check_attachment(found, f"/attachments/{index}", attachment)


def _check_attachment(found: Findings, path: str, attachment: Any) -> None:
    if not isinstance(attachment, Mapping):
        found.add(path, "must be an object")
        return
    if "blocks" in attachment:
        check_blocks(found, f"{path}/blocks", attachment["blocks"], Surface.MESSAGE)
    elif not any(attachment.get(key) for key in ("text", "title", "fallback", "fields", "pretext")):
        found.add(path, "an attachment needs blocks, text or fallback")
    for key in ("text", "pretext"):
        if isinstance(attachment.get(key), str):
            check_mrkdwn(found, f"{path}/{key}", attachment[key])


def _check_metadata(found: Findings, metadata: Any) -> None:
    if metadata is None:
        return
    if not (isinstance(metadata, Mapping) and {"event_type", "event_payload"} <= metadata.keys()):
        message = "must have event_type and event_payload"
        found.add("/metadata", message, "invalid_metadata_format")
    elif len(json.dumps(metadata).encode()) > METADATA_BYTES:
        found.add("/metadata", f"at most {METADATA_BYTES} bytes", "metadata_too_large")


_VIEW_KEYS: Final = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
_VIEWS: Final[Mapping[str, Spec]] = {
    "modal": Spec(
        {"title": plain(24)},
        {
            **_VIEW_KEYS,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    "home": Spec({}, _VIEW_KEYS),
}


def _check_submit(found: Findings, view: Mapping[str, Any]) -> None:
    blocks = view.get("blocks")
    known = [block for block in listed(blocks) if isinstance(block, Mapping)]
    has_input = any(block.get("type") == "input" for block in known)
    if view.get("type") == "modal" and has_input and not view.get("submit"):
        found.add("/view", "a modal with an input block needs submit")


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
