"""Sends JIRA's webhooks: signed, several at once, repeated as JIRA repeats them, or misdelivered.

Bodies are made at the moment of the event. `Misdelivery` makes the trouble that receivers must
bear: duplicates, other orders, losses; by chance, from a seed.
"""

import asyncio
import hmac
import json
import random
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from sandbox.jira.payloads import bodies
from sandbox.jira.registrations import Registration, read_registration
from sandbox.jira.state import Event, JiraState

__all__ = ["AGAIN", "SECRET", "Delivery", "Misdelivery", "Registration", "Webhooks", "sign"]

AGAIN: Final = frozenset({408, 409, 425, 429})
SECRET: Final = "sandbox-webhook-secret-not-secret"
LOG_LENGTH: Final = 20_000
CONNECT_LIMIT: Final = 5.0
#: Seconds before each repetition (JIRA: minutes), and for which an answer is waited for.
REDELIVERY: Final = (2.0, 5.0, 10.0, 20.0, 40.0)
PATIENCE: Final = 20.0
AGENTS: Final = {True: "Atlassian Webhook HTTP Client", False: "Atlassian HttpClient 10.3 / JIRA"}


@dataclass
class Misdelivery:
    """Each n-th delivery is doubled or lost; each waits up to `delay` seconds and is overtaken."""

    duplicate_every: int = 0
    drop_every: int = 0
    delay: float = 0.0
    seed: int = 0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def copies(self, number: int) -> int:
        """How often the `number`-th delivery is sent: 0, 1 or 2 times."""
        if self.drop_every and number % self.drop_every == 0:
            return 0
        return 2 if self.duplicate_every and number % self.duplicate_every == 0 else 1

    def wait(self) -> float:
        """Seconds that the next one waits."""
        return self.chance.uniform(0, self.delay) if self.delay else 0.0


@dataclass
class Delivery:
    """One body on its way; `answers`: the status of each try (0: none came)."""

    identifier: str
    event: str
    url: str
    issue: str = ""
    size: int = 0
    answers: list[int] = field(default_factory=list)
    outcome: str = "waiting"


class Webhooks:
    """The sender of one JIRA. `retry_delays`: seconds before each repetition (JIRA: minutes)."""

    def __init__(
        self,
        state: JiraState,
        *,
        retry_delays: Iterable[float] = REDELIVERY,
        at_once: int = 20,
        time_limit: float = PATIENCE,
    ) -> None:
        self._state = state
        self._retry_delays = tuple(retry_delays)
        self._time_limit = time_limit
        self._at_once = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._count = 0
        self.registered: dict[int, Registration] = {}
        self.misdelivery = Misdelivery()
        self.log: deque[Delivery] = deque(maxlen=LOG_LENGTH)
        state.listeners.append(self._told)

    def register(
        self,
        url: str,
        *,
        secret: str = SECRET,
        name: str = "t5g",
        events: Iterable[str] = (),
        filter: str = "",
    ) -> Registration:
        """Register a webhook; without `events` it gets all, without `filter` of all issues."""
        number = max(self.registered, default=0) + 1
        made = Registration(number, name, url, tuple(events), secret, filter)
        self.registered[number] = made
        return made

    def register_as_asked(self, asked: dict[str, Any]) -> Registration:
        """Register a webhook as the admin API is asked to. Raises Refusal 400."""
        number = max(self.registered, default=0) + 1
        self.registered[number] = read_registration(self._state, number, asked)
        return self.registered[number]

    async def start(self) -> None:
        """Open the session that deliveries use. Before that nothing is sent."""
        limit = aiohttp.ClientTimeout(total=self._time_limit, sock_connect=CONNECT_LIMIT)
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            timeout=limit, connector=connector, trust_env=False, auto_decompress=False
        )

    async def stop(self) -> None:
        """Give up what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def settled(self, seconds: float = 30.0) -> None:
        """Return when nothing is on its way any more. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self._tasks:
                await asyncio.wait(list(self._tasks))

    @property
    def waiting(self) -> int:
        """Deliveries on their way."""
        return len(self._tasks)

    def _told(self, event: Event) -> None:
        if self._session is None or not self.registered:
            return
        for body in bodies(self._state, event):
            name = str(body["webhookEvent"])
            raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            for one in self.registered.values():
                if one.wants(self._state, event, name):
                    self._send(one, event, name, b"" if one.exclude_body else raw)

    def _send(self, registration: Registration, event: Event, name: str, raw: bytes) -> None:
        self._count += 1
        key = event.issue.key if event.issue else ""
        delivery = Delivery(str(uuid.uuid4()), name, registration.url, key, len(raw))
        self.log.append(delivery)
        copies = self.misdelivery.copies(self._count)
        if not copies:
            delivery.outcome = "lost on purpose"
        for _ in range(copies):
            work = self._deliver(registration, delivery, raw, self.misdelivery.wait())
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self, registration: Registration, delivery: Delivery, raw: bytes, wait: float
    ) -> None:
        await asyncio.sleep(wait)
        for number, pause in enumerate((*self._retry_delays, None)):
            status = await self._post(registration, delivery, raw, number)
            delivery.answers.append(status)
            if 200 <= status < 300:
                delivery.outcome = "delivered"
                return
            again = status == 0 or status >= 500 or status in AGAIN
            if not again or pause is None:
                delivery.outcome = "lost"
                return
            await asyncio.sleep(pause)

    async def _post(
        self, registration: Registration, delivery: Delivery, raw: bytes, number: int
    ) -> int:
        assert self._session is not None, "deliveries begin after the start"
        headers = _headers(registration, delivery, raw, number, cloud=self._state.cloud)
        async with self._at_once:
            try:
                async with self._session.post(
                    registration.url, data=raw, headers=headers, allow_redirects=False
                ) as answer:
                    return answer.status
            except (aiohttp.ClientError, TimeoutError, OSError):
                return 0


def sign(raw: bytes, secret: str) -> str:
    """Return the signature of a body, as the header `X-Hub-Signature` has it."""
    return f"sha256={hmac.new(secret.encode(), raw, 'sha256').hexdigest()}"


def _headers(
    registration: Registration, delivery: Delivery, raw: bytes, number: int, *, cloud: bool
) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": AGENTS[cloud],
        "X-Atlassian-Webhook-Identifier": delivery.identifier,
        "X-Atlassian-Webhook-Flow": "Primary",
        "X-Atlassian-Webhook-Trace": uuid.uuid4().hex,
    }
    if number:
        headers["X-Atlassian-Webhook-Retry"] = str(number)
    if registration.secret:
        headers["X-Hub-Signature"] = sign(raw, registration.secret)
    return headers
