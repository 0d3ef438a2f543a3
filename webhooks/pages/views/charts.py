"""Charts as coordinates: lines over days, bars of two kinds a week, histograms.

Geometry only: templates draw it as SVG. Lines differ by their dashes and are named where they end,
bars by their pattern, so that nothing hangs on colour; the numbers stand in a table beneath.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

NARROW, WIDTH, WIDE = 350.0, 480.0, 900.0
HEIGHT = 170.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 148.0, 10.0, 22.0
EDGE = 8.0
LABEL = 13.0
MOST_TICKS = 4
NICE = (1, 2, 2.5, 5, 10)
DASHES = ("solid", "dashed", "dotted", "dashdot", "long")


class Tick(Struct, frozen=True):
    """A mark on an axis, at `at` pixels."""

    label: str
    at: float


class Line(Struct, frozen=True):
    """A line: an SVG path with gaps where days are missing, and where it ends.

    `tone` (1, 2, …) and `dash` tell it from the others.
    """

    name: str
    tone: int
    dash: str
    path: str
    end_x: float
    end_y: float
    label_y: float
    last: str


class LineChart(Struct, frozen=True, kw_only=True):
    """Values over days. `summary` says the chart in a sentence."""

    title: str
    lines: tuple[Line, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    summary: str
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    bottom: float = HEIGHT - BOTTOM
    right: float = WIDTH - RIGHT


class Rect(Struct, frozen=True):
    """A bar and what it stands for."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str


class BarChart(Struct, frozen=True, kw_only=True):
    """Bars side by side, of one or of two kinds."""

    title: str
    bars: tuple[Rect, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    summary: str
    kinds: tuple[tuple[str, str], ...] = ()
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    bottom: float = HEIGHT - BOTTOM
    right: float = WIDTH - EDGE


def nice_ticks(highest: float) -> list[float]:
    """Return round values from 0 that reach `highest`, five at most."""
    if highest <= 0:
        return [0, 1]
    step, size = 1.0, 1.0
    while step * MOST_TICKS < highest:
        for factor in NICE:
            step = factor * size
            if step * MOST_TICKS >= highest and step == int(step):
                break
        size *= 10
    count = -(-highest // step)
    return [step * n for n in range(int(count) + 1)]


def _scale(ticks: Sequence[float]) -> float:
    return (HEIGHT - TOP - BOTTOM) / ticks[-1]


def _y_axis(ticks: Sequence[float]) -> tuple[Tick, ...]:
    scale = _scale(ticks)
    return tuple(
        Tick(f"{value:,.0f}", round(HEIGHT - BOTTOM - value * scale, 1)) for value in ticks
    )


def line_chart(
    title: str, days: Sequence[date], values: Mapping[str, Sequence[float | None]]
) -> LineChart:
    """Draw one line for each of `values`, a value a day; None: not known, a gap."""
    known = [value for line in values.values() for value in line if value is not None]
    ticks = nice_ticks(max(known, default=0))
    scale, span = _scale(ticks), max(1, (days[-1] - days[0]).days) if days else 1
    xs = [LEFT + (WIDTH - LEFT - RIGHT) * (day - days[0]).days / span for day in days]
    lines = [_line(name, n, xs, line, scale) for n, (name, line) in enumerate(values.items())]
    return LineChart(
        title=title,
        lines=_apart([line for line in lines if line.path]),
        x=_day_ticks(days, xs),
        y=_y_axis(ticks),
        summary=_summary(title, days, values),
    )


def _line(
    name: str, place: int, xs: Sequence[float], values: Sequence[float | None], scale: float
) -> Line:
    parts: list[str] = []
    pen, end = "M", (0.0, 0.0, 0.0)
    for x, value in zip(xs, values, strict=True):
        if value is None:
            pen = "M"
            continue
        y = HEIGHT - BOTTOM - value * scale
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen, end = "L", (x, y, value)
    x, y, last = end
    dash = DASHES[place % len(DASHES)]
    return Line(name, place + 1, dash, "".join(parts), x, y, y, f"{last:,.0f}")


def _apart(lines: list[Line]) -> tuple[Line, ...]:
    """Move the labels at the lines' ends so that none hides another, or the axis beneath."""
    ordered = sorted(lines, key=lambda one: one.end_y)
    places: list[float] = []
    for line in ordered:
        places.append(max(line.end_y, places[-1] + LABEL) if places else line.end_y)
    lowest = HEIGHT - BOTTOM
    for n in reversed(range(len(places))):
        places[n] = min(places[n], lowest)
        lowest = places[n] - LABEL
    return tuple(replace(line, label_y=y) for line, y in zip(ordered, places, strict=True))


def _day_ticks(days: Sequence[date], xs: Sequence[float]) -> tuple[Tick, ...]:
    if not days:
        return ()
    step = max(1, len(days) // 4)
    picked = list(range(0, len(days), step))
    form = "%b %Y" if (days[-1] - days[0]).days > 200 else "%-d %b"
    return tuple(Tick(days[n].strftime(form), round(xs[n], 1)) for n in picked)


def _summary(title: str, days: Sequence[date], values: Mapping[str, Sequence[float | None]]) -> str:
    said = []
    for name, line in values.items():
        known = [value for value in line if value is not None]
        if known:
            said.append(f"{name} from {known[0]:,.0f} to {known[-1]:,.0f}")
    if not said:
        return f"{title}: no numbers yet."
    return f"{title}, {days[0]} to {days[-1]}: {'; '.join(said)}."


def column_chart(
    title: str,
    labels: Sequence[str],
    kinds: Mapping[str, Sequence[int]],
    *,
    every: int = 1,
    width: float = WIDTH,
    unknown: int = 0,
) -> BarChart:
    """Draw bars of each kind side by side for each of `labels`; every so many are labelled.

    `unknown`: for so many of the first labels nothing is known; they are hatched, not empty.
    """
    highest = max((value for line in kinds.values() for value in line), default=0)
    ticks = nice_ticks(highest)
    slot = (width - LEFT - EDGE) / max(1, len(labels))
    wide = slot * 0.76 / max(1, len(kinds))
    totals = ", ".join(f"{sum(line):,} {kind.casefold()}" for kind, line in kinds.items())
    before = f"Not known before {labels[unknown]}" if 0 < unknown < len(labels) else "Not known"
    gap = (_bar(before, "unknown", LEFT, slot * unknown, HEIGHT - BOTTOM - TOP),) if unknown else ()
    legend = [(kind.casefold(), kind) for kind in kinds] if len(kinds) > 1 or unknown else []
    return BarChart(
        title=title,
        bars=gap
        + tuple(
            _bar(
                f"{labels[n]}: {value:,} {kind.casefold()}", kind, left, wide, value * _scale(ticks)
            )
            for at, (kind, line) in enumerate(kinds.items())
            for n, value in enumerate(line)
            if value and (left := LEFT + slot * (n + 0.12) + wide * at)
        ),
        x=tuple(
            Tick(labels[n], round(LEFT + slot * (n + 0.5), 1)) for n in range(0, len(labels), every)
        ),
        y=_y_axis(ticks),
        summary=f"{title}: {totals}.{f' {before}.' if unknown else ''}",
        kinds=(*legend, ("unknown", "Not known")) if unknown else tuple(legend),
        width=width,
        right=width - EDGE,
    )


def _bar(title: str, kind: str, x: float, width: float, height: float) -> Rect:
    top = HEIGHT - BOTTOM - height
    return Rect(
        kind.casefold(), round(x, 1), round(top, 1), round(width, 1), round(height, 1), title
    )
