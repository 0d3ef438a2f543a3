"""What everything in the bot works with: made once for each process, closed where it was made."""

from collections.abc import Callable
from urllib.request import proxy_bypass

from msgspec import Struct
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.audience import Audience
from bot.delivery import Outbox
from bot.notify import Notify
from bot.once import Once
from bot.people import People
from bot.plans import Plans
from bot.references import channels_of
from bot.replies import Replies
from bot.shares import Deeds, Shares
from bot.tasks import Tasks
from bot.trail import Trail
from bot.watches import Watches
from t5g.audit import Audit
from t5g.board import Board
from t5g.connection import open_store
from t5g.keys import Keys
from t5g.settings import Settings, is_loopback
from t5g.statistics import History
from t5g.store import Store
from t5g.team import TeamFile

NO_TOKEN = "xoxb-not-set"  # noqa: S105 (the client wants some text)
TIMEOUT = 10


class Context(Struct, frozen=True, kw_only=True):
    """The services of one process."""

    settings: Settings
    board: Board
    store: Store
    redis: Redis
    queue: SyncRedis
    keys: Keys
    clock: Callable[[], float]
    history: History
    client: AsyncWebClient
    tasks: Tasks
    people: People
    audience: Audience
    trail: Trail
    replies: Replies
    outbox: Outbox
    once: Once
    watches: Watches
    notify: Notify
    plans: Plans
    shares: Shares
    deeds: Deeds

    async def close(self) -> None:
        """Finish what was begun and close what was opened here."""
        self.outbox.stop()
        await self.tasks.close()
        await self.outbox.close()
        await self.replies.close()


def create_client(settings: Settings, *, token: bool = True) -> AsyncWebClient:
    """Open the client of Slack's Web API. It repeats nothing: a second post may be one too many.

    Without `token`: for Bolt, which gives each request's client the token that `authorize` names.
    """
    client = AsyncWebClient(
        token=(settings.slack_bot_token.get_secret_value() or NO_TOKEN) if token else None,
        base_url=str(settings.slack_api_url),
        timeout=TIMEOUT,
        retry_handlers=[],
    )
    # The SDK takes HTTPS_PROXY without looking at NO_PROXY.
    host = settings.slack_api_url.host or ""
    if proxy_bypass(host) or is_loopback(host):
        client.proxy = None
    return client


def create_context(
    settings: Settings, board: Board, redis: Redis, queue: SyncRedis, clock: Callable[[], float]
) -> Context:
    """Put together what the bot works with. Nothing is asked of anybody yet."""
    keys = Keys(settings.redis_prefix)
    client = create_client(settings)
    tasks = Tasks()
    people = People(client, TeamFile(settings.team_file), redis, keys, tasks, clock=clock)
    audience = Audience(client, people, channels_of(settings.slack_external_channels))
    return Context(
        settings=settings,
        board=board,
        store=open_store(settings, redis),
        redis=redis,
        queue=queue,
        keys=keys,
        clock=clock,
        history=History(redis, keys),
        client=client,
        tasks=tasks,
        people=people,
        audience=audience,
        trail=Trail(Audit(redis, keys, days=settings.audit_days), tasks),
        replies=Replies(settings, redis, keys, client, audience),
        outbox=Outbox(redis, keys, client, audience, clock=clock),
        once=Once(redis, keys),
        watches=Watches(redis, keys),
        notify=Notify(redis, keys),
        plans=Plans(settings, redis, keys),
        shares=Shares(redis, keys),
        deeds=Deeds(redis, keys),
    )
