"""Answers for a terminal, as rich tables and text."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bot.answers import (
    Answer,
    CaseList,
    CaseView,
    DigestAnswer,
    Export,
    Freshness,
    Help,
    Note,
    PlanList,
    Progress,
    Stats,
    SyncStatus,
    WatchList,
)
from bot.plans import days_text
from bot.views.blocks.digest import weekly_text
from bot.views.words import ago, bar, clean, days, flags, mark, owner, shorten
from t5g.derived import Entry
from t5g.figures import HEADLINES

#: More of one text is not for a terminal.
LONGEST = 600


def show(answer: Answer, console: Console) -> None:
    """Print an answer."""
    console.print(_Harmless(rendered(answer)))


class _Harmless:
    """Shows something without what a foreign text may tell the terminal to do."""

    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for one in console.render(self._shown, options):
            yield one if one.control else Segment(clean(one.text), one.style)


def rendered(answer: Answer) -> RenderableType:
    """Render any answer."""
    match answer:
        case CaseList():
            return _list(answer)
        case CaseView():
            return _case(answer)
        case Help():
            return _help(answer)
        case DigestAnswer():
            return _digest(answer)
        case SyncStatus():
            return _status(answer)
        case Stats():
            return _stats(answer)
        case WatchList():
            return _watches(answer)
        case PlanList():
            return _plans(answer)
        case Export():
            return Text(answer.content)
        case Progress():
            how = "runs already" if answer.joined else "is asked for"
            return Text(f"The sync of {answer.what} {how}; `t5g ask status` shows how far it is.")
        case Note():
            return _note(answer)


def _list(answer: CaseList) -> RenderableType:
    foot = f"{len(answer.entries)} of {answer.total} · page {answer.page} of {answer.pages}"
    return Group(
        _line(answer.title, style="bold"),
        _table(answer.entries, answer.now),
        Text(foot, style="dim"),
        _freshness(answer.freshness, answer.now),
    )


def _note(answer: Note) -> RenderableType:
    lines = [_line(answer.text, style="red" if answer.failed else "")]
    lines += [_line(f"  t5g ask {option.command}", style="cyan") for option in answer.options]
    return Group(*lines)


def _stats(answer: Stats) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    if not answer.by:
        for line in HEADLINES:
            table.add_row(str(answer.figures[line.name]), line.title.lower())
        return Group(table, _freshness(answer.freshness, answer.figures.at))
    for title in (answer.by, "open", "urgent+high", "escalated", "breaching", "stale"):
        table.add_column(title, justify="left" if title == answer.by else "right")
    for row in answer.rows:
        counts = (row.open, row.urgent, row.escalated, row.breaching, row.stale)
        table.add_row(_line(row.name), *map(str, counts))
    return Group(table, _freshness(answer.freshness, answer.figures.at))


def _watches(answer: WatchList) -> RenderableType:
    lines = [_line(answer.said)] if answer.said else []
    lines += [_line(f"{watch.query}  ({count} now)") for watch, count in answer.watches]
    return Group(*(lines or [Text("Nothing is watched here.")]))


def _plans(answer: PlanList) -> RenderableType:
    lines = [
        Text(f"{plan.report} to {plan.channel} at {plan.at} {plan.zone}, {days_text(plan.days)}")
        for plan, _ in answer.plans
    ]
    return Group(*(lines or [Text("No digest comes anywhere.")]))


def _table(entries: tuple[Entry, ...], now: float) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in (
        "",
        "number",
        "summary",
        "account",
        "open",
        "status",
        "card",
        "assignee",
        "flags",
    ):
        table.add_column(title, overflow="ellipsis", no_wrap=True)
    for entry in entries:
        portal = entry.case.portal
        row = (
            mark(entry),
            entry.number,
            shorten(portal.summary, 50),
            shorten(portal.account, 20),
            days(entry.days_open(now)),
            portal.status,
            entry.internal_status or "–",
            owner(entry),
            " ".join(flags(entry, now)),
        )
        table.add_row(*(_line(cell) for cell in row))
    return table


def _case(answer: CaseView) -> RenderableType:
    entry, now = answer.entry, answer.now
    portal = entry.case.portal
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    rows = (
        ("severity", portal.severity),
        ("status", portal.status),
        ("account", portal.account),
        ("product", f"{portal.product} {portal.version}".strip()),
        ("card", f"{entry.card.key} · {entry.internal_status}" if entry.card else "none"),
        ("assignee", owner(entry)),
        ("open for", f"{days(entry.days_open(now))} {bar(entry.sla_used(now))}"),
        ("last update", ago(now, entry.activity)),
        ("escalations", ", ".join(e.key for e in entry.case.escalations) or "none"),
        ("issues", ", ".join(i.key for i in entry.case.issues) or "none"),
        ("bugs", ", ".join(str(b.id) for b in entry.case.bugs) or "none"),
        ("flags", " · ".join(flags(entry, now)) or "none"),
    )
    for name, value in rows:
        table.add_row(name, _line(value))
    title = Text(f"{mark(entry)} {entry.number} {shorten(portal.summary, 200)}", style="bold")
    return Group(title, table, _freshness(answer.freshness, now))


def _help(answer: Help) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    for command in answer.commands:
        table.add_row(_line(command.usage, style="bold"), command.summary)
        for example in command.examples:
            table.add_row("", _line(example, style="dim"))
    for _, meaning, example in answer.keys:
        table.add_row(_line(example, style="cyan"), meaning)
    return table


def _digest(answer: DigestAnswer) -> RenderableType:
    if answer.weekly:
        return Text(weekly_text(answer))
    parts: list[RenderableType] = []
    for section in (*answer.digest.sections, *answer.digest.state):
        if section.entries:
            parts.append(Text(f"{section.title} ({len(section.entries)})", style="bold"))
            parts.append(_table(section.entries[:20], answer.digest.at))
    return Group(*parts) if parts else Text("Nothing to speak about.")


def _status(answer: SyncStatus) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for title in ("sync", "state", "last success", "why stale"):
        table.add_column(title)
    for record in answer.records:
        table.add_row(
            record.name.value,
            record.state.value,
            ago(answer.now, record.last_success),
            _line(record.why_stale(answer.now)),
        )
    return table


def _freshness(freshness: Freshness, now: float) -> Text:
    text = f"synced {ago(now, freshness.synced)}"
    if freshness.stale:
        text += " · old: " + ", ".join(f"{name} ({why})" for name, why in freshness.stale)
    return _line(text, style="dim")


def _line(text: str, style: str = "") -> Text:
    """Foreign text on one line, of a length that a screen can hold."""
    return Text(shorten(text, LONGEST), style=style)
