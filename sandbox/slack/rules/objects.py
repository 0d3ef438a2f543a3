"""Slack's composition objects: text, confirmation, option, option group, and the like.

Rules of docs.slack.dev/reference/block-kit/composition-objects; knows no element and no block.
"""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.slack.rules.mrkdwn import mistakes
from sandbox.slack.rules.shape import (
    Check,
    Spec,
    boolean,
    by_type,
    check_length,
    items,
    listed,
    one_of,
    string,
    url,
)
from sandbox.slack.rules.violation import Findings

TEXT_LENGTH: Final = 3000
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTIONS: Final = 100


def text(longest: int = TEXT_LENGTH, *, plain_only: bool = False) -> Check:
    """A text object of 1 to `longest` characters; `plain_only` where mrkdwn is refused."""
    specs = {"plain_text": Spec({"text": _content(longest)}, {"emoji": boolean})}
    if not plain_only:
        specs["mrkdwn"] = Spec({"text": _markup(longest)}, {"verbatim": boolean})
    return by_type(specs)


def plain(longest: int) -> Check:
    """A plain_text object."""
    return text(longest, plain_only=True)


def _content(longest: int) -> Check:
    return string(longest)


def _markup(longest: int) -> Check:
    def check(found: Findings, path: str, value: Any) -> None:
        if not isinstance(value, str):
            found.add(path, "must be a string")
            return
        check_length(found, path, value, longest)
        check_mrkdwn(found, path, value)

    return check


def check_mrkdwn(found: Findings, path: str, value: str) -> None:
    """Report markup that Slack would show wrongly."""
    for mistake in mistakes(value):
        found.add(path, mistake, "bad_mrkdwn")


confirm: Final = Spec(
    required={
        "title": plain(100),
        "text": text(300),
        "confirm": plain(30),
        "deny": plain(30),
    },
    optional={"style": one_of("primary", "danger")},
).check


def option(*, markup: bool = False, link: bool = False) -> Check:
    """A choice; `markup` for checkboxes and radio buttons, `link` for overflow menus."""
    label = text(OPTION_TEXT) if markup else plain(OPTION_TEXT)
    optional = {"description": text(OPTION_TEXT) if markup else plain(OPTION_TEXT)}
    if link:
        optional["url"] = url
    return Spec({"text": label, "value": string(OPTION_VALUE)}, optional).check


def option_list(most: int, least: int = 1, *, markup: bool = False, link: bool = False) -> Check:
    """Choices whose values differ: Slack could not say which was picked."""
    each = items(option(markup=markup, link=link), most, least)

    def check(found: Findings, path: str, value: Any) -> None:
        each(found, path, value)
        _check_unique_values(found, path, listed(value))

    return check


def _check_unique_values(found: Findings, path: str, options: list[Any]) -> None:
    seen: set[str] = set()
    for index, item in enumerate(options):
        value = item.get("value") if isinstance(item, Mapping) else None
        if isinstance(value, str):
            if value in seen:
                found.add(f"{path}/{index}/value", f"duplicate value: {value!r}", "ambiguous")
            seen.add(value)


option_groups: Final = items(
    Spec({"label": plain(OPTION_TEXT), "options": option_list(OPTIONS)}).check, OPTIONS, 1
)

conversation_filter: Final = Spec(
    optional={
        "include": items(one_of("im", "mpim", "private", "public"), 4, 1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    }
).check

dispatch_config: Final = Spec(
    optional={"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2, 1)}
).check

slack_file: Final = Spec(optional={"id": string(255), "url": url}).check
