"""Locks in Redis that belong to one holder: extended while it lives, free soon after it dies.

A lock is a key with the holder's own token and a time to live. Only the holder of the token extends
or releases it. `Lock` is for asyncio and extends itself; `BlockingLock` is for rq-scheduler's loop.
"""

import asyncio
import contextlib
import secrets
import time
from types import TracebackType

from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g.clock import BOUND
from t5g.errors import T5GError
from t5g.heartbeat import process_name

TIME_TO_LIVE = 30.0
PATIENCE = 5.0
DIFFER = int(BOUND * 1000)

# Whoever holds it may ask again: the answer to the first question may have been lost. A lock that
# would end later than any holder asks for was taken while the clock of Redis was ahead.
# KEYS: lock. ARGV: token, milliseconds, milliseconds that clocks may differ.
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1]
   and redis.call('PTTL', KEYS[1]) <= tonumber(ARGV[2]) + tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: lock. ARGV: token, milliseconds.
_EXTEND = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""

# KEYS: lock. ARGV: token.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class LockLostError(T5GError):
    """The lock went to somebody else, or Redis could not be told that we still hold it."""

    status = 503


def new_token() -> str:
    """Make a token that names this process and is like no other."""
    return f"{process_name()}.{secrets.token_hex(8)}"


class Lock:
    """A lock for one task. Use as `async with lock:` after `await lock.acquire()` said True.

    While held it extends itself three times within its time to live. `held` turns False when it
    was lost; whoever does something that must not be done twice asks `check` right before.
    """

    def __init__(self, redis: Redis, key: str, *, time_to_live: float = TIME_TO_LIVE) -> None:
        self._redis = redis
        self._key = key
        self._token = new_token()
        self._time_to_live = time_to_live
        self._until = 0.0
        self._keeper: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    @property
    def held(self) -> bool:
        """Say whether the lock is ours for sure."""
        return time.monotonic() < self._until

    def check(self) -> None:
        """Raise LockLostError unless the lock is ours for sure."""
        if not self.held:
            raise LockLostError(f"lost the lock {self._key}; somebody else may be at work")

    async def acquire(self) -> bool:
        """Take the lock if it is free, and keep it; say whether it is ours now."""
        begun = time.monotonic()
        milliseconds = int(self._time_to_live * 1000)
        if not await self._redis.eval(_TAKE, 1, self._key, self._token, milliseconds, DIFFER):
            return False
        self._until = begun + self._time_to_live
        self._over.clear()
        self._keeper = asyncio.ensure_future(self._keep())
        return True

    async def release(self) -> None:
        """Give the lock back, unless it is somebody else's by now."""
        keeper, self._keeper = self._keeper, None
        self._over.set()
        self._until = 0.0
        if keeper is not None:
            await self._end(keeper)
        with contextlib.suppress(RedisError, OSError):  # then it ends by its time to live
            await self._redis.eval(_RELEASE, 1, self._key, self._token)

    async def __aenter__(self) -> "Lock":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.release()

    @staticmethod
    async def _end(keeper: asyncio.Task[None]) -> None:
        """Let the keeper end by itself.

        Cancelling it in the middle of a command is no way: the client of Redis may swallow that.
        """
        _, running = await asyncio.wait({keeper}, timeout=PATIENCE)
        for task in running:
            task.cancel()

    async def _keep(self) -> None:
        while self.held:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._time_to_live / 3)
            if self._over.is_set():
                return
            await self._extend()

    async def _extend(self) -> None:
        begun = time.monotonic()
        milliseconds = int(self._time_to_live * 1000)
        try:
            ours = await self._redis.eval(_EXTEND, 1, self._key, self._token, milliseconds)
        except (RedisError, OSError):
            return  # ours until its time is over; Redis may be back before
        self._until = begun + self._time_to_live if ours and not self._over.is_set() else 0.0


class BlockingLock:
    """The same lock without asyncio: extended by whoever holds it, at each turn of its loop.

    With the `token` of an earlier one it is the same holder: what a process could not give back
    while Redis was away is still its own afterwards.
    """

    def __init__(self, redis: SyncRedis, key: str, *, time_to_live: float, token: str = "") -> None:
        self._redis = redis
        self._key = key
        self._token = token or new_token()
        self._milliseconds = int(time_to_live * 1000)

    def acquire(self) -> bool:
        """Take the lock, or extend it if it is ours; say whether it is ours now."""
        return bool(self._redis.eval(_TAKE, 1, self._key, self._token, self._milliseconds, DIFFER))

    def release(self) -> bool:
        """Give the lock back, unless it is somebody else's by now; say whether it was ours."""
        return bool(self._redis.eval(_RELEASE, 1, self._key, self._token))


async def holder(redis: Redis, key: str) -> str:
    """Return the process that holds a lock (host and process id), or ""."""
    raw = await redis.get(key)
    return raw.decode().rpartition(".")[0] if isinstance(raw, bytes) else ""
