"""Draws how the cost of each path grows with the number of cases, as a picture (SVG) for the docs.

Both axes are logarithmic; cost is processor time or memory, which other programs disturb least.
Each line is the cost beside that at the smallest number of cases: what stays flat does not depend
on the number, what runs along the dashed line grows with it.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 60, 300, 24, 50
LINE_HEIGHT = 17
COLOURS = ("#0b62a4", "#c9190b", "#3e8635", "#8a5a00", "#6753ac", "#005f60", "#b1428f", "#4d5258")
#: What is drawn: the name of the line, and where its cost stands in the details of `growth`.
LINES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("/t5g cases severity:urgent", ("/t5g cases severity:urgent", "ours", "cpu_us")),
    ("GET /cases, unchanged", ("GET /cases, unchanged", "ours", "cpu_us")),
    ("GET /api/v1/cases/NUMBER", ("GET /api/v1/cases/NUMBER", "ours", "cpu_us")),
    ("POST /webhooks/jira", ("POST /webhooks/jira", "ours", "cpu_us")),
    ("GET /cases?q= changing", ("searches_cpu_ms",)),
    ("start to first answer", ("start_cpu_s",)),
    ("memory of web", ("memory_mb",)),
    ("memory of Redis", ("redis_mb",)),
)


def curves(detail: Mapping[str, Any]) -> dict[str, list[tuple[int, float]]]:
    """Read (cases, times the cost at the fewest cases) of each line out of `growth`'s details."""
    sizes = sorted(int(size) for size in detail)
    found = {}
    for name, path in LINES:
        costs = [(size, _at(detail[str(size)], path)) for size in sizes]
        known = [(size, cost) for size, cost in costs if cost]
        if known:
            found[name] = [(size, cost / known[0][1]) for size, cost in known]
    return found


def _at(detail: Any, path: Sequence[str]) -> float:
    for name in path:
        detail = detail.get(name, {})
    return float(detail or 0.0)


def draw(detail: Mapping[str, Any]) -> str:
    """Draw the curves."""
    lines = curves(detail)
    sizes = sorted(int(size) for size in detail)
    highest = max([y for line in lines.values() for _, y in line] + [sizes[-1] / sizes[0], 10.0])
    lowest = min([y for line in lines.values() for _, y in line] + [0.5])

    def x(size: float) -> float:
        span = math.log(sizes[-1] / sizes[0]) or 1.0
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(size / sizes[0]) / span

    def y(times: float) -> float:
        part = math.log(times / lowest) / math.log(highest / lowest)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part

    parts = [*_axes(sizes, highest, x, y)]
    ends = _apart({name: y(line[-1][1]) for name, line in lines.items()})
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        points = " ".join(f"{x(size):.1f},{y(times):.1f}" for size, times in line)
        end, label = (x(line[-1][0]), y(line[-1][1])), ends[name]
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
            f'<path d="M{end[0]:.1f} {end[1]:.1f} L{end[0] + 18:.1f} {label:.1f}" '
            f'stroke="{colour}" fill="none"/>',
            f'<text x="{end[0] + 22:.1f}" y="{label + 4:.1f}" fill="{colour}">{escape(name)} '
            f"({line[-1][1]:,.1f} ×)</text>",
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="13" role="img">'
        f"<title>Growth of cost with the number of cases</title>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>' + "\n".join(parts) + "</svg>\n"
    )


def _axes(sizes: Sequence[int], highest: float, x: Any, y: Any) -> list[str]:
    parts = []
    for power in range(int(math.log10(highest)) + 1):
        times = 10**power
        parts += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(times):.1f}" y2="{y(times):.1f}" '
            f'stroke="#d2d2d2"/>',
            f'<text x="{LEFT - 8}" y="{y(times) + 4:.1f}" text-anchor="end">{times:,} ×</text>',
        ]
    parts += [
        f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{size:,}</text>'
        for size in sizes
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">cases</text>')
    parts.append(
        f'<line x1="{x(sizes[0]):.1f}" y1="{y(1):.1f}" x2="{x(sizes[-1]):.1f}" '
        f'y2="{y(sizes[-1] / sizes[0]):.1f}" stroke="#8a8d90" stroke-dasharray="5 5"/>'
    )
    return parts


def _apart(wanted: Mapping[str, float]) -> dict[str, float]:
    """Move labels that would cover each other upwards."""
    found: dict[str, float] = {}
    limit = HEIGHT - BOTTOM + LINE_HEIGHT
    for name, place in sorted(wanted.items(), key=lambda item: -item[1]):
        limit = found[name] = min(place, limit - LINE_HEIGHT)
    return found
