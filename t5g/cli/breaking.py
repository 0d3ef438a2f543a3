"""`t5g chaos`: tries to break a made-up world's whole program, and says what held."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from t5g.cli.world import PortalApi

if TYPE_CHECKING:
    from bench.chaos.run import Options

#: Disasters a second, unless their number is given.
DENSITY = 1.0
SOAK_SECONDS = 7_200.0


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(chaos)


def chaos(  # noqa: PLR0917 (options of a command)
    seed: Annotated[int, typer.Option(help="The same seed draws the same disasters")] = 1,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long bad days last; 0: two minutes, a soak two hours")
    ] = 0.0,
    disasters: Annotated[int, typer.Option(min=0, help="How many there are; 0: one a second")] = 0,
    cases: Annotated[int, typer.Option(min=1, max=10_000, help="Open cases in the world")] = 60,
    portal_api: Annotated[
        PortalApi, typer.Option(help="Dialect of the Portal; only hydra tells bugs")
    ] = PortalApi.HYDRA,
    data_center: Annotated[
        bool, typer.Option("--data-center", help="JIRA is a Data Center, not Cloud")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would go wrong when")] = False,
    soak: Annotated[
        bool,
        typer.Option(
            "--soak", help="No disasters: ten times the normal rate, and nothing may grow"
        ),
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Keep data and logs there (else they are thrown away)")
    ] = None,
) -> None:
    """Kill, freeze and starve the program while a made-up world lives; exit code 1 if it broke.

    Everything runs on this machine with a Redis of its own; no real upstream is spoken to.
    """
    from bench.chaos.run import Options

    lasts = seconds or (SOAK_SECONDS if soak else 120.0)
    place = folder or Path(tempfile.mkdtemp(prefix="t5g-chaos-"))
    options = Options(
        folder=place, seed=seed, seconds=lasts, count=disasters or int(lasts * DENSITY),
        cases=cases, dialect=portal_api.value, cloud=not data_center,
    )  # fmt: skip
    console = Console(highlight=False)
    if plan:
        for disaster in options.plan():
            console.print(str(disaster), markup=False)
        return

    def tell(text: str) -> None:
        console.print(text, markup=False)

    try:
        wrong = _soaked(options, tell) if soak else _broken(options, tell)
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
    for sentence in wrong:
        console.print(f"✗ {sentence}", markup=False, style="red")
    if wrong:
        raise typer.Exit(1)


def _broken(options: "Options", tell: Callable[[str], None]) -> list[str]:
    from bench.chaos.run import run

    report = asyncio.run(run(options, tell))
    _counts("disaster", report.toll.done, "times")
    _counts("asked, and what came", report.seen.counts, "times")
    died = ", ".join(f"{name} {times} times" for name, times in sorted(report.deaths.items()))
    tell(
        f"Seed {options.seed}: {report.toll.total} disasters, {report.survived} survived; "
        f"{report.cases} cases, {report.digests} digests; died: {died or 'nothing'}; at rest "
        f"{report.settled:.0f} s after the last; {report.seconds:.0f} s in all."
    )
    return report.wrong


def _soaked(options: "Options", tell: Callable[[str], None]) -> list[str]:
    from bench.chaos.soak import soak

    found = asyncio.run(soak(options.folder, options.seconds, options.seed, tell))
    table = Table("", "first", "second quarter", "last quarter", box=None, pad_edge=False)
    for name, *values in found.gauges.table():
        table.add_row(name, *(f"{value:,.1f}" for value in values))
    Console(highlight=False).print(table)
    _counts("asked, and what came", found.seen.counts, "times")
    tell(f"{found.seconds:.0f} s at ten times the normal rate.")
    return found.wrong


def _counts(title: str, counts: dict[str, int], unit: str) -> None:
    table = Table(title, unit, box=None, pad_edge=False)
    for name, count in sorted(counts.items()):
        table.add_row(name, f"{count:,}")
    Console(highlight=False).print(table)
