"""What every test may ask for: a real Redis, a free port, the shared folder, a browser.

It is general: each part of the program adds its own fixtures in tests/PART/conftest.py.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from redis import Redis

from t5g.embedded_redis import answers, redis_executable
from t5g.lifeline import tied
from t5g.setting_sources import VaultPlace
from t5g.settings import Settings
from t5g.supervisor import free_port
from tests import wall_clock

ROOT = Path(__file__).resolve().parent.parent

#: Variables that steer the tests themselves; every other T5G_ variable is hidden from them.
KEPT = frozenset({"T5G_SHARED_DIR", "T5G_CHROMIUM"})

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_configure() -> None:
    """Hide the settings of whoever runs the tests, a `.env` included: no test may meet them."""
    # How long an example takes says more of the machine than of the program.
    hypothesis_settings.register_profile("t5g", hypothesis_settings(), deadline=None)
    hypothesis_settings.load_profile("t5g")
    for name in [name for name in os.environ if name.startswith("T5G_") and name not in KEPT]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    VaultPlace.model_config["env_file"] = None


@pytest.fixture(autouse=True)
def _begins_now() -> None:
    """Let `wall_clock.ago` tell every moment of one test from the same now."""
    wall_clock.Began.at = wall_clock.now().replace(microsecond=0)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Start a private Redis without persistence, one for each test process; give its URL."""
    # A Unix socket's path may have 107 bytes only, which pytest's own folders can exceed.
    folder = Path(tempfile.mkdtemp(prefix="t5g-redis-"))
    path = folder / "redis.sock"
    options = ("--port", "0", "--save", "", "--appendonly", "no", "--unixsocketperm", "700")
    server = subprocess.Popen(
        tied([redis_executable(), *options, "--unixsocket", path, "--dir", folder]),
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
    """Give a port of 127.0.0.1 on which nothing listens, and that no connection takes meanwhile."""
    return free_port(0)


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


def _wait_for_redis(path: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while not answers(path):
        if time.monotonic() > deadline or server.poll() is not None:
            pytest.fail(f"the private Redis did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.01)
