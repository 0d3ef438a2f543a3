"""Everything in one go on this machine: `t5g demo` on the sandbox, `t5g up` for real."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from redis import Redis as SyncRedis
from rich.console import Console
from rich.markup import escape

from t5g.cli.processes import DEMO
from t5g.cli.reloading import renew_what_changes
from t5g.embedded_redis import EmbeddedRedis
from t5g.errors import T5GError
from t5g.hazards import refuse_dangerous
from t5g.logs import setup_logging
from t5g.setting_sources import PREFIX
from t5g.settings import Part, Settings, load_settings
from t5g.supervisor import Child, LogFiles, State, Status, Supervisor, free_port

STYLES = {
    State.READY: "green",
    State.SLOW: "yellow",
    State.DIED: "red",
    State.RESTARTING: "yellow",
}
WORKERS = 2
FIRST_SYNCS = 180.0
PARTS = ("web", "worker", "scheduler")
#: Whatever is set for the real installation: the demo's page is for this machine.
ON_LOOPBACK = {
    "T5G_AUTH": "none", "T5G_HTTP_HOST": "127.0.0.1", "T5G_PUBLIC_URL": "",
    "T5G_TRUSTED_PROXIES": "", "T5G_LOG_FORMAT": "json",
}  # fmt: skip
NEEDS: tuple[Part, ...] = ("portal", "jira", "bugzilla", "slack", "webhook")


class PortalApi(StrEnum):
    """The dialects of the Portal that the sandbox speaks."""

    GRAPHQL = "graphql"
    HYDRA = "hydra"


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(demo)
    app.command()(dev)
    app.command()(up)


def demo(  # noqa: PLR0917 (options of a command)
    cases: Annotated[int, typer.Option(min=1, max=100_000, help="Open cases in the world")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, another world")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65_000, help="Port of the page")] = 8080,
    still: Annotated[bool, typer.Option("--still", help="Nothing happens by itself")] = False,
    portal_api: Annotated[
        PortalApi, typer.Option(help="Dialect of the Portal; only hydra tells bugs and crit sits")
    ] = PortalApi.HYDRA,
    socket_mode: Annotated[
        bool, typer.Option("--socket-mode", help="Slack reaches the bot by a web socket")
    ] = False,
) -> None:
    """Run everything with a made-up world: Portal, JIRA, Bugzilla and Slack of the sandbox."""
    _run_demo(cases, seed, port, still=still, portal_api=portal_api, socket_mode=socket_mode)


def dev(
    cases: Annotated[int, typer.Option(min=1, max=100_000, help="Open cases in the world")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed, another world")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65_000, help="Port of the page")] = 8080,
    still: Annotated[bool, typer.Option("--still", help="Nothing happens by itself")] = False,
) -> None:
    """Run the demo for whoever works on the code: what changes is loaded anew at once."""
    _run_demo(cases, seed, port, still=still, portal_api=PortalApi.HYDRA, reloading=True)


def _run_demo(
    cases: int, seed: int, port: int, *, still: bool, portal_api: PortalApi,
    reloading: bool = False, socket_mode: bool = False,
) -> None:  # fmt: skip
    from sandbox.servers import Ports, demo_environment
    from t5g.cli.past import write_past

    console = Console(highlight=False)
    data_dir = load_settings().data_dir.absolute()
    page, ports = _free_ports(console, port)
    base = f"http://127.0.0.1:{page}"
    team = data_dir / DEMO / "team.toml"
    sandbox_ports = Ports(*ports)
    command = [
        *_python("sandbox"), "--cases", str(cases), "--seed", str(seed),
        "--portal-port", str(ports[0]), "--jira-port", str(ports[1]),
        "--bugzilla-port", str(ports[2]), "--slack-port", str(ports[3]),
        "--webhook-url", f"{base}/webhooks/jira", "--slack-request-url", f"{base}/slack/events",
        "--live", "0" if still else "4", "--team", str(team),
    ]  # fmt: skip
    urls = {"page": base, **sandbox_ports.urls()}
    sandbox = Child("sandbox", command, ready=f"{urls['slack']}/_sandbox/state", first=True)
    env = demo_environment(sandbox_ports, portal_api=portal_api.value)
    env[f"{PREFIX}TEAM_FILE"] = str(team)
    with _own_redis(data_dir / DEMO, fresh=True) as redis_url:
        shared = {**env, **_shared(data_dir, redis_url, page), **ON_LOOPBACK}
        children = [sandbox, *_children(shared, page), *([_bot(shared)] if socket_mode else [])]
        settings = load_settings(env={"redis_url": redis_url})

        async def remember() -> None:
            await write_past(settings, time.time())

        world = World(
            console, data_dir, urls, children, settled=base, remember=remember, reloading=reloading
        )
        asyncio.run(world.run())


def up() -> None:
    """Run all processes on this machine against the real upstreams."""
    settings = load_settings(NEEDS)
    refuse_dangerous(settings)
    setup_logging(settings)
    console = Console(highlight=False)
    data_dir = settings.data_dir.absolute()
    page = _announced_port(console, settings.http_port, settings.http_host)
    if settings.redis_url:
        _run_up(console, data_dir, _shared(data_dir, settings.redis_url, page), settings)
        return
    with _own_redis(data_dir, fresh=False) as redis_url:
        _run_up(console, data_dir, _shared(data_dir, redis_url, page), settings)


def _run_up(
    console: Console, data_dir: Path, shared: Mapping[str, str], settings: Settings
) -> None:
    page = int(shared[f"{PREFIX}HTTP_PORT"])
    urls = {"page": settings.public_url or f"http://{settings.http_host}:{page}"}
    children = _children(shared, page)
    if settings.slack_app_token.get_secret_value():
        children.append(_bot(shared))
    asyncio.run(World(console, data_dir, urls, children).run())


def _children(env: Mapping[str, str], page: int) -> list[Child]:
    ready = f"http://127.0.0.1:{page}/healthz"
    return [
        Child("web", _python("t5g", "web"), env, ready=ready, first=True),
        Child("worker", _python("t5g", "worker", "--count", str(WORKERS)), env),
        Child("scheduler", _python("t5g", "scheduler"), env),
    ]


def _bot(env: Mapping[str, str]) -> Child:
    return Child("bot", _python("t5g", "bot"), env)


def _python(module: str, *args: str) -> list[str]:
    return [sys.executable, "-m", module, *args]


def _shared(data_dir: Path, redis_url: str, page: int) -> dict[str, str]:
    return {
        f"{PREFIX}REDIS_URL": redis_url,
        f"{PREFIX}DATA_DIR": str(data_dir),
        f"{PREFIX}HTTP_PORT": str(page),
    }


@contextmanager
def _own_redis(folder: Path, *, fresh: bool) -> Iterator[str]:
    """Run the embedded Redis. `fresh`: a demo's world is new, and so is the memory of it."""
    with EmbeddedRedis(folder) as redis:
        if fresh:
            with SyncRedis.from_url(redis.url) as client:
                client.flushall()
        yield redis.url


def _free_ports(console: Console, wanted: int) -> tuple[int, list[int]]:
    page = _announced_port(console, wanted, "127.0.0.1")
    ports: list[int] = []
    for offset in range(1, 5):
        ports.append(free_port(page + 10 + offset if wanted else 0, taken={page, *ports}))
    return page, ports


def _announced_port(console: Console, wanted: int, host: str) -> int:
    try:
        found = free_port(wanted, host=host)
    except OSError as error:
        raise T5GError(f"The page can not listen: {error}. Choose another --port.") from error
    if wanted and found != wanted:
        console.print(f"Port {wanted} is busy; the page is on {found}.", style="yellow")
    return found


def _all_synced(readiness: dict[str, Any]) -> bool:
    """Say whether each source was synced once."""
    return all(sync["age"] is not None for sync in readiness.get("syncs", {}).values())


@dataclass
class World:
    """Processes side by side until Ctrl-C, told to the person in lines.

    `settled`: the address of a page whose `/readyz` tells that the first syncs are done; then
    `remember` is called, once.
    `reloading`: processes whose code changes start anew.
    """

    console: Console
    data_dir: Path
    urls: dict[str, str]
    children: Sequence[Child]
    settled: str = ""
    remember: Callable[[], Awaitable[None]] | None = None
    reloading: bool = False
    started: float = field(default_factory=time.monotonic)
    ready: bool = False

    async def run(self) -> None:
        """Run until a signal; returns when all have stopped."""
        logs = LogFiles(self.data_dir / "logs")
        self.supervisor = Supervisor(self.children, on_status=self._told, on_line=self._line(logs))
        self._write()
        beside = [asyncio.create_task(self._tell_when_ready())]
        if self.reloading:
            beside.append(asyncio.create_task(renew_what_changes(self.supervisor, self._changed)))
        try:
            await self.supervisor.run()
        finally:
            for task in beside:
                task.cancel()
            (self.data_dir / "demo.json").unlink(missing_ok=True)
        self.console.print("Stopped.")

    def _line(self, logs: LogFiles) -> Callable[[str, str], None]:
        def line(name: str, text: str) -> None:
            logs(name, text)
            if name == "sandbox" and text.startswith("• "):
                self.console.print(f"[dim]{escape(text)}[/]")

        return line

    def _changed(self, files: Sequence[Path]) -> None:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        self.console.print(f"\n{files[0]}{more} changed", style="bold", markup=False)

    def _told(self, status: Status) -> None:
        self.console.print(escape(str(status)), style=STYLES.get(status.state, "dim"))
        self._write()

    async def _tell_when_ready(self) -> None:
        await self.supervisor.wait_ready()
        if self.settled and not await self._synced():
            why = f"The first syncs are not done yet; see {self.data_dir / 'logs'}"
            self.console.print(why, style="yellow")
        elif self.remember is not None:
            await self.remember()
        self.ready = True
        self._write()
        took = time.monotonic() - self.started
        self.console.print(f"\nReady after {took:.1f} s. Look at", style="bold")
        for name, url in self.urls.items():
            self.console.print(f"  {name:<9} [link={url}]{url}[/link]")
        self.console.print("Ctrl-C stops everything.\n", style="dim")

    async def _synced(self) -> bool:
        """Wait until every source has been synced once."""
        import httpx

        deadline = time.monotonic() + FIRST_SYNCS
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while time.monotonic() < deadline:
                try:
                    answer = await client.get(f"{self.settled}/readyz")
                    if answer.status_code == httpx.codes.OK and _all_synced(answer.json()):
                        return True
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.2)
        return False

    def _write(self) -> None:
        """Write down where everything is, for programs."""
        found = {
            "ready": self.ready,
            "urls": self.urls,
            "pids": self.supervisor.pids() | {"demo": os.getpid()},
        }
        path = self.data_dir / "demo.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(found), encoding="utf-8")
        fresh.replace(path)
