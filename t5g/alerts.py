"""Alerts for operators: raised once, cleared once, kept until the bot has posted them.

An alert is a name that is either raised or not. Raising a raised one, or clearing a clear one, does
nothing; each real change is an entry in an outbox, which whoever posts empties. What an alert looks
like in Slack is not known here.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.keys import Keys

OUTBOX_LENGTH = 1_000

# KEYS: hash of raised alerts, outbox. ARGV: name, the alert as JSON, outbox length.
_RAISE = """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'alert', ARGV[2], 'raised', '1')
return 1
"""

# KEYS: hash of raised alerts, outbox. ARGV: name, the all-clear as JSON, outbox length.
_CLEAR = """
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'alert', ARGV[2], 'raised', '0')
return 1
"""


class Alert(Struct, frozen=True, kw_only=True):
    """What operators should know. `at` in seconds since the epoch; `hint`: what to do."""

    name: str
    text: str
    hint: str = ""
    at: float = 0.0


class Notice(Struct, frozen=True, kw_only=True):
    """An alert that was raised or cleared and is yet to be posted; `id` is for `posted`."""

    id: str
    alert: Alert
    raised: bool


class Alerts:
    """The alerts of one installation."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._raised = keys.named("alerts")
        self._outbox = keys.named("alerts", "outbox")

    async def raise_(self, name: str, text: str, *, hint: str = "") -> bool:
        """Raise an alert; say whether it is new."""
        alert = Alert(name=name, text=text, hint=hint, at=time.time())
        return await self._run(_RAISE, alert)

    async def clear(self, name: str, text: str) -> bool:
        """Clear an alert; `text` says what is well again. Say whether it was raised."""
        return await self._run(_CLEAR, Alert(name=name, text=text, at=time.time()))

    async def raised(self) -> list[Alert]:
        """Return the alerts that are raised now, oldest first."""
        rows: Mapping[Any, Any] = await self._redis.hgetall(self._raised)
        return sorted((_DECODE(raw) for raw in rows.values()), key=lambda alert: alert.at)

    async def unposted(self) -> list[Notice]:
        """Return what is yet to be posted, oldest first."""
        rows: Sequence[Any] = await self._redis.xrange(self._outbox) or ()
        return [
            Notice(id=name.decode(), alert=_DECODE(row[b"alert"]), raised=row[b"raised"] == b"1")
            for name, row in rows
        ]

    async def posted(self, notice_id: str) -> None:
        """Take a notice that was posted out of the outbox."""
        await self._redis.xdel(self._outbox, notice_id)

    async def _run(self, script: str, alert: Alert) -> bool:
        keys = (self._raised, self._outbox)
        done = await self._redis.eval(script, 2, *keys, alert.name, _ENCODE(alert), OUTBOX_LENGTH)
        return bool(done)


_DECODE = msgspec.json.Decoder(Alert).decode
_ENCODE = msgspec.json.Encoder().encode
