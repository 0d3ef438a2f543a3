"""Block elements: buttons, menus, pickers and inputs, and which block may hold which.

Rules of docs.slack.dev/reference/block-kit/block-elements, a `Spec` each. Knows no block.
"""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.slack.rules import objects
from sandbox.slack.rules.objects import OPTIONS, option, option_groups, option_list, plain
from sandbox.slack.rules.shape import (
    Check,
    Spec,
    anything,
    boolean,
    identifier,
    items,
    listed,
    matching,
    one_of,
    string,
    url,
    whole_number,
)
from sandbox.slack.rules.violation import Findings

_DATE: Final = matching(r"\d{4}-\d\d-\d\d", "a date YYYY-MM-DD")
_TIME: Final = matching(r"([01]\d|2[0-3]):[0-5]\d", "a time HH:mm")
_NUMBER: Final = matching(r"-?\d+(\.\d+)?", "a number as text")
_SLACK_ID: Final = string(255)

_COMMON: Final[Mapping[str, Check]] = {
    "action_id": identifier,
    "confirm": objects.confirm,
    "focus_on_load": boolean,
}
_MENU: Final = {**_COMMON, "placeholder": plain(150)}
_MULTI: Final = {**_MENU, "max_selected_items": whole_number(1, OPTIONS)}
_TYPED: Final[Mapping[str, Check]] = {
    "action_id": identifier,
    "focus_on_load": boolean,
    "placeholder": plain(150),
    "dispatch_action_config": objects.dispatch_config,
}
_RESPONSE_URL: Final = {"response_url_enabled": boolean}
_CONVERSATIONS: Final = {
    "filter": objects.conversation_filter,
    "default_to_current_conversation": boolean,
}


def _check_choices(found: Findings, path: str, value: Any) -> None:
    if bool(value.get("options")) == bool(value.get("option_groups")):
        found.add(path, "must have either options or option_groups")
    check_initial(found, path, value)


def check_initial(found: Findings, path: str, value: Any) -> None:
    """What is chosen at first must be one of the options, equal in every field."""
    offered = list(listed(value.get("options")))
    for group in listed(value.get("option_groups")):
        offered += listed(group.get("options")) if isinstance(group, Mapping) else []
    chosen = [value["initial_option"]] if value.get("initial_option") else []
    for item in chosen + listed(value.get("initial_options")):
        if item not in offered:
            found.add(path, "initial option must be one of the options")


def _check_lengths(found: Findings, path: str, value: Any) -> None:
    shortest, longest = value.get("min_length"), value.get("max_length")
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        found.add(path, "min_length must not be more than max_length")
    initial = value.get("initial_value")
    if isinstance(initial, str) and isinstance(longest, int) and len(initial) > longest:
        found.add(f"{path}/initial_value", f"must be less than {longest + 1} characters")


def _check_image(found: Findings, path: str, value: Any) -> None:
    if bool(value.get("image_url")) == bool(value.get("slack_file")):
        found.add(path, "must have either image_url or slack_file")


_CHOICES: Final = {"options": option_list(OPTIONS), "option_groups": option_groups}
_TICKS: Final = option_list(10, markup=True)
_TICK: Final = option(markup=True)

BUTTON: Final = Spec(
    {"text": plain(75)},
    {
        "action_id": identifier,
        "url": url,
        "value": string(2000),
        "style": one_of("primary", "danger"),
        "confirm": objects.confirm,
        "accessibility_label": string(75),
    },
)
IMAGE: Final = Spec(
    {"alt_text": string(2000)},
    {"image_url": url, "slack_file": objects.slack_file},
    _check_image,
)

#: Every element by its `type`.
ELEMENTS: Final[Mapping[str, Spec]] = {
    "button": BUTTON,
    "image": IMAGE,
    "workflow_button": Spec(
        {"text": plain(75), "workflow": anything, "action_id": identifier},
        {"style": one_of("primary", "danger"), "accessibility_label": string(75)},
    ),
    "overflow": Spec(
        {"options": option_list(5, link=True)},
        {"action_id": identifier, "confirm": objects.confirm},
    ),
    "checkboxes": Spec(
        {"options": _TICKS}, {**_COMMON, "initial_options": items(_TICK, 10, 1)}, check_initial
    ),
    "radio_buttons": Spec({"options": _TICKS}, {**_COMMON, "initial_option": _TICK}, check_initial),
    "static_select": Spec({}, {**_MENU, **_CHOICES, "initial_option": option()}, _check_choices),
    "multi_static_select": Spec(
        {}, {**_MULTI, **_CHOICES, "initial_options": items(option(), OPTIONS, 1)}, _check_choices
    ),
    "external_select": Spec(
        {}, {**_MENU, "initial_option": option(), "min_query_length": whole_number(0, 255)}
    ),
    "multi_external_select": Spec(
        {},
        {
            **_MULTI,
            "initial_options": items(option(), OPTIONS, 1),
            "min_query_length": whole_number(0, 255),
        },
    ),
    "users_select": Spec({}, {**_MENU, "initial_user": _SLACK_ID}),
    "multi_users_select": Spec({}, {**_MULTI, "initial_users": items(_SLACK_ID, OPTIONS, 1)}),
    "conversations_select": Spec(
        {}, {**_MENU, **_RESPONSE_URL, **_CONVERSATIONS, "initial_conversation": _SLACK_ID}
    ),
    "multi_conversations_select": Spec(
        {},
        {**_MULTI, **_CONVERSATIONS, "initial_conversations": items(_SLACK_ID, OPTIONS, 1)},
    ),
    "channels_select": Spec({}, {**_MENU, **_RESPONSE_URL, "initial_channel": _SLACK_ID}),
    "multi_channels_select": Spec({}, {**_MULTI, "initial_channels": items(_SLACK_ID, OPTIONS, 1)}),
    "datepicker": Spec({}, {**_MENU, "initial_date": _DATE}),
    "timepicker": Spec({}, {**_MENU, "initial_time": _TIME, "timezone": string(255)}),
    "datetimepicker": Spec({}, {**_COMMON, "initial_date_time": whole_number(10**9, 10**10 - 1)}),
    "plain_text_input": Spec(
        {},
        {
            **_TYPED,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": whole_number(0, 3000),
            "max_length": whole_number(1, 3000),
        },
        _check_lengths,
    ),
    "email_text_input": Spec({}, {**_TYPED, "initial_value": string(3000)}),
    "url_text_input": Spec({}, {**_TYPED, "initial_value": string(3000)}),
    "number_input": Spec(
        {"is_decimal_allowed": boolean},
        {**_TYPED, "initial_value": _NUMBER, "min_value": _NUMBER, "max_value": _NUMBER},
    ),
    "rich_text_input": Spec({}, {**_TYPED, "initial_value": anything}),
    "file_input": Spec(
        {},
        {
            "action_id": identifier,
            "filetypes": items(string(255), 100, 1),
            "max_files": whole_number(1, 10),
        },
    ),
}

_PICKERS: Final = frozenset({"datepicker", "timepicker", "checkboxes", "radio_buttons"})
_SINGLE_MENUS: Final = frozenset(
    kind for kind in ELEMENTS if kind.endswith("_select") and not kind.startswith("multi_")
)
_MULTI_MENUS: Final = frozenset(kind for kind in ELEMENTS if kind.startswith("multi_"))
_PRESSED: Final = frozenset({"button", "workflow_button", "overflow"})

SECTION_ACCESSORIES: Final = _PRESSED | _PICKERS | _SINGLE_MENUS | _MULTI_MENUS | {"image"}
ACTIONS_ELEMENTS: Final = _PRESSED | _PICKERS | _SINGLE_MENUS | _MULTI_MENUS | {"datetimepicker"}
INPUT_ELEMENTS: Final = (
    _PICKERS
    | _SINGLE_MENUS
    | _MULTI_MENUS
    | {kind for kind in ELEMENTS if kind.endswith("_input")}
    | {"datetimepicker"}
)


def element(allowed: frozenset[str]) -> Check:
    """An element of one of the kinds that a block may hold."""

    def check(found: Findings, path: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            found.add(path, "must be an object")
            return
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in allowed:
            found.add(f"{path}/type", f"unsupported type: {kind}")
        else:
            ELEMENTS[kind].check(found, path, value)

    return check
