"""Hostile bodies with JIRA's own signature: what a mad or a taken-over JIRA could send."""

import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from t5g.jira_events import EventReader
from t5g.jira_payloads import fields_read
from t5g.settings import Settings
from tests.hostile.conftest import Victim
from tests.hostile.nasty import JSON, SEEDED, bombs, mangled, sent
from tests.making_jira import cloud_user, issue

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BOMBS = bombs()
COMMENT = {"id": "7", "author": cloud_user(), "body": "hello"}
GOOD: list[Any] = [
    {"timestamp": 1795510000000, "webhookEvent": "jira:issue_updated", "user": cloud_user(),
     "issue": issue(), "changelog": {"id": "1", "items": [
         {"field": "status", "fieldtype": "jira", "from": "1", "fromString": "New", "to": "2",
          "toString": "Open"}]}},
    {"timestamp": 1795510000001, "webhookEvent": "jira:issue_created", "issue": issue("T5G-9")},
    {"timestamp": 1795510000002, "webhookEvent": "jira:issue_deleted", "issue": issue("T5G-1")},
    {"timestamp": 1795510000003, "webhookEvent": "comment_created", "comment": COMMENT,
     "issue": issue()},
    {"timestamp": 1795510000004, "webhookEvent": "comment_deleted", "comment": COMMENT,
     "issue": issue()},
    {"timestamp": 1795510000005, "webhookEvent": "issuelink_created", "issueLink": {
        "id": 1, "sourceIssueId": 10001, "destinationIssueId": 10002,
        "issueLinkType": {"id": 1, "name": "Blocks"}}},
]  # fmt: skip


@SEEDED
@given(body=mangled(GOOD) | JSON)
def test_signed_events_of_any_shape_are_answered(victim: Victim, body: Any) -> None:
    assert victim.event(sent(body)) in (200, 202, 400, 422)


@pytest.mark.parametrize("name", BOMBS)
def test_signed_bomb_is_refused_soon_and_the_process_lives(victim: Victim, name: str) -> None:
    began = time.monotonic()
    assert victim.event(BOMBS[name]) in (200, 202, 400, 422)
    assert victim.alive()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("name", BOMBS)
def test_reading_a_bomb_takes_no_more_memory_than_a_multiple_of_its_size(name: str) -> None:
    reader, body = EventReader(fields_read(Settings())), BOMBS[name]
    tracemalloc.start()
    try:
        reader.read(body, {}, received=NOW)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(body) + 1_000_000


def test_body_beyond_the_limit_is_refused_before_it_is_read(victim: Victim) -> None:
    status, _ = victim.ask(
        "POST", "/webhooks/jira", b"", Content_Type="application/json"
    )  # fmt: skip
    assert status in (400, 401)
    assert victim.alive()
