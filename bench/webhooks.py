"""JIRA's events against the least that could be done with them, in the same run.

The least: an aiohttp handler that checks an HMAC over the body and does one write to Redis. Ours
writes the state so that every other process sees it. Targets: at least 60 % of the
throughput, p99 at most three times as long, answers within 100 ms at full load, nothing refused or
lost among 10,000 at once.

    t5g bench webhooks
"""

import hmac
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from bench.load import fire, request_bytes
from bench.paths import Path as HotPath
from bench.paths import compare
from bench.report import Findings
from bench.serving import CONNECTIONS, PrivateRedis, Serving
from t5g.board import Board
from t5g.connection import open_redis, open_store, open_syncs
from t5g.derived import Rules
from t5g.jira_door import sign
from t5g.model import Portal
from t5g.settings import Settings, load_settings
from t5g.state import PortalSeen
from webhooks.app import create_app

SECRET = "bench-webhook-not-secret"
CASES = 500
SIZE = 8 * 1024
CUSTOM = ({"value": "x", "id": "7"}, None, None)
BEGIN = datetime.now(UTC)
THROUGHPUT, LATENCY, LATEST = 0.6, 3.0, 100.0


async def measure(events: int = 1_000, rounds: int = 15, storm: int = 10_000) -> Findings:
    """Run everything on a private Redis; tell what was met.

    Many short rounds by turns: what else the machine does then hinders both alike.
    """
    with (
        tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder,
        PrivateRedis(Path(folder)) as url,
    ):
        settings = load_settings(env={"redis_url": url, "jira_webhook_secret": SECRET})
        await _fill(settings)
        made = Events()
        path = HotPath("POST /webhooks/jira", bare_receiver, made.take, THROUGHPUT, LATENCY)
        with Serving(create_app, settings) as server:
            found = await compare(path, server, settings, rounds=rounds, count=events)
            p99 = found.detail[path.name]["ours"]["p99_ms"]
            found.most(f"{path.name}: p99 at full load", p99, "ms", LATEST)
            await _visible(found, settings, server.port, made)
            await _storm(found, settings, server.port, made, storm)
    return found


async def _visible(
    found: Findings, settings: Settings, port: int, made: "Events", times: int = 300
) -> None:
    """Each acknowledged event must be in the next answer of another process: this one."""
    redis = open_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    seen = 0
    for _ in range(times):
        await fire(port, made.take(1), connections=1)
        await board.refresh()
        number, status = made.last
        card = board.entries[number].card
        seen += card is not None and card.status == status
    await redis.aclose()
    found.least("events visible in another process's next answer", seen, "", times)


async def _storm(
    found: Findings, settings: Settings, port: int, made: "Events", count: int
) -> None:
    """All at once: none refused, and the end state has the last event of each card."""
    requests = made.take(count)
    storm = await fire(port, requests, connections=CONNECTIONS)
    redis = open_redis(settings.redis_url)
    board = Board(open_store(settings, redis), open_syncs(settings, redis), Rules.of(settings))
    await board.refresh()
    lost = sum(
        1
        for number, status in made.latest.items()
        if (card := board.entries[number].card) is None or card.status != status
    )
    await redis.aclose()
    what = f"{count:,} events at once from {CONNECTIONS} connections"
    found.most(f"{what}: refused", count - storm.statuses.get(200, 0), "", 0)
    found.most(f"{what}: lost", lost, "", 0)


class Tracked(NamedTuple):
    """A case and its card."""

    number: str
    key: str
    id: str


def made_cases(count: int) -> list[Tracked]:
    """The first cases of a made world, as in `bench.worlds`."""
    return [Tracked(f"{n:08d}", f"T5G-{n + 1}", f"1{n:08d}") for n in range(count)]


class Events:
    """Makes signed events of 8 KB, each a change of one of these cards after the other."""

    def __init__(self, cases: Sequence[Tracked] = (), secret: str = SECRET) -> None:
        self._cases = cases or made_cases(CASES)
        self._secret = secret
        self._count = 0
        self.last = ("", "")
        self.latest: dict[str, str] = {}

    def take(self, count: int) -> list[bytes]:
        """Return that many requests."""
        return [self._next() for _ in range(count)]

    def _next(self) -> bytes:
        self._count += 1
        n = self._count
        case, status = self._cases[n % len(self._cases)], f"Status {n}"
        self.last = (case.number, status)
        self.latest[case.number] = status
        body = _body(n, case, status)
        headers = {
            "Content-Type": "application/json",
            "X-Atlassian-Webhook-Identifier": f"bench-{n}",
            "X-Hub-Signature": sign(body, self._secret),
        }
        return request_bytes("/webhooks/jira", headers, body)


def _body(n: int, case: Tracked, status: str) -> bytes:
    moment = BEGIN + timedelta(milliseconds=n)
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
    user = {"accountId": "acct-1", "displayName": "Ada Bench", "active": True, "timeZone": "UTC"}
    fields: dict[str, Any] = {
        "summary": f"{case.number}: Node not ready after upgrade",
        "status": {"name": status, "statusCategory": {"key": "indeterminate"}},
        "labels": ["field-support"],
        "priority": {"name": "Normal", "id": "3"},
        "project": {"id": "10001", "key": "T5G"},
        "issuetype": {"name": "Task"},
        "fixVersions": [],
        "assignee": user,
        "reporter": user,
        "created": "2026-11-01T08:00:00.000+0000",
        "updated": stamp,
        **{
            f"customfield_1{i:04d}": None if i % 3 else {"value": "x", "id": str(i)}
            for i in range(90)
        },
        "description": "",
    }
    event = {
        "timestamp": int(moment.timestamp() * 1000),
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_generic",
        "user": user,
        "issue": {"id": case.id, "key": case.key, "fields": fields},
        "changelog": {"id": str(n), "items": [
            {"field": "status", "fieldId": "status", "fromString": "Open", "toString": status}
        ]},
    }  # fmt: skip
    fields["description"] = "d" * max(0, SIZE - len(json.dumps(event)))
    return json.dumps(event).encode()


async def _fill(settings: Settings) -> None:
    redis = open_redis(settings.redis_url)
    await open_store(settings, redis).write(
        [
            PortalSeen(
                number=f"{n:08d}",
                seen=BEGIN,
                updated=BEGIN,
                facts=Portal(number=f"{n:08d}", status="Waiting on Red Hat", summary="It broke"),
            )
            for n in range(CASES)
        ],
        now=BEGIN,
    )
    await redis.aclose()


def bare_receiver(settings: Settings) -> web.Application:
    """The least one could do: an HMAC and one write."""
    redis = open_redis(settings.redis_url)
    secret = SECRET.encode()

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        expected = "sha256=" + hmac.digest(secret, body, "sha256").hex()
        if not hmac.compare_digest(expected, request.headers["X-Hub-Signature"]):
            return web.Response(status=401)
        await redis.set("bench:" + request.headers["X-Atlassian-Webhook-Identifier"][-3:], body)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/webhooks/jira", receive)
    return app
