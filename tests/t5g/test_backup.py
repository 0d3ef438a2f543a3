"""A backup holds what can not be rebuilt, comes back whole, and never half."""

import gzip
import json
import os
import stat
from pathlib import Path

import pytest
from redis.asyncio import Redis

from t5g import backup
from t5g.audit import Audit, AuditEntry, Outcome
from t5g.backup import export, restore
from t5g.backup_file import BackupError, look
from t5g.errors import RefusedError
from t5g.key_owners import OWNED, Fate, owner_of, strangers
from t5g.keys import Keys
from t5g.schema import SchemaError
from tests import wall_clock

KEYS = Keys()
OTHER = Keys("other:")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t5g.backup"


@pytest.fixture
async def filled(redis: Redis) -> Redis:
    """One key of every type that belongs in a backup, and some that do not."""
    await redis.hset("t5g:statistics", mapping={"2026-11-23": "{}", "2026-11-24": '{"ü":1}'})
    await redis.sadd("t5g:cards:proposed", "T5G-1", "T5G-2")
    await redis.rpush("t5g:slack:shares:01234567", "one", "two", b"\xff\x00")
    await redis.expire("t5g:slack:shares:01234567", 3600)
    await redis.set("t5g:slack:once:digest:C1:2026-11-24", "1", ex=3600)
    await redis.hset("t5g:tokens", "abc", '{"hash":"only"}')
    audit = Audit(redis, KEYS)
    await audit.record(*(AuditEntry(who="U1", action=f"a{n}", outcome=Outcome.DONE)
                         for n in range(2_500)))  # fmt: skip
    await redis.hset("t5g:case:01234567", "portal", "{}")
    await redis.set("t5g:session:abc", "{}", ex=60)
    return redis


async def everything(redis: Redis, prefix: str = "t5g:") -> dict[str, object]:
    """What stands under the keys of a backup."""
    found: dict[str, object] = {}
    async for raw in redis.scan_iter(match=f"{prefix}*"):
        key = raw.decode().removeprefix(prefix)
        owned = owner_of(key)
        if owned is None or owned.fate is not Fate.KEPT:
            continue
        match await redis.type(raw):
            case b"hash":
                found[key] = await redis.hgetall(raw)
            case b"set":
                found[key] = await redis.smembers(raw)
            case b"list":
                found[key] = await redis.lrange(raw, 0, -1)
            case b"zset":
                found[key] = await redis.zrange(raw, 0, -1, withscores=True)
            case b"stream":
                found[key] = await redis.xrange(raw)
            case _:
                found[key] = await redis.get(raw)
    return found


async def test_everything_comes_back_into_an_empty_redis(filled: Redis, path: Path) -> None:
    before = await everything(filled)
    contents = await export(filled, KEYS, path)
    assert contents.keys["audit"] == 2_500
    assert set(contents.keys) == set(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await filled.flushall()
    restored = await restore(filled, KEYS, path)
    assert restored == contents
    assert await everything(filled) == before
    assert 3_500 < await filled.ttl("t5g:slack:shares:01234567") <= 3_600
    assert await filled.ttl("t5g:statistics") == -1
    assert await filled.get("t5g:schema") == b"1"
    assert [found async for found in strangers(filled, KEYS)] == []


async def test_it_comes_back_under_another_prefix(filled: Redis, path: Path) -> None:
    before = await everything(filled)
    await export(filled, KEYS, path)
    await restore(filled, OTHER, path)
    assert await everything(filled, "other:") == before


async def test_what_ended_meanwhile_does_not_come_back(
    filled: Redis, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await export(filled, KEYS, path)
    await filled.flushall()
    later = wall_clock.seconds() + 7_200
    with monkeypatch.context() as clock:
        clock.setattr(backup.time, "time", lambda: later)
        await restore(filled, KEYS, path)
    assert not await filled.exists("t5g:slack:shares:01234567")
    assert await filled.exists("t5g:statistics")


async def test_what_is_there_is_not_overwritten_unless_told(filled: Redis, path: Path) -> None:
    await export(filled, KEYS, path)
    await filled.hset("t5g:statistics", "2026-11-25", "newer")
    await filled.hset("t5g:slack:watches", "w", "later")
    with pytest.raises(RefusedError, match="--replace"):
        await restore(filled, KEYS, path)
    assert await filled.hget("t5g:statistics", "2026-11-25") == b"newer"
    await restore(filled, KEYS, path, replace=True)
    assert not await filled.hexists("t5g:statistics", "2026-11-25")
    assert not await filled.exists("t5g:slack:watches")
    assert await filled.exists("t5g:case:01234567")


async def test_an_import_that_dies_in_the_middle_has_changed_nothing(
    filled: Redis, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await export(filled, KEYS, path)
    await filled.flushall()
    real, calls = backup._write, 0

    async def dying(*args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionError("killed")
        await real(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(backup, "_write", dying)
        with pytest.raises(ConnectionError):
            await restore(filled, KEYS, path)
    assert await everything(filled) == {}
    aside = [raw async for raw in filled.scan_iter(match="t5g:import:*")]
    assert aside
    assert all([await filled.ttl(raw) > 0 for raw in aside])
    await restore(filled, KEYS, path)
    assert await filled.exists("t5g:statistics")


@pytest.fixture
async def lines(filled: Redis, path: Path) -> list[bytes]:
    """The lines of a good file, the target empty."""
    await export(filled, KEYS, path)
    await filled.flushall()
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def with_header(lines: list[bytes], **facts: object) -> list[bytes]:
    return [json.dumps({**json.loads(lines[0]), **facts}).encode() + b"\n", *lines[1:]]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: lines[:-1], "cut off"),
        (lambda lines: [*lines[:2], *lines[3:]], "checksum"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "checksum"),
        (lambda lines: [*lines, b"more"], "checksum"),
        (lambda lines: [b"no json\n", *lines[1:]], "damaged"),
        (lambda lines: [lines[0], b'{"key":"statistics"}\n', *lines[1:]], "damaged"),
        (lambda lines: [], "damaged"),
        (lambda lines: with_header(lines, format="other"), "no backup of this program"),
        (lambda lines: with_header(lines, version=99), "newer"),
        (lambda lines: with_header(lines, schema=99, program="9.9"), "release 9.9"),
        (
            lambda lines: [lines[0], b'{"key":"session:x","type":"string","value":["1"]}\n'],
            "belongs in no backup",
        ),
        (
            lambda lines: [lines[0], b'{"key":"../x","type":"string","value":["1"]}\n'],
            "belongs in no backup",
        ),
        (
            lambda lines: [lines[0], b'{"key":"audit","type":"module","value":["1"]}\n'],
            "of a type",
        ),
    ],
)
async def test_a_file_that_is_not_whole_changes_nothing(
    redis: Redis, path: Path, lines: list[bytes], spoil, said: str
) -> None:
    path.write_bytes(gzip.compress(b"".join(spoil(lines))))
    with pytest.raises(BackupError, match=said) as told:
        await restore(redis, KEYS, path)
    assert str(path) in str(told.value)
    assert [raw async for raw in redis.scan_iter()] == []


@pytest.mark.parametrize("cut", [1, 20, 200, -1, -9])
async def test_a_file_whose_bytes_are_cut_changes_nothing(
    redis: Redis, path: Path, lines: list[bytes], cut: int
) -> None:
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BackupError):
        await restore(redis, KEYS, path)
    assert [raw async for raw in redis.scan_iter()] == []


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="is not there"):
        look(tmp_path / "none")


async def test_an_export_that_fails_leaves_the_file_of_before(
    filled: Redis, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await export(filled, KEYS, path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            await export(filled, KEYS, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


async def test_data_of_a_newer_release_are_neither_written_nor_overwritten(
    filled: Redis, path: Path
) -> None:
    await export(filled, KEYS, path)
    await filled.set("t5g:schema", "99")
    with pytest.raises(SchemaError):
        await export(filled, KEYS, path)
    with pytest.raises(SchemaError):
        await restore(filled, KEYS, path, replace=True)


def test_the_documents_name_what_is_in_a_backup() -> None:
    text = (Path(__file__).parents[2] / "docs" / "backup.md").read_text()
    for owned in OWNED:
        if owned.fate is Fate.KEPT:
            assert f"`{owned.pattern}`" in text, owned.pattern


async def test_keys_of_any_size_come_back(redis: Redis, path: Path) -> None:
    """More members than are read at once, in each type that may hold them."""
    most = backup.BATCH * 2 + 1
    await redis.hset("t5g:statistics", mapping={str(n): "{}" for n in range(most)})
    await redis.sadd("t5g:cards:proposed", *(f"T5G-{n}" for n in range(most)))
    await redis.rpush("t5g:slack:shares:01234567", *map(str, range(most)))
    await redis.zadd("t5g:slack:shares:07654321", {str(n): n / 2 for n in range(most)})
    before = await everything(redis)
    await export(redis, KEYS, path)
    await redis.flushall()
    await restore(redis, KEYS, path)
    assert await everything(redis) == before


async def test_a_kind_of_key_that_no_backup_knows_is_said(redis: Redis) -> None:
    with pytest.raises(BackupError, match="t5g:x is a ReJSON-RL"):
        [part async for part in backup._values(redis, "t5g:x", "ReJSON-RL")]
    assert [part async for part in backup._values(redis, "t5g:x", "none")] == []
    assert [part async for part in backup._values(redis, "t5g:x", "string")] == []
