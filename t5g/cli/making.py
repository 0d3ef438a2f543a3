"""Makes the command line out of its parts, and runs it: how errors are told at a terminal."""

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import NoReturn

import typer

from t5g.errors import SettingsError, T5GError


def make_app(parts: Iterable[ModuleType]) -> typer.Typer:
    """Return the command `t5g` with the commands of these modules."""
    app = typer.Typer(
        help="The T5G field support bot: cases, cards and escalations in one place.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
    )
    for part in parts:
        part.add_commands(app)
    return app


def run(app: typer.Typer) -> NoReturn:
    """Run a command; a known error is a sentence, not a traceback."""
    try:
        app()
    except SettingsError as error:
        _say("The settings are not usable:", style="bold red")
        for line in error.lines:
            _say(f"  • {line}")
        _say("See .env.example and docs/configuration.md.", style="dim")
        sys.exit(2)
    except T5GError as error:
        _say(str(error), style="red")
        sys.exit(1)
    sys.exit(0)


def _say(text: str, style: str = "") -> None:
    from rich.console import Console  # of no use to a process that starts well

    Console(stderr=True, highlight=False).print(text, style=style, markup=False)
