"""`/t5g cases severity:urgent` over signed HTTP against a Bolt app that answers a constant.

Both are aiohttp processes asked in turn, in the same run. Targets, at 10,000 cases: at
least 70 % of the throughput, p99 at most twice as long, the first answer within two seconds of the
start of the process. Told besides: the same while a case changes ten times a second, so that no
rendered answer lasts.

    t5g bench slack
"""

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.signature import SignatureVerifier

from bench.load import Measured, fire, request_bytes
from bench.process import WebProcess
from bench.report import Findings
from bench.serving import CONNECTIONS, PrivateRedis, Serving
from bench.worlds import fill, number_of, portal
from t5g.connection import open_redis, open_store
from t5g.settings import Settings, load_settings
from t5g.state import PortalSeen
from webhooks.app import create_app

SECRET = WebProcess.SECRET
QUESTION = "cases severity:urgent"
THROUGHPUT, LATENCY, START = 0.7, 2.0, 2.0
#: People who ask; each is looked up in Slack once.
PEOPLE = 50
CHANGE_EVERY = 0.1
STARTS = 3


async def measure(cases: int = 10_000, questions: int = 3_000, rounds: int = 5) -> Findings:
    """Run everything on a private Redis; tell what was met."""
    found = Findings()
    with tempfile.TemporaryDirectory(prefix="t5g-bench-") as folder:
        async with slack_api() as api:
            with PrivateRedis(Path(folder)) as url:
                settings = load_settings(env={
                    "redis_url": url, "slack_api_url": api, "slack_signing_secret": SECRET,
                    "slack_bot_token": "xoxb-bench-not-secret",
                })  # fmt: skip
                redis = open_redis(url)
                await fill(open_store(settings, redis), cases)
                await _starts(settings, api, found)
                with Serving(constant, settings) as least, Serving(create_app, settings) as server:
                    await _compare(least, server, questions, rounds, found, "")
                    changing = asyncio.create_task(_change(settings))
                    await _compare(least, server, questions, 1, found, " while cases change")
                    changing.cancel()
                await redis.aclose()
    return found


async def _compare(
    least: Serving, server: Serving, questions: int, rounds: int, found: Findings, when: str
) -> None:
    await fire(least.port, asked(500), connections=CONNECTIONS)
    await fire(server.port, asked(500), connections=CONNECTIONS)
    bare, full = list[Measured](), list[Measured]()
    for _ in range(rounds):
        bare.append(await least.measure(asked(questions)))
        full.append(await server.measure(asked(questions)))
    pairs = list(zip(bare, full, strict=True))
    throughput = statistics.median(f.throughput / b.throughput for b, f in pairs)
    latency = statistics.median(f.percentile(0.99) / b.percentile(0.99) for b, f in pairs)
    wrong = sum(n for m in full for status, n in m.statuses.items() if status != 200)
    found.most(f"/t5g {QUESTION}: not answered with 200{when}", wrong, "", 0)
    if when:
        found.add(f"throughput beside a constant{when}", throughput * 100, "%")
        found.add(f"p99 beside a constant{when}", latency, "x")
        return
    found.least(f"/t5g {QUESTION}: throughput beside a constant", throughput * 100, "%",
                THROUGHPUT * 100)  # fmt: skip
    found.most(f"/t5g {QUESTION}: p99 beside a constant", latency, "x", LATENCY)


async def _starts(settings: Settings, api: str, found: Findings) -> None:
    """From the start of `t5g web` to its first answer in Slack."""

    def start() -> float:
        with WebProcess(settings, slack_api_url=api) as process:
            return process.first_answer(asked(1)[0])

    seconds = [await asyncio.to_thread(start) for _ in range(STARTS)]
    found.most("start to first answer in Slack", statistics.median(seconds), "s", START)


async def _change(settings: Settings) -> None:
    """Change one case after the other, so that each time everything is made anew."""
    redis = open_redis(settings.redis_url)
    store = open_store(settings, redis)
    for n in count(1):
        now = datetime.now(UTC)
        facts = portal(n, now - timedelta(days=3), now, closed=False, summary=f"Changed {n}")
        seen = PortalSeen(number=number_of(n), seen=now, updated=now, facts=facts)
        await store.write([seen], now=now)
        await asyncio.sleep(CHANGE_EVERY)


def asked(questions: int) -> list[bytes]:
    """That many signed slash commands, by fifty people."""
    verifier = SignatureVerifier(SECRET)
    return [_request(verifier, n) for n in range(questions)]


def _request(verifier: SignatureVerifier, n: int) -> bytes:
    body = urlencode({
        "token": "deprecated", "team_id": "T1", "team_domain": "bench", "channel_id": "C1",
        "channel_name": "general", "user_id": f"U{n % PEOPLE:09d}", "user_name": "ann",
        "command": "/t5g", "text": QUESTION, "api_app_id": "A1", "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:9/nothing", "trigger_id": f"1.{n}",
    })  # fmt: skip
    stamp = str(int(datetime.now(UTC).timestamp()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": str(verifier.generate_signature(timestamp=stamp, body=body)),
    }
    return request_bytes("/slack/events", headers, body.encode())


def constant(settings: Settings) -> web.Application:
    """The least that Bolt can do: check the signature, find the listener, answer a constant."""
    token = settings.slack_bot_token.get_secret_value()

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    bolt = AsyncApp(signing_secret=SECRET, authorize=authorize)

    async def answer(ack: AsyncAck) -> None:
        await ack("Hello.")

    bolt.command("/t5g")(answer)

    async def take(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    app = web.Application()
    app.router.add_post("/slack/events", take)
    return app


@asynccontextmanager
async def slack_api() -> AsyncIterator[str]:
    """Slack's Web API as far as it is asked who somebody is; give its address."""

    async def answer(request: web.Request) -> web.Response:
        profile = {"real_name": "Ann"}
        user = {"id": "U1", "team_id": "T1", "name": "ann", "tz": "UTC", "profile": profile}
        return web.json_response({"ok": True, "user": user, "user_id": "UBOT", "team_id": "T1"})

    app = web.Application()
    app.router.add_route("*", "/api/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()
