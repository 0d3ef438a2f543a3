"""Errors reach Sentry scrubbed, and only if the operator wants that."""

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sentry_sdk

from t5g.logs import bind, logger, setup_logging
from t5g.sentry import flush_sentry, setup_sentry
from t5g.settings import load_settings

SECRET = "planted-sentry-value-not-secret"


class Sentry(HTTPServer):
    """Keeps what it is sent."""

    received: list[bytes]


class Take(BaseHTTPRequestHandler):
    """Takes an envelope."""

    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.received.append(gzip.decompress(body) if packed else body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Sentry]:
    found = Sentry(("127.0.0.1", 0), Take)
    found.received = []
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield found
    sentry_sdk.get_global_scope().set_client(None)
    found.shutdown()
    thread.join()
    found.server_close()
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def test_an_error_arrives_with_its_ids_and_without_secrets(server: Sentry) -> None:
    dsn = f"http://public-not-secret@127.0.0.1:{server.server_port}/1"
    settings = load_settings(env={"sentry_dsn": dsn, "jira_token": SECRET})
    setup_logging(settings)
    assert setup_sentry(settings, "worker")
    local = {"token": SECRET}
    with bind(request="abcd1234", job="sync-cases"):
        try:
            raise ValueError(f"GET https://x.test/?api_key={SECRET} failed")
        except ValueError:
            logger("t5g.test").exception("it broke", url=f"https://u:{SECRET}@x.test/", local=local)
        logger("t5g.test").warning("only a warning")
    flush_sentry()
    sent = b"".join(server.received)
    assert sent.count(b'"event_id"') >= 1
    assert SECRET.encode() not in sent
    assert b"ValueError" in sent
    assert b"only a warning" not in sent
    (event,) = [
        item for line in sent.splitlines() if (item := json.loads(line)) and "exception" in item
    ]
    assert event["tags"]["request"] == "abcd1234"
    assert event["tags"]["process"] == "worker"
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert not any("vars" in frame for frame in frames)


def test_an_exception_that_is_handed_over_is_one_for_sentry_too(server: Sentry) -> None:
    settings = load_settings(env={"sentry_dsn": f"http://k@127.0.0.1:{server.server_port}/1"})
    setup_logging(settings)
    setup_sentry(settings, "web")
    logger("t5g.test").error("task failed", exc_info=KeyError("which"))
    flush_sentry()
    (event,) = [i for raw in server.received for i in items(raw) if "exception" in i]
    assert event["exception"]["values"][0]["type"] == "KeyError"


def items(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in raw.splitlines()]


def test_nothing_is_sent_without_an_address() -> None:
    assert not setup_sentry(load_settings(), "web")
