"""The web process as operators start it: how long until it answers, and what memory it takes."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from t5g.setting_sources import PREFIX
from t5g.settings import Settings
from t5g.supervisor import free_port

LONGEST = 120.0
#: Where nobody listens: a bench asks nothing of the outside.
NOWHERE = "http://127.0.0.1:9/api/"
PASSED_ON = ("PATH", "HOME", "LANG")


class WebProcess:
    """`t5g web` on a free port, ended with the block."""

    #: Signs what Slack and JIRA send to it.
    SECRET = "bench-not-secret"

    def __init__(self, settings: Settings, **more: str) -> None:
        self.port = free_port(0)
        given = {
            "redis_url": settings.redis_url, "http_port": str(self.port), "log_level": "error",
            "page_rate": "100000000", "data_dir": "nothing",
            "jira_webhook_secret": self.SECRET, "slack_signing_secret": self.SECRET,
            "slack_bot_token": "xoxb-bench-not-secret", "slack_api_url": NOWHERE, **more,
        }  # fmt: skip
        self._env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._env |= {f"{PREFIX}{name.upper()}": value for name, value in given.items()}

    def __enter__(self) -> "WebProcess":
        self._begun = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "t5g", "web"], env=self._env, stdout=subprocess.DEVNULL
        )
        return self

    def first_answer(self, request: bytes) -> float:
        """Seconds from the start until a request is answered with 200."""
        while time.perf_counter() - self._begun < LONGEST:
            if self._process.poll() is not None:
                raise RuntimeError(f"t5g web ended with {self._process.returncode}")
            if _asked(self.port, request) == 200:
                return time.perf_counter() - self._begun
            time.sleep(0.01)
        raise RuntimeError(f"no answer within {LONGEST:.0f} s")

    def memory(self) -> float:
        """Megabytes that the process has in memory of its own (RSS)."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor(self) -> float:
        """Seconds of processor time that the process has taken since its start."""
        return processor_seconds(self._process.pid)

    def counted(self, name: str) -> float:
        """What `/metrics` says of a counter without labels, all processes together."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process has taken; what else runs does not count."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")  # in nanoseconds
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _asked(port: int, request: bytes) -> int:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as connection:
            connection.sendall(request)
            return int(connection.recv(16)[9:12])
    except (OSError, ValueError):
        return 0
