"""What came of a call to Slack that did not work: Slack's own word, or only the status of HTTP.

In front of Slack there are proxies, and Slack has bad days: an answer may be a page, empty, or no
JSON. Then nobody knows whether the call was carried out, and no such answer is a refusal.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from slack_sdk.errors import SlackApiError

#: Slack's words for what passes by itself.
PASSING = frozenset({
    "internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error",
    "team_added_to_org",
})  # fmt: skip
TOO_MANY_REQUESTS = 429


class Refusal(Struct, frozen=True, kw_only=True):
    """One answer. `why`: Slack's word, or `HTTP 503`; `wait`: seconds, if it was too much."""

    why: str
    told: bool
    limited: bool
    wait: float = 1.0

    @property
    def passes(self) -> bool:
        """Say whether the same call may work later; it is not known whether it did already."""
        return not self.told or self.why in PASSING


def refusal(error: SlackApiError) -> Refusal:
    """Read an error of the client, whatever answer it carries."""
    response: Any = error.response
    data = response if isinstance(response, dict) else getattr(response, "data", None)
    word = data.get("error") if isinstance(data, dict) else None
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    limited = word == "ratelimited" or (not word and status == TOO_MANY_REQUESTS)
    return Refusal(
        why=str(word or f"HTTP {status}"),
        told=bool(word) or limited,
        limited=limited,
        wait=_wait(getattr(response, "headers", None) or {}),
    )


def _wait(headers: Mapping[str, Any]) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", 1)))
    except ValueError:
        return 1.0
