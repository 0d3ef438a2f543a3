"""Everything that runs: the sandbox in this process, a Redis and the program's own processes.

They are the same processes as `t5g demo` has, kept alive by the same supervisor; only cards are
made here (nothing outside is at risk), and calls give up sooner.
"""

import asyncio
import contextlib
import random
import sys
import time
import zoneinfo
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from redis.asyncio import Redis

from bench.chaos.errands import Going
from bench.chaos.zones import Zone
from bot.plans import EVERY_DAY, Plan, Plans
from sandbox.jira.webhooks import Misdelivery
from sandbox.servers import Dialect, Sandbox, SandboxConfig, start_sandbox
from sandbox.world import team_file
from t5g.board import Board
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.embedded_redis import EmbeddedRedis
from t5g.keys import Keys
from t5g.setting_sources import PREFIX
from t5g.settings import Settings
from t5g.supervisor import Child, LogFiles, Pace, State, Status, Supervisor, free_port

WORKERS = 2
READY_WITHIN = 120.0
#: Redeliveries of JIRA come in seconds here, not in minutes.
REDELIVERY, PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0), 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is to be run.

    `cloud`: JIRA is one, no Data Center. `timeout`: seconds after which a call is given up.
    """

    folder: Path
    seed: int = 1
    cases: int = 60
    dialect: Dialect = "hydra"
    cloud: bool = True
    timeout: float = 2.0
    zones: Sequence[Zone] = ()
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Stage:
    """All that is running."""

    play: Play
    sandbox: Sandbox
    redis: EmbeddedRedis
    supervisor: Supervisor
    env: dict[str, str]
    page: str
    http: httpx.AsyncClient
    life: Going
    statuses: list[Status] = field(default_factory=list)
    begun: float = field(default_factory=time.time)
    #: The zone in which each channel's digest is due, by the channel's id.
    digests: dict[str, Zone] = field(default_factory=dict)

    def settings(self) -> Settings:
        """The settings that the processes have."""
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in self.env.items()
            if name.startswith(PREFIX) and "__" not in name
        }
        return Settings(_env_file=None, **given)  # type: ignore[arg-type]

    @contextlib.asynccontextmanager
    async def board(self) -> AsyncIterator[tuple[Board, Redis]]:
        """A board of our own on the program's Redis."""
        settings = self.settings()
        redis = open_redis(settings.redis_url)
        try:
            store, syncs = open_store(settings, redis), open_syncs(settings, redis)
            yield Board(store, syncs, Rules.of(settings)), redis
        finally:
            await redis.aclose()

    @property
    def keys(self) -> Keys:
        """The names of the program's keys."""
        return Keys(self.settings().redis_prefix)

    def deaths(self) -> Counter[str]:
        """How often each process died."""
        return Counter(one.name for one in self.statuses if one.state is State.DIED)


@contextlib.asynccontextmanager
async def running(play: Play) -> AsyncIterator[Stage]:
    """Run it all until the block ends; returns when every process is ready."""
    play.folder.mkdir(parents=True, exist_ok=True)
    places = play.folder / "zones"
    for zone in play.zones:
        zone.write(places)
    zoneinfo.reset_tzpath(to=[places.absolute()])
    page = free_port(0)
    url = f"http://127.0.0.1:{page}"
    config = SandboxConfig(
        cases=play.cases, seed=play.seed, portal_api=play.dialect, cloud=play.cloud,
        webhook_url=f"{url}/webhooks/jira", slack_request_url=f"{url}/slack/events",
        redelivery=REDELIVERY, patience=PATIENCE,
    )  # fmt: skip
    async with start_sandbox(config) as sandbox:
        sandbox.webhooks.misdelivery = Misdelivery(duplicate_every=9, delay=0.3, seed=play.seed)
        team = play.folder / "team.toml"
        world = sandbox.world
        people = team_file(world.engineers, world.accounts, cloud=play.cloud)
        team.write_text(people, "utf-8")
        with EmbeddedRedis(play.folder) as redis:
            env = _environment(play, sandbox, redis.url, page, team, places)
            async with _processes(play, sandbox, redis, env, url) as stage:
                yield stage


def _environment(
    play: Play, sandbox: Sandbox, redis: str, page: int, team: Path, places: Path
) -> dict[str, str]:
    given = {
        "redis_url": redis, "data_dir": play.folder, "http_port": page, "team_file": team,
        "log_format": "json", "read_only": "false", "max_cards_per_run": 10_000,
        "jira_index_seconds": 0.5, "upstream_timeout": play.timeout, "upstream_attempts": 3,
        "upstream_backoff": 0.05, "page_rate": 1_000_000, **play.more,
    }  # fmt: skip
    if play.zones:
        given |= {"timezone": play.zones[0].name, "digest_at": play.zones[0].at}
    ours = {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}
    return {**sandbox.env(), **ours, "PYTHONTZPATH": str(places.absolute())}


@contextlib.asynccontextmanager
async def _processes(
    play: Play, sandbox: Sandbox, redis: EmbeddedRedis, env: dict[str, str], url: str
) -> AsyncIterator[Stage]:
    statuses: list[Status] = []
    pace = Pace(restart=0.2, longest_restart=1.0, grace=15.0)
    children = [
        Child("web", _python("web"), env, ready=f"{url}/healthz", first=True),
        Child("worker", _python("worker", "--count", str(WORKERS)), env),
        Child("scheduler", _python("scheduler"), env),
    ]
    logs = LogFiles(play.folder / "logs", limit=50_000_000)
    supervisor = Supervisor(children, on_status=statuses.append, on_line=logs, pace=pace)
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        stage = Stage(
            play=play, sandbox=sandbox, redis=redis, supervisor=supervisor, env=env, page=url,
            http=http, statuses=statuses, life=Going(sandbox.world, random.Random(play.seed)),
        )  # fmt: skip
        work = asyncio.create_task(supervisor.run())
        try:
            async with asyncio.timeout(READY_WITHIN):
                await supervisor.wait_ready()
                await _first_syncs(stage)
            await _plan_digests(stage)
            yield stage
        finally:
            supervisor.stop()
            await work


async def _first_syncs(stage: Stage) -> None:
    """Return when every source was synced once."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        answer = await stage.http.get(f"{stage.page}/readyz")
        syncs = answer.json().get("syncs", {}) if answer.status_code == httpx.codes.OK else {}
        if syncs and all(one["age"] is not None for one in syncs.values()):
            return
        await asyncio.sleep(0.1)


async def _plan_digests(stage: Stage) -> None:
    """Let each zone have a channel whose digest is due there; the first is the settings' own."""
    if not stage.play.zones:
        return
    first, *others = stage.play.zones
    settings = stage.settings()
    stage.digests[settings.slack_digest_channel] = first
    async with stage.board() as (_, redis):
        plans = Plans(settings, redis, stage.keys)
        for zone in others:
            channel = stage.sandbox.slack.state.add_channel(zone.name.lower().replace("/", "-"))
            stage.digests[channel.id] = zone
            await plans.put(
                Plan(channel=channel.id, at=zone.at, zone=zone.name, days=EVERY_DAY,
                     since=stage.begun)
            )  # fmt: skip


def _python(*args: str) -> list[str]:
    return [sys.executable, "-m", "t5g", *args]
