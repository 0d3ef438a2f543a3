"""`t5g`: the table of contents of all commands, and how errors are told at a terminal."""

import sys
from typing import NoReturn

import typer
from rich.console import Console

from t5g.cli import (
    access,
    asking,
    audit,
    backup,
    breaking,
    cards,
    checking,
    deadletters,
    jobs,
    measuring,
    processes,
    secrets,
    syncing,
    webhook,
    world,
)
from t5g.errors import SettingsError, T5GError

app = typer.Typer(
    help="The T5G field support bot: cases, cards and escalations in one place.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
for part in (
    world,
    processes,
    syncing,
    asking,
    checking,
    access,
    secrets,
    audit,
    backup,
    jobs,
    deadletters,
    webhook,
    cards,
    measuring,
    breaking,
):
    part.add_commands(app)


def main() -> NoReturn:
    """Run a command; a known error is a sentence, not a traceback."""
    errors = Console(stderr=True, highlight=False)
    try:
        app()
    except SettingsError as error:
        errors.print("The settings are not usable:", style="bold red")
        for line in error.lines:
            errors.print(f"  • {line}", markup=False)
        errors.print("See .env.example and docs/configuration.md.", style="dim")
        sys.exit(2)
    except T5GError as error:
        errors.print(str(error), style="red", markup=False)
        sys.exit(1)
    sys.exit(0)
