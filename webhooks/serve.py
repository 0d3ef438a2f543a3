"""Runs the web process until it is told to stop, and finishes what it has begun."""

import gc

import uvloop
from aiohttp import web

from t5g.collector import resting
from t5g.settings import Settings, load_settings
from webhooks.app import create_app

#: Time for requests under way when the process is told to stop.
GRACE = 10.0


#: Objects made before the collector looks at the young ones; its default of 700 is five events.
YOUNG = 50_000


def calm_collector() -> None:
    """Keep the garbage collector from stopping all requests for long.

    What lives as long as the process (modules, settings) is never looked at again, and a full look
    at the board, tens of milliseconds, becomes rare. The few things that a start has thrown away
    stay with it: to look for them takes a tenth of a second.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)


def serve(settings: Settings) -> None:
    """Serve on the set host and port; returns after SIGTERM or Ctrl-C."""
    uvloop.install()
    with resting():
        app = create_app(settings, reload=load_settings)
    calm_collector()
    web.run_app(
        app,
        host=settings.http_host,
        port=settings.http_port,
        access_log=None,
        print=None,
        shutdown_timeout=GRACE,
        handler_cancellation=False,
    )
