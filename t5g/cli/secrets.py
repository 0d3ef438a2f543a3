"""`t5g secrets`: secrets encrypted at rest, in one file that may be backed up or committed.

Values are typed or piped in, never given as arguments, and never shown.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from t5g.cli.terminal import new_table
from t5g.errors import NotFoundError, SettingsError
from t5g.setting_sources import PREFIX, VaultPlace
from t5g.settings import secret_names
from t5g.vault import Vault, new_key

LONGEST = 100_000

secrets = typer.Typer(help="Secrets encrypted at rest.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A secret's setting: T5G_JIRA_TOKEN, or jira_token")]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(secrets, name="secrets")


@secrets.command("key")
def make_key() -> None:
    """Print a new key: for T5G_SECRETS_KEY_FILE. Whoever has it reads every secret of the file."""
    typer.echo(new_key())
    typer.echo("Keep it apart from the file: another disk, a secret of the container.", err=True)


@secrets.command("set")
def put(name: Name) -> None:
    """Keep a secret; it is asked for, or read from standard input."""
    known = _known(name)
    vault = _vault()
    if sys.stdin.isatty():
        value = typer.prompt(known, hide_input=True, confirmation_prompt=True)
    else:
        value = sys.stdin.read(LONGEST + 1)
    value = value.strip()
    if not value:
        raise typer.BadParameter("nothing came: type the value, or pipe it in")
    if len(value) > LONGEST:
        raise typer.BadParameter(f"more than {LONGEST:,} characters are no secret")
    vault.put(known, value)
    typer.echo(f"{known} is kept in {_path()}.")


@secrets.command("list")
def show_all() -> None:
    """List what is kept and since when; no value is shown."""
    kept = _vault().set_at()
    if not kept:
        typer.echo("Nothing is kept yet; `t5g secrets set NAME` keeps a secret.")
        return
    table = new_table(str(_path()), "secret", "set")
    for name, at in kept.items():
        table.add_row(name, at)
    Console(highlight=False).print(table)


@secrets.command("remove")
def remove(name: Name) -> None:
    """Forget a secret."""
    known = _known(name)
    if not _vault().remove(known):
        raise NotFoundError(f"{known} is not kept in {_path()}.")
    typer.echo(f"{known} is forgotten.")


@secrets.command("rotate")
def rotate() -> None:
    """Encrypt everything anew with the first of the keys in T5G_SECRETS_KEY ("NEW OLD")."""
    count = _vault().rotate()
    typer.echo(f"{count} encrypted with the first key; the others may go now.")


def _known(name: str) -> str:
    """Return the variable of a secret. Raises NotFoundError."""
    wanted = name.strip().lower().removeprefix(PREFIX.lower())
    if wanted not in secret_names():
        names = ", ".join(PREFIX + one.upper() for one in secret_names())
        raise NotFoundError(f"{name!r} is no secret. Secrets are {names}.")
    return PREFIX + wanted.upper()


def _path() -> Path:
    path = VaultPlace().secrets_file
    if path is None:
        raise SettingsError(["T5G_SECRETS_FILE is missing: the file that keeps the secrets"])
    return path


def _vault() -> Vault:
    return Vault(_path(), VaultPlace().secrets_key.get_secret_value())
