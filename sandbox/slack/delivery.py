"""What goes to the app and what came back: kinds of requests, outcomes, and their record.

Shared by the two ways to the app, signed HTTP (`dispatcher.py`) and Socket Mode.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

#: Slack gives the app this long; then the person sees `operation_timeout`.
ANSWER_SECONDS: Final = 3.0

TIMEOUT: Final = "operation_timeout"
UNREACHABLE: Final = "dispatch_failed"


class RequestKind(StrEnum):
    """Kinds of requests, named as Socket Mode's envelopes name them."""

    COMMAND = "slash_commands"
    INTERACTIVE = "interactive"
    EVENT = "events_api"


@dataclass(frozen=True, slots=True)
class Retry:
    """Which repetition of an event this is, and why there is one."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request: `error` is what the person sees, None when all went well.

    `body` is the parsed JSON, else `{"text": ...}` for a plain text, else None.
    """

    status: int | None
    elapsed_ms: float
    body: Mapping[str, Any] | None = None
    error: str | None = None
    no_retry: bool = False

    @property
    def retry_reason(self) -> str:
        """Why Slack would try again."""
        reasons = {TIMEOUT: "http_timeout", UNREACHABLE: "connection_failed"}
        return reasons.get(self.error or "", "http_error")


@dataclass(frozen=True, slots=True)
class Delivery:
    """The record of one request to the app."""

    kind: RequestKind
    what: str
    transport: str
    at: float
    outcome: Outcome
    retry: int = 0
    event_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


def describe(kind: RequestKind, payload: Mapping[str, Any]) -> str:
    """A short name of a request for people: `/t5g cases`, `block_actions`, `app_mention`."""
    if kind is RequestKind.COMMAND:
        return f"{payload['command']} {payload['text']}".strip()
    if kind is RequestKind.EVENT:
        return str((payload.get("event") or payload).get("type"))
    return str(payload.get("type"))
