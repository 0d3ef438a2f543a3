"""Serves from several processes behind one port, under gunicorn: `t5g web --count N`.

gunicorn holds the port, replaces a process that died or hangs, and lets those that are told to stop
finish what they have begun. What each of them serves is the application of `webhooks.serve`.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from t5g.settings import Settings, load_settings
from webhooks.app import create_app
from webhooks.serve import GRACE, calm_collector

#: Seconds without a sign after which a process counts as hanging.
SILENCE = 60
#: Requests under way, and then the last counts, before a process is killed.
ENDING = int(GRACE) + 5


class Lines(Logger):  # type: ignore[misc]
    """What gunicorn says, as log lines like all others."""

    def setup(self, cfg: Any) -> None:
        """Leave levels and handlers to `t5g.logs`."""
        self.error_log = logging.getLogger("gunicorn")
        self.access_log = logging.getLogger("gunicorn.access")

    def reopen_files(self) -> None:
        """Nothing: no file is its own."""

    def close_on_exec(self) -> None:
        """Nothing, for the same reason."""


class Crew(BaseApplication):  # type: ignore[misc]
    """The processes of one installation's web."""

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = settings
        self._count = count
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn what it must know; files and variables of its own are not read."""
        host = self._settings.http_host
        place = f"[{host}]" if ":" in host else host
        for name, value in {
            "bind": f"{place}:{self._settings.http_port}",
            "workers": self._count,
            "worker_class": "aiohttp.GunicornUVLoopWebWorker",
            "logger_class": Lines,
            "timeout": SILENCE,
            "graceful_timeout": ENDING,
            "control_socket_disable": True,
            "proc_name": "t5g web",
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[], Awaitable[web.AppRunner]]:
        """Return what each process makes its application with, after the fork."""
        settings = self._settings

        async def made() -> web.AppRunner:
            calm_collector()
            return web.AppRunner(
                create_app(settings, reload=load_settings),
                access_log=None,
                shutdown_timeout=GRACE,
                handler_cancellation=False,
            )

        return made


def serve_from(settings: Settings, count: int) -> None:
    """Serve from `count` processes until SIGTERM or Ctrl-C."""
    Crew(settings, count).run()
