"""Runs the web process until it is told to stop, and finishes what it has begun."""

import uvloop
from aiohttp import web

from t5g.settings import Settings
from webhooks.app import create_app

#: Time for requests under way when the process is told to stop.
GRACE = 10.0


def serve(settings: Settings) -> None:
    """Serve on the set host and port; returns after SIGTERM or Ctrl-C."""
    uvloop.install()
    web.run_app(
        create_app(settings),
        host=settings.http_host,
        port=settings.http_port,
        access_log=None,
        print=None,
        shutdown_timeout=GRACE,
        handler_cancellation=False,
    )
