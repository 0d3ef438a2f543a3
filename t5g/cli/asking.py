"""Ask from a terminal what Slack would answer: `t5g ask`, `t5g digest`, `t5g manifest`."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console

from t5g.cli.processes import ready
from t5g.settings import load_settings


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(ask)
    app.command()(digest)
    app.command()(manifest)


def ask(
    text: Annotated[
        list[str], typer.Argument(help="What would follow the slash command, e.g. cases sla:risk")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON")] = False,
) -> None:
    """Answer TEXT as `/t5g TEXT` would."""
    from bot.terminal import ask_once

    failed = asyncio.run(ask_once(ready(), " ".join(text), as_json=as_json, console=Console()))
    if failed:
        raise typer.Exit(1)


def digest(
    channel: Annotated[str, typer.Option(help="Channel id (default: the digest channel)")] = "",
    dry_run: Annotated[bool, typer.Option(help="Print it here; post nothing")] = False,
) -> None:
    """Post the digest now."""
    from bot.terminal import digest_once

    settings = ready() if dry_run else ready("slack")
    asyncio.run(digest_once(settings, channel, dry_run=dry_run, console=Console()))


def manifest() -> None:
    """Print the Slack app manifest of this installation as JSON."""
    from bot.manifest import manifest as made

    typer.echo(json.dumps(made(load_settings()), indent=2, ensure_ascii=False))
