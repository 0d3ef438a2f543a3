"""Alerts for operators: raised once, cleared once, kept until the bot has posted them.

An alert is a name that is either raised or not. Raising a raised one does nothing (unless it is to
be renewed and says something else), nor does clearing a clear one; each real change is an entry in
an outbox, which whoever posts empties. What an alert looks like in Slack is not known here.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from t5g.keys import Keys

OUTBOX_LENGTH = 1_000

# KEYS: hash of raised alerts, outbox. ARGV: name, the alert as JSON, outbox length, "1" to renew.
_RAISE = """
local had = redis.call('HGET', KEYS[1], ARGV[1])
if had and (ARGV[4] ~= '1' or cjson.decode(had).text == cjson.decode(ARGV[2]).text) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
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

    async def raise_(self, name: str, text: str, *, hint: str = "", renew: bool = False) -> bool:
        """Raise an alert; say whether it is told. `renew`: also if it only says something else."""
        alert = Alert(name=name, text=text, hint=hint, at=time.time())
        return await self._run(_RAISE, alert, "1" if renew else "0")

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

    async def _run(self, script: str, alert: Alert, *more: str) -> bool:
        keys = (self._raised, self._outbox)
        args: tuple[Any, ...] = (alert.name, _ENCODE(alert), OUTBOX_LENGTH, *more)
        return bool(await self._redis.eval(script, len(keys), *keys, *args))


_DECODE = msgspec.json.Decoder(Alert).decode
_ENCODE = msgspec.json.Encoder().encode
