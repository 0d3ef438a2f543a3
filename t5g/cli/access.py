"""Who has access: `t5g token …` for scripts, `t5g sessions …` for people."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from redis.asyncio import Redis
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from t5g.addresses import same_address
from t5g.cli.terminal import record, run, who
from t5g.errors import NotFoundError
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.team import Role

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    token = typer.Typer(help="Tokens with which scripts ask the API.", no_args_is_help=True)
    token.command("create")(create_token)
    token.command("list")(list_tokens)
    token.command("revoke")(revoke_token)
    app.add_typer(token, name="token")
    sessions = typer.Typer(help="Logins of people at the page.", no_args_is_help=True)
    sessions.command("list")(list_sessions)
    sessions.command("revoke")(revoke_sessions)
    app.add_typer(sessions, name="sessions")


def create_token(
    name: Annotated[str, typer.Argument(help="What it is for, e.g. 'nightly report'")],
    role: Annotated[Role, typer.Option(help="What it may do")] = Role.VIEWER,
    days: Annotated[float, typer.Option(min=0, help="Days until it ends (0: never)")] = 0,
) -> None:
    """Make a token and print it, once: only a hash is kept."""

    async def work(settings: Settings, redis: Redis) -> str:
        from webhooks.access.tokens import Tokens

        keys = Keys(settings.redis_prefix)
        token, secret = await Tokens(redis, keys).create(name, role, days=days, by=who())
        detail = f"{token.id} {token.name}, {role.value}"
        await record(settings, redis, "token create", detail)
        return secret

    secret = run(work)
    Console(stderr=True).print("Give it as `Authorization: Bearer …`; it is not shown again.")
    typer.echo(secret)


def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens; what they are is not kept."""

    async def work(settings: Settings, redis: Redis) -> list[dict[str, str]]:
        from webhooks.access.tokens import Tokens

        found = await Tokens(redis, Keys(settings.redis_prefix)).list_all()
        return [
            {
                "id": token.id,
                "name": token.name,
                "role": token.role.value,
                "created": _moment(token.created),
                "ends": _moment(token.expires) or "never",
                "used": _moment(token.used) or "never",
                "by": token.by,
            }
            for token in found
        ]

    _show(run(work), as_json=as_json, empty="There are no tokens.")


def revoke_token(which: Annotated[str, typer.Argument(help="Id or name of the token")]) -> None:
    """Take a token away; it is refused from now on."""

    async def work(settings: Settings, redis: Redis) -> str:
        from webhooks.access.tokens import Tokens

        keys = Keys(settings.redis_prefix)
        token = await Tokens(redis, keys).revoke(which)
        await record(settings, redis, "token revoke", f"{token.id} {token.name}")
        return token.name

    typer.echo(f"Revoked: {run(work)}")


def list_sessions(as_json: AsJson = False) -> None:
    """List the logins that live, the last used first."""

    async def work(settings: Settings, redis: Redis) -> list[dict[str, str]]:
        from webhooks.access.sessions import Sessions

        return [
            {
                "id": session.short,
                "person": session.email or session.person,
                "name": session.name,
                "since": _moment(session.created),
                "used": _moment(session.seen),
                "from": session.address,
            }
            for session in await Sessions.of(settings, redis).list_all()
        ]

    _show(run(work), as_json=as_json, empty="Nobody is logged in.")


def revoke_sessions(
    which: Annotated[str, typer.Argument(help="Id of a session, or e-mail address of a person")],
) -> None:
    """End one login, or all logins of a person."""

    async def work(settings: Settings, redis: Redis) -> int:
        from webhooks.access.sessions import Sessions

        sessions = Sessions.of(settings, redis)
        found = [
            session
            for session in await sessions.list_all()
            if which in (session.short, session.person)
            or any(same_address(which, x) for x in (session.email, session.person))
        ]
        if not found:
            raise NotFoundError(f"No login is “{which}”; `t5g sessions list` shows them.")
        ended = sum([await sessions.end(session) for session in found])
        await record(settings, redis, "sessions revoke", which)
        return ended

    typer.echo(f"Ended: {run(work)}")


def _moment(at: float) -> str:
    """A moment for people: UTC, to the minute; "" for none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC") if at else ""


def _show(rows: list[dict[str, str]], *, as_json: bool, empty: str) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        typer.echo(empty)
        return
    table = Table(box=None, pad_edge=False)
    for title in rows[0]:
        table.add_column(title)
    for row in rows:
        table.add_row(*(escape(value) for value in row.values()))
    Console(soft_wrap=True).print(table)
