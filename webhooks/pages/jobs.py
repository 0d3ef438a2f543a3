"""`/jobs`, for engineers: what the workers do, did and will do. It only shows."""

import time

from aiohttp import web

from t5g.job_report import read_report
from t5g.team import Role
from webhooks.access.guard import require
from webhooks.keys import REDIS, SETTINGS
from webhooks.pages.rendering import PAGES, Page
from webhooks.pages.views.jobs import jobs_view


async def show_jobs(request: web.Request) -> web.Response:
    """`/jobs`: read anew each time, for it changes by the second."""
    require(request, Role.ENGINEER)
    report = await read_report(request.app[SETTINGS], request.app[REDIS], time.time())
    return request.app[PAGES].plain(request, Page("jobs.html", {"view": jobs_view(report)}))
