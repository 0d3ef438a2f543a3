"""Slack's request signature, version 0: what makes a request Slack's own."""

import hashlib
import hmac
from typing import Final

VERSION: Final = "v0"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The `X-Slack-Signature` of a raw body sent at `timestamp` (epoch seconds as text)."""
    base = f"{VERSION}:{timestamp}:".encode() + body
    return f"{VERSION}={hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}"


def signed_headers(secret: str, now: float, body: bytes) -> dict[str, str]:
    """The two headers that a signed request carries."""
    timestamp = str(int(now))
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(secret, timestamp, body),
    }
