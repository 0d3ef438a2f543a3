"""The Jinja environment of the page: templates with autoescape, and the filters they use."""

import itertools
import re
import zlib
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader

from sandbox.slack import inputs
from sandbox.slack.model import Json, Message
from sandbox.slack.page import markup
from sandbox.slack.page.markup import Names

HERE: Final = Path(__file__).parent
_COLOR: Final = re.compile(r"#?[0-9a-fA-F]{3,8}\Z")
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@cache
def page_templates() -> Environment:
    """The templates of this page, each compiled once in a process."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": markup.plain,
        "mrkdwn": markup.mrkdwn,
        "markdown": markup.markdown,
        "safe_href": markup.safe_href,
        "rich_date": rich_date,
        "image_source": image_source,
        "held": held,
        "choice_pairs": choice_pairs,
        "clock": clock,
        "by_day": by_day,
        "initials": initials,
        "hue": hue,
    }
    environment.tests["match_color"] = lambda text: bool(_COLOR.match(text))
    return environment


def held(element: Mapping[str, Any], block: Json, values: Mapping[str, Any]) -> Any:
    """What an element holds."""
    return inputs.held_by(block, element, values)


def choice_pairs(element: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The options of a menu as (value, text)."""
    return [(one["value"], one["text"]["text"]) for one in inputs.choices(element)]


def image_source(image: Mapping[str, Any]) -> str | None:
    """Where a picture can be loaded from: this machine only, for the page asks no other host."""
    slack_file = image.get("slack_file") or {}
    if slack_file.get("id"):
        return f"/files/{slack_file['id']}/picture"
    address = str(image.get("image_url") or slack_file.get("url") or "")
    parts = urlsplit(address)
    return address if parts.scheme == "http" and parts.hostname in _LOCAL else None


def rich_date(item: Mapping[str, Any], names: Names) -> str:
    """A date of a rich text."""
    return markup.date_text(names, item["timestamp"], item["format"], item.get("fallback", ""))


def clock(ts: str | float, names: Names) -> str:
    """The time of day of a message, for its reader."""
    return names.local(float(ts)).strftime("%H:%M")


def by_day(messages: list[Message], names: Names) -> list[tuple[str, list[Message]]]:
    """Messages under the day they were written."""
    today = names.local(names.state.clock()).date()
    special = {today: "Today", today - timedelta(days=1): "Yesterday"}

    def label(message: Message) -> str:
        day = names.local(float(message.ts)).date()
        return special.get(day) or day.strftime("%A, %-d %B %Y")

    return [(day, list(group)) for day, group in itertools.groupby(messages, key=label)]


def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = [word for word in name.split() if word[:1].isalpha()] or ["?"]
    return "".join(word[0] for word in dict.fromkeys((words[0], words[-1]))).upper()


def hue(identity: str) -> int:
    """A colour that stays with an id (degrees)."""
    return zlib.crc32(identity.encode()) % 360
