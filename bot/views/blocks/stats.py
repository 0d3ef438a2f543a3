"""Headline numbers, and who has how much."""

from bot.answers import Stats, StatsRow
from bot.views.blocks.parts import (
    SHARE,
    Block,
    Payload,
    actions,
    ask_button,
    button,
    foot,
    link_button,
    section,
)
from bot.views.words import escape, fit, plural, safe, shorten
from t5g.figures import HEADLINES
from t5g.settings import Settings


def stats_message(answer: Stats, settings: Settings) -> Payload:
    """The numbers, or a table."""
    blocks = _table(answer) if answer.by else _numbers(answer)
    kinds = [x for x in ("", "account", "engineer") if x != answer.by]
    elements = [
        ask_button(f"By {kind}" if kind else "All numbers", f"stats {kind}".strip(), f"stats{kind}")
        for kind in kinds
    ]
    elements.append(button("Share in channel", SHARE, {"a": f"stats {answer.by}".strip()}))
    elements += link_button("Open in browser", "browser", f"{settings.base_url}/stats")
    blocks += [actions(elements), foot(answer.freshness, answer.figures.at)]
    return {"text": f"{plural(answer.figures['open'], 'open case')}", "blocks": blocks}


def _numbers(answer: Stats) -> list[Block]:
    numbers, before = answer.figures, answer.before
    lines = []
    for line in HEADLINES:
        value = numbers[line.name]
        change = (
            value - before.headlines[line.name] if before and line.name in before.headlines else 0
        )
        moved = f" ({change:+,} in a week)" if change else ""
        lines.append(f"*{value:,}* {line.title.lower()}{moved}")
    blocks = [section("*Numbers*\n" + fit(lines))]
    for title, found in (
        ("By severity", numbers.by_severity),
        ("By status", numbers.by_status),
        ("By internal status", numbers.by_internal_status),
    ):
        if found:
            parts = [f"{safe(name, 40)} *{count:,}*" for name, count in list(found.items())[:12]]
            blocks.append(section(f"*{title}*\n" + " · ".join(parts)))
    times = [
        f"{escape(severity)}: relief {_days(relief.median)}, resolution "
        f"{_days(resolution.median if (resolution := numbers.resolution.get(severity)) else None)}"
        for severity, relief in numbers.relief.items()
    ]
    if times:
        blocks.append(section("*Median days*\n" + fit(times)))
    return blocks


def _days(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _table(answer: Stats) -> list[Block]:
    """A table in a fixed font: aligned on every screen."""
    titles = ("open", "urg", "esc", "sla", "old")
    lines = [f"{answer.by:<22}" + "".join(f"{title:>6}" for title in titles)]
    lines += [_row(row) for row in answer.rows]
    more = answer.total - len(answer.rows)
    text = "```" + "\n".join(lines) + "```"
    tail = f"\n… and {more:,} more" if more > 0 else ""
    legend = "_urg: urgent and high · esc: escalated · sla: breaching · old: stale_"
    return [section(f"*Open cases by {answer.by}*\n{text}{tail}\n{legend}")]


def _row(row: StatsRow) -> str:
    name = shorten(row.name.replace("`", "'"), 21)
    cells = (row.open, row.urgent, row.escalated, row.breaching, row.stale)
    shown = name.replace("&", "+").replace("<", "(").replace(">", ")")
    return f"{shown:<22}" + "".join(f"{cell:>6}" for cell in cells)
