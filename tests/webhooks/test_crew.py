"""`t5g web --count N`: several processes, one port, one set of sums, and no request lost."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from redis import Redis as SyncRedis

from t5g.keys import Keys
from t5g.lifeline import alive
from t5g.sums import Sums, sums_key
from tests.making_jira import SECRET, body_of, headers_of, issue_event

KEYS = Keys()


def until(true: Callable[[], object], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Web:
    """`t5g web --count N` on a free port."""

    def __init__(self, redis_url: str, port: int, count: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        env = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "T5G_REDIS_URL": redis_url,
            "T5G_HTTP_PORT": str(port),
            "T5G_JIRA_WEBHOOK_SECRET": SECRET,
            "T5G_SLACK_BOT_TOKEN": "xoxb-test-not-secret",
            "T5G_SLACK_SIGNING_SECRET": "test-signing-not-secret",
            "T5G_LOG_FORMAT": "json",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "t5g", "web", "--count", str(count)],
            env=env,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def children(self) -> set[int]:
        """The processes that serve."""
        pid = self.process.pid
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            return set()
        return {int(child) for child in text.split() if alive(int(child))}

    def ask(self, path: str) -> int:
        """Ask on a connection of its own; 0 if nobody is there."""
        try:
            return httpx.get(self.base + path, trust_env=False, timeout=10).status_code
        except httpx.TransportError:
            return 0

    def stop(self) -> str:
        """Ask it to end; return what it said."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.communicate(timeout=30)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture
def web(redis_url: str, free_tcp_port: int) -> Iterator[Web]:
    running = Web(redis_url, free_tcp_port, 2)
    try:
        until(lambda: running.ask("/readyz") == 200, "it answers")
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def sums(redis_url: str) -> Sums:
    with SyncRedis.from_url(redis_url) as raw:
        return Sums(CollectorRegistry(), raw.hgetall(sums_key(KEYS)))


def test_one_that_dies_is_replaced_and_all_count_into_one_sum(web: Web, redis_url: str) -> None:
    until(lambda: len(web.children()) == 2, "two processes")
    before = web.children()
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(web.children() - {killed}) == 2, "a new one")
    assert web.children() & before == before - {killed}
    assert web.ask("/cases") == 200
    assert web.ask("/api/v1/cases") == 200
    assert web.ask("/static/nothing") == 404
    assert all(web.ask("/healthz") == 200 for _ in range(40))
    body = body_of(issue_event("created", 0))
    answer = httpx.post(
        web.base + "/webhooks/jira", content=body, headers=headers_of(body), trust_env=False
    )
    assert answer.status_code == 200, answer.text
    said = web.stop()
    assert web.process.returncode == 0, said
    assert all(line.startswith("{") for line in said.splitlines()), said
    counted = sums(redis_url)
    assert counted.total("t5g_http_requests_total", route="/healthz") == 40
    assert counted.total("t5g_jira_events_total") == 1


def test_a_request_under_way_is_answered_when_it_is_told_to_stop(web: Web, redis_url: str) -> None:
    address = ("127.0.0.1", int(web.base.rsplit(":", 1)[1]))
    with SyncRedis.from_url(redis_url) as raw, socket.create_connection(address, 20) as connection:
        raw.client_pause(2_500)
        connection.sendall(
            b"GET /cases HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(64).startswith(b"HTTP/1.1 100")  # it is being answered
        web.process.send_signal(signal.SIGTERM)
        until(lambda: web.ask("/healthz") == 0, "nobody new is let in")
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
    web.process.wait(30)
    assert web.process.returncode == 0


def test_its_processes_end_with_it_even_if_it_is_killed(web: Web) -> None:
    until(lambda: len(web.children()) == 2, "two processes")
    children = web.children()
    web.process.kill()
    until(lambda: not any(alive(child) for child in children), "its processes have ended")
