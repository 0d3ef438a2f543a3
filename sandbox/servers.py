"""Starts the whole sandbox: Portal with single sign-on, JIRA, Bugzilla and Slack, over one world.

Each has a port of its own on loopback. `demo_environment` tells which settings point the program
at them, before they are started or after.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from aiohttp import web

from sandbox.bugzilla.app import SERVER_LIMITS, bugzilla_faults, create_bugzilla_app
from sandbox.bugzilla.state import API_KEY, BugzillaState
from sandbox.faults import Faults
from sandbox.jira.app import TOKEN as JIRA_TOKEN
from sandbox.jira.app import USER as JIRA_USER
from sandbox.jira.app import create_jira_app
from sandbox.jira.render import SPRINT_DC
from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import PATIENCE, REDELIVERY, Webhooks
from sandbox.jira.webhooks import SECRET as WEBHOOK_SECRET
from sandbox.life import Life
from sandbox.portal.app import create_portal_app, portal_faults
from sandbox.portal.state import PortalState
from sandbox.scene import BOARD, ESCALATION_LABEL, ESCALATION_PROJECT, LABEL, PROJECT, World
from sandbox.slack.app import APP_TOKEN, BOT_TOKEN, SERVER, SIGNING_SECRET, create_slack_app
from sandbox.slack.server import SlackServer
from sandbox.slack.state import SlackState
from sandbox.sso import OFFLINE_TOKEN, TOKEN_PATH, Sso
from sandbox.workspace import DIGEST, HIGH, LOW, OPERATIONS, channel_ids, furnish_workspace
from sandbox.world import WorldPlan, make_world

HOST: Final = "127.0.0.1"
_SHUTDOWN_SECONDS: Final = 0.5

Dialect = Literal["graphql", "hydra"]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each server listens on loopback; 0 lets the system choose a free port."""

    portal: int = 0
    jira: int = 0
    bugzilla: int = 0
    slack: int = 0

    @classmethod
    def beginning_at(cls, first: int) -> "Ports":
        """Four ports in a row (or free ones, for 0)."""
        return cls(*(first + place if first else 0 for place in range(4)))

    def urls(self) -> dict[str, str]:
        """The addresses by name."""
        return {
            "portal": f"http://{HOST}:{self.portal}",
            "jira": f"http://{HOST}:{self.jira}",
            "bugzilla": f"http://{HOST}:{self.bugzilla}",
            "slack": f"http://{HOST}:{self.slack}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """What is to be started. `closed` None: a third of `cases`; `live`: seconds between events.

    `webhook_url` is where JIRA sends its webhooks, `slack_request_url` where Slack sends what
    people do; both may be set later as well. `redelivery`: seconds before each repetition of a
    webhook; `patience`: how long JIRA waits for an answer to one.
    """

    cases: int = 300
    closed: int | None = None
    seed: int = 1
    ports: Ports = Ports()
    cloud: bool = True
    portal_api: Dialect = "graphql"
    webhook_url: str = ""
    webhook_secret: str = WEBHOOK_SECRET
    slack_request_url: str = ""
    redelivery: tuple[float, ...] = REDELIVERY
    patience: float = PATIENCE
    live: float = 0.0
    tell: Callable[[str], None] = lambda told: None
    expires_in: float = 900.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """A running sandbox: where it is, what it knows, and how to make it fail."""

    config: SandboxConfig
    ports: Ports
    world: World
    life: Life
    sso: Sso
    slack: SlackServer
    webhooks: Webhooks
    channels: Mapping[str, str]
    faults: Mapping[str, Faults]
    applications: list[web.Application] = field(repr=False)

    @property
    def urls(self) -> dict[str, str]:
        """Addresses by name: portal, jira, bugzilla, slack."""
        return self.ports.urls()

    @property
    def portal(self) -> PortalState:
        """The Portal's cases."""
        return self.world.portal

    @property
    def jira(self) -> JiraState:
        """JIRA's issues."""
        return self.world.jira

    @property
    def bugzilla(self) -> BugzillaState:
        """Bugzilla's bugs."""
        return self.world.bugzilla

    def env(self) -> dict[str, str]:
        """The settings that point the program at this sandbox."""
        config = self.config
        return demo_environment(
            self.ports,
            portal_api=config.portal_api,
            cloud=config.cloud,
            webhook_secret=config.webhook_secret,
        )


def demo_environment(
    ports: Ports,
    *,
    portal_api: Dialect = "graphql",
    cloud: bool = True,
    webhook_secret: str = WEBHOOK_SECRET,
) -> dict[str, str]:
    """The settings that point the program at a sandbox on these ports."""
    urls, channels = ports.urls(), channel_ids()
    rest = f"{urls['portal']}/hydra/rest"
    env = {
        "T5G_SSO_URL": f"{urls['portal']}{TOKEN_PATH}",
        "T5G_PORTAL_API": portal_api,
        "T5G_PORTAL_URL": urls["portal"] if portal_api == "graphql" else rest,
        "T5G_PORTAL_REST_URL": rest,
        "T5G_PORTAL_OFFLINE_TOKEN": OFFLINE_TOKEN,
        "T5G_JIRA_URL": urls["jira"],
        "T5G_JIRA_USER": JIRA_USER if cloud else "",
        "T5G_JIRA_TOKEN": JIRA_TOKEN,
        "T5G_JIRA_PROJECT": PROJECT,
        "T5G_JIRA_BOARD": BOARD,
        "T5G_JIRA_SPRINT": "",
        "T5G_JIRA_LABEL": LABEL,
        "T5G_JIRA_ESCALATION_PROJECT": ESCALATION_PROJECT,
        "T5G_JIRA_ESCALATION_LABEL": ESCALATION_LABEL,
        "T5G_JIRA_WEBHOOK_SECRET": webhook_secret,
        "T5G_BUGZILLA_URL": urls["bugzilla"],
        "T5G_BUGZILLA_API_KEY": API_KEY,
        "T5G_SLACK_API_URL": f"{urls['slack']}/api/",
        "T5G_SLACK_BOT_TOKEN": BOT_TOKEN,
        "T5G_SLACK_APP_TOKEN": APP_TOKEN,
        "T5G_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "T5G_SLACK_DIGEST_CHANNEL": channels[DIGEST],
        "T5G_SLACK_HIGH_CHANNEL": channels[HIGH],
        "T5G_SLACK_LOW_CHANNEL": channels[LOW],
        "T5G_SLACK_OPS_CHANNEL": channels[OPERATIONS],
    }
    return env if cloud else {**env, "T5G_JIRA_FIELDS__SPRINT": SPRINT_DC}


@contextlib.asynccontextmanager
async def start_sandbox(config: SandboxConfig | None = None) -> AsyncIterator[Sandbox]:
    """Make the world and serve it until the block ends. Raises OSError if a port is taken."""
    config = config or SandboxConfig()
    async with contextlib.AsyncExitStack() as stack:
        sockets = _listening(stack, config.ports)
        sandbox = _assemble(config, Ports(*(one.getsockname()[1] for one in sockets)))
        # Slack comes last: whoever waits for it has waited for all.
        for app, listening in zip(sandbox.applications, sockets, strict=True):
            await stack.enter_async_context(_served(app, listening))
        if config.live > 0:
            await stack.enter_async_context(_living(sandbox))
        yield sandbox


def _listening(stack: contextlib.AsyncExitStack, ports: Ports) -> list[socket.socket]:
    """Sockets in the order of `Ports`; bound first, because addresses are part of the world."""
    wanted = {
        "portal": ports.portal,
        "jira": ports.jira,
        "bugzilla": ports.bugzilla,
        "slack": ports.slack,
    }
    sockets = []
    for name, port in wanted.items():
        try:
            sockets.append(stack.enter_context(socket.create_server((HOST, port))))
        except OSError as error:
            raise OSError(error.errno, f"{name} can not listen on port {port}: {error}") from error
    return sockets


def _assemble(config: SandboxConfig, ports: Ports) -> Sandbox:
    urls = ports.urls()
    plan = WorldPlan(
        cases=config.cases,
        closed=config.closed,
        seed=config.seed,
        cloud=config.cloud,
        jira_url=urls["jira"],
        bugzilla_url=urls["bugzilla"],
    )
    world = make_world(plan, clock=config.clock)
    life, sso, webhooks = (
        Life(world),
        Sso(expires_in=config.expires_in),
        _webhooks(world.jira, config),
    )
    if config.webhook_url:
        webhooks.register(config.webhook_url, secret=config.webhook_secret)
    workspace = SlackState(base_url=urls["slack"])
    channels = furnish_workspace(workspace, world.engineers)
    faults = _faults(sso)
    slack = create_slack_app(
        workspace, request_url=config.slack_request_url, faults=faults["slack"]
    )
    applications = [
        create_portal_app(world.portal, sso=sso, faults=faults["portal"], step=life.step),
        create_jira_app(world.jira, faults=faults["jira"], webhooks=webhooks),
        create_bugzilla_app(world.bugzilla, faults=faults["bugzilla"]),
        slack,
    ]
    return Sandbox(
        config=config,
        ports=ports,
        world=world,
        life=life,
        sso=sso,
        slack=slack[SERVER],
        webhooks=webhooks,
        channels=channels,
        faults=faults,
        applications=applications,
    )


def _webhooks(jira: JiraState, config: SandboxConfig) -> Webhooks:
    return Webhooks(jira, retry_delays=config.redelivery, time_limit=config.patience)


def _faults(sso: Sso) -> dict[str, Faults]:
    return {
        "portal": portal_faults(sso),
        "jira": Faults(_refuse_jira),
        "bugzilla": bugzilla_faults(),
        "slack": Faults(_refuse_slack),
    }


@contextlib.asynccontextmanager
async def _served(app: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    limits: Any = SERVER_LIMITS
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, **limits)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _living(sandbox: Sandbox) -> AsyncIterator[None]:
    running = asyncio.create_task(sandbox.life.run(sandbox.config.live, sandbox.config.tell))
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _refuse_jira(request: web.Request) -> web.Response:
    message = "Client must be authenticated to access this resource."
    return web.json_response({"errorMessages": [message], "errors": {}}, status=401)


def _refuse_slack(request: web.Request) -> web.Response:
    return web.json_response({"ok": False, "error": "invalid_auth"})
