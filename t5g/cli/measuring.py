"""`t5g bench`: measures the hot paths beside their floors, and tells which targets are met."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from t5g.errors import T5GError


class NoSuchBenchError(T5GError):
    """There is no bench of that name."""


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(bench)


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="growth, slack, webhooks, pages, sync, workers, together."),
    ] = None,
    *,
    quick: Annotated[bool, typer.Option(help="A smoke run: its figures mean little.")] = False,
    sizes: Annotated[
        str, typer.Option(help="Numbers of cases for growth, with commas between.")
    ] = "1000,10000,100000",
    seconds: Annotated[
        float, typer.Option(min=1, max=36_000, help="How long `together` lasts.")
    ] = 600.0,
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw what growth found as a picture (SVG) in this file.")
    ] = None,
) -> None:
    """Measure speed and memory, each beside its floor; exit code 1 if a target is missed.

    A figure is worth something on a quiet machine only. Takes up to half an hour.
    """
    from bench.everything import BENCHES, Options, run
    from bench.plot import draw

    wanted = names or []
    if plot and wanted != ["growth"]:
        raise NoSuchBenchError("--plot draws what growth finds: t5g bench growth --plot FILE.")
    for name in wanted:
        if name not in BENCHES:
            raise NoSuchBenchError(f"There is no bench “{name}”; there is {', '.join(BENCHES)}.")
    options = Options(quick=quick, sizes=_numbers(sizes), seconds=seconds)
    found = asyncio.run(run(wanted, options))
    table = Table(box=None, pad_edge=False)
    for title in ("", "figure", "measured", "target"):
        table.add_column(title, justify="right" if title == "measured" else "left")
    for row in found.rows:
        mark = "[green]✓[/]" if row.met else "[red]✗[/]"
        table.add_row(mark, row.what, f"{row.value:,.2f} {row.unit}".strip(), row.target)
    Console().print(table)
    if json:
        found.write(json)
    if plot:
        plot.write_text(draw(found.detail), "utf-8")
    if not found.met and not quick:
        raise typer.Exit(1)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(10 <= number <= 1_000_000 for number in found):
        raise NoSuchBenchError(f"--sizes {text}: give numbers from 10 to 1000000 (1000,10000).")
    return found
