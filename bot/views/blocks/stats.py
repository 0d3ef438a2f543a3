"""Headline numbers, and who has how much."""

from collections.abc import Iterable, Sequence

from bot.answers import Stats
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
from bot.views.words import MARKS, column, fit, plural, safe
from t5g.derived import severity_rank
from t5g.figures import HEADLINES, Durations
from t5g.settings import Settings

TITLES = ("open", "urg", "esc", "sla", "old")
#: So many letters of a fixed font fit beside each other on a phone.
WIDEST = 36


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
        ("By severity", {x: numbers.by_severity[x] for x in _ranked(numbers.by_severity)}),
        ("By status", numbers.by_status),
        ("By internal status", numbers.by_internal_status),
    ):
        if found:
            parts = [f"{_name(name)} *{count:,}*" for name, count in list(found.items())[:12]]
            blocks.append(section(f"*{title}*\n" + " · ".join(parts)))
    times = [
        f"{_name(x)}: relief {_days(numbers.relief.get(x))}, "
        f"resolution {_days(numbers.resolution.get(x))}"
        for x in _ranked([*numbers.relief, *numbers.resolution])
    ]
    if times:
        blocks.append(section("*Median days*\n" + fit(times)))
    return blocks


def _ranked(severities: Iterable[str]) -> list[str]:
    """The worst severity first."""
    return sorted(set(severities), key=lambda name: (severity_rank(name), name))


def _name(name: str) -> str:
    mark = MARKS.get(severity_rank(name))
    return f"{mark} {safe(name, 40)}" if mark else safe(name, 40)


def _days(found: Durations | None) -> str:
    return "–" if found is None or found.median is None else f"{found.median:.1f}"


def _table(answer: Stats) -> list[Block]:
    """A table in a fixed font, narrow enough for a phone."""
    rows: list[tuple[str, ...]] = [(answer.by, *TITLES)]
    rows += [
        (x.name, *map(str, (x.open, x.urgent, x.escalated, x.breaching, x.stale)))
        for x in answer.rows
    ]
    sizes = [max(len(row[n]) for row in rows) for n in range(1, len(TITLES) + 1)]
    lines = [_line(row, sizes) for row in rows]
    more = answer.total - len(answer.rows)
    text = "```" + "\n".join(lines) + "```"
    tail = f"\n… and {more:,} more" if more > 0 else ""
    legend = "_urg: urgent and high · esc: escalated · sla: breaching · old: stale_"
    return [section(f"*Open cases by {answer.by}*\n{text}{tail}\n{legend}")]


def _line(row: Sequence[str], sizes: Sequence[int]) -> str:
    # Slack counts an escape as several characters, a table as one: other signs stand for them.
    name = row[0].replace("`", "'").replace("&", "+").replace("<", "(").replace(">", ")")
    counts = "".join(f" {cell:>{size}}" for cell, size in zip(row[1:], sizes, strict=True))
    return column(name, WIDEST - len(counts)) + counts
