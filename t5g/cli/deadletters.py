"""`t5g deadletters`: JIRA's events that could not be applied: look, try again, drop."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from redis.asyncio import Redis
from rich.console import Console

from t5g.audit import Outcome
from t5g.cli import terminal
from t5g.cli.terminal import ago, moment, new_table, record
from t5g.errors import NotFoundError
from t5g.inbox import DeadLetter
from t5g.jira_intake import Drained, open_inbox, open_intake
from t5g.settings import Settings

SHOWN = 50

deadletters = typer.Typer(
    help="Events of JIRA that could not be applied yet.", invoke_without_command=True
)
LetterId = Annotated[str, typer.Argument(help="The id of a letter, or how it begins")]
All = Annotated[bool, typer.Option("--all", help="Every letter")]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(deadletters, name="deadletters")


@deadletters.callback()
def overview(context: typer.Context) -> None:
    """Without a word of its own: list them."""
    if context.invoked_subcommand is None:
        show_all()


@deadletters.command("list")
def show_all() -> None:
    """List the letters, the oldest first, with the error that keeps each of them."""

    async def read(settings: Settings, redis: Redis) -> tuple[int, list[DeadLetter]]:
        inbox = open_inbox(settings, redis)
        return await inbox.count(), await inbox.letters(limit=SHOWN)

    count, letters = terminal.run(read)
    console = Console(highlight=False)
    if not letters:
        console.print("Every event of JIRA was applied.")
        return
    now = time.time()
    table = new_table("Dead letters", "id", "event", "issue", "came", "tried", "next try", "error")
    for letter in letters:
        table.add_row(
            letter.id, letter.name, letter.subject, ago(letter.received, now),
            f"{letter.attempts} ×", _until(letter.next_try, now), letter.error,
        )  # fmt: skip
    console.print(table)
    if count > len(letters):
        console.print(f"… and {count - len(letters)} more.")
    console.print("`t5g deadletters show ID` shows one whole, `replay ID` tries it now.")


@deadletters.command("show")
def show(letter: LetterId) -> None:
    """Show a letter whole: the error, the headers that came with it, and the body."""
    found = terminal.run(lambda settings, redis: _find(settings, redis, letter))
    console = Console(highlight=False)
    for name, value in (
        ("id", found.id), ("event", found.name), ("issue", found.subject),
        ("happened", moment(found.event_at)), ("came", moment(found.received)),
        ("tried", f"{found.attempts} ×, last {moment(found.tried)}"), ("error", found.error),
        *found.headers.items(),
    ):  # fmt: skip
        console.print(f"[dim]{name:<10}[/] ", end="")
        console.print(terminal.plain(value))
    console.print(terminal.plain(_readable(found)), soft_wrap=True)


@deadletters.command("replay")
def replay(
    letter: Annotated[str, typer.Argument(help="The id of a letter, or how it begins")] = "",
    all_: All = False,
) -> None:
    """Try a letter now, or all of them in their order; exit code 1 if one stays."""
    _one_or_all(letter, all_)

    async def work(settings: Settings, redis: Redis) -> tuple[Drained, str]:
        intake = open_intake(settings, redis)
        now = datetime.now(UTC)
        if all_:
            done, error = await intake.drain_all(now=now), ""
        else:
            error = await intake.replay(await _find(settings, redis, letter), now=now)
            done = Drained(applied=int(not error), failed=int(bool(error)))
        outcome = Outcome.FAILED if done.failed else Outcome.DONE
        await record(settings, redis, "deadletters replay", letter or "all", outcome)
        return done, error

    drained, error = terminal.run(work)
    typer.echo(f"{drained.applied} applied, {drained.failed} stay." if all_ else (
        f"It stays: {error}" if error else "Applied."
    ))  # fmt: skip
    if drained.failed:
        raise typer.Exit(1)


@deadletters.command("drop")
def drop(
    letter: Annotated[str, typer.Argument(help="The id of a letter, or how it begins")] = "",
    all_: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Forget a letter, or all of them; the next sync brings what JIRA has."""
    _one_or_all(letter, all_)

    async def chosen(settings: Settings, redis: Redis) -> Sequence[DeadLetter]:
        if all_:
            inbox = open_inbox(settings, redis)
            return await inbox.letters(limit=await inbox.count())
        return [await _find(settings, redis, letter)]

    letters = terminal.run(chosen)
    if not yes:
        typer.confirm(f"Forget {len(letters)}? What they say is lost", abort=True)

    async def work(settings: Settings, redis: Redis) -> int:
        intake = open_intake(settings, redis)
        dropped = sum([await intake.drop(one) for one in letters])
        await record(settings, redis, "deadletters drop", letter or f"all, {dropped}")
        return dropped

    typer.echo(f"{terminal.run(work)} dropped.")


def _one_or_all(letter: str, everything: bool) -> None:
    if bool(letter) == everything:
        raise typer.BadParameter("name one letter, or say --all")


async def _find(settings: Settings, redis: Redis, wanted: str) -> DeadLetter:
    inbox = open_inbox(settings, redis)
    if exact := await inbox.get(wanted):
        return exact
    found = [
        letter
        for letter in await inbox.letters(limit=await inbox.count())
        if letter.id.startswith(wanted)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFoundError(f"{len(found)} letters begin with “{wanted}”; write more of the id.")
    raise NotFoundError(f"No letter is “{wanted}”; `t5g deadletters list` shows them.")


def _readable(letter: DeadLetter) -> str:
    """Return the body indented if it is JSON, else as it came."""
    try:
        return msgspec.json.format(letter.raw, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return letter.raw.decode(errors="backslashreplace")


def _until(at: float, now: float) -> str:
    return f"in {terminal.seconds(at - now)}" if at > now else "now"
