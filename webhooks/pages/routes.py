"""The table of contents of the pages."""

import asyncio
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from jinja2 import Environment

from t5g.keys import Keys
from t5g.statistics import History
from webhooks import keys
from webhooks.errors import Failure
from webhooks.pages import (
    audit,
    cases,
    files,
    groups,
    jobs,
    live,
    overview,
    refresh,
    reports,
    static,
    statistics,
    suggest,
)
from webhooks.pages.addresses import Links
from webhooks.pages.environment import compile_all, page_templates, read_static
from webhooks.pages.history import Days
from webhooks.pages.kept_rows import KeptRows
from webhooks.pages.keys import DAYS, LINKS, ROWS
from webhooks.pages.rendering import PAGES, Page, Pages


def add_routes(app: web.Application) -> None:
    """Mount all pages; `app` has what `webhooks.keys` names."""
    _open(app)
    router = app.router
    router.add_get("/", overview.show_overview)
    router.add_get("/cases", cases.show_list)
    router.add_get("/cases/{number}", cases.show_case)
    router.add_get("/cases.csv", files.send_csv)
    router.add_get("/accounts/{name:.+}", groups.show_account)
    router.add_get("/engineers/{name:.+}", groups.show_engineer)
    router.add_get("/trends", reports.show_trends)
    router.add_get("/updates", reports.show_updates)
    router.add_get("/weekly", reports.show_weekly)
    router.add_get("/weekly.txt", reports.send_weekly_text)
    router.add_get("/stats", statistics.show_statistics)
    router.add_get("/jobs", jobs.show_jobs)
    router.add_get("/audit", audit.show_audit)
    router.add_get("/audit.csv", audit.send_audit)
    router.add_get("/suggest", suggest.show_suggestions)
    router.add_get("/live", live.follow)
    router.add_post("/refresh", refresh.refresh)
    router.add_get("/static/{name}", static.send)


def _open(app: web.Application) -> None:
    settings = app[keys.SETTINGS]
    environment = page_templates()
    history = History(app[keys.REDIS], Keys(settings.redis_prefix))
    app[static.FILES] = read_static()
    app[LINKS] = Links.of(settings)
    app[ROWS] = KeptRows(environment, app[LINKS])
    app[DAYS] = Days(history, settings.zone)
    app[PAGES] = Pages(
        environment,
        app[keys.BOARD],
        app[keys.INBOX].count,
        login=settings.auth == "saml",
    )
    app[statistics.PAST] = statistics.PastCharts()
    app[suggest.WORDS] = suggest.Words()
    app[live.FOLLOWER] = live.Follower(app[keys.BOARD])
    app.on_shutdown.append(live.closing)
    app[keys.ERROR_PAGE] = error_page
    app.cleanup_ctx.append(_compiling(environment))


def _compiling(environment: Environment) -> Callable[[web.Application], AsyncIterator[None]]:
    async def compiling(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(compile_all(environment))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return compiling


def error_page(request: web.Request, failure: Failure) -> web.Response:
    """Render a failure for people; works while Redis is away."""
    page = Page("error.html", {"failure": failure}, failure.status)
    return request.app[PAGES].plain(request, page)
