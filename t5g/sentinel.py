"""Redis behind Sentinels: the way past one machine. The clients ask them who is the master now.

An address names the Sentinels, the service and the database, and as the user's part what the Redis
itself asks for: `redis+sentinel://:password@one:26379,two:26379,three:26379/t5g/0`. With
`rediss+sentinel://` both are spoken to by TLS; `?sentinel_password=…` is the Sentinels' own.
"""

from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.sentinel import Sentinel as SyncSentinel
from redis.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection

from t5g.errors import SettingsError

SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True}
PORT = 26379
EXAMPLE = "redis+sentinel://:password@one:26379,two:26379/t5g/0"


class Sentinels(Struct, frozen=True, kw_only=True):
    """Where the Sentinels are, and what they watch."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    options: dict[str, Any]
    sentinel_options: dict[str, Any]


def parse_sentinels(url: str) -> Sentinels | None:
    """Read such an address; None for one of another kind. Raises SettingsError."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        return None
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    service, _, database = parts.path.strip("/").partition("/")
    hosts = tuple(_place(place) for place in places.split(",") if place)
    if not hosts or not service or not (database or "0").isdigit():
        raise SettingsError([f"T5G_REDIS_URL: Sentinels are written like {EXAMPLE}"])
    tls = {"ssl": True} if SCHEMES[parts.scheme] else {}
    asked = parse_qs(parts.query)
    secret = {"password": asked["sentinel_password"][0]} if "sentinel_password" in asked else {}
    given = {"username": unquote(user), "password": unquote(password)}
    return Sentinels(
        hosts=hosts,
        service=unquote(service),
        options={**tls, **{k: v for k, v in given.items() if v}, "db": int(database or 0)},
        sentinel_options={**tls, **secret},
    )


def open_master(watched: Sentinels, **options: Any) -> Redis:
    """Open an asyncio client that follows the master."""
    timeouts = {name: options[name] for name in options if name.startswith("socket_")}
    sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]
        list(watched.hosts), sentinel_kwargs={**timeouts, **watched.sentinel_options}
    )
    return cast("Redis", sentinel.master_for(watched.service, **{**options, **watched.options}))


class _Cut:
    """Gives up a connection whose answer was not read to its end, as those without Sentinels do.

    Redis' client keeps it here: when a signal stops a worker in the middle of a wait, the answer
    of the wait would be read as that of the next command.
    """

    def read_response(self, *args: Any, disconnect_on_error: bool = True, **more: Any) -> Any:
        """Read one answer."""
        return super().read_response(  # type: ignore[misc]
            *args, disconnect_on_error=disconnect_on_error, **more
        )


class _Connection(_Cut, SentinelManagedConnection): ...  # type: ignore[misc]


class _SSLConnection(_Cut, SentinelManagedSSLConnection): ...  # type: ignore[misc]


def open_blocking_master(watched: Sentinels, **options: Any) -> SyncRedis:
    """Open a blocking client that follows the master."""
    waits = {"socket_timeout": 5, "socket_connect_timeout": 5}
    sentinel: Any = SyncSentinel(  # type: ignore[no-untyped-call]
        list(watched.hosts), sentinel_kwargs={**waits, **watched.sentinel_options}
    )
    tls = bool(watched.options.get("ssl"))
    kind = {"connection_class": _SSLConnection if tls else _Connection}
    found = sentinel.master_for(watched.service, **{**options, **watched.options, **kind})
    return cast("SyncRedis", found)


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    if port and not port.isdigit():
        raise SettingsError([f"T5G_REDIS_URL: {text!r} is no host and port"])
    return (host or text).strip("[]"), int(port or PORT)
