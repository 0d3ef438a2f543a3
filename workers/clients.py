"""Opens the clients of the upstreams when they are first needed, and closes them all."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType

from t5g.settings import Settings
from workers.bugzilla.client import BugzillaClient, open_bugzilla
from workers.calls import Policy, Traffic
from workers.jira.client import JiraClient, open_jira
from workers.portal.client import open_portal
from workers.portal.values import PortalClient
from workers.web import open_web

CONNECTIONS = 32


def policy_of(settings: Settings) -> Policy:
    """Take the patience with upstreams out of the settings."""
    return Policy(attempts=settings.upstream_attempts, first_wait=settings.upstream_backoff)


class Clients:
    """The clients of one run, sharing one count of what they asked. Use with `async with`."""

    def __init__(
        self,
        settings: Settings,
        *,
        policy: Policy | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._policy = policy or policy_of(settings)
        self._now = now
        self._stack = AsyncExitStack()
        self.traffic = Traffic()

    @cached_property
    def portal(self) -> PortalClient:
        """The Portal in the configured dialect."""
        web = open_web(timeout=self._settings.upstream_timeout, connections=CONNECTIONS)
        self._stack.push_async_callback(web.aclose)
        return open_portal(
            self._settings,
            web,
            policy=self._policy,
            traffic=self.traffic,
            now=self._now,
        )

    @cached_property
    def jira(self) -> JiraClient:
        """JIRA, Cloud or Data Center."""
        client = open_jira(
            self._settings,
            policy=self._policy,
            traffic=self.traffic,
        )
        self._stack.callback(client.close)
        return client

    @cached_property
    def bugzilla(self) -> BugzillaClient:
        """Bugzilla."""
        client = open_bugzilla(
            self._settings,
            policy=self._policy,
            traffic=self.traffic,
        )
        self._stack.callback(client.close)
        return client

    async def __aenter__(self) -> "Clients":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
