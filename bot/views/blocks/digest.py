"""The digest and the weekly report: one message that tells the day, long lists in its thread.

The people who own what is spoken of are mentioned. A list that is cut says so.
"""

from bot.answers import DigestAnswer
from bot.views.blocks.parts import Block, Payload, foot, freshness_text, header, section, small
from bot.views.trend import sparkline
from bot.views.words import (
    ago,
    case_url,
    code,
    days,
    escape,
    link,
    mark,
    owner,
    page_url,
    plural,
    printable,
    safe,
    weight,
)
from t5g.derived import Entry
from t5g.digest import Digest, Section, escalated_since
from t5g.figures import HEADLINES
from t5g.settings import Settings

SHOWN = ("open", "escalated", "crit_sit", "breaching", "at_risk", "stale", "untracked",
         "unassigned", "opened_1d", "closed_1d")  # fmt: skip
SHOWN_WEEKLY = (*SHOWN[:-2], "opened_7d", "closed_7d")
MAIN_ROWS = 5
THREAD_ROWS = 100
#: What Slack counts: a section, the rows of one part, a whole message.
SECTION_ROOM = 2_700
PART_ROOM = 820
MESSAGE_ROOM = 9_500
ESCALATED = ("newly_escalated", "still_escalated")
QUIET = "Nothing escalated, breaching, stale, untracked, unassigned, new or closed."


def digest_preview(answer: DigestAnswer, settings: Settings) -> Payload:
    """The digest for one person: what the channel would get, without the thread."""
    return digest_posts(answer, settings)[0]


def digest_posts(answer: DigestAnswer, settings: Settings) -> list[Payload]:
    """The digest as messages: the one for the channel, then those for its thread."""
    digest = answer.digest
    if digest.empty:
        return [_quiet(answer)]
    parts = [part for part in digest.sections if part.entries]
    title = "Weekly report" if answer.weekly else "Field support digest"
    blocks: list[Block] = [header(title), section(_headlines(answer))]
    if len(answer.trend) > 2:
        blocks.append(small(_trend(answer)))
    rest: list[tuple[Section, int]] = []
    for part in parts:
        text, shown = _part(part, answer, settings)
        blocks.append(section(text))
        if shown < len(part.entries):
            rest.append((part, shown))
    blocks.append(foot(answer.freshness, digest.at))
    opened, escalated = digest.figures["open"], digest.figures["escalated"]
    text = f"{title}: {opened:,} open, {escalated:,} escalated"
    posts = [{"text": text, "blocks": blocks}, *_thread(rest, answer, settings)]
    return [*posts, *_mail(answer)] if answer.weekly else posts


def _quiet(answer: DigestAnswer) -> Payload:
    opened = plural(answer.digest.figures["open"], "open case")
    day = "week" if answer.weekly else "day"
    text = f"🌿 A quiet {day}, {opened}. {QUIET}"
    if answer.freshness.stale:  # quiet may only mean that nothing was heard
        text += f" {freshness_text(answer.freshness, answer.digest.at)}"
    return {"text": text, "blocks": [section(text)]}


def _headlines(answer: DigestAnswer) -> str:
    titles = {line.name: line.title for line in HEADLINES}
    digest = answer.digest
    parts = []
    for name in SHOWN_WEEKLY if answer.weekly else SHOWN:
        change = digest.changes.get(name)
        moved = f" ({change:+,})" if change else ""
        parts.append(f"*{digest.figures[name]:,}* {titles[name].lower()}{moved}")
    since = "last week" if answer.weekly else "yesterday"
    compared = f"\n_Change since {since} in brackets._" if digest.changes else ""
    return " · ".join(parts) + compared


def _trend(answer: DigestAnswer) -> str:
    first, last = answer.trend[0], answer.trend[-1]
    return f"Open cases, {len(answer.trend)} days: {sparkline(answer.trend)} {first:,} → {last:,}"


def _part(part: Section, answer: DigestAnswer, settings: Settings) -> tuple[str, int]:
    """The text of one part and how many rows it shows."""
    lines = [f"*{escape(part.title)}* ({len(part.entries):,})"]
    room, shown = PART_ROOM, 0
    for entry in part.entries[:MAIN_ROWS]:
        line = _row(entry, part, answer, settings)
        room -= weight(line) + 1
        if room < 0:
            break
        lines.append(line)
        shown += 1
    more = len(part.entries) - shown
    if more > 0:
        lines.append(f"… {link(page_url(_query(part, answer), settings), f'and {more:,} more')}")
    return "\n".join(lines), shown


def _row(entry: Entry, part: Section, answer: DigestAnswer, settings: Settings) -> str:
    now = answer.digest.at
    since = escalated_since(entry) if part.name in ESCALATED else 0.0
    facts = [
        safe(entry.case.portal.account or "no account", 25),
        f"escalated {ago(now, since)}" if since else days(entry.days_open(now)),
        _who(entry, answer),
    ]
    number = link(case_url(entry.number, settings), entry.number)
    summary = safe(entry.case.portal.summary, 50) or "_no summary_"
    return f"{mark(entry)} {number} {summary} · {' · '.join(facts)}"


def _who(entry: Entry, answer: DigestAnswer) -> str:
    """A mention of the owner, or the name of one whom Slack does not know."""
    mention = answer.mentions.get(entry.assignee.account) if entry.assignee else None
    return f"<@{mention}>" if mention else safe(owner(entry), 25)


def _query(part: Section, answer: DigestAnswer) -> str:
    return part.query.replace("<=24h", "<=7d") if answer.weekly else part.query


def _thread(
    rest: list[tuple[Section, int]], answer: DigestAnswer, settings: Settings
) -> list[Payload]:
    """What did not fit, in messages of their own, up to a hundred cases of each part."""
    texts: list[str] = []
    for part, shown in rest:
        rows = [_row(e, part, answer, settings) for e in part.entries[shown:THREAD_ROWS]]
        more = len(part.entries) - shown - len(rows)
        if more > 0:
            address = page_url(_query(part, answer), settings)
            query = code(_query(part, answer))
            rows.append(f"… {link(address, f'and {more:,} more')} (`cases {query}`)")
        texts += _packed([f"*{escape(part.title)}*, continued", *rows])
    return _messages(texts, "The rest of the digest")


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
    for part in digest.sections:
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
