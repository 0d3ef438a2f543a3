"""A headless Chromium before a web process with cases: what the tests of the pages look through.

The process lives in a thread of its own, because the browser is driven synchronously. Both are
shared by the tests of a module; each test has windows of its own, and whatever went wrong in one
of them (a script's error, a refused style, a request to another host) fails the test at its end.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chrome
from playwright.sync_api import Page, expect, sync_playwright
from redis import Redis as SyncRedis

from t5g.audit import Audit, AuditEntry
from t5g.audit import Outcome as Done
from t5g.connection import open_redis, open_store, open_syncs
from t5g.figures import HEADLINES
from t5g.keys import Keys
from t5g.runs import Outcome, Run, RunBook, Said
from t5g.settings import Settings, load_settings
from t5g.state import Observation
from t5g.statistics import DayRow, History, day_of
from t5g.syncs import Sync, SyncRecord, SyncState
from tests import wall_clock
from tests.webhooks.pages.worlds import PEOPLE, world
from webhooks.app import create_app

T = TypeVar("T")
CASES = 60
#: Milliseconds for anything to show, also on a busy machine.
PATIENCE = 15_000
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Site:
    """A running web process: its address, and its store as a worker has it."""

    def __init__(self, settings: Settings, port: int = 0) -> None:
        self.settings = settings
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.url = ""
        self.app: web.Application

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._thread.start()
        assert self._ready.wait(30), "the web process did not start"

    def stop(self) -> None:
        """Stop as a process does that is told to."""
        self.do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the process, and give what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def write(self, *seen: Observation) -> None:
        """Write what a sync or an event saw."""
        self.do(self.store.write(list(seen), now=wall_clock.now()))

    def record(self, record: SyncRecord) -> None:
        """Write how a sync is getting on."""
        self.do(self.syncs.write(record))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._ready.set()
        self._loop.run_forever()

    async def _open(self) -> None:
        self.redis = open_redis(self.settings.redis_url)
        self.store = open_store(self.settings, self.redis)
        self.syncs = open_syncs(self.settings, self.redis)
        self.app = create_app(self.settings)
        self._server = TestServer(self.app, port=self._port or None)
        await self._server.start_server()
        self.url = str(self._server.make_url("")).rstrip("/")

    async def _close(self) -> None:
        await self._server.close()
        await self.redis.aclose()


async def furnish(site: Site, cases: int = CASES) -> None:
    """Give it cases, days of numbers, records of syncs (one is late) and of jobs, audit entries."""
    now = wall_clock.now()
    await site.store.write(world(cases, now, hostile=False), now=now)
    history = History(site.redis, Keys(site.settings.redis_prefix))
    for days in range(1, 10):
        await history.write(past_day(site.settings, now.timestamp() - days * 86_400, days))
    for sync in Sync:
        failed = sync is Sync.BUGS
        await site.syncs.write(
            SyncRecord(
                name=sync, state=SyncState.FAILED if failed else SyncState.OK,
                error="Bugzilla: no answer" if failed else "",
                last_success=now.timestamp() - (90_000 if failed else 60),
            )
        )  # fmt: skip
    await asyncio.to_thread(_work, site.settings.redis_url, now.timestamp())
    await Audit(site.redis, Keys(site.settings.redis_prefix)).record(
        *(
            AuditEntry(
                who="ann@example.com", name="Ann", action="claim", outcome=outcome, origin="slack",
                case="04000001", detail="a word about it",
            )
            for outcome in Done
        )
    )  # fmt: skip


def _work(redis_url: str, now: float) -> None:
    """Write what became of some jobs."""
    with SyncRedis.from_url(redis_url) as raw:
        book = RunBook(raw, Keys())
        for outcome in Outcome:
            run = Run(
                id=outcome.value, job_id="sync-cases", job="sync cases", queue="default",
                queued=now - 20, started=now - 10,
            )  # fmt: skip
            book.begin(run)
            told = Said(outcome=outcome, error="HTTP 503", trace="Traceback\n  line 1\nHTTP 503")
            book.say(
                run.id,
                told if outcome is not Outcome.DONE else Said(outcome=outcome, result="90 cases"),
            )
            book.end(run.id, now)
        book.begin(Run(id="now", job_id="sync-cards", job="sync cards", queue="default"))


def past_day(settings: Settings, at: float, days: int) -> DayRow:
    """The numbers of a day in the past."""
    some = dict(zip(("Acme Corp", "AT&T", "Rakuten", "Verizon"), (9, 7, 5, days % 5), strict=True))
    return DayRow(
        day=day_of(at, settings.zone), at=at,
        headlines={line.name: 10 + days % 7 for line in HEADLINES},
        by_severity={"Urgent": 3, "High": 9 + days % 3, "Normal": 30, "Low": 14},
        by_status={"Waiting on Red Hat": 30, "Waiting on Customer": 20 - days % 4},
        by_account=some, by_engineer={person.name: 4 + days % 3 for person in PEOPLE[:4]},
    )  # fmt: skip


def opened(redis_url: str, port: int = 0, **env: Any) -> Site:
    """Start a web process on an empty Redis."""
    with SyncRedis.from_url(redis_url) as redis:
        redis.flushall()
    usual = {"slack_signing_secret": "test-signing-not-secret", "page_rate": 100_000}
    site = Site(load_settings(env={"redis_url": redis_url, **usual, **env}), port)
    site.start()
    return site


@pytest.fixture(scope="module")
def free_ports() -> tuple[int, int]:
    """Two ports of loopback on which nothing listened a moment ago."""
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(two.getsockname()[1])


@pytest.fixture(scope="module")
def site(redis_server: str) -> Iterator[Site]:
    """A web process without login, with cases."""
    found = opened(redis_server)
    try:
        found.do(furnish(found))
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def chrome(chromium: Path) -> Iterator[Chrome]:
    """A browser. Only tests that are not coroutines may share a module with it."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


Tab = Callable[..., Page]


class Watch:
    """Notes what goes wrong in a window."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = {urlsplit(host).netloc for host in hosts}
        self.wrong: list[str] = []

    def over(self, page: Page) -> None:
        """Watch this window."""
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("console", lambda said: self._console(said.type, said.text))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, kind: str, text: str) -> None:
        # Chromium tells answers of 4xx here, too; the tests ask for some.
        if kind == "error" and "Failed to load resource" not in text:
            self.wrong.append(f"console: {text}")

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in self.hosts:
            self.wrong.append(f"another host: {url}")


@contextlib.contextmanager
def windows(chrome: Chrome, url: str, *hosts: str) -> Iterator[Tab]:
    """Give a function that opens windows at `url`; in none of them anything may go wrong."""
    watch, contexts = Watch(url, *hosts), []

    def open_tab(path: str = "/", **options: Any) -> Page:
        context = chrome.new_context(**{"viewport": WIDE, "base_url": url, **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        watch.over(page)
        page.goto(path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert watch.wrong == []


@pytest.fixture
def tab(chrome: Chrome, site: Site) -> Iterator[Tab]:
    """Open a window: `tab(path, **options)`; the options are those of a browser's context."""
    with windows(chrome, site.url) as open_tab:
        yield open_tab


ALL = {"resultTypes": ["violations"]}
#: What hangs on colours, and so has to be looked at in dark, too.
COLOURS = {**ALL, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
#: What hangs on the width of the page: colours, the slowest to look at, do not.
LAYOUT = {**ALL, "rules": {"color-contrast": {"enabled": False}}}


def found_by_axe(page: Page) -> dict[str, list[str]]:
    """What an accessibility checker finds in light and dark and at a phone's width."""
    found = {}
    for where, scheme, size, options in (
        ("light", "light", WIDE, ALL), ("dark", "dark", WIDE, COLOURS),
        ("phone", "light", PHONE, LAYOUT),
    ):  # fmt: skip
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        violations = Axe().run(page, options=options).response["violations"]
        found[where] = [
            f"{rule['impact']} {rule['id']}: {node['target'][0]}: {node['failureSummary'][:400]}"
            for rule in violations
            for node in rule["nodes"][:5]
        ]
    return {where: what for where, what in found.items() if what}
