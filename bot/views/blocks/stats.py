"""Headline numbers, and who has how much."""

from collections.abc import Iterable

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
    small,
)
from bot.views.words import MARKS, fit, plural, printable, safe
from t5g.derived import severity_rank
from t5g.figures import HEADLINES, Durations
from t5g.settings import Settings

TITLES = ("Open", "Urgent, high", "Escalated", "Breaching", "Stale")
LONGEST_NAME = 60
#: So many rows are told of where only text is shown.
IN_TEXT = 5


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
    return {"text": _spoken(answer), "blocks": blocks}


def _spoken(answer: Stats) -> str:
    """The substance in a text: what notifications show and screen readers read."""
    text = plural(answer.figures["open"], "open case")
    if not answer.by:
        return f"{text}, {answer.figures['escalated']:,} escalated"
    most = ", ".join(f"{safe(x.name, 40)} {x.open:,}" for x in answer.rows[:IN_TEXT])
    return f"{text} by {answer.by}: {most or 'none'}"


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
    """A table as a block, whose columns hold whatever script the names are in; its cells are plain
    text (https://docs.slack.dev/reference/block-kit/blocks/table-block)."""
    rows: list[tuple[str, ...]] = [(answer.by.capitalize(), *TITLES)]
    rows += [
        (printable(x.name, LONGEST_NAME) or "–",
         *(f"{n:,}" for n in (x.open, x.urgent, x.escalated, x.breaching, x.stale)))
        for x in answer.rows
    ]  # fmt: skip
    table: Block = {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
        "column_settings": [{"is_wrapped": True}, *({"align": "right"} for _ in TITLES)],
    }
    more = answer.total - len(answer.rows)
    tail = [small(f"… and {more:,} more")] if more > 0 else []
    return [section(f"*Open cases by {answer.by}*"), table, *tail]
