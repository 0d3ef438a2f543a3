"""`t5g export FILE` and `t5g import FILE`: what can not be rebuilt, out of Redis and back."""

import time
from pathlib import Path
from typing import Annotated

import typer
from redis.asyncio import Redis
from rich.console import Console

from t5g.backup import export, restore
from t5g.backup_file import Contents, look
from t5g.cli import terminal
from t5g.cli.terminal import new_table, record
from t5g.errors import RefusedError
from t5g.heartbeat import KINDS, alive
from t5g.key_owners import owner_of
from t5g.keys import Keys
from t5g.settings import Settings

File = Annotated[Path, typer.Argument(help="The file", dir_okay=False)]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command("export")(write)
    app.command("import")(read)


def write(file: File) -> None:
    """Write statistics, audit log, watches, digests and tokens' hashes into one file."""

    async def work(settings: Settings, redis: Redis) -> Contents:
        contents = await export(redis, Keys(settings.redis_prefix), file)
        await record(settings, redis, "export", f"{len(contents.keys)} keys into a backup")
        return contents

    _show(terminal.run(work), f"Written: {file}")


def read(
    file: File,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the file in the place of what is there")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the file, and say what it holds")
    ] = False,
) -> None:
    """Read such a file back: all of it, or nothing. Stop the processes first."""
    if check:
        _show(look(file), f"{file} is whole.")
        return

    async def work(settings: Settings, redis: Redis) -> Contents:
        keys = Keys(settings.redis_prefix)
        running = [kind for kind in KINDS if await alive(redis, keys, kind, time.time())]
        if running:
            raise RefusedError(
                f"Still alive: {', '.join(running)}. Stop every process, then import."
            )
        contents = await restore(redis, keys, file, replace=replace)
        await record(settings, redis, "import", f"{len(contents.keys)} keys of {file.name}")
        return contents

    _show(terminal.run(work), f"Read: {file}. Start the processes; the syncs bring the rest.")


def _show(contents: Contents, said: str) -> None:
    table = new_table(f"Made {contents.header.made}", "what", "keys", "entries")
    sums: dict[str, tuple[int, int]] = {}
    for key, count in contents.keys.items():
        owned = owner_of(key)
        what = owned.what if owned else key
        known = sums.get(what, (0, 0))
        sums[what] = (known[0] + 1, known[1] + count)
    for what, (number, count) in sums.items():
        table.add_row(what, f"{number:,}", f"{count:,}")
    console = Console(highlight=False)
    console.print(table)
    console.print(said, markup=False)
