"""Answers as Slack messages in Block Kit, within Slack's limits at any size.

Each function gives a payload `{"text": …, "blocks": […]}`; `text` is for notifications and readers.
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from bot.answers import (
    Answer,
    CaseList,
    CaseView,
    DigestAnswer,
    Freshness,
    Help,
    Note,
    SyncStatus,
)
from bot.views.words import (
    ago,
    bar,
    days,
    escape,
    fitting,
    flags,
    link,
    mark,
    owner,
    safe,
    shorten,
    slack_time,
    weight,
)
from t5g.derived import Entry
from t5g.digest import Digest, Section, escalated_since
from t5g.figures import HEADLINES
from t5g.settings import Settings
from t5g.syncs import SyncRecord, SyncState

Block = dict[str, Any]
PAGE_ACTION = "cases:page"
SORT_ACTION = "cases:sort"
SEVERITY_ACTION = "cases:severity"
OPEN_ACTION = "case:open"
SHARE_ACTION = "answer:share"
BROWSER_ACTION = "answer:browser"
ALL = "all"
LONGEST_ID = 255
DIGEST_ROWS = 8
DIGEST_SHOWN = ("open", "escalated", "crit_sit", "breaching", "at_risk", "stale", "untracked")
SORTS = (
    ("What needs attention first", ""),
    ("Oldest first", "-age"),
    ("Youngest first", "age"),
    ("Longest without update first", "updated"),
    ("By severity", "severity"),
    ("By account", "account"),
)


def render(answer: Answer, settings: Settings) -> dict[str, Any]:
    """Render any answer."""
    match answer:
        case CaseList():
            return _list(answer, settings)
        case CaseView():
            return _case(answer, settings)
        case Help():
            return _help(answer)
        case DigestAnswer():
            return digest_message(answer.digest, answer.freshness, settings)
        case SyncStatus():
            return _status(answer)
        case Note():
            return _note(answer)


def _note(note: Note) -> dict[str, Any]:
    sign = "⚠️ " if note.failed else ""
    trace = f" (id `{note.id}`)" if note.id else ""
    text = f"{sign}{_sentence(fitting(shorten(note.text, 1500), 1800))}{trace}"
    return {"text": _sentence(shorten(note.text, 200)), "blocks": [section(text)]}


def _sentence(text: str) -> str:
    """Our own sentences carry `code` on purpose; only Slack's control characters are escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Lists


def _list(answer: CaseList, settings: Settings) -> dict[str, Any]:
    noun = "case" if answer.total == 1 else "cases"
    head = f"*{escape(answer.title)}* · {answer.total} {noun}"
    if answer.query.text:
        head += f" · `{_code(answer.query.text)}`"
    blocks = [section(head)]
    if answer.entries:
        blocks += [_row(entry, answer.now, settings) for entry in answer.entries]
        blocks += _menus(answer)
    else:
        blocks.append(section("Nothing matches. `help cases` explains what can be asked."))
    blocks += [_buttons(answer, settings), _foot(answer.freshness, answer.now, _place(answer))]
    return {"text": f"{escape(answer.title)}: {answer.total} {noun}", "blocks": blocks}


def _place(answer: CaseList) -> str:
    if answer.total <= len(answer.entries):
        return ""
    return f"{len(answer.entries)} of {answer.total} · page {answer.page} of {answer.pages}"


def _row(entry: Entry, now: float, settings: Settings) -> Block:
    row = section(case_lines(entry, now, settings))
    row["accessory"] = button("Open", OPEN_ACTION, {"n": entry.number})
    return row


def case_lines(entry: Entry, now: float, settings: Settings) -> str:
    """Two lines that tell a case at a glance, also on a phone."""
    portal = entry.case.portal
    title = link(case_url(entry.number, settings), entry.number)
    facts = [
        safe(portal.account or "no account", 40),
        days(entry.days_open(now)),
        safe(portal.status or "no status", 40),
        *([safe(entry.internal_status, 30)] if entry.internal_status else []),
        safe(owner(entry), 40),
    ]
    shown = flags(entry, now)
    marks = f"\n{' · '.join(shown)}" if shown else ""
    summary = safe(portal.summary, 110) or "_no summary_"
    return f"{mark(entry)} *{title}* {summary}\n{' · '.join(facts)}{marks}"


def case_url(number: str, settings: Settings) -> str:
    """The case in the Portal."""
    return settings.case_url.replace("{number}", number)


def _menus(answer: CaseList) -> list[Block]:
    text = answer.query.text
    chosen = answer.query.values_of("severity")
    severities = [(word, word) for word in ("urgent", "high", "normal", "low")]
    current = ",".join(str(sort) for sort in answer.query.sorts)
    sort = _select(SORT_ACTION, "Sort", [(a, b or ALL) for a, b in SORTS], current or ALL)
    only = _select(
        SEVERITY_ACTION,
        "Severity",
        [("every severity", ALL), *severities],
        chosen[0] if len(chosen) == 1 else ALL,
    )
    # A menu has no value of its own beside its choice: the query goes into the block's id.
    state = json.dumps({"q": text, "t": answer.title}, ensure_ascii=False, separators=(",", ":"))
    if len(state) > LONGEST_ID:
        return []
    return [{"type": "actions", "block_id": state, "elements": [sort, only]}]


def _buttons(answer: CaseList, settings: Settings) -> Block:
    elements: list[Block] = []
    for name, page, there in (
        ("◀ Previous", answer.page - 1, answer.page > 1),
        ("Next ▶", answer.page + 1, answer.page < answer.pages),
    ):
        if there:
            value = {"q": answer.query.text, "p": page, "t": answer.title}
            elements.append(button(name, f"{PAGE_ACTION}:{page}", value))
    share = {"q": answer.query.text, "p": answer.page, "t": answer.title}
    elements.append(button("Share in channel", SHARE_ACTION, share))
    url = f"{settings.base_url}/cases?q={quote(answer.query.text)}"
    if len(url) <= 3000:
        elements.append({**button("Open in browser", BROWSER_ACTION, {}), "url": url})
    return {"type": "actions", "elements": elements}


# One case


def _case(answer: CaseView, settings: Settings) -> dict[str, Any]:
    entry, now = answer.entry, answer.now
    portal = entry.case.portal
    title = fitting(f"{mark(entry)} {entry.number} {shorten(portal.summary, 120)}", 150)
    blocks: list[Block] = [
        {"type": "header", "text": plain(title)},
        {"type": "section", "fields": _facts(entry, now, settings)},
    ]
    shown = flags(entry, now)
    if shown:
        blocks.append(section(" · ".join(shown)))
    blocks += _related(entry, now)
    blocks += _comments(entry)
    blocks.append(_case_buttons(entry, settings))
    blocks.append(_foot(answer.freshness, now))
    return {"text": f"Case {entry.number}: {safe(portal.summary, 200)}", "blocks": blocks}


def _facts(entry: Entry, now: float, settings: Settings) -> list[Block]:
    portal, card = entry.case.portal, entry.card
    product = f"{portal.product} {portal.version}".strip()
    card_text = "none"
    if card:
        url = f"{str(settings.jira_url).rstrip('/')}/browse/{quote(card.key)}"
        card_text = f"{link(url, escape(card.key))} · {safe(entry.internal_status, 40)}"
    facts = (
        ("Severity", safe(portal.severity or "unknown", 60)),
        ("Status", safe(portal.status or "unknown", 80)),
        ("Account", safe(portal.account or "unknown", 120)),
        ("Product", safe(product or "unknown", 120)),
        ("Card", card_text),
        ("Assignee", safe(owner(entry), 80)),
        ("Open for", f"{days(entry.days_open(now))} {bar(entry.sla_used(now))}"),
        ("Last update", ago(now, entry.activity)),
        ("Opened", slack_time(portal.created)),
        ("Crit sit", {True: "yes", False: "no"}.get(entry.crit_sit, "unknown")),  # type: ignore[arg-type]
    )
    return [mrkdwn(f"*{name}*\n{value}") for name, value in facts]


def _related(entry: Entry, now: float) -> list[Block]:
    case = entry.case
    lines = [
        f"🚨 {link(e.url, escape(e.key))} {safe(e.title, 80)} · "
        f"since {ago(now, escalated_since(entry))}"
        for e in case.escalations
    ]
    lines += [
        f"🐞 {link(issue.url, escape(issue.key))} "
        + (
            "restricted"
            if issue.restricted
            else f"{safe(issue.title, 80)} · {safe(issue.status, 30)} · "
            f"{safe(', '.join(issue.fix_versions), 40) or 'no fix version'}"
        )
        for issue in case.issues
    ]
    lines += [
        f"🐞 {link(bug.url, f'Bug {bug.id}')} "
        + (
            "restricted"
            if bug.restricted
            else f"{safe(bug.summary, 80)} · {safe(bug.status, 30)} · "
            f"{safe(', '.join(bug.target_release), 40)}"
        )
        for bug in case.bugs
    ]
    return [section(_fit(lines))] if lines else []


def _comments(entry: Entry) -> list[Block]:
    shown = [comment for comment in entry.case.card_comments if not comment.restricted][-3:]
    lines = [
        f"*{safe(comment.author.name if comment.author else 'somebody', 60)}* · "
        f"{slack_time(comment.created)}\n>{safe(comment.body, 280)}"
        for comment in shown
    ]
    return [section("*Last comments on the card*\n" + _fit(lines))] if lines else []


def _fit(lines: Iterable[str], limit: int = 2800) -> str:
    """As many lines as fit, and how many did not."""
    kept: list[str] = []
    rest = list(lines)
    used = 0
    while rest and used + weight(rest[0]) + 1 <= limit:
        used += weight(rest[0]) + 1
        kept.append(rest.pop(0))
    return "\n".join([*kept, *([f"… and {len(rest)} more"] if rest else [])])


def _case_buttons(entry: Entry, settings: Settings) -> Block:
    links = [("Portal", case_url(entry.number, settings)),
             ("Page", f"{settings.base_url}/cases/{entry.number}")]  # fmt: skip
    if entry.card:
        jira = str(settings.jira_url).rstrip("/")
        links.insert(1, ("JIRA", f"{jira}/browse/{quote(entry.card.key)}"))
    elements = [
        {**button(name, f"{BROWSER_ACTION}:{name.lower()}", {}), "url": url} for name, url in links
    ]
    elements.append(button("Share in channel", SHARE_ACTION, {"n": entry.number}))
    return {"type": "actions", "elements": elements}


# Help, status, digest


def _help(answer: Help) -> dict[str, Any]:
    if len(answer.commands) > 1:
        lines = [f"`/t5g {_code(c.usage)}` {escape(c.summary)}" for c in answer.commands]
        return {"text": "What you can ask", "blocks": [section(_fit(lines))]}
    command = answer.commands[0]
    lines = [f"*`/t5g {_code(command.usage)}`*", escape(command.summary)]
    lines += [f"• `/t5g {_code(example)}`" for example in command.examples]
    blocks = [section("\n".join(lines))]
    keys = [f"`{_code(example)}` {escape(meaning)}" for _, meaning, example in answer.keys]
    blocks += [section("\n".join(keys[n : n + 15])) for n in range(0, len(keys), 15)]
    return {"text": command.summary, "blocks": blocks}


_STATES = {
    SyncState.OK: "✅", SyncState.RUNNING: "🔄", SyncState.PARTIAL: "🟠",
    SyncState.FAILED: "🔴", SyncState.NEVER: "⚪",
}  # fmt: skip


def _status(answer: SyncStatus) -> dict[str, Any]:
    lines = [_sync_line(record, answer.now) for record in answer.records]
    blocks = [section("*Freshness*\n" + _fit(lines)), context(f"t5g {answer.version}")]
    return {"text": "Freshness of each source", "blocks": blocks}


def _sync_line(record: SyncRecord, now: float) -> str:
    line = f"{_STATES[record.state]} *{record.name}* · {ago(now, record.last_success)}"
    if record.state is SyncState.RUNNING and record.total:
        line += f" · running, {record.current} of {record.total}"
    why = record.why_stale(now)
    return f"{line} · {safe(why, 160)}" if why else line


def digest_message(digest: Digest, freshness: Freshness, settings: Settings) -> dict[str, Any]:
    """The digest as one message; long lists say how many more there are and where."""
    if digest.empty:
        text = "Nothing escalated, breaching, stale, new or closed. A quiet day. 🌿"
        return {"text": text, "blocks": [section(text)]}
    blocks: list[Block] = [
        {"type": "header", "text": plain("Field support digest")},
        section(_headlines(digest)),
    ]
    for part in digest.sections:
        if part.entries:
            blocks.append(section(_digest_section(part, digest.at, settings)))
    blocks.append(_foot(freshness, digest.at))
    opened = digest.figures["open"]
    escalated = digest.figures["escalated"]
    return {"text": f"Digest: {opened} open, {escalated} escalated", "blocks": blocks[:50]}


def _headlines(digest: Digest) -> str:
    titles = {line.name: line.title for line in HEADLINES}
    parts = []
    for name in DIGEST_SHOWN:
        change = digest.changes.get(name)
        moved = f" ({change:+d})" if change else ""
        parts.append(f"*{digest.figures[name]}* {titles[name].lower()}{moved}")
    return " · ".join(parts)


def _digest_section(part: Section, now: float, settings: Settings) -> str:
    lines = [f"*{escape(part.title)}* ({len(part.entries)})"]
    shown = DIGEST_ROWS if len(part.entries) <= DIGEST_ROWS else DIGEST_ROWS - 3
    for entry in part.entries[:shown]:
        url = link(case_url(entry.number, settings), entry.number)
        lines.append(
            f"{mark(entry)} {url} {safe(entry.case.portal.summary, 60)} · "
            f"{safe(entry.case.portal.account, 25)} · {days(entry.days_open(now))} · "
            f"{safe(owner(entry), 25)}"
        )
    more = len(part.entries) - shown
    if more > 0:
        url = f"{settings.base_url}/cases?q={quote(part.query)}"
        lines.append(link(url, f"and {more} more"))
    return "\n".join(lines)


# Pieces


def section(text: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": mrkdwn(text)}


def context(text: str) -> Block:
    """A small line."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def mrkdwn(text: str) -> Block:
    """Text with markup."""
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Block:
    """Text as it is."""
    return {"type": "plain_text", "text": text, "emoji": True}


def button(text: str, action: str, value: dict[str, Any]) -> Block:
    """A button that carries a value."""
    packed = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return {"type": "button", "text": plain(text), "action_id": action, "value": packed}


def _select(action: str, title: str, options: list[tuple[str, str]], chosen: str) -> Block:
    made = [{"text": plain(text), "value": value} for text, value in options]
    menu: Block = {
        "type": "static_select",
        "action_id": action,
        "placeholder": plain(title),
        "options": made,
    }
    initial = [option for option in made if option["value"] == chosen]
    return {**menu, "initial_option": initial[0]} if initial else menu


def _code(text: str) -> str:
    """Foreign text inside backticks."""
    return text.replace("`", "'").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _foot(freshness: Freshness, now: float, place: str = "") -> Block:
    parts = [place] if place else []
    parts.append(f"synced {ago(now, freshness.synced)}")
    if freshness.stale:
        names = ", ".join(f"{name} ({safe(why, 60)})" for name, why in freshness.stale)
        parts.append(f"⚠️ old: {names}")
    return context(" · ".join(parts))
