"""One kind of process each, for compose and production: web, bot, worker, scheduler."""

import asyncio
from typing import Annotated

import typer
from redis.exceptions import RedisError

from t5g.collector import resting
from t5g.connection import open_redis
from t5g.hazards import refuse_dangerous
from t5g.keys import Keys
from t5g.logs import logger, setup_logging
from t5g.metrics import introduce
from t5g.schema import ensure_schema
from t5g.sentry import setup_sentry
from t5g.settings import Part, Settings, load_settings

log = logger(__name__)

#: The folder of the demo's own data, in that of all data.
DEMO = "demo"


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(web)
    app.command()(bot)
    app.command()(worker)
    app.command()(scheduler)


def ready(*needs: Part) -> Settings:
    """Read the settings that a command needs and set up its log lines.

    Without T5G_REDIS_URL it works with the Redis of the `t5g up` or `t5g demo` that runs here.
    """
    settings = load_settings(needs)
    setup_logging(settings)
    if settings.redis_url:
        return settings
    from t5g.embedded_redis import running_in

    folders = (settings.data_dir, settings.data_dir / DEMO)
    found = next(filter(None, map(running_in, folders)), "")
    return settings.model_copy(update={"redis_url": found})


def begin(process: str, *needs: Part) -> Settings:
    """Do the same for a process that runs long: it says what it is, and tells of its errors."""
    settings = load_settings(needs)
    setup_logging(settings)
    introduce(process)
    setup_sentry(settings, process)
    asyncio.run(_brought_forward(settings))
    return settings


async def _brought_forward(settings: Settings) -> None:
    """Bring what Redis holds to our version. Raises SchemaError if it is of a newer one.

    A process starts also while Redis is away; the others looked when it was there.
    """
    redis = open_redis(settings.redis_url)
    try:
        await ensure_schema(redis, Keys(settings.redis_prefix))
    except (RedisError, OSError) as error:
        log.warning("schema_not_read", error=type(error).__name__)
    finally:
        await redis.aclose()


def web(
    count: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the port (by gunicorn)")
    ] = 1,
) -> None:
    """Serve the page, the API, JIRA's events and Slack's requests on one port."""
    settings = load_settings()
    refuse_dangerous(settings)
    login: tuple[Part, ...] = ("saml",) if settings.auth == "saml" else ()
    settings = begin("web", "slack", "webhook", *login)
    if count > 1:
        with resting():
            from webhooks.crew import serve_from
        serve_from(settings, count)
        return
    with resting():
        from webhooks.serve import serve
    serve(settings)


def bot() -> None:
    """Speak to Slack by Socket Mode (no public address needed)."""
    with resting():
        from bot.socket import run_socket
    run_socket(begin("bot", "slack", "socket"))


def worker(
    count: Annotated[int, typer.Option(min=1, max=64, help="Worker processes to run")] = 1,
) -> None:
    """Do the jobs: syncs, and what people asked for."""
    with resting():
        from workers.worker import run_worker
    run_worker(begin("worker", "portal", "jira", "bugzilla"), count, reload=load_settings)


def scheduler() -> None:
    """Fire each sync at its time (one is enough; a second one takes over when it dies)."""
    with resting():
        from workers.scheduler import run_scheduler
    run_scheduler(begin("scheduler"))
