"""Sends JIRA's webhooks: signed, several at once, repeated as JIRA repeats them, or misdelivered.

Bodies are made at the moment of the event. `Misdelivery` makes the trouble that receivers must
bear: duplicates, other orders, losses; by chance, from a seed.
"""

import asyncio
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.jira.payloads import bodies
from sandbox.jira.state import Event, JiraState

AGAIN = frozenset({408, 409, 425, 429})
SECRET = "sandbox-webhook-secret-not-secret"
LOG_LENGTH = 2000


@dataclass
class Registration:
    """A webhook that was registered: where to, which events, signed with what."""

    id: int
    name: str
    url: str
    events: tuple[str, ...]
    secret: str = ""
    filter: str = ""
    active: bool = True

    def wants(self, event: str) -> bool:
        """Say whether events of this name go there."""
        return self.active and (not self.events or event in self.events)


@dataclass
class Misdelivery:
    """Each n-th delivery is doubled or lost; each waits up to `delay` seconds."""

    duplicate_every: int = 0
    drop_every: int = 0
    delay: float = 0.0
    seed: int = 0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)


@dataclass
class Delivery:
    """One body on its way; `answers`: the status of each try (0: none came)."""

    identifier: str
    event: str
    url: str
    answers: list[int] = field(default_factory=list)
    outcome: str = "waiting"


class Webhooks:
    """The sender of one JIRA. `retry_delays`: seconds before each repetition."""

    def __init__(
        self,
        state: JiraState,
        *,
        retry_delays: Iterable[float] = (2.0, 5.0, 10.0, 20.0, 40.0),
        at_once: int = 20,
        time_limit: float = 20.0,
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
        self.log: list[Delivery] = []
        state.listeners.append(self._told)

    def register(
        self, url: str, *, secret: str = SECRET, name: str = "t5g", events: Iterable[str] = (),
        filter: str = "",
    ) -> Registration:  # fmt: skip
        """Register a webhook; without `events` it gets all."""
        number = max(self.registered, default=0) + 1
        self.registered[number] = Registration(number, name, url, tuple(events), secret, filter)
        return self.registered[number]

    async def start(self) -> None:
        """Open the session that deliveries use."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._time_limit), trust_env=False
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

    def _told(self, event: Event) -> None:
        if self._session is None:
            return
        for body in bodies(self._state, event):
            raw = json.dumps(body, ensure_ascii=False).encode()
            for registration in self.registered.values():
                if registration.wants(str(body["webhookEvent"])):
                    self._send(registration, str(body["webhookEvent"]), raw)

    def _send(self, registration: Registration, event: str, raw: bytes) -> None:
        self._count += 1
        trouble = self.misdelivery
        delivery = Delivery(str(uuid.uuid4()), event, registration.url)
        self.log.append(delivery)
        del self.log[:-LOG_LENGTH]
        if trouble.drop_every and self._count % trouble.drop_every == 0:
            delivery.outcome = "lost on purpose"
            return
        copies = 2 if trouble.duplicate_every and self._count % trouble.duplicate_every == 0 else 1
        for _ in range(copies):
            wait = trouble.chance.uniform(0, trouble.delay) if trouble.delay else 0.0
            task = asyncio.get_running_loop().create_task(
                self._deliver(registration, delivery, raw, wait)
            )
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
            if not (status == 0 or status >= 500 or status in AGAIN) or pause is None:
                delivery.outcome = "lost"
                return
            await asyncio.sleep(pause)

    async def _post(
        self, registration: Registration, delivery: Delivery, raw: bytes, number: int
    ) -> int:
        assert self._session is not None
        async with self._at_once:
            try:
                async with self._session.post(
                    registration.url,
                    data=raw,
                    headers=_headers(registration, delivery, raw, number),
                ) as answer:
                    return answer.status
            except (aiohttp.ClientError, TimeoutError, OSError):
                return 0


def _headers(
    registration: Registration, delivery: Delivery, raw: bytes, number: int
) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "Atlassian Webhook HTTP Client",
        "X-Atlassian-Webhook-Identifier": delivery.identifier,
        "X-Atlassian-Webhook-Flow": "Primary",
        "X-Atlassian-Webhook-Trace": uuid.uuid4().hex,
    }
    if number:
        headers["X-Atlassian-Webhook-Retry"] = str(number)
    if registration.secret:
        digest = hmac.new(registration.secret.encode(), raw, hashlib.sha256).hexdigest()
        headers["X-Hub-Signature"] = f"sha256={digest}"
    return headers


def registration_json(base_url: str, found: Registration) -> dict[str, Any]:
    """A registration as the admin API shows it; never its secret."""
    return {
        "self": f"{base_url}/rest/webhooks/1.0/webhook/{found.id}",
        "id": found.id,
        "name": found.name,
        "url": found.url,
        "events": list(found.events),
        "filters": {"issue-related-events-section": found.filter},
        "excludeBody": False,
        "enabled": found.active,
        "active": found.active,
        "isSigned": bool(found.secret),
    }
