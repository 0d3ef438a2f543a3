"""Sends to the app what people do, as Slack does: signed HTTP, or Socket Mode when connected.

Commands and interactions are sent once and waited for; events are sent in the background and
repeated three times (at once, after a minute, after five) until they are acknowledged.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from sandbox.slack import payloads
from sandbox.slack.delivery import (
    ANSWER_SECONDS,
    TIMEOUT,
    UNREACHABLE,
    Delivery,
    Outcome,
    RequestKind,
    Retry,
    describe,
)
from sandbox.slack.model import Change, Json
from sandbox.slack.signer import signed_headers
from sandbox.slack.socket_mode import SocketHub
from sandbox.slack.state import SlackState

RETRY_DELAYS: Final = (0.0, 60.0, 300.0)
_USER_AGENT: Final = "Slackbot 1.0 (+https://api.slack.com/robots)"
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Dispatcher:
    """The way to the app. `request_url` may be set (or changed) at any time."""

    state: SlackState
    hub: SocketHub
    signing_secret: str
    request_url: str = ""
    answer_seconds: float = ANSWER_SECONDS
    retry_delays: tuple[float, ...] = RETRY_DELAYS
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=500))
    _session: aiohttp.ClientSession | None = None
    _events: set[asyncio.Task[None]] = field(default_factory=set)

    async def close(self) -> None:
        """Stop repeating events and close the connections."""
        for task in list(self._events):
            task.cancel()
        await asyncio.gather(*self._events, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def deliver(
        self, kind: RequestKind, payload: Mapping[str, Any], retry: Retry | None = None
    ) -> Outcome:
        """Send one request by whichever way the app is connected; never raises."""
        started = time.perf_counter()
        if self.hub.connected:
            outcome = await self.hub.send(kind, payload, self.answer_seconds, retry)
        else:
            outcome = await self._post(kind, payload, retry)
        elapsed = (time.perf_counter() - started) * 1000
        outcome = Outcome(
            outcome.status, round(elapsed, 1), outcome.body, outcome.error, outcome.no_retry
        )
        self._record(kind, payload, outcome, retry)
        return outcome

    def emit(self, event: Json, event_id: str | None = None) -> str:
        """Send an event in the background, with Slack's repetitions; gives its event_id.

        A known `event_id` sends the same event anew, as Slack may.
        """
        envelope = payloads.event_callback(self.state, event)
        envelope["event_id"] = event_id or envelope["event_id"]
        task = asyncio.create_task(self._send_event(envelope))
        self._events.add(task)
        task.add_done_callback(self._events.discard)
        return str(envelope["event_id"])

    async def again(self, delivery: Delivery) -> Outcome:
        """Send a request once more, as Slack does when it did not hear the answer."""
        retry = Retry(delivery.retry + 1, "http_timeout")
        return await self.deliver(delivery.kind, delivery.payload, retry)

    async def settled(self) -> None:
        """Wait until no event is on its way (nor waiting for its next attempt)."""
        while self._events:
            await asyncio.gather(*self._events, return_exceptions=True)

    async def verify_url(self) -> bool:
        """Whether the request URL echoes a challenge, as Slack asks when one is set."""
        challenge = "sandbox-challenge"
        payload = {"type": "url_verification", "challenge": challenge, "token": payloads.TOKEN}
        outcome = await self._post(RequestKind.EVENT, payload, None)
        return challenge in (outcome.body or {}).values()

    async def _send_event(self, envelope: Json) -> None:
        outcome = await self.deliver(RequestKind.EVENT, envelope)
        for number, delay in enumerate(self.retry_delays, start=1):
            if outcome.error is None or outcome.no_retry:
                return
            await asyncio.sleep(delay)
            retry = Retry(number, outcome.retry_reason)
            outcome = await self.deliver(RequestKind.EVENT, envelope, retry)

    async def _post(
        self, kind: RequestKind, payload: Mapping[str, Any], retry: Retry | None
    ) -> Outcome:
        if not self.request_url:
            return Outcome(None, 0, error=UNREACHABLE)
        content_type, body = encode(kind, payload)
        headers = {"Content-Type": content_type, "User-Agent": _USER_AGENT}
        headers |= signed_headers(self.signing_secret, self.state.clock(), body)
        if retry is not None:
            headers |= {
                "X-Slack-Retry-Num": str(retry.number),
                "X-Slack-Retry-Reason": retry.reason,
            }
        try:
            async with asyncio.timeout(self.answer_seconds):
                return await self._exchange(body, headers)
        except TimeoutError:
            return Outcome(None, 0, error=TIMEOUT)
        except (aiohttp.ClientError, OSError):
            return Outcome(None, 0, error=UNREACHABLE)

    async def _exchange(self, body: bytes, headers: dict[str, str]) -> Outcome:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(
            self.request_url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            text = await answer.text()
            no_retry = answer.headers.get("X-Slack-No-Retry") == "1"
            error = status_error(answer.status)
            return Outcome(answer.status, 0, parse_answer(text), error, no_retry)

    def _record(
        self,
        kind: RequestKind,
        payload: Mapping[str, Any],
        outcome: Outcome,
        retry: Retry | None,
    ) -> None:
        delivery = Delivery(
            kind,
            describe(kind, payload),
            "socket" if self.hub.connected else "http",
            self.state.clock(),
            outcome,
            retry.number if retry else 0,
            payload.get("event_id"),
            payload,
        )
        self.deliveries.append(delivery)
        if outcome.error:
            self.state.problem(delivery.what, outcome.error, f"HTTP {outcome.status}")
        self.state.changed(Change("delivery"))


def encode(kind: RequestKind, payload: Mapping[str, Any]) -> tuple[str, bytes]:
    """The content type and the raw body of a request over HTTP."""
    if kind is RequestKind.EVENT:
        return "application/json", json.dumps(payload, ensure_ascii=False).encode()
    if kind is RequestKind.COMMAND:
        return _FORM, urlencode(payload).encode()
    return _FORM, urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()


def parse_answer(text: str) -> Mapping[str, Any] | None:
    """What the app answered: an object, or a plain text as `{"text": ...}`, or nothing."""
    if not text.strip():
        return None
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {"text": text}


def status_error(status: int) -> str | None:
    """What the person reads for an HTTP status."""
    if status < 300:
        return None
    return "http_client_error" if status < 500 else "http_service_error"
