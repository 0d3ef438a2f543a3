"""What can not be rebuilt from the upstreams: out of Redis into one file, and back.

Which keys that is says `t5g.key_owners`. Reading back checks the whole file before anything is
written, writes aside, and then changes over in one step: all of it is there, or nothing.
"""

import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from t5g.backup_file import (
    BackupError,
    Contents,
    Part,
    look,
    read_file,
    to_bytes,
    to_text,
    write_file,
)
from t5g.errors import RefusedError
from t5g.key_owners import Fate, owner_of
from t5g.keys import Keys
from t5g.schema import VERSION as SCHEMA
from t5g.schema import check_version, schema_of

BATCH = 1_000
#: What was written aside by an import that died fades after so many seconds.
ASIDE_LASTS = 3_600


async def export(redis: Redis, keys: Keys, path: Path) -> Contents:
    """Write what can not be rebuilt into a file, which appears whole or not at all."""
    check_version(await schema_of(redis, keys))
    return await write_file(path, _parts(redis, keys))


async def restore(redis: Redis, keys: Keys, path: Path, *, replace: bool = False) -> Contents:
    """Read a file back. Raises BackupError, and RefusedError if Redis is not empty.

    `replace`: what is there goes, in the same step. Nothing may run on this Redis meanwhile.
    """
    found = look(path)
    check_version(await schema_of(redis, keys))
    present = [key async for key in _kept_keys(redis, keys)]
    if present and not replace:
        raise RefusedError(
            f"Redis holds {len(present)} such keys already ({', '.join(present[:5])} …). "
            "`--replace` puts the file in their place."
        )
    aside = keys.named("import", secrets.token_hex(6)) + ":"
    now = int(time.time() * 1000)
    ends: dict[str, int] = {}
    for item in read_file(path):
        if isinstance(item, Part) and (not item.until or item.until > now):
            await _write(redis, aside + item.key, item)
            ends[item.key] = item.until
    pipe = redis.pipeline(transaction=True)
    pipe.delete(*(keys.prefix + key for key in present), keys.named("import", "none"))
    for key, until in ends.items():
        pipe.rename(aside + key, keys.prefix + key)
        if until:
            pipe.pexpireat(keys.prefix + key, until)
        else:
            pipe.persist(keys.prefix + key)
    pipe.set(keys.named("schema"), str(SCHEMA))
    await pipe.execute()
    return found


async def _kept_keys(redis: Redis, keys: Keys) -> AsyncIterator[str]:
    """Yield the keys (without the prefix) that belong in a backup, each once."""
    seen: set[str] = set()
    async for raw in redis.scan_iter(count=BATCH):
        name = raw.decode(errors="replace")
        key = name.removeprefix(keys.prefix)
        if name == key or key in seen:
            continue
        owned = owner_of(key)
        if owned is not None and owned.fate is Fate.KEPT:
            seen.add(key)
            yield key


async def _parts(redis: Redis, keys: Keys) -> AsyncIterator[Part]:
    for key in sorted([key async for key in _kept_keys(redis, keys)]):
        name = keys.prefix + key
        pipe = redis.pipeline(transaction=False)
        pipe.type(name)
        pipe.pttl(name)
        kind, left = await pipe.execute()
        until = int(time.time() * 1000) + left if left >= 0 else 0
        async for value in _values(redis, name, kind.decode()):
            yield Part(key=key, type=kind.decode(), until=until, value=value)


async def _values(redis: Redis, name: str, kind: str) -> AsyncIterator[list[Any]]:
    """Yield the members of a key in batches."""
    client: Any = redis
    if kind == "string":
        raw = await client.get(name)
        if raw is not None:
            yield [to_text(raw)]
    elif kind == "list":
        at = 0
        while rows := await client.lrange(name, at, at + BATCH - 1):
            yield [to_text(row) for row in rows]
            at += len(rows)
    elif kind == "stream":
        after = "-"
        while rows := await client.xrange(name, min=after, count=BATCH):
            yield [[to_text(id), _pairs(fields.items())] for id, fields in rows]
            after = "(" + rows[-1][0].decode()
    elif kind in ("hash", "set", "zset"):
        async for batch in _scanned(client, name, kind):
            yield batch
    elif kind != "none":  # "none": it ended meanwhile
        raise BackupError(f"{name} is a {kind}, which no backup knows.")


async def _scanned(client: Any, name: str, kind: str) -> AsyncIterator[list[Any]]:
    """Yield the members of what has no order."""
    scan = {"hash": client.hscan_iter, "set": client.sscan_iter, "zset": client.zscan_iter}[kind]
    batch: list[Any] = []
    async for item in scan(name, count=BATCH):
        match kind:
            case "hash":
                batch.append([to_text(item[0]), to_text(item[1])])
            case "zset":
                batch.append([to_text(item[0]), item[1]])
            case _:
                batch.append(to_text(item))
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _pairs(items: Any) -> list[list[Any]]:
    return [[to_text(field), to_text(value)] for field, value in items]


async def _write(redis: Redis, name: str, part: Part) -> None:
    """Add the members of a part to a key."""
    pipe: Any = redis.pipeline(transaction=False)
    value = part.value
    match part.type:
        case "string":
            pipe.set(name, to_bytes(value[0]))
        case "hash":
            pipe.hset(name, mapping={to_bytes(field): to_bytes(one) for field, one in value})
        case "set":
            pipe.sadd(name, *map(to_bytes, value))
        case "zset":
            pipe.zadd(name, {to_bytes(member): score for member, score in value})
        case "list":
            pipe.rpush(name, *map(to_bytes, value))
        case "stream":
            for id, fields in value:
                pipe.xadd(name, {to_bytes(f): to_bytes(v) for f, v in fields}, id=to_bytes(id))
    pipe.expire(name, ASIDE_LASTS)
    await pipe.execute()
