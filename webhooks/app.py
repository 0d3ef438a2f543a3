"""Builds the web process: opens what handlers need, mounts every part, closes what it opened.

Nothing is read from Redis here, so the process starts, and says so in `/readyz`, also while Redis
is away.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from aiohttp import web
from redis.asyncio import Redis

from bot.context import create_context
from bot.http import mount_slack
from t5g import metrics
from t5g.audit import Audit
from t5g.board import Board
from t5g.bodies import BODIES, Budget
from t5g.connection import open_queue_redis, open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.errors import SettingsError
from t5g.jira_intake import Intake, open_inbox
from t5g.keys import Keys
from t5g.logs import logger, setup_logging
from t5g.metrics_port import hide_versions, refuse_odd_expectations
from t5g.scraping import add_once, keep_adding, measure_lag
from t5g.settings import Settings, with_secrets_of
from t5g.syncs import Sync
from t5g.team import TeamFile
from t5g.work import request_sync
from webhooks import health, keys, metrics_page
from webhooks.access.routes import add_guard
from webhooks.api import routes as api_routes
from webhooks.errors import plain_error_page
from webhooks.jira import routes as jira_routes
from webhooks.jira.commit import GroupCommit
from webhooks.jira.resync import Resyncer
from webhooks.middlewares import MIDDLEWARES
from webhooks.pages import routes as pages_routes

#: Bodies of everything but JIRA's events, which set their own limit.
BODY_LIMIT = 1024 * 1024


#: Seconds between two looks at secrets that may have been rotated.
LOOK_AT_SECRETS = 30.0

log = logger(__name__)

Reload = Callable[[], Settings]


def create_app(
    settings: Settings, *, redis: Redis | None = None, reload: Reload | None = None
) -> web.Application:
    """Return the application of one web process.

    `redis`: an open client that the caller closes; else one is opened from the settings and closed
    with the application. `reload` reads the settings again: the secrets of JIRA's events are then
    those of now. Needs a running loop only when it starts.
    """
    hide_versions()
    refuse_odd_expectations()
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=BODY_LIMIT)
    _open(app, settings, redis)
    health.add_routes(app)
    metrics_page.add_routes(app)
    _mount_jira(app, settings)
    _mount_slack(app, settings)
    pages_routes.add_routes(app)
    api_routes.add_routes(app)
    add_guard(app)
    app.cleanup_ctx.append(_measure_lag)
    app.cleanup_ctx.append(_add_counts)
    if reload is not None:
        app.cleanup_ctx.append(_renewing(reload))
    return app


def _open(app: web.Application, settings: Settings, redis: Redis | None) -> None:
    client = redis or open_redis(settings.redis_url)
    queue = open_queue_redis(settings.redis_url)
    app[keys.SETTINGS] = settings
    app[BODIES] = Budget()
    app[keys.REDIS] = client
    app[keys.QUEUE] = queue
    app[keys.STORE] = open_store(settings, client)
    app[keys.SYNCS] = open_syncs(settings, client)
    app[keys.BOARD] = Board(app[keys.STORE], app[keys.SYNCS], Rules.of(settings))
    app[keys.INBOX] = open_inbox(settings, client)
    app[keys.AUDIT] = Audit(client, Keys(settings.redis_prefix), days=settings.audit_days)
    app[keys.TEAM] = TeamFile(settings.team_file)
    app[keys.ERROR_PAGE] = plain_error_page

    async def closing(_: web.Application) -> AsyncIterator[None]:
        yield
        queue.close()
        if redis is None:
            await client.aclose()

    app.cleanup_ctx.append(closing)


def _mount_jira(app: web.Application, settings: Settings) -> None:
    queue, prefix = app[keys.QUEUE], Keys(settings.redis_prefix)

    def enqueue(sync: Sync) -> None:
        request_sync(queue, prefix, sync.value, "an event of JIRA")

    resyncer = Resyncer(enqueue)
    intake = Intake(app[keys.STORE], app[keys.BOARD], app[keys.INBOX], settings)
    commit = GroupCommit(intake, clock=lambda: datetime.now(UTC), ask=resyncer.ask)
    jira_routes.add_routes(app, settings, commit)

    async def finishing(_: web.Application) -> AsyncIterator[None]:
        yield
        await commit.close()
        await resyncer.close()

    app.cleanup_ctx.append(finishing)


def _mount_slack(app: web.Application, settings: Settings) -> None:
    context = create_context(settings, app[keys.BOARD], app[keys.REDIS], app[keys.QUEUE], time.time)
    app[keys.BOT] = context
    mount_slack(app, settings, context)


async def _measure_lag(_: web.Application) -> AsyncIterator[None]:
    metrics.introduce("web")
    task = asyncio.create_task(measure_lag("web"))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _add_counts(app: web.Application) -> AsyncIterator[None]:
    """Add what this process counts to the sums of all, to the last request."""
    redis, names = app[keys.REDIS], Keys(app[keys.SETTINGS].redis_prefix)
    task = asyncio.create_task(keep_adding(redis, names))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await add_once(redis, names)


def _renewing(reload: Reload) -> Callable[[web.Application], AsyncIterator[None]]:
    """Look for rotated secrets now and then; those that can be changed while running are."""

    async def renew(app: web.Application) -> None:
        known = app[keys.SETTINGS]
        while True:
            await asyncio.sleep(LOOK_AT_SECRETS)
            known = _renewed(app, known, reload)

    async def renewing(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(renew(app))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return renewing


def _renewed(app: web.Application, known: Settings, reload: Reload) -> Settings:
    try:
        found = with_secrets_of(known, reload())
    except SettingsError as error:
        log.warning("secrets_not_read", error=str(error))
        return known
    if found is not known:
        setup_logging(found)  # the new secrets are struck out of every line, too
        app[jira_routes.DOOR].renew(found)
        log.info("secrets_renewed")
    return found
