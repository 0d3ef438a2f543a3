"""The digest and the weekly report: one message that tells what changed, each case once.

What is merely still so is one line of numbers. Whose open case has news is mentioned, once. A list
that is cut says so, and leads to exactly what it left out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from bot.answers import DigestAnswer
from bot.views.blocks.parts import (
    Block,
    Payload,
    actions,
    foot,
    freshness_text,
    header,
    link_button,
    section,
    small,
)
from bot.views.trend import sparkline
from bot.views.words import (
    case_url,
    days,
    escape,
    link,
    mark,
    owner,
    page_url,
    plural,
    printable,
    safe,
    slack_time,
    weight,
)
from t5g.derived import Entry
from t5g.digest import Digest, Item, Section, numbered
from t5g.figures import HEADLINES
from t5g.settings import Settings

SHOWN = ("open", "escalated", "crit_sit", "breaching", "at_risk", "stale", "untracked",
         "unassigned", "opened_1d", "closed_1d")  # fmt: skip
SHOWN_WEEKLY = (*SHOWN[:-2], "opened_7d", "closed_7d")
#: So many cases are told of in a message; the rest is one click away.
ROWS = 25
#: So many cases of each part of a personal digest.
PART_ROWS = 8
#: So many cases are told of where only text is shown: a notification, a screen reader.
IN_TEXT = 3
#: What Slack counts: a section, all rows, a whole message.
SECTION_ROOM = 2_700
ROWS_ROOM = 8_000
MESSAGE_ROOM = 9_500
#: So many links to the rest; each finds up to two hundred cases.
MOST_LINKS = 10
TITLES = {True: "Weekly report", False: "Field support digest"}


def digest_preview(answer: DigestAnswer, settings: Settings) -> Payload:
    """The digest for one person: what the channel would get, without the thread."""
    return digest_posts(answer, settings)[0]


def digest_posts(answer: DigestAnswer, settings: Settings) -> list[Payload]:
    """The digest as messages: one; the weekly report also as plain text for its thread."""
    digest = answer.digest
    if digest.empty:
        return [_quiet(answer, settings)]
    title = "Your digest" if answer.personal else TITLES[answer.weekly]
    blocks: list[Block] = [header(title), small(_window(answer))]
    blocks += _items(answer, settings)
    if answer.personal:
        for part in digest.sections[1:]:
            blocks += _part(part, answer, settings)
    else:
        blocks.append(section(_numbers(answer, settings)))
    if answer.weekly and len(answer.trend) > 2:
        blocks.append(small(_trend(answer)))
    blocks.append(foot(answer.freshness, digest.at))
    posts = [{"text": _spoken(title, answer), "blocks": blocks}]
    return [*posts, *_mail(answer)] if answer.weekly else posts


def _quiet(answer: DigestAnswer, settings: Settings) -> Payload:
    opened = plural(answer.digest.figures["open"], "open case")
    whose = " of yours" if answer.personal else ""
    text = f"🌿 A quiet {'week' if answer.weekly else 'day'}, {opened}{whose}. Nothing changed."
    if answer.freshness.stale:  # quiet may only mean that nothing was heard
        text += f" {freshness_text(answer.freshness, answer.digest.at)}"
    still = any(part.entries for part in answer.digest.state)
    more = [small(_numbers(answer, settings))] if still else []
    return {"text": text, "blocks": [section(text), *more]}


def _spoken(title: str, answer: DigestAnswer) -> str:
    """The substance in a text: what notifications show and screen readers read."""
    digest = answer.digest
    told = [
        f"{item.entry.number} {safe(item.entry.severity, 20)}, "
        f"{safe(item.entry.account or 'no account', 40)}, "
        f"{safe(item.entry.case.portal.summary, 60)}: {_why(item)}"
        for item in digest.items[:IN_TEXT]
    ]
    if (more := len(digest.items) - len(told)) > 0:
        told.append(f"and {plural(more, 'more case')}")
    counts = [
        f"{len(part.entries):,} {part.title if part.title[:2].isupper() else part.title.lower()}"
        for part in digest.sections
        if part.entries
    ]
    return " · ".join([f"{title}: {', '.join(counts) or 'your cases'}", *told])


def _window(answer: DigestAnswer) -> str:
    """Since when; and whether something may be missing."""
    since = slack_time(datetime.fromtimestamp(answer.digest.since, UTC))
    text = f"What changed since {since}."
    if not answer.digest.whole:
        text += (
            " By the times that the Portal and JIRA tell: it is not kept what was learned since."
        )
    return text


def _items(answer: DigestAnswer, settings: Settings) -> list[Block]:
    """What changed, each case once, and the way to the rest."""
    items = answer.digest.items
    lines: list[str] = []
    mentioned: set[str] = set()
    room = ROWS_ROOM
    for item in islice(items, ROWS):
        line = _row(item, answer, settings, mentioned)
        room -= weight(line) + 1
        if room < 0:
            break
        lines.append(line)
    blocks: list[Block] = [section(text) for text in _packed(lines)]
    return [*blocks, *_rest([item.entry for item in items[len(lines) :]], settings)]


def _rest(entries: Sequence[Entry], settings: Settings) -> list[Block]:
    """How many more there are, and buttons that lead to exactly those."""
    if not entries:
        return []
    queries = numbered(entries)[:MOST_LINKS]
    buttons: list[Block] = []
    for n, query in enumerate(queries):
        label = f"Show {len(entries):,} more" if len(queries) == 1 else f"Show more ({n + 1})"
        buttons += link_button(label, f"more{n}", page_url(query, settings))
    text = small(f"… and {len(entries):,} more")
    return [text, actions(buttons)] if buttons else [text]


def _row(item: Item, answer: DigestAnswer, settings: Settings, mentioned: set[str]) -> str:
    entry = item.entry
    facts = [
        _why(item),
        safe(entry.account or "no account", 25),
        days(entry.days_open(answer.digest.at)),
    ]
    if not answer.personal:
        facts.append(_who(entry, answer, mentioned))
    summary = safe(entry.case.portal.summary, 50) or "_no summary_"
    number = link(case_url(entry.number, settings), entry.number)
    return f"{mark(entry)} {number} {summary} · {' · '.join(facts)}"


def _why(item: Item) -> str:
    return ", ".join(f"{news.sign} {safe(news.text, 60)}" for news in item.news[:3])


def _who(entry: Entry, answer: DigestAnswer, mentioned: set[str]) -> str:
    """A mention of the owner of an open case, the first time; else the name."""
    mention = answer.mentions.get(entry.assignee.account) if entry.assignee else None
    if mention and entry.open and mention not in mentioned:
        mentioned.add(mention)
        return f"<@{mention}>"
    return safe(owner(entry), 25)


def _part(part: Section, answer: DigestAnswer, settings: Settings) -> list[Block]:
    """One part of a personal digest: its first cases and the way to the rest."""
    if not part.entries:
        return []
    now = answer.digest.at
    lines = [f"*{escape(part.title)}* ({len(part.entries):,})"]
    for entry in part.entries[:PART_ROWS]:
        number = link(case_url(entry.number, settings), entry.number)
        summary = safe(entry.case.portal.summary, 50) or "_no summary_"
        used = entry.sla_used(now)
        sla = f" · SLA {used:.0%}" if used is not None else ""
        account = safe(entry.account or "no account", 25)
        lines.append(f"{mark(entry)} {number} {summary} · {account}{sla}")
    more = len(part.entries) - PART_ROWS
    if more > 0:
        lines.append(f"… and {more:,} more")
    blocks: list[Block] = [section("\n".join(lines))]
    if more > 0:
        button = link_button(
            f"Show all {len(part.entries):,}", part.name, page_url(part.query, settings)
        )
        blocks += [actions(button)] if button else []
    return blocks


def _numbers(answer: DigestAnswer, settings: Settings) -> str:
    """What is so now, each number with its list and how it moved."""
    digest = answer.digest
    parts = [_number("Open", digest.figures["open"], "status:open", "open", answer, settings)]
    parts += [
        _number(part.title, len(part.entries), part.query, part.name, answer, settings)
        for part in digest.state
        if part.entries
    ]
    since = "last week" if answer.weekly else "yesterday"
    compared = f"\n_Change since {since} in brackets._" if digest.changes else ""
    return "Now: " + " · ".join(parts) + compared


def _number(  # noqa: PLR0917 (what is said of a number, in the order in which it is said)
    title: str, count: int, query: str, name: str, answer: DigestAnswer, settings: Settings
) -> str:
    change = answer.digest.changes.get(name)
    moved = f" ({change:+,})" if change else ""
    return f"*{count:,}* {link(page_url(query, settings), title.lower())}{moved}"


def _trend(answer: DigestAnswer) -> str:
    first, last = answer.trend[0], answer.trend[-1]
    return f"Open cases, {len(answer.trend)} days: {sparkline(answer.trend)} {first:,} → {last:,}"


def _packed(lines: list[str], room: int = SECTION_ROOM) -> list[str]:
    """Lines in texts that each fit a section."""
    texts: list[str] = []
    kept: list[str] = []
    used = 0
    for line in lines:
        if kept and used + weight(line) + 1 > room:
            texts.append("\n".join(kept))
            kept, used = [], 0
        kept.append(line)
        used += weight(line) + 1
    return [*texts, "\n".join(kept)] if kept else texts


def _messages(texts: list[str], title: str) -> list[Payload]:
    """Sections in messages that each fit Slack's ceiling."""
    posts: list[Payload] = []
    blocks: list[Block] = []
    used = 0
    for text in texts:
        if blocks and (used + weight(text) > MESSAGE_ROOM or len(blocks) >= 40):
            posts.append({"text": title, "blocks": blocks})
            blocks, used = [], 0
        blocks.append(section(text))
        used += weight(text)
    return [*posts, {"text": title, "blocks": blocks}] if blocks else posts


# The weekly report as plain text, to be copied into an e-mail.


def weekly_text(answer: DigestAnswer) -> str:
    """The report without any markup."""
    digest = answer.digest
    titles = {line.name: line.title for line in HEADLINES}
    lines = ["Field support, weekly report", ""]
    for name in SHOWN_WEEKLY:
        change = digest.changes.get(name)
        moved = f" ({change:+,})" if change else ""
        lines.append(f"{titles[name] + ':':<24}{digest.figures[name]:>6,}{moved}")
    for title, parts in (("What changed", digest.sections), ("As it is now", digest.state)):
        lines += ["", title.upper()]
        for part in parts:
            if part.entries:
                lines += ["", f"{part.title} ({len(part.entries):,})"]
                lines += [_plain_row(entry, digest) for entry in part.entries[:15]]
                if len(part.entries) > 15:
                    lines.append(f"  and {len(part.entries) - 15:,} more")
    return "\n".join(lines)


def _plain_row(entry: Entry, digest: Digest) -> str:
    portal = entry.case.portal
    age = days(entry.days_open(digest.at))
    facts = f"{printable(portal.account, 25)}, {age}, {printable(owner(entry), 30)}"
    severity = printable(entry.severity, 8)
    return f"  {entry.number} {severity:<6} {printable(portal.summary, 60)} ({facts})"


def _mail(answer: DigestAnswer) -> list[Payload]:
    body = weekly_text(answer).replace("`", "'")
    plain = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    texts = ["*To copy into an e-mail:*"]
    texts += [f"```{part}```" for part in _packed(plain.split("\n"))]
    return _messages(texts, "The weekly report as plain text")
