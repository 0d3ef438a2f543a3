"""The attacks against `t5g web` as a process: its memory, its lines, and that it answers others."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis as SyncRedis

from t5g.supervisor import free_port
from tests.hostile.abuser import (
    DOORS,
    GUESSED,
    MEGABYTE,
    abort_uploads,
    senders,
    statuses,
    upload,
)
from tests.hostile.process import Web

#: What JIRA's largest event has.
LARGE = 25 * MEGABYTE
#: What the process may hold for all strangers' bodies at once, with what connections and the
#: allocator need beside it; 20 bodies would be 500 MB.
MOST = 100 * MEGABYTE
#: What it may have more when nobody sends any more.
MOST_AFTERWARDS = 30 * MEGABYTE


@pytest.fixture(scope="module")
def web(redis_server: str) -> Iterator[Web]:
    """The process under attack, warm: everything was used once."""
    with SyncRedis.from_url(redis_server) as redis:
        redis.flushall()
    found = Web(redis_server, free_port(0))
    for path in DOORS:
        abort_uploads(found.port, path, 1, MEGABYTE)
        upload(found.port, path, 1000)
    yield found
    found.stop()


def settled(web: Web, limit: int, seconds: float = 10.0) -> int:
    """Wait until the process holds less than `limit` bytes; return what it holds."""
    deadline = time.monotonic() + seconds
    while (held := web.memory()) > limit and time.monotonic() < deadline:
        time.sleep(0.1)
    return held


@pytest.mark.parametrize("path", DOORS)
def test_aborted_uploads_leave_nothing(web: Web, path: str) -> None:
    before = web.memory()
    abort_uploads(web.port, path, 20, LARGE)
    after = settled(web, before + MOST_AFTERWARDS)
    assert after - before < MOST_AFTERWARDS, f"{(after - before) / MEGABYTE:.0f} MB stay"
    assert web.alive()


def test_many_aborted_uploads_leave_no_more_than_some(web: Web) -> None:
    abort_uploads(web.port, "/webhooks/jira", 200, MEGABYTE)
    before = web.memory()
    abort_uploads(web.port, "/webhooks/jira", 400, MEGABYTE)
    after = settled(web, before + 10 * MEGABYTE)
    assert after - before < 10 * MEGABYTE, f"{(after - before) / MEGABYTE:.0f} MB more"


def test_bodies_of_strangers_have_one_budget_for_all_at_once(web: Web) -> None:
    before = web.memory()
    with senders(web.port, 20) as many:
        for sender in many:
            sender.begin("/webhooks/jira", LARGE, **{"X-Hub-Signature": GUESSED})
            sender.send(LARGE - 1)
        held = web.memory()
        assert held - before < MOST, f"{(held - before) / MEGABYTE:.0f} MB are held"
        assert web.alive()
    assert settled(web, before + MOST_AFTERWARDS) - before < MOST_AFTERWARDS


def test_whole_bodies_with_a_wrong_signature_leave_nothing(web: Web) -> None:
    before = web.memory()
    assert {upload(web.port, "/webhooks/jira", LARGE) for _ in range(8)} == {401}
    after = settled(web, before + MOST_AFTERWARDS)
    assert after - before < MOST_AFTERWARDS, f"{(after - before) / MEGABYTE:.0f} MB stay"


def test_no_line_of_all_this_is_an_error_of_ours(web: Web) -> None:
    with senders(web.port, 3) as many:
        for sender in many:
            sender.begin("/webhooks/jira", LARGE)
            sender.send(MEGABYTE)
    assert web.alive()
    said = web.said()
    for word in ("Traceback", "ConnectionResetError", "never retrieved", '"level":"error"'):
        assert word not in said, said[said.index(word) - 300 :][:2_000]


def test_what_is_large_and_unsigned_is_refused_before_it_is_sent(web: Web) -> None:
    cases = [
        ("/webhooks/jira", {"X-Hub-Signature": "sha256=short"}, 401),
        ("/webhooks/jira/guess", {"X-Hub-Signature": ""}, 401),
        ("/slack/events", {"X-Slack-Signature": ""}, 401),
        ("/slack/events", {"X-Slack-Request-Timestamp": "1"}, 401),
    ]
    with senders(web.port, len(cases)) as many:
        for sender, (path, headers, _) in zip(many, cases, strict=True):
            sender.begin(path, LARGE, **headers)  # not one byte of the body
        assert statuses(many) == [status for *_, status in cases]
