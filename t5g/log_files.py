"""A log file that is rotated by size, also while several processes write to it.

The package's own rotating handler belongs to one process. Here each line is written under a lock of
the file, and whoever finds that somebody else rotated it opens the new one. Lines name people and
what they look for: only the owner may read them.
"""

import fcntl
import glob
import logging
import os
import stat
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO


def owner_only(path: str | Path, flags: int) -> int:
    """Open a file, an older one too, so that only its owner may read it (an `opener` of `open`).

    What is no file (a pipe, a terminal), or somebody else's, keeps its mode.
    """
    handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
    found = os.fstat(handle).st_mode
    if stat.S_ISREG(found) and stat.S_IMODE(found) & 0o077:
        with suppress(PermissionError):
            os.fchmod(handle, 0o600)
    return handle


class SharedRotatingFile(RotatingFileHandler):
    """Writes lines to one file of several processes; `.1` is the newest of the rotated ones."""

    def __init__(self, path: Path, *, most_bytes: int, keep: int) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for rotated in path.parent.glob(f"{glob.escape(path.name)}.[0-9]*"):
            with suppress(PermissionError, FileNotFoundError):
                rotated.chmod(0o600)
        self._lock_path = path.with_name(f".{path.name}.lock")
        self._locked: IO[bytes] | None = None
        self._owner = 0
        super().__init__(path, maxBytes=most_bytes, backupCount=keep, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(
            open(self.baseFilename, "ab", opener=owner_only),
            encoding=self.encoding,
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, rotating first if it would not fit."""
        try:
            fcntl.flock(self._door(), fcntl.LOCK_EX)
        except OSError:
            self.handleError(record)
            return
        try:
            self._look_again()
            super().emit(record)
        finally:
            fcntl.flock(self._door(), fcntl.LOCK_UN)

    def _door(self) -> IO[bytes]:
        """The lock's file; a fork opens its own, for a lock belongs to whoever opened it."""
        if self._locked is None or self._owner != os.getpid():
            self._locked = open(self._lock_path, "ab", opener=owner_only)  # noqa: SIM115
            self._owner = os.getpid()
        return self._locked

    def _look_again(self) -> None:
        """Open the file anew if it is not the one under that name any more."""
        if self.stream is None:
            return
        try:
            same = os.path.samestat(
                os.stat(self.baseFilename),  # noqa: PTH116 (asked for each line)
                os.fstat(self.stream.fileno()),
            )
        except OSError:
            same = False
        if not same:
            self.stream.close()
            self.stream = None

    def close(self) -> None:
        """Close the file and its lock."""
        super().close()
        if self._locked is not None:
            self._locked.close()
            self._locked = None
