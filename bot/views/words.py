"""Words and marks that every view shares: ages, flags, and text made safe for mrkdwn."""

import re
from datetime import datetime
from itertools import accumulate

from t5g.derived import Entry

MARKS = {1: "🔴", 2: "🟠", 3: "🟡", 4: "🟢"}
NO_MARK = "⚪"
LONGEST_EMOJI = 30
_BREAKS = re.compile(r"\s+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_MARKUP = re.compile(r"([*_~`])")


def escape(text: str) -> str:
    """Make foreign text plain in mrkdwn: no mention, link, or styling can come from it.

    The three characters of Slack's documentation, and an invisible word joiner at markup signs.
    """
    text = _CONTROL.sub("", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub("\u2060\\1\u2060", text)


def shorten(text: str, length: int) -> str:
    """One line of at most `length` characters."""
    line = _BREAKS.sub(" ", text).strip()
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def weight(text: str) -> int:
    """How long Slack counts a text at the most: it counts an emoji as its name."""
    return len(text) + LONGEST_EMOJI * sum(1 for char in text if ord(char) > 0x2000)


def fitting(text: str, most: int) -> str:
    """Cut a text to what Slack counts as `most` characters."""
    if weight(text) <= most:
        return text
    room = accumulate(map(weight, text), initial=weight("…"))
    return text[: sum(1 for used in room if used <= most) - 1].rstrip() + "…"


def safe(text: str, length: int) -> str:
    """Foreign text for mrkdwn: one line, cut, escaped."""
    return escape(shorten(text, length))


def link(url: str, text: str) -> str:
    """A link in mrkdwn; only http(s) links are links."""
    if not url.startswith(("http://", "https://")):
        return text
    clean = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{clean}|{text}>"


def days(value: float) -> str:
    """An age in days: `12 d`, `3 h` on the first day."""
    return f"{value:.0f} d" if value >= 1 else f"{value * 24:.0f} h"


def ago(now: float, moment: float) -> str:
    """How long ago, in words."""
    if not moment:
        return "never"
    seconds = max(0.0, now - moment)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"


def slack_time(moment: datetime | None) -> str:
    """A time that each person sees in their own zone."""
    if moment is None:
        return "unknown"
    fallback = f"{moment:%Y-%m-%d %H:%M} UTC"
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def mark(entry: Entry) -> str:
    """The colour of the severity."""
    return MARKS.get(entry.rank, NO_MARK)


def flags(entry: Entry, now: float) -> list[str]:
    """What stands out, in words with a mark each."""
    found: list[str] = []
    if entry.escalated:
        found.append("🚨 escalated")
    elif entry.potential_escalation:
        found.append("📣 potential escalation")
    if entry.crit_sit:
        found.append("🔥 crit sit")
    used = entry.sla_used(now)
    if entry.breaching(now) and used is not None:
        found.append(f"⏰ SLA {used:.0%}")
    elif entry.at_risk(now) and used is not None:
        found.append(f"⏳ SLA {used:.0%}")
    if entry.untracked:
        found.append("📭 untracked")
    if entry.stale(now):
        found.append("💤 stale")
    if entry.watchlist:
        found.append("👀 watch list")
    return found


def owner(entry: Entry) -> str:
    """Who has the card."""
    if entry.assignee is None:
        return "nobody" if entry.card else "no card"
    return entry.assignee.name or entry.assignee.account


def bar(used: float | None) -> str:
    """The SLA as a bar of ten."""
    if used is None:
        return "no SLA for this severity"
    full = min(10, round(used * 10))
    return "▰" * full + "▱" * (10 - full) + f" {used:.0%}"
