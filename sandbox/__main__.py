"""`python -m sandbox`: runs the sandbox until a signal, and says where it is and what happens."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from sandbox.servers import Ports, Sandbox, SandboxConfig, start_sandbox
from sandbox.world import team_file

_ANY_PORT = "0 for a free one"


def run(
    *,
    cases: Annotated[int, typer.Option(min=0, help="Open cases")] = 300,
    closed: Annotated[int, typer.Option(help="Closed cases; -1 for a third of the open ones")] = -1,
    seed: Annotated[int, typer.Option(help="Another seed, another world")] = 1,
    live: Annotated[float, typer.Option(min=0, help="Seconds between events; 0 for none")] = 5.0,
    port: Annotated[
        int, typer.Option(min=0, max=65_000, help=f"First of four ports in a row, {_ANY_PORT}")
    ] = 8090,
    portal_port: Annotated[int, typer.Option(help=f"Port of the Portal, {_ANY_PORT}")] = -1,
    jira_port: Annotated[int, typer.Option(help=f"Port of JIRA, {_ANY_PORT}")] = -1,
    bugzilla_port: Annotated[int, typer.Option(help=f"Port of Bugzilla, {_ANY_PORT}")] = -1,
    slack_port: Annotated[int, typer.Option(help=f"Port of Slack, {_ANY_PORT}")] = -1,
    webhook_url: Annotated[str, typer.Option(help="Where JIRA sends its webhooks")] = "",
    slack_request_url: Annotated[str, typer.Option(help="Where Slack sends requests")] = "",
    hydra: Annotated[bool, typer.Option("--hydra", help="Settings for the older dialect")] = False,
    data_center: Annotated[
        bool, typer.Option("--data-center", help="JIRA Data Center, not Cloud")
    ] = False,
    expires_in: Annotated[float, typer.Option(min=1, help="Seconds a token is good for")] = 900.0,
    env_file: Annotated[Path | None, typer.Option(help="Write the settings there")] = None,
    team: Annotated[Path | None, typer.Option(help="Write the team file there")] = None,
) -> None:
    """Serve Portal, JIRA, Bugzilla and Slack of a generated world on loopback."""
    row = Ports.beginning_at(port)
    named = (portal_port, jira_port, bugzilla_port, slack_port)
    in_row = (row.portal, row.jira, row.bugzilla, row.slack)
    ports = Ports(*(one if one >= 0 else other for one, other in zip(named, in_row, strict=True)))
    config = SandboxConfig(
        cases=cases,
        closed=None if closed < 0 else closed,
        seed=seed,
        live=live,
        ports=ports,
        webhook_url=webhook_url,
        slack_request_url=slack_request_url,
        portal_api="hydra" if hydra else "graphql",
        cloud=not data_center,
        expires_in=expires_in,
        tell=_tell,
    )
    try:
        asyncio.run(_serve(config, env_file, team))
    except OSError as error:
        typer.echo(f"{error.strerror or error}. Choose other ports.", err=True)
        raise typer.Exit(1) from None


async def _serve(config: SandboxConfig, env_file: Path | None, team: Path | None) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    async with start_sandbox(config) as sandbox:
        if env_file:
            _write(env_file, _as_lines(sandbox))
        if team:
            world = sandbox.world
            _write(team, team_file(world.engineers, world.accounts, cloud=config.cloud))
        _introduce(sandbox)
        await ended.wait()


def _introduce(sandbox: Sandbox) -> None:
    world = sandbox.world
    typer.echo(
        f"{len(world.open_cases())} open cases, {len(world.cards)} cards, "
        f"{len(world.defects)} defects, {len(world.bugs)} bugs, "
        f"{len(world.escalations)} escalations (seed {world.seed})"
    )
    for name, url in sandbox.urls.items():
        typer.echo(f"{name:<9} {url}")


def _tell(told: str) -> None:
    print(f"• {told}", flush=True)


def _as_lines(sandbox: Sandbox) -> str:
    return "".join(f'{name}="{value}"\n' for name, value in sandbox.env().items())


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    typer.run(run)
