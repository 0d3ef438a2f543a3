"""A log file that is rotated by size, also while several processes write to it.

The package's own rotating handler belongs to one process. Here each line is written under a lock of
the file, and whoever finds that somebody else rotated it opens the new one.
"""

import fcntl
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO


class SharedRotatingFile(RotatingFileHandler):
    """Writes lines to one file of several processes; `.1` is the newest of the rotated ones."""

    def __init__(self, path: Path, *, most_bytes: int, keep: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_path = path.with_name(f".{path.name}.lock")
        self._locked: IO[bytes] | None = None
        self._owner = 0
        super().__init__(path, maxBytes=most_bytes, backupCount=keep, encoding="utf-8", delay=True)

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
            self._locked = self._lock_path.open("ab")
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
