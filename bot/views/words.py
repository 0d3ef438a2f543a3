"""Words and marks that every view shares: ages, flags, and text made safe for mrkdwn."""

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

from t5g.derived import Entry
from t5g.query.lexer import visible
from t5g.settings import Settings

MARKS = {1: "🔴", 2: "🟠", 3: "🟡", 4: "🟢"}
NO_MARK = "⚪"
#: Slack stores an emoji as its name; the longest that matter have about so many letters.
LONGEST_EMOJI = 30
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u23e9-\u23fa]")
_BREAKS = re.compile(r"\s+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b]")
_HARMLESS = re.compile(r"[A-Za-z0-9 .,:;/()\[\]+='\"!?#%$@|{}-]*")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TABLE = str.maketrans(_ESCAPES)
_LOOKS = {"*": "∗", "_": "\uff3f", "~": "\u223c", "`": "'"}
#: Signs that Slack takes for markup: not those between two letters, nor between two blanks.
_STYLING = re.compile(r"`|(?<![^\W_])(?<!\s)[*_~]|(?<=[^\W_])[*_~](?![^\W_])|(?<=\s)[*_~](?!\s)")


def escape(text: str) -> str:
    """Make foreign text plain in mrkdwn: no mention, link, or styling can come from it.

    The three characters of Slack's documentation are escaped. For signs of markup there is no
    escape: a text with such a sign is shown as code, exactly as it is, so that it can be copied.
    """
    shown = clean(text)
    plain = shown.replace("`", "'").translate(_TABLE)
    return f"`{plain}`" if _STYLING.search(shown) else plain


def clean(text: str) -> str:
    """Drop what steers a screen instead of being shown on it, and all else that is invisible."""
    return visible(_CONTROL.sub("", text))


def shorten(text: str, length: int) -> str:
    """One line of at most `length` characters."""
    line = _BREAKS.sub(" ", _begun(text, length)).strip()
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def printable(text: str, length: int) -> str:
    """One line of at most `length` letters that any program can show, for plain texts."""
    return "".join(char for char in shorten(text, length) if char.isprintable())


def _begun(text: str, length: int) -> str:
    """As much of a text as can be of use for `length` characters: the rest is not looked at."""
    return text if len(text) <= length * 8 else text.strip()[: length * 8]


def weight(text: str) -> int:
    """How long Slack counts a text at the most: it counts an emoji as its name."""
    if text.isascii():
        return len(text)
    return len(text) + LONGEST_EMOJI * len(_EMOJI.findall(text))


def fitting(text: str, most: int) -> str:
    """Cut a plain text to what Slack counts as `most` characters; it counts `&` as `&amp;`."""
    if weight(text) + 4 * sum(text.count(x) for x in _ESCAPES) <= most:
        return text
    return _cut(text, most, escaped=False)


def safe(text: str, length: int) -> str:
    """A foreign name or title for mrkdwn: one line, escaped, and then counted by Slack as at most
    `length`.
    """
    line = _line(text, length)
    if len(line) <= length and _HARMLESS.fullmatch(line):
        return line
    if _STYLING.search(line):
        return f"`{code(line, length - 2)}`"
    return _plainly(line, length)


def safe_prose(text: str, length: int) -> str:
    """Foreign sentences for mrkdwn in one line; signs of markup become others that look alike."""
    return _plainly(_unstyled(_line(text, length)), length)


def safe_lines(text: str, length: int) -> str:
    """Foreign sentences for mrkdwn that keep their lines."""
    return _plainly(_unstyled(clean(_begun(text, length).replace("\r\n", "\n")).strip()), length)


def _line(text: str, length: int) -> str:
    return _BREAKS.sub(" ", clean(_begun(text, length))).strip()


def _unstyled(text: str) -> str:
    return _STYLING.sub(lambda found: _LOOKS[found[0]], text)


def _cut(text: str, most: int, *, escaped: bool = True) -> str:
    kept: list[str] = []
    room = most - 1
    for char in text:
        piece = _ESCAPES.get(char, char)
        room -= weight(piece)
        if room < 0:
            return "".join(kept).rstrip() + "…"
        kept.append(piece if escaped else char)
    return "".join(kept)


def code(text: str, length: int = 300) -> str:
    """Foreign text between backticks."""
    return _plainly(shorten(clean(_begun(text, length)).replace("`", "'"), length), length)


def sentence(text: str, length: int = 1_800) -> str:
    """Our own sentence, which carries `code` and dates on purpose but may quote foreign words."""
    kept: list[str] = []
    room = length
    for piece in _DATE.split(shorten(clean(text), length)):
        shown = piece if _DATE.fullmatch(piece) else _plainly(piece, room)
        room -= weight(shown)
        if room < 0:
            break
        kept.append(shown)
    return "".join(kept)


def _plainly(text: str, length: int) -> str:
    if len(text) <= length and weight(whole := text.translate(_TABLE)) <= length:
        return whole
    return _cut(text, length)


#: Dates as `slack_time` writes them, and no others.
_DATE = re.compile(r"(<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[-0-9: ]+ UTC>)")


def link(url: str, text: str) -> str:
    """A link in mrkdwn; only http(s) links are links."""
    if not is_link(url):
        return text
    clean = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{clean}|{text}>"


def is_link(url: str) -> bool:
    """Say whether an address may be a link at all."""
    return url.startswith(("http://", "https://")) and not _BREAKS.search(url) and len(url) <= 2900


def fit(lines: Iterable[str], limit: int = 2_800) -> str:
    """As many lines as fit, and how many did not."""
    found = list(lines)
    used = kept = 0
    while kept < len(found) and used + weight(found[kept]) + 1 <= limit:
        used += weight(found[kept]) + 1
        kept += 1
    left = len(found) - kept
    return "\n".join([*found[:kept], *([f"… and {left} more"] if left else [])])


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


def case_url(number: str, settings: Settings) -> str:
    """The case in the Portal."""
    return settings.case_url.replace("{number}", number)


def card_url(key: str, settings: Settings) -> str:
    """An issue in JIRA."""
    return f"{str(settings.jira_url).rstrip('/')}/browse/{quote(key)}"


def page_url(query: str, settings: Settings) -> str:
    """The same list on the page."""
    return f"{settings.base_url}/cases?q={quote(query)}"


def case_page_url(number: str, settings: Settings) -> str:
    """The case on the page."""
    return f"{settings.base_url}/cases/{number}"


def plural(count: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
