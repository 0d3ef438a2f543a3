"""The checks of `t5g check` that ask the upstreams: each proves its credentials."""

from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from t5g.checks import Check
from t5g.settings import Settings
from workers.calls import Policy
from workers.clients import Clients

#: A person waits: one repetition, and no long patience.
PATIENCE = Policy(attempts=2, first_wait=0.3, longest_asked=3.0)


def upstream_checks(settings: Settings, redis: Redis) -> list[Check]:
    """Return a check for Portal (with its token), JIRA and Bugzilla."""

    def look(ask: Callable[[Clients], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
        async def asked() -> str:
            async with Clients(settings, policy=PATIENCE) as clients:
                return await ask(clients)

        return asked

    return [
        (
            "portal",
            look(lambda clients: clients.portal.check()),
            "Look at T5G_PORTAL_OFFLINE_TOKEN (it dies after 30 days without use), T5G_SSO_URL, "
            "T5G_PORTAL_URL, T5G_PORTAL_REST_URL and T5G_PORTAL_API.",
        ),
        (
            "jira",
            look(lambda clients: clients.jira.check()),
            "Look at T5G_JIRA_URL, T5G_JIRA_USER (empty for Data Center) and T5G_JIRA_TOKEN.",
        ),
        (
            "bugzilla",
            look(lambda clients: clients.bugzilla.check()),
            "Look at T5G_BUGZILLA_URL and T5G_BUGZILLA_API_KEY.",
        ),
    ]
