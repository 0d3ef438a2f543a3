"""What a person put into an element, in the shapes that Slack sends: `state.values` and actions.

Pure: an element and a raw value in (a text, an option's value, an id, or a list of these), Slack's
typed value out. Also what Slack's own client checks before it sends a modal.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sandbox.slack.model import Json
from sandbox.slack.rules import elements_of

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_URL: Final = re.compile(r"https?://\S+\Z")
_REQUIRED: Final = "Please complete this required field."

#: What each kind of element keeps: the key in the state, the key of what it starts with.
_KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
}
_LISTS: Final = frozenset(kind for kind, (key, _) in _KEYS.items() if key.endswith("s"))
_OPTIONS: Final = frozenset(kind for kind, (key, _) in _KEYS.items() if "option" in key)


def choices(element: Mapping[str, Any]) -> list[Json]:
    """The options of a menu, those of its groups included."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(one for g in groups for one in g["options"])]


def keeps_state(element: Mapping[str, Any]) -> bool:
    """Whether Slack reports what the element holds (buttons and overflow menus hold nothing)."""
    return element.get("type") in _KEYS


def state_of(element: Mapping[str, Any], raw: Any) -> Json:
    """One entry of `state.values` for what a person chose or typed."""
    kind = str(element["type"])
    key, _ = _KEYS[kind]
    if kind == "datetimepicker":
        return {"type": kind, key: int(raw) if raw else None}
    if kind in _LISTS:
        wanted = raw if isinstance(raw, list) else [raw] if raw else []
        return {"type": kind, key: [_picked(element, one) for one in wanted]}
    return {"type": kind, key: _picked(element, raw) if raw not in {None, ""} else None}


def _picked(element: Mapping[str, Any], raw: Any) -> Any:
    if element["type"] not in _OPTIONS:
        return raw
    value = raw["value"] if isinstance(raw, Mapping) else raw
    for option in choices(element):
        if option["value"] == value:
            return option
    if str(element["type"]).endswith("external_select"):
        return raw if isinstance(raw, Mapping) else _made_option(value)
    raise ValueError(f"{value!r} is not among the options of {element.get('action_id')!r}")


def _made_option(value: str) -> Json:
    return {"text": {"type": "plain_text", "text": value, "emoji": True}, "value": value}


def initial_state(element: Mapping[str, Any]) -> Json:
    """The entry of an element that nobody has touched."""
    kind = str(element["type"])
    key, initial = _KEYS[kind]
    return {"type": kind, key: element.get(initial, [] if kind in _LISTS else None)}


def initial_values(blocks: list[Json]) -> Json:
    """`state.values` of blocks that nobody has touched."""
    values: Json = {}
    for block, element in _stateful(blocks):
        values.setdefault(block["block_id"], {})[element["action_id"]] = initial_state(element)
    return values


def merged_values(blocks: list[Json], kept: Mapping[str, Any], given: Mapping[str, Any]) -> Json:
    """`state.values` after a person put in `given`: raw values by action_id, or by block_id and
    action_id; `kept` is what was there before.
    """
    values = initial_values(blocks)
    for block, element in _stateful(blocks):
        block_id, action_id = block["block_id"], element["action_id"]
        entry = kept.get(block_id, {}).get(action_id)
        if entry is not None:
            values[block_id][action_id] = entry
        nested = given.get(block_id)
        if isinstance(nested, Mapping) and action_id in nested:
            values[block_id][action_id] = state_of(element, nested[action_id])
        elif action_id in given:
            values[block_id][action_id] = state_of(element, given[action_id])
    return values


def _stateful(blocks: list[Json]) -> Iterator[tuple[Json, Mapping[str, Any]]]:
    for block in blocks:
        for element in elements_of(block):
            if keeps_state(element):
                yield block, element


def find_element(
    blocks: list[Json], action_id: str, *, block_id: str = "", value: Any = None
) -> tuple[Json, Mapping[str, Any]]:
    """The block and the element of an action; `value` tells buttons of one action_id apart."""
    found = [
        (block, element)
        for block in blocks
        for element in elements_of(block)
        if element.get("action_id") == action_id and block_id in {"", block.get("block_id")}
    ]
    if not found:
        known = sorted({str(one.get("action_id")) for b in blocks for one in elements_of(b)})
        raise LookupError(f"no element {action_id!r} here; there are: {', '.join(known) or 'none'}")
    exact = (pair for pair in found if pair[1].get("value") == value)
    return next(exact, found[0])


def action_of(block: Json, element: Mapping[str, Any], raw: Any, action_ts: str) -> Json:
    """One entry of a block_actions payload's `actions`."""
    kind = str(element["type"])
    action: Json = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": action_ts,
    }
    if kind in {"button", "workflow_button"}:
        kept = {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        return action | kept
    if kind == "overflow":
        option = next(one for one in element["options"] if raw in {None, one["value"]})
        return action | {"selected_option": option}
    if "placeholder" in element:
        action["placeholder"] = element["placeholder"]
    return action | state_of(element, raw)


def input_errors(blocks: list[Json], values: Mapping[str, Any]) -> dict[str, str]:
    """What Slack's client says below a modal's fields before it sends anything, by block_id."""
    errors: dict[str, str] = {}
    for block, element in _stateful(blocks):
        if block["type"] != "input":
            continue
        key, _ = _KEYS[str(element["type"])]
        held = values[block["block_id"]][element["action_id"]].get(key)
        if not held and not block.get("optional"):
            errors[block["block_id"]] = _REQUIRED
        elif isinstance(held, str) and held and (problem := _text_problem(element, held)):
            errors[block["block_id"]] = problem
    return errors


def _text_problem(element: Mapping[str, Any], text: str) -> str | None:
    kind = element["type"]
    if len(text) < (element.get("min_length") or 0):
        return f"Please enter at least {element['min_length']} characters."
    if len(text) > (element.get("max_length") or 3000):
        return f"Please enter at most {element.get('max_length') or 3000} characters."
    if kind == "email_text_input" and not _EMAIL.match(text):
        return "Please enter a valid e-mail address."
    if kind == "url_text_input" and not _URL.match(text):
        return "Please enter a valid URL."
    if kind == "number_input":
        return _number_problem(element, text)
    return None


def _number_problem(element: Mapping[str, Any], text: str) -> str | None:
    try:
        number = float(text)
    except ValueError:
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and not number.is_integer():
        return "Please enter a whole number."
    if number < float(element.get("min_value", "-inf")):
        return f"Please enter at least {element['min_value']}."
    if number > float(element.get("max_value", "inf")):
        return f"Please enter at most {element['max_value']}."
    return None


def held_by(block: Json, element: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """What an element holds, for the page: from `state.values`, else what it starts with."""
    if not keeps_state(element):
        return None
    entry = values.get(block.get("block_id", ""), {}).get(element.get("action_id", ""))
    return (entry or initial_state(element)).get(_KEYS[str(element["type"])][0])
