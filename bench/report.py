"""What benches found: figures beside their targets, as a table for people and as JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Row:
    """One measured figure beside its target (empty: none)."""

    what: str
    value: float
    unit: str
    target: str = ""
    met: bool = True


@dataclass
class Findings:
    """All rows, and what lies behind them."""

    rows: list[Row] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)

    def add(self, what: str, value: float, unit: str, target: str = "", *, met: bool = True) -> Row:
        """Add a row."""
        row = Row(what, round(value, 3), unit, target, met)
        self.rows.append(row)
        return row

    def least(self, what: str, value: float, unit: str, at_least: float) -> None:
        """Add a row whose value should be at least so much."""
        self.add(what, value, unit, f"≥ {at_least:g}", met=value >= at_least)

    def most(self, what: str, value: float, unit: str, at_most: float) -> None:
        """Add a row whose value should be at most so much."""
        self.add(what, value, unit, f"≤ {at_most:g}", met=value <= at_most)

    @property
    def met(self) -> bool:
        """Say whether every target is met."""
        return all(row.met for row in self.rows)

    def table(self) -> str:
        """All rows as text."""
        return "\n".join([f"{'':3}{'figure':<62}{'measured':>12}  target", *map(line, self.rows)])

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")


def line(row: Row) -> str:
    """A row as text."""
    mark = "ok " if row.met else "NO "
    return f"{mark}{row.what:<62}{row.value:>10.2f} {row.unit:<5} {row.target}".rstrip()


def joined(parts: Iterable[Findings]) -> Findings:
    """All rows and details of several findings."""
    whole = Findings()
    for part in parts:
        whole.rows += part.rows
        whole.detail |= part.detail
    return whole
