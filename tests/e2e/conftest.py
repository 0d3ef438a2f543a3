"""Starts the demo as a user would: its own processes, its own ports, its own folder."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 90.0
CHANNEL = "t5g-digest"


def until(found: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Poll until `found` returns something true; say what was awaited if it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


class Demo:
    """A running demo: where its parts are, and how to talk to them."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.http = httpx.Client(timeout=20, trust_env=False)
        self._someone = ""

    @property
    def addresses(self) -> dict[str, Any]:
        """Addresses and process ids as the demo writes them down."""
        try:
            return dict(json.loads((self.folder / "demo.json").read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def url(self, part: str) -> str:
        """The address of a part: page, slack, jira, portal, bugzilla."""
        return str(self.addresses["urls"][part]).rstrip("/")

    def ready(self) -> bool:
        """Say whether all processes answer and the first syncs are done."""
        if self.process.poll() is not None:
            raise AssertionError(f"the demo ended with {self.process.returncode}:\n{self.output()}")
        return bool(self.addresses.get("ready"))

    def output(self) -> str:
        """What the demo printed so far."""
        return (self.folder / "terminal.txt").read_text("utf-8", "replace")

    def ask(self, text: str) -> str:
        """Type `/t5g TEXT` in the sandbox's Slack; return what the person sees, as JSON text."""
        who = self.someone()
        command = {"user": who, "channel": CHANNEL, "command": "/t5g", "text": text}
        answer = self.http.post(self.url("slack") + "/_sandbox/command", json=command).json()
        assert answer["status"] == httpx.codes.OK, answer
        return json.dumps(answer["response"], ensure_ascii=False)

    def someone(self) -> str:
        """The id of a person of the workspace."""
        if not self._someone:
            users = self.http.get(self.url("slack") + "/_sandbox/state").json()["users"]
            people = [u for u in users if not u["is_bot"] and u["id"] != "USLACKBOT"]
            self._someone = str(people[0]["id"])
        return self._someone

    def cases(self, query: str = "") -> list[dict[str, Any]]:
        """The cases of the JSON API."""
        answer = self.http.get(
            self.url("page") + "/api/v1/cases", params={"q": query, "limit": "200"}
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        return list(answer.json()["items"])


def start_demo(folder: Path, *options: str, **more: str) -> Demo:
    """Start `t5g demo` in its own session, `more` in its environment; the caller stops it."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("T5G_")}
    with (folder / "terminal.txt").open("wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "t5g", "demo", *options],
            cwd=ROOT,
            env={**env, "T5G_DATA_DIR": str(folder), **more},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Demo(process, folder)


def stop_demo(running: Demo) -> None:
    """End a demo, in order if it can."""
    running.http.close()
    running.process.send_signal(signal.SIGINT)
    try:
        running.process.wait(20)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of 80 cases in which nothing happens by itself."""
    folder = tmp_path_factory.mktemp("demo")
    running = start_demo(folder, "--cases", "80", "--seed", "7", "--port", "0", "--still")
    try:
        until(running.ready, "the demo to be ready", START_LIMIT)
        yield running
    finally:
        stop_demo(running)
