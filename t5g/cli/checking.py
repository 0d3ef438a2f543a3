"""`t5g check` looks at every part; `t5g health NAME` is the health check of one process."""

import asyncio
import socket
import time
from typing import Annotated

import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from t5g.checks import (
    Check,
    CheckResult,
    clock_check,
    events_check,
    redis_check,
    run_checks,
    team_check,
)
from t5g.cli import terminal
from t5g.cli.processes import ready
from t5g.connection import open_redis
from t5g.hazards import found as hazards_of
from t5g.heartbeat import KINDS, alive
from t5g.key_owners import Found, strangers
from t5g.keys import Keys
from t5g.settings import Part, Settings

ALL_PARTS: tuple[Part, ...] = ("portal", "jira", "bugzilla", "slack", "webhook")


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(check)
    app.command()(health)


def check(
    keys: Annotated[
        bool, typer.Option("--keys", help="Look at the keys in Redis instead: list strangers")
    ] = False,
) -> None:
    """Check the settings and look at every upstream, a line each; exit code 1 on any failure."""
    if keys:
        _check_keys()
        return
    settings = ready()
    results = asyncio.run(_checked(settings))
    missing = [
        CheckResult("settings", False, f"{name} is missing", why)
        for name, why in settings.missing(ALL_PARTS)
    ]
    unsafe = [
        CheckResult("settings", not hazard.dangerous, hazard.sentence, unsafe=True)
        for hazard in hazards_of(settings)
    ]
    shown = missing + unsafe + results
    Console().print(_table(shown))
    if not all(result.ok for result in shown):
        raise typer.Exit(1)


def _check_keys() -> None:
    """List the keys that nobody owns, and those that should end by themselves and do not."""

    async def look(settings: Settings, redis: Redis) -> list[Found]:
        return [found async for found in strangers(redis, Keys(settings.redis_prefix))]

    wrong = terminal.run(look)
    console = Console(highlight=False)
    for found in wrong:
        console.print(f"{found.key}: {found.why}", markup=False)
    if wrong:
        raise typer.Exit(1)
    console.print("Every key in Redis has an owner, and a reason to end or to stay.")


async def _checked(settings: Settings) -> list[CheckResult]:
    from bot.checks import slack_checks
    from webhooks.saml.provider import login_check
    from workers.checks import upstream_checks

    redis = open_redis(settings.redis_url)
    keys = Keys(settings.redis_prefix)
    try:
        checks: list[Check] = [
            team_check(settings.team_file),
            login_check(settings),
            redis_check(redis, keys),
            clock_check(redis, keys),
            events_check(redis, keys),
            *upstream_checks(settings, redis),
            *slack_checks(settings),
        ]
        return await run_checks(checks)
    finally:
        await redis.aclose()


def _table(results: list[CheckResult]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for result in results:
        mark = "[green]ok[/]" if result.ok else "[red]fails[/]"
        if result.unsafe:
            mark = "[yellow]unsafe[/]" if result.ok else "[red]unsafe[/]"
        text = result.found if result.ok or not result.hint else f"{result.found}. {result.hint}"
        table.add_row(mark, result.name, text)
    return table


def health(
    name: Annotated[str, typer.Argument(help=f"A kind of process: {', '.join(KINDS)}, or web")],
) -> None:
    """Say whether a process of this kind is alive on this machine; exit code 1 if not.

    For the health checks of containers: each asks about its own processes only.
    """
    settings = ready()
    if name == "web":
        alive_now = asyncio.run(_web_answers(settings))
    elif name in KINDS:
        alive_now = asyncio.run(_beats(settings, name))
    else:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(KINDS)}, web")
    typer.echo(f"{name}: {'alive' if alive_now else 'gives no sign'}")
    if not alive_now:
        raise typer.Exit(1)


async def _web_answers(settings: Settings) -> bool:
    import httpx

    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            answer = await client.get(f"http://127.0.0.1:{settings.http_port}/healthz")
        except httpx.HTTPError:
            return False
    return answer.status_code == httpx.codes.OK


async def _beats(settings: Settings, kind: str) -> bool:
    redis = open_redis(settings.redis_url)
    try:
        found = await alive(redis, Keys(settings.redis_prefix), kind, time.time())
        return any(one.name.startswith(f"{socket.gethostname()}.") for one in found)
    except (RedisError, OSError):
        return False
    finally:
        await redis.aclose()
