"""Opens the clients of Redis: one for the store (asyncio), one for RQ (raw and blocking)."""

from typing import Any

import hiredis
from redis import Redis as SyncRedis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from t5g.errors import SettingsError
from t5g.keys import Keys
from t5g.sentinel import open_blocking_master, open_master, parse_sentinels
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import SyncRecords

TRIES = 2
CONNECTIONS = 64
#: Seconds that a command waits for a connection when all are in use.
WAIT = 5
#: What a connection says of itself; else the version is read from the package for each anew.
DRIVER = DriverInfo()


class _Packing:
    """Packs commands in C, as Redis' blocking client does by itself; its asyncio client does not.

    A command of many arguments, which writes many cases, is packed twenty times faster.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        """Turn a command into what is sent; whatever is unusual is left to the client."""
        if memoryview not in map(type, args):
            try:
                return [hiredis.pack_command((*args[0].split(), *args[1:]))]
            except TypeError:
                pass
        return super().pack_command(*args)  # type: ignore[misc, no-any-return]


def _with_packing(redis: Redis) -> Redis:
    pool = redis.connection_pool
    kind = pool.connection_class
    pool.connection_class = type(f"Packing{kind.__name__}", (_Packing, kind), {})
    return redis


def open_redis(url: str) -> Redis:
    """Open the client of the store. It fails within seconds when Redis is gone.

    `url`: `redis://`, `rediss://` (TLS), `unix://`, or Sentinels (`t5g.sentinel`). Repeating a
    command after a time-out is safe here: every write is a compare-and-set. When all connections
    are in use, the next command waits for one. Raises SettingsError for an address that is none.
    """
    options: dict[str, Any] = {
        "socket_timeout": 3,
        "socket_connect_timeout": 2,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.3), TRIES),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
        "health_check_interval": 30,
        "driver_info": DRIVER,
    }
    if watched := parse_sentinels(url):
        return _with_packing(open_master(watched, **options))
    try:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS, timeout=WAIT, **options
        )
    except ValueError as error:
        raise _no_address(url, error) from None
    return _with_packing(Redis.from_pool(pool))


def open_queue_redis(url: str) -> SyncRedis:
    """Open the raw client that RQ and rq-scheduler need: bytes, and no time limit on blocking."""
    options: dict[str, Any] = {
        "socket_timeout": None,
        "socket_connect_timeout": 5,
        "driver_info": DRIVER,
    }
    if watched := parse_sentinels(url):
        return open_blocking_master(watched, **options)
    try:
        return SyncRedis.from_url(url, **options)
    except ValueError as error:
        raise _no_address(url, error) from None


def _no_address(url: str, error: ValueError) -> SettingsError:
    if not url:
        return SettingsError([
            "T5G_REDIS_URL is missing: the Redis that the other processes work with, such as"
            " redis://localhost:6379/0. Where `t5g up` or `t5g demo` runs, commands find theirs"
        ])  # fmt: skip
    return SettingsError([f"T5G_REDIS_URL is no address of a Redis: {error}"])


def open_store(settings: Settings, redis: Redis) -> Store:
    """Make the store of this installation on an open client."""
    return Store(redis, Keys(settings.redis_prefix), feed_length=settings.feed_length)


def open_syncs(settings: Settings, redis: Redis) -> SyncRecords:
    """Make the sync records of this installation on an open client."""
    return SyncRecords(redis, Keys(settings.redis_prefix))
