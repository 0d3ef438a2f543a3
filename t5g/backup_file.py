"""The file of a backup: gzip of lines of JSON, checked as a whole. It knows no Redis.

A header (format, version, schema, when), a part of a key in each line, and an end with the number
of lines and a checksum over all before it. Keys stand without the prefix of their installation; a
text that is no UTF-8 stands as `{"b64": …}`; times to live as the moment they end.
"""

import base64
import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

from t5g import __version__
from t5g.errors import T5GError
from t5g.key_owners import Fate, owner_of
from t5g.schema import VERSION as SCHEMA

FORMAT = "t5g-backup"
VERSION = 1
#: Longest line that is read: a batch of our values is far smaller.
LONGEST_LINE = 64 * 1024 * 1024
TYPES = frozenset({"string", "hash", "set", "zset", "list", "stream"})

Text = str | dict[str, str]
T = TypeVar("T")


class BackupError(T5GError):
    """The file can not be used; the text says why. Nothing was changed."""

    status = 400


class Header(Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str
    version: int
    schema: int
    made: str
    program: str


class Part(Struct, frozen=True, kw_only=True):
    """A key, or some of its members. `until`: milliseconds since the epoch, 0: it stays."""

    key: str
    type: str
    until: int = 0
    value: list[Any]


class End(Struct, frozen=True, kw_only=True):
    """The last line. `sha256` is of all lines before it, as they stand in the file."""

    lines: int
    sha256: str


class Contents(Struct, frozen=True, kw_only=True):
    """What a file holds: its header, and how many members of which key."""

    header: Header
    keys: Mapping[str, int]


async def write_file(path: Path, parts: AsyncIterator[Part]) -> Contents:
    """Write a file (mode 0600), which appears whole or not at all."""
    header = Header(
        format=FORMAT, version=VERSION, schema=SCHEMA, program=__version__,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as raw:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb") as file:
                counts = await _fill(file, header, parts)
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(name, path)  # noqa: PTH105  (one step, also where it exists)
    except BaseException:
        os.unlink(name)  # noqa: PTH108  (of the same kind as the line above)
        raise
    return Contents(header=header, keys=counts)


async def _fill(file: gzip.GzipFile, header: Header, parts: AsyncIterator[Part]) -> dict[str, int]:
    """Write all lines; return how many members of which key."""
    counts: dict[str, int] = {}
    digest, lines = hashlib.sha256(), 0

    def write(line: bytes) -> None:
        digest.update(line)
        file.write(line)

    write(msgspec.json.encode(header) + b"\n")
    async for part in parts:
        counts[part.key] = counts.get(part.key, 0) + len(part.value)
        write(msgspec.json.encode(part) + b"\n")
        lines += 1
    file.write(msgspec.json.encode(End(lines=lines, sha256=digest.hexdigest())) + b"\n")
    return counts


def look(path: Path) -> Contents:
    """Read a whole file and check it. Raises BackupError."""
    counts: dict[str, int] = {}
    items = read_file(path)
    header = cast("Header", next(items))
    for item in items:
        part = cast("Part", item)
        counts[part.key] = counts.get(part.key, 0) + len(part.value)
    return Contents(header=header, keys=counts)


def read_file(path: Path) -> Iterator[Header | Part]:
    """Yield the header and each part. Raises BackupError, at the latest when the end is reached."""
    try:
        with gzip.open(path, "rb") as file:
            yield from _lines(path, file)
    except FileNotFoundError:
        raise BackupError(f"{path} is not there.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise BackupError(f"{path} is damaged, or no backup: {type(error).__name__}.") from None


def _lines(path: Path, file: gzip.GzipFile) -> Iterator[Header | Part]:
    digest, count = hashlib.sha256(), 0
    line = file.readline(LONGEST_LINE)
    yield _header(path, line)
    digest.update(line)
    while line := file.readline(LONGEST_LINE):
        if line.startswith(b'{"lines"'):
            end = _decoded(path, line, End)
            if (end.lines, end.sha256) != (count, digest.hexdigest()) or file.read(1):
                raise BackupError(f"{path} is damaged: its checksum does not fit.")
            return
        yield _part(path, line)
        digest.update(line)
        count += 1
    raise BackupError(f"{path} is cut off: its end is missing.")


def _header(path: Path, line: bytes) -> Header:
    header = _decoded(path, line, Header)
    if header.format != FORMAT:
        raise BackupError(f"{path} is no backup of this program.")
    if header.version > VERSION or header.schema > SCHEMA:
        raise BackupError(
            f"{path} was written by release {header.program}, which is newer than this one "
            f"({__version__}): read it with that release."
        )
    return header


def _part(path: Path, line: bytes) -> Part:
    part = _decoded(path, line, Part)
    owned = owner_of(part.key)
    if owned is None or owned.fate is not Fate.KEPT:
        raise BackupError(f"{path} holds {part.key[:80]!r}, which belongs in no backup.")
    if part.type not in TYPES:
        raise BackupError(f"{path}: {part.key[:80]!r} is of a type that no backup has.")
    return part


def _decoded(path: Path, line: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupError(f"{path} is damaged, or no backup: {error}.") from None


def to_text(raw: bytes) -> Text:
    """Return bytes as they stand in the file."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(raw).decode()}


def to_bytes(text: Text) -> bytes:
    """Return what stood in Redis."""
    return text.encode() if isinstance(text, str) else base64.b64decode(text["b64"])
