"""The grammar the rules are written in: small checks and a `Spec` that puts them on an object.

A check gets the findings, a JSON pointer and a value, and reports what is wrong with it. Wording
follows Slack's own `response_metadata.messages`. Knows nothing of any particular block.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.slack.rules.mrkdwn import slack_length
from sandbox.slack.rules.violation import Findings

Check = Callable[[Findings, str, Any], None]

URL_LENGTH: Final = 3000
ID_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Spec:
    """The keys of an object: which must be there, which may, and a rule over the whole."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    whole: Check | None = None

    def check(self, found: Findings, path: str, value: Any) -> None:
        """Report every broken rule of one object."""
        if not isinstance(value, Mapping):
            found.add(path, "must be an object")
            return
        known = {"type": anything, **self.required, **self.optional}
        for key in self.required:
            if value.get(key) is None:
                found.add(path, f"missing required field: {key}")
        for key, item in value.items():
            if key not in known:
                found.add(path, f"invalid additional property: {key}")
            elif item is not None:
                known[key](found, f"{path}/{key}", item)
        if self.whole:
            self.whole(found, path, value)


def anything(found: Findings, path: str, value: Any) -> None:
    """No rule."""


def string(longest: int, shortest: int = 1) -> Check:
    """A text of `shortest` to `longest` characters, as Slack counts them."""

    def check(found: Findings, path: str, value: Any) -> None:
        if not isinstance(value, str):
            found.add(path, "must be a string")
        else:
            check_length(found, path, value, longest, shortest)

    return check


def check_length(found: Findings, path: str, text: str, longest: int, shortest: int = 1) -> None:
    """Report a text that is too short or too long."""
    if len(text) < shortest:
        found.add(path, f"must be more than {shortest - 1} characters")
    elif (length := slack_length(text)) > longest:
        found.add(path, f"must be less than {longest + 1} characters (counted {length})")


def one_of(*values: Any) -> Check:
    """One of a few values."""

    def check(found: Findings, path: str, value: Any) -> None:
        if value not in values:
            found.add(path, f"must be one of {', '.join(map(str, values))}, not {value!r}")

    return check


def boolean(found: Findings, path: str, value: Any) -> None:
    """True or false, no text."""
    if not isinstance(value, bool):
        found.add(path, "must be a boolean")


def whole_number(lowest: int, highest: int) -> Check:
    """An integer within bounds."""

    def check(found: Findings, path: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            found.add(path, "must be an integer")
        elif not lowest <= value <= highest:
            found.add(path, f"must be between {lowest} and {highest}")

    return check


def matching(pattern: str, what: str) -> Check:
    """A text of a fixed form, as dates and times have."""
    compiled = re.compile(pattern)

    def check(found: Findings, path: str, value: Any) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            found.add(path, f"must be {what}, not {value!r}")

    return check


def url(found: Findings, path: str, value: Any) -> None:
    """An http(s) address of at most 3000 characters."""
    if not isinstance(value, str) or not is_web_address(value):
        found.add(path, f"must be a valid http(s) URL, not {value!r:.80}")
    elif len(value) > URL_LENGTH:
        found.add(path, f"must be less than {URL_LENGTH + 1} characters (counted {len(value)})")


def is_web_address(value: str) -> bool:
    """Whether a text is an http(s) address with a host and no blanks in it."""
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and has_host and not re.search(r"\s", value)


def items(check: Check, most: int, least: int = 0) -> Check:
    """A list of `least` to `most` values of one kind."""

    def check_all(found: Findings, path: str, value: Any) -> None:
        if not isinstance(value, list):
            found.add(path, "must be an array")
            return
        if len(value) > most:
            found.add(path, f"no more than {most} items allowed (counted {len(value)})")
        if len(value) < least:
            found.add(path, f"must have at least {least} item(s)")
        for index, item in enumerate(value):
            check(found, f"{path}/{index}", item)

    return check_all


def listed(value: Any) -> list[Any]:
    """The value if it is a list, else nothing: for rules that look across a list."""
    return value if isinstance(value, list) else []


def by_type(specs: Mapping[str, Spec]) -> Check:
    """An object whose `type` says which rules it follows."""

    def check(found: Findings, path: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            found.add(path, "must be an object")
            return
        kind = value.get("type")
        if isinstance(kind, str) and kind in specs:
            specs[kind].check(found, path, value)
        elif kind is None:
            found.add(path, "missing required field: type")
        else:
            found.add(f"{path}/type", f"unsupported type: {kind}")

    return check


identifier: Final = string(ID_LENGTH)
